"""Subtitles on frames and shots: every border is a frame's, in files too, and those near a cut are the cut's."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from shutil import which

import numpy as np
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.grid import Cells, Grid, Ticks
from genlock.speech import Words, write_words
from genlock.speech.subtitles import Cue, find_rules, snapped

FILM = Grid("24000/1001", "1/50")
# Frames of a telephone: from 20 to 60 ms each.
UNEVEN = Ticks(np.cumsum(np.random.default_rng(3).integers(20, 60, 3000)), Fraction(1, 1000), 33)
COUNT = 2900


@st.composite
def rows(draw: st.DrawFn) -> list[Cue]:
    """Cues one after the other, some with no gap, some overlapping, at any millisecond."""
    cues, at = [], draw(st.integers(0, 2000))
    for _ in range(draw(st.integers(1, 8))):
        length = draw(st.integers(50, 4000))
        cues.append(Cue("Hi", Fraction(at, 1000), Fraction(at + length, 1000)))
        at += length + draw(st.integers(-500, 1500))
    return cues


@given(rows(), st.sampled_from([FILM, UNEVEN]), st.sampled_from(["plain", "netflix-en", "bbc"]))
def test_every_border_is_a_frames(cues: list[Cue], frames: Cells, profile: str) -> None:
    rules = find_rules(profile)
    cuts = [frames.edge(k) for k in range(40, COUNT, 53)]
    cues = sorted(cues, key=lambda cue: cue.start)
    edges = {frames.edge(k) for k in range(COUNT + 1)}
    made = snapped(cues, frames, COUNT, cuts, rules)
    assert [cue.text for cue in made] == [cue.text for cue in cues]
    for old, new in zip(cues, made, strict=True):
        assert {new.start, new.end} <= edges
        assert new.start < new.end
        assert abs(new.start - old.start) <= Fraction(6, 10) or old.start < frames.edge(0)
        assert new.start - old.start <= rules.cut_wait + Fraction(1, 15) or old.start < frames.edge(0)
    for (one, other), (old, following) in zip(pairwise(made), pairwise(cues), strict=True):
        if old.end <= following.start and other.start > one.start:
            assert one.end <= other.start


@pytest.mark.parametrize(
    ("profile", "start", "end", "expected"),
    [
        ("plain", "10.3", "13", ("10", "13")),  # comes after the cut
        ("plain", "9.8", "13", ("10", "13")),  # comes a little before it
        ("plain", "9.6", "13", ("9.6", "13")),  # said too long before it
        ("plain", "10.6", "13", ("10.6", "13")),  # too far behind it
        ("plain", "7", "10.3", ("7", "9.92")),  # lingers over it
        ("netflix-en", "7", "9.7", ("7", "9.92")),  # ends before it
        ("bbc", "7", "9.7", ("7", "10")),  # the same without a gap
        ("bbc", "7", "10.7", ("7", "10.72")),  # goes on behind it
    ],
)
def test_borders_near_a_cut_are_the_cuts(
    profile: str, start: str, end: str, expected: tuple[str, str]
) -> None:
    cue = Cue("Hi", Fraction(start), Fraction(end))
    (made,) = snapped([cue], Grid(25), 1000, [Fraction(10)], find_rules(profile))
    assert (made.start, made.end) == tuple(map(Fraction, expected))


def test_a_cue_is_not_made_too_short_for_a_cut() -> None:
    cue = Cue("Hi", Fraction("9.2"), Fraction("10.4"))
    (made,) = snapped([cue], Grid(25), 1000, [Fraction(10)], find_rules("bbc"))
    assert made.end == Fraction("10.4")


@pytest.mark.parametrize("frames", [FILM, UNEVEN], ids=["23.976", "uneven"])
def test_players_show_each_cue_with_its_first_frame(frames: Cells, tmp_path: Path) -> None:
    """A start rounded up by half a millisecond would come a frame late; files are read by others."""
    cues = [Cue(str(k), frames.edge(k), frames.edge(k + 25)) for k in range(3, 900, 31)]
    stamps = [frames.edge(k) for k in range(1000)]
    for ending in (".srt", ".vtt", ".ass"):
        path = tmp_path / f"a{ending}"
        write_words(Words(), path, shown=cues, on_frames=True)
        found = _read(path)
        for cue, (start, end) in zip(cues, found, strict=True):
            shown = [k for k, stamp in enumerate(stamps) if start <= stamp < end]
            assert stamps[shown[0]] == cue.start, ending
            assert stamps[shown[-1] + 1] == cue.end, ending


def _read(path: Path) -> list[tuple[Fraction, Fraction]]:
    """Times of subtitles as pysubs2 reads them, and ffmpeg if it is here, which says the same."""
    found = [(Fraction(e.start, 1000), Fraction(e.end, 1000)) for e in pysubs2.load(str(path))]
    if which("ffmpeg"):
        copy = path.with_name(f"{path.name}.srt")
        subprocess.run(["ffmpeg", "-v", "error", "-i", path, copy], check=True)
        assert [(Fraction(e.start, 1000), Fraction(e.end, 1000)) for e in pysubs2.load(str(copy))] == found
    return found
