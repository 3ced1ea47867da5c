"""Long films are read in windows: what was planted is found from few of them, wherever it lies."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.estimators.linear import LinearModel
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.film import moved
from genlock.lipsync.fusion import Fusion, FusionOptions
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.spread import PartsRead, Spread, SpreadOptions, Window, measure_spread

from .planted import talker
from .test_fusion import bent, estimators


def spread_over(film: Evidence, model: LinearModel) -> tuple[SyncMeasurement, PartsRead] | None:
    spread = Spread(film.start, film.end, SpreadOptions(120, least_windows=6, apart_seconds=50))

    def look(window: Window) -> list[Evidence]:
        return [cut(film, window.start, window.end)]

    return measure_spread(spread, look, lambda: Fusion(FusionOptions(), estimators(model)))


def test_a_constant_offset_needs_a_few_windows(model: LinearModel) -> None:
    film = talker(400, seed=31)
    assert film.mel is not None
    found = spread_over(replace(film, mel=film.mel.shifted("-0.118")), model)
    assert found is not None
    said, read = found
    assert said.estimate.offset_seconds == pytest.approx(0.118, abs=0.01)
    assert len(said.segments) == 1
    assert read.seconds < 140
    assert read.change_seconds < 120
    assert f"of 10 s of 400 s; another offset that lasts longer than {read.change_seconds:,.0f} s" in str(
        read
    )
    # Each window is a piece of its own, and has faces of its own.
    assert [(float(piece.end - piece.start)) for piece in said.pieces] == [10.0] * len(read.windows)
    assert len(said.faces) == len(read.windows)


@pytest.mark.parametrize("at", [151.3, 200.0])
def test_a_splice_is_closed_in_upon(model: LinearModel, at: float) -> None:
    film = talker(300, seed=32)
    assert film.mel is not None
    found = spread_over(bent(film, np.where(film.mel.centers < at, 0.0, -0.25)), model)
    assert found is not None
    said, read = found
    assert [s.offset_seconds for s in said.segments] == pytest.approx([0.0, -0.25], abs=0.02)
    assert float(said.segments[1].start) == pytest.approx(at, abs=0.5)
    assert read.seconds < 220


def test_a_splice_of_less_than_a_tenth_of_a_second_is_seen_between_windows(model: LinearModel) -> None:
    """Windows that are off by 80 ms were taken to say the same as the rest."""
    film = talker(300, seed=38)
    assert film.mel is not None
    centers = film.mel.centers
    found = spread_over(bent(film, np.where((centers < 100) | (centers > 147.5), -0.2, -0.28)), model)
    assert found is not None
    said, read = found
    assert [s.offset_seconds for s in said.segments] == pytest.approx([-0.2, -0.28, -0.2], abs=0.02)
    assert [float(s.start) for s in said.segments[1:]] == pytest.approx([100, 147.5], abs=2)
    # Of each part a minute is read, or all of it.
    for part in said.segments:
        seen = sum(
            float(min(w.end, part.end) - max(w.start, part.start))
            for w in read.windows
            if w.start < part.end and w.end > part.start
        )
        assert seen > min(60.0, float(part.end - part.start)) - 5


def test_windows_that_meet_within_a_frame_do_not_overlap(model: LinearModel) -> None:
    film = talker(300, seed=39)
    assert film.mel is not None
    late = bent(film, np.where(film.mel.centers < 151.3, 0.0, -0.25))
    spread = Spread(film.start, film.end, SpreadOptions(120, least_windows=6, apart_seconds=50))

    def look(window: Window) -> list[Evidence]:  # whole frames
        low, high = (
            max(film.start, window.start - Fraction(1, 50)),
            min(film.end, window.end + Fraction(1, 50)),
        )
        return [cut(late, low, high)]

    found = measure_spread(spread, look, lambda: Fusion(FusionOptions(), estimators(model)))
    assert found is not None
    assert [s.offset_seconds for s in found[0].segments] == pytest.approx([0.0, -0.25], abs=0.02)


def test_another_voice_in_a_part_is_found_and_told(model: LinearModel) -> None:
    film, other = talker(300, seed=33), talker(300, seed=233)
    assert film.mel is not None
    assert other.mel is not None
    away = (film.mel.centers > 120) & (film.mel.centers < 220)
    mixed = np.where(away[:, None], other.mel.values, film.mel.values)
    found = spread_over(replace(film, mel=replace(film.mel, values=mixed)), model)
    assert found is not None
    said, _ = found
    assert [s.offset_seconds is None for s in said.segments] == [False, True, False]
    assert [float(s.start) for s in said.segments[1:]] == pytest.approx([120, 220], abs=13)


def test_a_drift_is_read_from_windows_far_apart(model: LinearModel) -> None:
    film = talker(300, seed=34)
    assert film.mel is not None
    found = spread_over(replace(film, mel=moved(film.mel, 1 + Fraction(300, 10**6), Fraction(0))), model)
    assert found is not None
    assert found[0].drift_ppm == pytest.approx(-300, abs=45)
    assert len(found[0].segments) == 1


def test_an_offset_of_seconds_is_found_by_windows_too(model: LinearModel) -> None:
    film = talker(300, seed=35)
    assert film.mel is not None
    found = spread_over(replace(film, mel=film.mel.shifted(-5)), model)
    assert found is not None
    assert found[0].estimate.offset_seconds == pytest.approx(5, abs=0.02)
    assert found[1].seconds < 250


def test_what_windows_cannot_tell_is_read_as_a_whole(model: LinearModel) -> None:
    film, other = talker(200, seed=36), talker(200, seed=236)
    assert spread_over(replace(film, mel=other.mel), model) is None
    assert not Spread(Fraction(0), Fraction(250)).worth_it


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(OptionError, match="at least 10 s"):
        SpreadOptions(window_seconds=5)
    with pytest.raises(OptionError, match="at least 4 windows"):
        SpreadOptions(least_windows=3)


def test_windows_begin_where_reading_may() -> None:
    """Key frames ten seconds apart: from other places a third of what is decoded would be thrown away."""
    entries = [Fraction(10 * k + 2) for k in range(60)]
    spread = Spread(Fraction(0), Fraction(600), entries=entries)
    windows = spread.first()
    assert len(windows) == 10
    assert all(window.start in entries for window in windows[1:])
    assert all(after.start >= before.end for before, after in pairwise(windows))
    assert windows[0].start == 0
    assert windows[-1].end == 592
    between = spread._between(Fraction(100))
    assert between is not None
    assert between.start in entries
    assert (
        Spread(Fraction(0), Fraction(600), entries=[Fraction(30)]).first()
        == Spread(Fraction(0), Fraction(600)).first()
    )


@pytest.mark.parametrize("seed", range(40))
def test_windows_never_overlap_whatever_is_found_in_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spread = Spread(Fraction(0), Fraction(330), entries=[Fraction(10 * k + 2) for k in range(33)])
    spread.first()
    for _ in range(12):
        borders = [Fraction(f"{x:.3f}5") for x in [0, *np.sort(rng.uniform(5, 325, rng.integers(1, 4))), 329]]
        parts = [Segment(a, b, float(rng.normal(0, 0.2)), (-0.02, 0.02), 0.99) for a, b in pairwise(borders)]
        sure = Estimate(0.0, (-0.02, 0.02), 0.99, "lips")
        pieces = [Segment(w.start, w.end, 0.0, (-0.02, 0.02), 0.99) for w in spread.read]
        spread.next(SyncMeasurement(sure, Fraction(165), segments=tuple(parts), pieces=tuple(pieces)))
        assert all(after.start >= before.end for before, after in pairwise(spread.read))
