"""What once went wrong in training."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("accelerate")

from genlock.core.errors import OptionError
from genlock.train.loop import train
from genlock.train.options import LoopOptions

spec = importlib.util.spec_from_file_location(
    "tiny_recipe_again", Path(__file__).resolve().parents[1] / "train" / "tiny.py"
)
assert spec is not None
assert spec.loader is not None
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)


def test_others_may_read_a_run(tmp_path: Path) -> None:
    """safetensors writes files that only their owner may read, whatever the umask says."""
    before = os.umask(0o022)
    try:
        train(tiny.Tiny(), LoopOptions(steps=2, save_every=1, evaluate_every=1), tmp_path / "run")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert [path.name for path in files if not path.stat().st_mode & stat.S_IROTH] == []


def test_a_run_goes_on_after_an_option_was_added(tmp_path: Path) -> None:
    """A new option, left at its default, made every run that was begun before it "another run"."""
    options = LoopOptions(steps=2, save_every=1, evaluate_every=1)
    train(tiny.Tiny(), options, tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    before = json.loads(record.read_text())
    del before["loop"]["beta2"]
    record.write_text(json.dumps(before))
    train(tiny.Tiny(), options, tmp_path / "run")
    record.write_text(json.dumps(before))
    with pytest.raises(OptionError, match=r"beta2 0\.98, not 0\.9"):
        train(tiny.Tiny(), replace(options, beta2=0.9), tmp_path / "run")
