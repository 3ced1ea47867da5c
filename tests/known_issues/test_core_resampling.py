"""Bugs of the first core, each found by the brute-force reference: Track.on, Warp and Spans."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core import Grid, Span, Spans, Track, Warp
from genlock.core.errors import OptionError


def test_a_mean_across_a_splice_took_in_what_the_splice_skips() -> None:
    """Source 1...11 s is cut out; the cell around the cut must not average ten seconds of it."""
    track = Track(np.r_[np.zeros(10), np.full(100, 9.0), np.zeros(10)], Grid(10))
    got = track.on(Grid(10, "0.05"), "mean", length=18, warp=Warp([(0, 0), (1, 1), (11, 1)]))
    assert not got.values.any()
    assert got.valid.all()


def test_a_mean_half_in_a_gap_counted_as_covered() -> None:
    """Target 1...2 s has no source: a cell that reaches into it by 45 % is covered by 55 %."""
    track = Track(np.ones(30), Grid(10))
    warp = Warp([(0, 0), (1, 1), (1, 2)])
    for cover, valid in (("0.5", True), ("0.6", False)):
        got = track.on(Grid(1, "0.45"), "mean", length=1, min_cover=cover, warp=warp)
        assert got.valid.tolist() == [valid]


def test_a_neighbour_of_weight_zero_spread_its_nan() -> None:
    track = Track(np.array([0.0, np.inf, 2.0, 3.0]), Grid(1))
    assert track.on(Grid(1), length=2).values.tolist() == [0.0, np.inf]


def test_a_stack_outside_the_track_showed_values() -> None:
    got = Track(np.ones(3), Grid(1)).on(Grid(1, -2), "stack", count=3)
    assert not got.values[~got.valid].any()


def test_the_length_ran_on_into_a_gap_behind_the_end() -> None:
    assert len(Track(np.zeros(5), Grid(1)).on(Grid(1), warp=Warp([(0, 0), (5, 5), (5, 500)]))) == 5


def test_the_support_after_sampling_was_too_short() -> None:
    """A sample may lie almost a whole source cell away from a centre that it reads, on either side."""
    track = Track(np.array([0.0, 10.0]), Grid(1))
    got = track.on(Grid(1, "0.9"), length=1)  # its centre, 1.4 s, lies 0.9 s after the first centre
    assert got.values[0] == pytest.approx(9.0)
    assert got.support >= 2 * 0.9


def test_a_track_of_text_was_accepted() -> None:
    with pytest.raises(OptionError):
        Track(np.array(["bin", "blue"]), Grid(25))


def test_a_nan_instant_was_mapped() -> None:
    with pytest.raises(OptionError):
        Warp.shift(1).map([float("nan")])


def test_an_event_in_what_a_splice_skips_was_kept() -> None:
    warp = Warp([(0, 0), (1, 1), (3, 1)])
    assert len(Spans([Span(2, 2, "click")]).warped(warp)) == 0


def test_a_span_that_starts_in_a_hold_reached_into_the_gap_behind_it() -> None:
    (moved,) = Spans([Span("1.5", 3)]).warped(Warp([(0, 0), (1, 1), (2, 1), (2, 5)]))
    assert (moved.start, moved.end) == (5, 6)


def test_a_map_that_ends_in_a_hold_had_two_names() -> None:
    """An empty gap at the very end made equal maps unequal."""
    assert Warp([(0, 0), (1, 1), (2, 1)], None, None) == Warp([(0, 0), (1, 1)], None, None)
