"""Mistakes on the way from a corpus to a batch that are seen from a shell; each cost somebody a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from genlock.cli import main
from genlock.core import Grid, Track
from genlock.testing import example_video


def test_a_wrong_option_is_told_once_before_any_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every source went into quarantine for a typing error in the option, and the status was 0."""
    (tmp_path / "s").mkdir()
    for name in "ab":
        shutil.copy(example_video(), tmp_path / "s" / f"{name}.mp4")
    asked = [
        "prepare",
        str(tmp_path / "s"),
        "-o",
        str(tmp_path / "d"),
        "--outputs",
        "rgb:nomodule:net@25/64x64",
    ]
    assert main(asked) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert "nomodule" in shown.err
    assert not (tmp_path / "d").exists()


def test_a_grid_of_no_clock_in_particular_takes_that_of_the_track() -> None:
    """``track.on(Grid(25), "stack", count=4)`` ended in advice to make a Warp."""
    track = Track(np.arange(100, dtype=np.float32), Grid(100, clock="media:a#1"))
    stacked = track.on(Grid(25), "stack", count=4, min_cover=0)
    assert stacked.values.shape[1] == 4
    assert stacked.clock == "media:a#1"


def test_a_file_of_learnt_features_names_its_model_and_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A toy model was taken in silence, and files of two layers had equal headers."""
    headers = []
    for layer in ("0", "2"):
        folder = tmp_path / layer
        asked = ["features", str(example_video()), "--feature", "ssl", "--layer", layer, "-o", str(folder)]
        assert main(asked) == 0
        assert "speech-nano" in capsys.readouterr().out
        (made,) = folder.glob("ssl*.npz")
        headers.append(bytes(np.load(made)["header"]).decode())
    assert "speech-nano" in headers[0]
    assert "layer 0" in headers[0]
    assert "layer 2" in headers[1]
