"""``genlock train sync``: a model with its card, its parts apart, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.cli import main
from genlock.core.errors import InputError, OptionError
from genlock.lipsync.estimators.linear import LinearOptions, default_model, load_model
from genlock.train.lipsync.linear import train_on
from genlock.train.options import SyncTraining
from genlock.weights import registry

from .planted import talker


@pytest.mark.slow
def test_training_writes_a_model_and_its_card(tmp_path: Path) -> None:
    clips = [{f"clip{k}": talker(3, seed=k, noise=2.0) for k in range(36)[place::3]} for place in range(3)]
    parts = dict(zip(("train", "calibrate", "report"), clips, strict=True))
    training = SyncTraining(
        look=LinearOptions(components=4, speeds=2, pairs=3), trials=100, data="Planted talkers, CC0"
    )
    made = train_on(parts, tmp_path / "one", training)
    assert made.clips == {"train": 12, "calibrate": 12, "report": 12}
    assert made.figures is not None
    assert made.figures.right > 0.9
    model = load_model(made.path)
    assert model.calibration["sharpness"] > 0
    assert model.facts["figures"]["films"] == made.figures.films
    card = made.card.read_text()
    assert "Planted talkers, CC0" in card
    assert "seed 0" in card
    assert f"{made.figures.right:.1%}" in card
    backwards = {part: dict(reversed(found.items())) for part, found in parts.items()}
    again = train_on(backwards, tmp_path / "two", training)
    assert again.path.read_bytes() == made.path.read_bytes()


def test_too_little_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give more videos"):
        train_on(
            {"train": {"a": talker(3)}, "calibrate": {"b": talker(3, seed=1)}, "report": {}}, tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()
    with pytest.raises(OptionError, match="trials"):
        SyncTraining(trials=3)


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    assert "sync" in capsys.readouterr().out


def test_own_model_is_whole_and_says_what_it_is() -> None:
    assert registry.verify("lipsync-linear").state == "sound"
    model = default_model()
    assert model.facts["clips"] > 100
    assert len(model.facts["people"]) > 12
    assert "GRID" in model.facts["training"]["data"]
    folder = registry.require("lipsync-linear").parent
    assert "CC BY 4.0" in (folder / "MODEL_CARD.md").read_text()
