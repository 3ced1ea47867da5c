"""``examples/vocoder.py`` of docs/write-a-recipe.md, really prepared for, trained, killed, and taken up again."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("accelerate")

from genlock.data.options import PrepareOptions
from genlock.tasks.prepare_dataset import prepare_dataset
from genlock.train.option_files import options_from

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vocoder.py"
spec = importlib.util.spec_from_file_location("vocoder_example", EXAMPLE)
assert spec is not None
assert spec.loader is not None
example = importlib.util.module_from_spec(spec)
sys.modules["vocoder_example"] = example
spec.loader.exec_module(example)


@pytest.fixture(scope="module")
def dataset(tone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings of tones, prepared."""
    target = tmp_path_factory.mktemp("vocoder") / "ds"
    prepare_dataset(tone_folder, target, PrepareOptions(recipe="speech", outputs="sound@16000"))
    return target


def figures(run: Path) -> list[dict[str, Any]]:
    """The log without the times of day."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("elapsed_seconds", "left_seconds")} for row in rows]


def test_the_example_learns_and_goes_on_to_the_bit(dataset: Path, tmp_path: Path) -> None:
    training = example.VocoderTraining(clips=4, adversary_begins=6)
    loop = replace(example.VOCODER.loop, steps=16, save_every=4, evaluate_every=8, threads=1)
    found = example.train_vocoder([str(dataset)], tmp_path / "whole", training, loop)
    assert set(found.figures) == {"mel_error"}
    whole = figures(tmp_path / "whole")
    assert "discriminator_loss" not in whole[5]
    assert {"discriminator_loss", "discriminator_told_apart", "generator_mel"} <= set(whole[6])
    assert whole[0]["sound_seconds"] == 2.0
    assert whole[-1]["generator_mel"] < 0.8 * whole[0]["generator_mel"]
    assert (tmp_path / "whole/model/generator.safetensors").is_file()

    def stop(stage: str, done: float, total: float | None) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        example.train_vocoder([str(dataset)], tmp_path / "run", training, loop, stop)
    example.train_vocoder([str(dataset)], tmp_path / "run", training, replace(loop, workers=2))
    assert figures(tmp_path / "run") == whole


def test_its_options_are_flags() -> None:
    training, loop = options_from({"clips": 3, "ema": 0.5}, example.VOCODER.training, example.VOCODER.loop)
    assert (training.clips, loop.ema, loop.steps) == (3, 0.5, 2000)
