"""A model is packed to the bytes that the table states."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from safetensors.torch import load_file, save_file

from genlock.weights import require

TOOL = Path(__file__).parents[2] / "tools" / "pack_model.py"


def packed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, *words], capture_output=True, text=True, check=False)


def test_what_is_packed_is_what_the_table_says(tmp_path: Path) -> None:
    own, run = require("speech-nano"), tmp_path / "run"
    run.mkdir()
    weights = {name: value.float() for name, value in load_file(own / "model.safetensors").items()}
    save_file(weights, run / "model.safetensors")
    for name in ("config.json", "preprocessor_config.json"):
        (run / name).write_bytes((own / name).read_bytes())
    (run / "training.json").write_text("{}")
    done = packed(run, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = (own.parent / "table.toml").read_text()
    lines = [line for line in done.stdout.splitlines() if "sha256" in line]
    assert len(lines) == 3
    assert all(line.strip() in table for line in lines)
    assert not (tmp_path / "out/training.json").exists()


def test_what_cannot_be_packed(tmp_path: Path) -> None:
    assert packed(tmp_path, tmp_path / "out").returncode == 2
    weights = load_file(require("speech-nano") / "model.safetensors")
    name = next(iter(weights))
    save_file({name: weights[name].float() * 0 + 1e6}, tmp_path / "model.safetensors")
    done = packed(tmp_path, tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not fit half precision" in done.stderr
    assert not (tmp_path / "out").exists()
