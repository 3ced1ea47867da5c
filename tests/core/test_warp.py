"""Warps: inverse, composition, holds, jumps and ends, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genlock.core import Warp
from genlock.core.errors import ClockError, OptionError

from .strategies import rationals, warps

instants = rationals(-8, 20, 42)


def at(warp: Warp, instant: Fraction, side: str = "right") -> Fraction | None:
    try:
        return warp(instant, side=side)  # type: ignore[arg-type]
    except ClockError:
        return None


def composed(second: Warp, first: Warp) -> Warp | None:
    """None where no time passes through both."""
    try:
        return second @ first
    except ClockError:
        return None


@given(warps())
def test_the_inverse_of_the_inverse_is_the_map(warp: Warp) -> None:
    assert warp.inverse().inverse() == warp


@given(warps())
def test_equal_maps_are_equal_objects(warp: Warp) -> None:
    """However a map is written down: more knots on its lines, corners the other way round."""
    more = [k for pair in zip(warp.knots, warp.knots, strict=True) for k in pair]
    halves = [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(warp.knots, warp.knots[1:], strict=False)
    ]
    first, last = warp.knots[0], warp.knots[-1]
    if warp.before is not None:
        more.append((first[0] - 1, first[1] - warp.before))
    if warp.after is not None:
        more.append((last[0] + 2, last[1] + 2 * warp.after))
    assert Warp(sorted([*more, *halves]), warp.before, warp.after) == warp


def test_a_corner_is_stored_hold_first() -> None:
    hold_first = Warp([(0, 0), (1, 0), (1, 1)])
    assert hold_first == Warp([(0, 0), (0, 1), (1, 1)]) == hold_first.inverse()
    assert hold_first.knots == ((0, 0), (1, 0), (1, 1))


@given(warps(), warps())
def test_composition_is_one_map_after_the_other(second: Warp, first: Warp) -> None:
    both = composed(second, first)
    places = {x for w in (first, both) if w is not None for x, _ in w.knots}
    places |= {Fraction(n, 7) for n in range(-30, 80)}
    for where in places:
        middle = at(first, where)
        end = None if middle is None else at(second, middle)
        got = None if both is None else at(both, where)
        # Both valid: equal. Only on the last instant of a map that ends may one of them be missing.
        if got is not None and end is not None:
            assert got == end
        elif (got is None) != (end is None):
            assert both is None or on_an_end(where, both, first, second)


def on_an_end(where: Fraction, both: Warp, first: Warp, second: Warp) -> bool:
    """True on an instant that stands alone: nothing just after it is mapped by both."""
    middle = at(first, where)
    ends = {w.knots[-1][0] for w in (both, first) if w.after is None}
    return where in ends or middle is None or (second.after is None and middle == second.knots[-1][0])


@given(warps(), warps(), warps())
def test_composition_is_associative(third: Warp, second: Warp, first: Warp) -> None:
    left, right = composed(third, second), composed(second, first)
    left = left and composed(left, first)
    right = right and composed(third, right)
    assert left == right


@given(warps(), warps())
def test_the_inverse_of_a_composition(second: Warp, first: Warp) -> None:
    both = composed(second, first)
    back = composed(first.inverse(), second.inverse())
    assert (both and both.inverse()) == back


@given(warps())
def test_identity(warp: Warp) -> None:
    assume(composed(warp, Warp.identity()) is not None)
    assert warp @ Warp.identity() == warp == Warp.identity() @ warp


@given(warps())
def test_there_and_back_is_the_identity_where_nothing_is_lost(warp: Warp) -> None:
    gaps = [a[0] == b[0] or a[1] == b[1] for a, b in zip(warp.knots, warp.knots[1:], strict=False)]
    assume(not any(gaps))
    if warp.before is not None and warp.after is not None:
        assert (warp.inverse() @ warp).is_identity()
        assert (warp @ warp.inverse()).is_identity()
    elif len(warp.knots) > 1 or warp.before or warp.after:
        back = warp.inverse() @ warp
        assert all(x == y for x, y in back.knots)
        assert back.before in (1, None)
        assert back.after in (1, None)


@given(warps(), instants)
def test_there_and_back(warp: Warp, where: Fraction) -> None:
    there = at(warp, where)
    if there is not None and any(p.start is None or p.start < where for p in warp.pieces()):
        # From within a straight piece the way back leads to the same instant, on one of its sides.
        assert where in (at(warp.inverse(), there), at(warp.inverse(), there, "left"))


@given(warps(), instants, instants)
def test_monotone(warp: Warp, a: Fraction, b: Fraction) -> None:
    low, high = sorted((a, b))
    values = [at(warp, low, "left"), at(warp, low), at(warp, high, "left"), at(warp, high)]
    known = [v for v in (values if low < high else values[:2]) if v is not None]
    assert known == sorted(known)


@given(warps(), st.lists(instants, min_size=1, max_size=20), st.sampled_from(["left", "right"]))
def test_map_says_what_call_says(warp: Warp, where: list[Fraction], side: str) -> None:
    # Instants that have an exact float, and knots.
    times = [Fraction(round(w * 64), 64) for w in where] + [x for x, _ in warp.knots if float(x) == x]
    values, valid = warp.map([float(t) for t in times], side=side)  # type: ignore[arg-type]
    for time, value, ok in zip(times, values.tolist(), valid.tolist(), strict=True):
        exact_value = at(warp, time, side)
        near_a_knot = any(abs(x - time) < 1e-9 and float(x) != x for x, _ in warp.knots)
        assert ok == (exact_value is not None) or near_a_knot
        if ok and exact_value is not None and not near_a_knot:
            assert value == pytest.approx(float(exact_value), abs=1e-12)


def test_map_keeps_shapes_and_refuses_nan() -> None:
    values, valid = Warp.shift("0.5").map(np.zeros((2, 3)))
    assert values.shape == valid.shape == (2, 3)
    assert Warp.shift(1).map([])[0].shape == (0,)
    with pytest.raises(OptionError, match="NaN"):
        Warp.shift(1).map([np.nan])


def test_a_hold_is_skipped_and_a_jump_has_two_sides() -> None:
    """Source 1...3 s is cut out; the target has a gap of 2 s at source 5 s."""
    warp = Warp([(1, 1), (3, 1), (5, 3), (5, 5)])
    assert [at(warp, Fraction(t)) for t in (0, 1, 2, 3, 4, 5, 6)] == [0, None, None, 1, 2, 5, 6]
    assert [at(warp, Fraction(t), "left") for t in (0, 1, 2, 3, 4, 5, 6)] == [0, 1, None, None, 2, 3, 6]
    back = warp.inverse()
    assert [at(back, Fraction(t)) for t in (0, 1, 2, 3, 4, 5, 6)] == [0, 3, 4, None, None, 5, 6]
    assert at(back, Fraction(1), "left") == 1
    with pytest.raises(ClockError, match="skips it"):
        warp(2)


def test_a_map_that_ends() -> None:
    warp = Warp([(0, 10), (2, 12)], before=None, after=None)
    assert [at(warp, Fraction(t)) for t in (-1, 0, 1, 2, 3)] == [None, 10, 11, 12, None]
    assert at(warp.inverse(), Fraction(11)) == 1
    with pytest.raises(ClockError, match="ends before it"):
        warp(3)
    # What lies beyond a gap at a closed end is no part of the map.
    assert Warp([(0, 0), (1, 0), (2, 1), (2, 5)], None, None) == Warp([(1, 0), (2, 1)], None, None)
    with pytest.raises(ClockError, match="ends before the second begins"):
        Warp([(20, 20), (21, 21)], None, None) @ warp
    with pytest.raises(ClockError, match="no stretch of time"):
        Warp([(12, 0), (13, 1)], None, None) @ warp


@given(warps(), instants, rationals(0, 5, 42))
def test_bounds_are_the_ends_of_what_is_mapped(warp: Warp, start: Fraction, length: Fraction) -> None:
    low, high = warp.bounds(start, start + length)
    fine = [start + length * k / 40 for k in range(40)] if length else [start]
    seen = [v for v in (at(warp, t) for t in fine) if v is not None]
    if low is None or high is None:
        assert len(seen) <= 1  # at most the very last instant of a map that ends
    else:
        assert all(low <= v <= high for v in seen)
        if low < high:  # tight: both ends come from within the span
            back = warp.inverse()
            first, last = at(back, low), at(back, high, "left")
            assert first is not None
            assert last is not None
            assert start <= first < last <= start + length


@given(warps())
def test_pieces_are_the_map(warp: Warp) -> None:
    pieces = warp.pieces()
    for number in range(-60, 160):
        where = Fraction(number, 6)
        on = [
            p
            for p in pieces
            if (p.start is None or p.start <= where)
            and (p.end is None or where < p.end or (p.closed and where == p.end))
        ]
        assert [p.slope * where + p.shift for p in on] == [v for v in [at(warp, where)] if v is not None]


def test_sync_is_the_convention() -> None:
    """Positive: the sound is early, so its instants move later; drift in ppm around `at`."""
    assert Warp.sync("0.04")(Fraction(10)) == Fraction("10.04")
    warp = Warp.sync("0.1", drift_ppm=100, at=10)
    assert [warp.offset_at(t) for t in (10, 20, 0)] == [Fraction("0.1"), Fraction("0.101"), Fraction("0.099")]
    assert (Warp.sync("-0.1") @ Warp.sync("0.1")).is_identity()
    assert not Warp.sync(0, 1).is_identity()


def test_clocks_of_a_composition() -> None:
    first, second = (Warp([(0, 1)], source_clock=a, target_clock=b) for a, b in (("a", "b"), ("b", "c")))
    both = second @ first
    assert (both.source_clock, both.target_clock) == ("a", "c")
    assert (both.inverse().source_clock, both.inverse().target_clock) == ("c", "a")
    with pytest.raises(ClockError, match="'c'.*'a'"):
        first @ second


@pytest.mark.parametrize(
    "make",
    [
        lambda: Warp([]),
        lambda: Warp([(0, 0), (1, -1)]),
        lambda: Warp([(0, 0), (-1, 1)]),
        lambda: Warp([(0, 0)], before=0),
        lambda: Warp([(0, 0)], after=-1),
        lambda: Warp([(0, float("nan"))]),
        lambda: Warp.sync(0, drift_ppm=-1_000_000),
        lambda: Warp.shift(1).bounds(1, 0),
    ],
)
def test_bad_warps_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError):
        make()


def test_many_knots_stay_quick_to_use() -> None:
    """A DTW path of a long recording: composed and asked without going through all knots each time."""
    rng = np.random.default_rng(0)
    knots = [
        (Fraction(int(a), 50), Fraction(int(b), 50)) for a, b in np.cumsum(rng.integers(1, 4, (3000, 2)), 0)
    ]
    warp = Warp(knots)
    back = warp.inverse()
    assert (back @ warp).is_identity()
    assert all(back(warp(Fraction(k, 7))) == Fraction(k, 7) for k in range(500))
