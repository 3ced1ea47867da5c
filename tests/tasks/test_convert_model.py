"""``genlock models convert``: checkpoints of the public forms become folders of ours, or nothing at all."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from genlock.cli import main
from genlock.models.avhubert.load import load_avhubert
from genlock.models.avhubert.recognizer import load_avsr

_HELPER = Path(__file__).parents[1] / "models" / "avhubert" / "public_forms.py"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("public_forms", _HELPER)
    assert spec is not None
    assert spec.loader is not None
    forms: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(forms)
    file = tmp_path_factory.mktemp("public") / "large_vox_433h.pt"
    forms.write("finetuned", "tiny", file)
    return file


def test_a_checkpoint_becomes_a_folder_with_a_card(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mine"
    for _ in range(2):  # what an earlier conversion made is replaced
        assert main(["models", "convert", str(checkpoint), "-o", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["form"] == "finetuned"
    assert "last_optimizer_state" in said["notes"][0]
    assert sorted(p.name for p in target.iterdir()) == ["MODEL_CARD.md", "config.json", "model.safetensors"]
    card = (target / "MODEL_CARD.md").read_text()
    assert said["sha256"] in card
    assert "large_vox_433h.pt" in card
    assert "30 tokens" in card
    theirs, ours = load_avhubert(checkpoint).model, load_avsr(target)
    assert ours.tokens == theirs.tokens
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor)


def test_what_cannot_be_converted_leaves_nothing(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.pt").write_bytes(checkpoint.read_bytes()[:100_000])
    own = tmp_path / "own"
    own.mkdir()
    (own / "notes.txt").write_text("mine")
    for words, said in (
        ([str(tmp_path / "cut.pt"), "-o", str(tmp_path / "new")], "damaged or cut short"),
        ([str(tmp_path / "none.pt"), "-o", str(tmp_path / "new")], "neither a file"),
        ([str(checkpoint)], "-o DIR"),
        ([str(checkpoint), "-o", str(checkpoint.parent)], "holds what is converted"),
        ([str(checkpoint), "-o", str(own)], "is not a result of genlock"),
        ([str(checkpoint), str(checkpoint), "-o", str(tmp_path / "new")], "one checkpoint, not 2"),
    ):
        assert main(["models", "convert", *words]) == 2
        assert said in capsys.readouterr().err
    assert main(["models", "list", "-o", "x"]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.pt", "own"]
    assert [p.name for p in own.iterdir()] == ["notes.txt"]
