"""Exact events over a whole film: what repeats, what drifts, what jumps, and what lies far off."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.core.grid import Grid
from genlock.core.spans import Span, Spans
from genlock.lipsync.estimators.base import Cue
from genlock.lipsync.estimators.flashbeep import FlashBeep, pair_events
from genlock.lipsync.events import Event, of_events

from .planted import talker

FRAME = Fraction(1, 25)


def flashes_with_beeps(at: list[float], offset: float, seconds: float) -> tuple[Spans, Spans]:
    """Flashes on the edges of frames, beeps ``offset`` earlier: those that lie within the film."""
    seen = [Grid(25).edge(round(instant * 25)) for instant in at]
    heard = [float(instant) - offset for instant in seen]
    return (
        Spans([Span(instant, instant + 2 * FRAME) for instant in seen], "media"),
        Spans([Span(x, x + 0.05) for x in heard if 0 <= x <= seconds - 0.05], "media"),
    )


def cue(offset: float, at: float, others: tuple[float, ...] = (), drift: float | None = None) -> Cue:
    return Cue(
        "flash-beep", None, None, "one by one", offset, (offset - 0.001, offset + 0.001), at, drift, others
    )


def events(offsets: list[float], others: tuple[float, ...] = ()) -> list[Event]:
    return [
        Event(Fraction(60 * k), Fraction(60 * k + 60), cue(offset, 60 * k + 30, others))
        for k, offset in enumerate(offsets)
    ]


@pytest.mark.parametrize(("period", "late"), [(1.0, 0.7), (2.0, 1.3)])
def test_what_repeats_cannot_be_told_apart_and_is_said(period: float, late: float) -> None:
    flashes, beeps = flashes_with_beeps([period * k for k in range(int(20 / period))], -late, 20)
    pairs = pair_events(flashes, beeps, Grid(25))
    assert pairs is not None
    both = {round(offset, 3) for offset in (pairs.offset_seconds, *pairs.others)}
    assert {-late, round(period - late, 3)} <= both
    said = of_events(
        [Event(Fraction(0), Fraction(20), cue(pairs.offset_seconds, 10, pairs.others))], "flash-beep"
    )
    assert said.estimate.probability is not None
    assert said.estimate.probability < 0.9
    assert "repeats itself" in said.estimate.reason


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(8, 60), min_size=6, max_size=30), st.floats(-1.5, 1.5))
def test_what_does_not_repeat_has_one_offset(gaps: list[int], offset: float) -> None:
    """Two gaps in a row that are the same as two others may match; three do so by accident only."""
    if len({tuple(gaps[k : k + 2]) for k in range(len(gaps) - 1)}) < len(gaps) - 1:
        return
    at = np.cumsum([50, *gaps]) / 25
    flashes, beeps = flashes_with_beeps(at.tolist(), offset, float(at[-1]) + 3)
    pairs = pair_events(flashes, beeps, Grid(25))
    assert pairs is not None
    assert pairs.offset_seconds == pytest.approx(offset, abs=1e-6)
    assert pairs.others == ()


def test_a_signal_seconds_out_of_step_is_found_by_its_many_pairs() -> None:
    at = np.cumsum([1.0, 1.4, 0.8, 2.2, 1.0, 1.8, 1.2, 0.6, 2.0, 1.4, 0.8]).tolist()
    flashes, beeps = flashes_with_beeps(at, -2.4, 25)
    film = replace(talker(25, seed=1), flashes=flashes, beeps=beeps)
    (found,) = FlashBeep().cues(film)
    assert found.offset_seconds == pytest.approx(-2.4, abs=1e-6)
    assert found.curve is not None
    assert found.curve.lags_seconds[0] < -2.4


@pytest.mark.parametrize("ppm", [-1000, 145, 1000])
def test_a_drift_is_one_line_and_no_staircase(ppm: int) -> None:
    said = of_events(events([0.12 + 1e-6 * ppm * (60 * k - 120) for k in range(5)]), "flash-beep")
    assert len(said.segments) == 1
    assert said.drift_ppm == pytest.approx(ppm)
    assert said.estimate.offset_seconds == pytest.approx(0.12)
    assert next(piece.offset_seconds for piece in said.pieces) == pytest.approx(0.12 - 120e-6 * ppm)


def test_a_jump_is_no_drift() -> None:
    said = of_events(events([0.0, 0.0, 0.08, 0.08, 0.08]), "flash-beep")
    assert [segment.offset_seconds for segment in said.segments] == [0.0, 0.08]
    assert "jumps" in said.notes[0]


def test_pieces_of_what_repeats_stay_on_one_repetition() -> None:
    found = [cue(0.3, 30, (-0.7,)), cue(-0.7, 90, (0.3,)), cue(0.3, 150, (-0.7,))]
    said = of_events(
        [Event(Fraction(60 * k), Fraction(60 * k + 60), x) for k, x in enumerate(found)], "flash-beep"
    )
    assert len(said.segments) == 1
    assert said.estimate.offset_seconds == pytest.approx(0.3)


def test_two_stretches_at_two_offsets_are_a_jump_and_no_drift() -> None:
    """Two films joined, 0 and 200 ms: told as a drift of 16,393 ppm, p .99, for two points are always on one line."""
    pieces = [
        Event(Fraction(0), Fraction(12), cue(0.0, 6.0, drift=0.0)),
        Event(Fraction(12), Fraction(24), cue(0.2, 18.0, drift=0.0)),
    ]
    said = of_events(pieces, "flash-beep")
    assert said.drift_ppm == 0
    assert [round(float(part.offset_seconds or 0.0), 3) for part in said.segments] == [0.0, 0.2]
    assert "jumps" in said.notes[0]
    drifting = [piece._replace(cue=replace(piece.cue, drift_ppm=0.2 / 12 * 1e6)) for piece in pieces]
    assert of_events(drifting, "flash-beep").drift_ppm == pytest.approx(0.2 / 12 * 1e6)
