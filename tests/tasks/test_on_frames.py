"""``genlock words --snap``: the cuts of a film are found, and its subtitles lie on them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import NoStream, OptionError
from genlock.media import Picture, Sound, encode, frame_cells, probe, read
from genlock.speech.subtitles import Cue, find_rules
from genlock.tasks.on_frames import SnapToPicture

from .conftest import Run


def test_cuts_are_found_and_cues_moved_to_them(tmp_path: Path) -> None:
    """A film of uneven frames with three shots; looked at in pieces, too."""
    path = tmp_path / "a.mkv"
    stamps = np.cumsum(np.random.default_rng(1).integers(20, 60, 1500)).tolist()
    shots = [np.full((48, 64, 3), level, np.uint8) for level in (20, 120, 220)]
    frames = [shots[0]] * 400 + [shots[1]] * 700 + [shots[2]] * 400
    encode(path, Picture(frames, pts=stamps, time_base="1/1000", codec="libx264"))
    snap = SnapToPicture("shots", probe(path))
    read(path, snap.consumers)
    cells, count = frame_cells(path)
    cuts = [cells.edge(400), cells.edge(1100)]
    near = [
        Cue("Hi", cuts[0] + Fraction(2, 10), cuts[0] + 4),
        Cue("Ho", cuts[1] - 3, cuts[1] + Fraction(1, 10)),
    ]
    made = snap.moved(near, cells, count, find_rules("bbc"))
    assert (made[0].start, made[1].end) == (cuts[0], cuts[1])
    only_frames = SnapToPicture("frames", probe(path)).moved(near, cells, count, find_rules("bbc"))
    assert only_frames[0].start != cuts[0]
    assert only_frames[0].start in {cells.edge(k) for k in range(count)}


def test_no_picture_is_said(genlock: Callable[..., Run], tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", sound=Sound(np.zeros(16000), 16000))
    run = genlock("words", tmp_path / "a.wav", "--snap", "shots", "-o", tmp_path / "a.srt")
    assert run.status == 2
    assert "no picture" in run.err
    assert not (tmp_path / "a.srt").exists()
    with pytest.raises(NoStream, match="no frames to go by"):
        SnapToPicture("frames", probe(tmp_path / "a.wav"))
    with pytest.raises(OptionError, match="unknown"):
        SnapToPicture("scenes", probe(tmp_path / "a.wav"))  # type: ignore[arg-type]
