"""A :class:`Warp`: a monotone piecewise-linear map from one clock to another.

An offset, a drift, a DTW path, a word alignment and a planted corruption are all Warps. Synthesis
applies a known one, alignment estimates one, and evaluation looks at what is left when the estimate
is composed with the inverse of the truth.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import ClockError, OptionError
from genlock.core.one_line import one_line
from genlock.core.time import Exact, exact, fraction_text

__all__ = ["Piece", "Side", "Warp"]

#: Which value a Warp takes where it jumps.
Side: TypeAlias = Literal["left", "right"]
Knot: TypeAlias = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Piece:
    """One straight, rising piece of a Warp: ``target = slope * source + shift`` over ``[start, end)``."""

    start: Fraction | None
    """First source instant, in seconds; None if the piece has no beginning."""
    end: Fraction | None
    """First source instant after it; None if the piece has no end."""
    slope: Fraction
    """Target seconds per source second; above zero."""
    shift: Fraction
    """Target instant of source instant zero, in seconds, on this piece's line."""
    closed: bool = False
    """True where the map ends: ``end`` itself is then on it."""


@dataclass(frozen=True)
class Warp:
    """A monotone piecewise-linear map ``target = W(source)``.

    Knots are joined by straight lines. Two knots with one source instant are a jump: target time that
    no source time maps to (a splice, a dropped stretch of source). Two knots with one target instant
    are a hold: source time that is skipped. ``inverse`` swaps the two. A corner of a hold and a jump is
    always stored hold first.

    Outside the knots the map goes on with the slopes ``before`` and ``after``; None ends it there.

    Examples
    --------
    >>> late = Warp.shift("0.04")
    >>> late(Fraction(1)), late.inverse()(late(Fraction(1)))
    (Fraction(26, 25), Fraction(1, 1))
    >>> (late.inverse() @ late).is_identity()
    True

    Raises
    ------
    OptionError
        If there is no knot, if knots go backwards, or if an outer slope is not above zero.
    """

    knots: tuple[Knot, ...]
    """Pairs (source, target) in exact seconds; neither coordinate ever decreases."""
    before: Fraction | None = Fraction(1)
    """Slope before the first knot (target seconds per source second), or None."""
    after: Fraction | None = Fraction(1)
    """Slope after the last knot, or None."""
    source_clock: str | None = None
    """Name of the clock that it maps from; None fits any."""
    target_clock: str | None = None
    """Name of the clock that it maps to; None fits any."""

    __repr__ = one_line

    def __init__(
        self,
        knots: Iterable[tuple[Exact, Exact]],
        before: Exact | None = Fraction(1),
        after: Exact | None = Fraction(1),
        source_clock: str | None = None,
        target_clock: str | None = None,
    ) -> None:
        pairs = [(exact(x), exact(y)) for x, y in knots]
        if not pairs:
            raise OptionError("a Warp needs at least one knot (source, target)")
        for (x0, y0), (x1, y1) in pairwise(pairs):
            if x1 < x0 or y1 < y0:
                raise OptionError(f"a Warp never goes back, but ({x0}, {y0}) is followed by ({x1}, {y1})")
        slopes = [None if s is None else exact(s) for s in (before, after)]
        if any(s is not None and s <= 0 for s in slopes):
            raise OptionError(f"the slopes outside the knots ({before}, {after}) must be above zero or None")
        object.__setattr__(self, "knots", _canonical(pairs, slopes[0], slopes[1]))
        object.__setattr__(self, "before", slopes[0])
        object.__setattr__(self, "after", slopes[1])
        object.__setattr__(self, "source_clock", source_clock)
        object.__setattr__(self, "target_clock", target_clock)

    @classmethod
    def identity(cls) -> Warp:
        """The map that changes nothing."""
        return cls([(0, 0)])

    @classmethod
    def shift(cls, seconds: Exact) -> Warp:
        """``W(t) = t + seconds``."""
        return cls([(0, exact(seconds))])

    @classmethod
    def sync(cls, offset_seconds: Exact, drift_ppm: Exact = 0, at: Exact = 0) -> Warp:
        """Sound time to picture time: ``W(t) = t + offset + drift 1e-6 (t - at)``.

        Parameters
        ----------
        offset_seconds : positive where the sound is early
        drift_ppm : millionths; above -1,000,000
        at : the instant at which the offset holds, in seconds

        >>> Warp.sync("0.1", drift_ppm=100, at=10)(Fraction(20))
        Fraction(20101, 1000)
        """
        slope = 1 + exact(drift_ppm) / 1_000_000
        where = exact(at)
        return cls([(where, where + exact(offset_seconds))], before=slope, after=slope)

    def __call__(self, instant: Exact, side: Side = "right") -> Fraction:
        """The target instant of one source instant, exactly.

        Raises ClockError where the map ends or skips the instant; :meth:`map` marks such instants instead.
        """
        where = exact(instant)
        value, valid = self._value(where, side)
        if not valid or value is None:
            fate = "ends before it" if value is None else "skips it"
            raise ClockError(f"{instant} s has no place on the target clock: the warp {fate}")
        return value

    @cached_property
    def _sources(self) -> list[Fraction]:
        return [x for x, _ in self.knots]

    def _value(self, where: Fraction, side: Side) -> tuple[Fraction | None, bool]:
        """The target instant (None outside the map), and whether ``where`` is mapped and not skipped."""
        xs = self._sources
        left, right = bisect_left(xs, where), bisect_right(xs, where)
        if left < right:  # on a knot: the upper end of a jump for "right", the lower end for "left"
            at, neighbour = (right - 1, right) if side == "right" else (left, left - 1)
            value = self.knots[at][1]
            held = 0 <= neighbour < len(xs) and self.knots[neighbour][1] == value
            return value, not held
        if left == 0 or left == len(xs):
            (x, y), slope = (self.knots[0], self.before) if left == 0 else (self.knots[-1], self.after)
            return (None, False) if slope is None else (y + (where - x) * slope, True)
        (x0, y0), (x1, y1) = self.knots[left - 1], self.knots[left]
        return y0 + (where - x0) * (y1 - y0) / (x1 - x0), y1 > y0

    def pieces(self) -> tuple[Piece, ...]:
        """The straight rising pieces in order, without the holds and jumps between them.

        >>> [(p.start, p.end) for p in Warp([(0, 0), (1, 1), (2, 1)]).pieces()]
        [(None, Fraction(1, 1)), (Fraction(2, 1), None)]
        """
        return self._pieces

    @cached_property
    def _pieces(self) -> tuple[Piece, ...]:
        found: list[Piece] = []
        first, last = self.knots[0], self.knots[-1]
        if self.before is not None:
            found.append(_piece(None, first[0], self.before, first))
        for (x0, y0), (x1, y1) in pairwise(self.knots):
            if x1 > x0 and y1 > y0:
                found.append(_piece(x0, x1, (y1 - y0) / (x1 - x0), (x0, y0)))
        if self.after is not None:
            found.append(_piece(last[0], None, self.after, last))
        elif not found:  # a map of one instant
            found.append(_piece(last[0], last[0], Fraction(1), last, closed=True))
        else:
            found[-1] = replace(found[-1], closed=True)
        return tuple(found)

    def map(
        self, instants: npt.ArrayLike, side: Side = "right"
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Target instants of float source instants (seconds), and which of them exist.

        Parameters
        ----------
        instants : float, any shape
        side : the value taken at a jump

        Returns
        -------
        float64 and bool of the same shape
            Where the map ends, the value is that of the nearest end; where it skips, that of the hold.
        """
        times = np.asarray(instants, dtype=np.float64)
        if not np.all(np.isfinite(times)):
            raise OptionError("an instant is NaN or infinite; instants are finite seconds")
        xs = np.array([float(x) for x, _ in self.knots])
        ys = np.array([float(y) for _, y in self.knots])
        # Segment s leads from knot s - 1 to knot s; 0 lies before the first knot, n after the last.
        segment = np.searchsorted(xs, times, side="right" if side == "right" else "left")
        anchor = np.clip(segment - 1, 0, len(xs) - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.diff(ys) / np.diff(xs)
        before, after = (0.0 if s is None else float(s) for s in (self.before, self.after))
        slopes = np.concatenate([[before], inner, [after]])
        live = np.concatenate([[self.before is not None], np.diff(ys) > 0, [self.after is not None]])
        values = ys[anchor] + (times - xs[anchor]) * slopes[segment]
        # The end point itself of a map that ends is still on it.
        at_end = ((segment == 0) & (times == xs[0])) | ((segment == len(xs)) & (times == xs[-1]))
        return values, live[segment] | at_end

    def bounds(self, start: Exact, end: Exact) -> tuple[Fraction | None, Fraction | None]:
        """The target span ``[first, last)`` that the source span ``[start, end)`` reaches.

        ``(None, None)`` where the map has no part of it. Target time that nothing maps to is left off at
        both ends. An instant (``start == end``) is answered by itself.

        >>> Warp([(0, 0), (1, 1), (2, 1), (2, 3)]).bounds("1.5", 4)
        (Fraction(3, 1), Fraction(5, 1))
        """
        low, high = exact(start), exact(end)
        if high < low:
            raise OptionError(f"the span ends at {end} s, before its start at {start} s")
        if low == high:
            value, valid = self._value(low, "right")
            return (value, value) if valid else (None, None)
        mapped = [
            (low if p.start is None else max(low, p.start), high if p.end is None else min(high, p.end), p)
            for p in self._pieces_within(low, high)
        ]
        mapped = [(a, b, p) for a, b, p in mapped if a < b]
        if not mapped:
            return None, None
        (a, _, first), (_, b, last) = mapped[0], mapped[-1]
        return a * first.slope + first.shift, b * last.slope + last.shift

    def _pieces_within(self, low: Fraction, high: Fraction) -> tuple[Piece, ...]:
        """The pieces that share time with ``[low, high)``."""
        starts, ends = self._piece_bounds
        return self._pieces[bisect_right(ends, low) : bisect_left(starts, high) + 1]

    @cached_property
    def _piece_bounds(self) -> tuple[list[Fraction], list[Fraction]]:
        """Starts of all pieces but the first, which may have none, and ends of all but the last."""
        starts = [p.start for p in self._pieces[1:] if p.start is not None]
        return starts, [p.end for p in self._pieces[:-1] if p.end is not None]

    def inverse(self) -> Warp:
        """The map back: jumps become holds and holds become jumps."""
        return Warp(
            [(y, x) for x, y in self.knots],
            before=None if self.before is None else 1 / self.before,
            after=None if self.after is None else 1 / self.after,
            source_clock=self.target_clock,
            target_clock=self.source_clock,
        )

    def __matmul__(self, first: Warp) -> Warp:
        """``(second @ first)(t) == second(first(t))``, exactly.

        Raises ClockError if ``first`` leads to another clock than ``self`` starts from, or no time passes
        through both.
        """
        if None not in (first.target_clock, self.source_clock) and first.target_clock != self.source_clock:
            raise ClockError(
                f"cannot compose: the first warp leads to clock {first.target_clock!r}, "
                f"the second starts from {self.source_clock!r}"
            )
        back = first.inverse()
        low = max([w.knots[0][0] for w in (back, self) if w.before is None], default=None)
        high = min([w.knots[-1][0] for w in (back, self) if w.after is None], default=None)
        if low is not None and high is not None and low > high:
            raise ClockError("cannot compose: the first warp ends before the second begins")
        bends = {x for w in (back, self) for x, _ in w.knots} | {m for m in (low, high) if m is not None}
        middles = [m for m in sorted(bends) if (low is None or m >= low) and (high is None or m <= high)]
        knots: list[Knot] = []
        for m in middles:
            x0, x1 = back._ends(m)
            y0, y1 = self._ends(m)
            knots += [(x0, y0), (x1, y0), (x1, y1)]
        before = None if self.before is None or first.before is None else self.before * first.before
        after = None if self.after is None or first.after is None else self.after * first.after
        both = Warp(knots, before, after, first.source_clock, self.target_clock)
        if len(both.knots) == 1 and before is None and after is None:
            raise ClockError("cannot compose: no stretch of time passes through both warps")
        return both

    def _ends(self, where: Fraction) -> tuple[Fraction, Fraction]:
        low, _ = self._value(where, "left")
        high, _ = self._value(where, "right")
        assert low is not None
        assert high is not None
        return low, high

    def is_identity(self) -> bool:
        """True if every instant maps to itself."""
        return self.before == self.after == 1 and all(x == y for x, y in self.knots)

    def offset_at(self, instant: Exact) -> Fraction:
        """``W(t) - t`` at one source instant, in exact seconds."""
        return self(instant) - exact(instant)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.json_forms.warp_from_dict` reads it."""
        return {
            "kind": "warp",
            "knots": [[fraction_text(x), fraction_text(y)] for x, y in self.knots],
            "before": None if self.before is None else fraction_text(self.before),
            "after": None if self.after is None else fraction_text(self.after),
            "source_clock": self.source_clock,
            "target_clock": self.target_clock,
        }


def _piece(
    start: Fraction | None, end: Fraction | None, slope: Fraction, at: Knot, closed: bool = False
) -> Piece:
    return Piece(start, end, slope, at[1] - slope * at[0], closed)


def _canonical(knots: list[Knot], before: Fraction | None, after: Fraction | None) -> tuple[Knot, ...]:
    """The shortest list of knots of the same map: one name for each map, so that equal maps compare equal."""
    corners: list[Knot] = []
    position = 0
    while position < len(knots):
        last = position
        while last + 1 < len(knots) and _is_gap(knots[last], knots[last + 1]):
            last += 1
        # A run of jumps and holds is one gap in both clocks: stored as one hold, then one jump.
        (x0, y0), (x1, y1) = knots[position], knots[last]
        corners += [(x0, y0), (x1, y0), (x1, y1)]
        position = last + 1
    distinct = [knot for i, knot in enumerate(corners) if i == 0 or knot != corners[i - 1]]
    # A gap at the end of a map that stops there holds nothing that is mapped.
    while before is None and len(distinct) > 1 and _is_gap(distinct[0], distinct[1]):
        del distinct[0]
    while after is None and len(distinct) > 1 and _is_gap(distinct[-2], distinct[-1]):
        del distinct[-1]
    return tuple(_without_straight(distinct, before, after))


def _is_gap(a: Knot, b: Knot) -> bool:
    return a[0] == b[0] or a[1] == b[1]


def _without_straight(knots: list[Knot], before: Fraction | None, after: Fraction | None) -> list[Knot]:
    """Drop the knots at which the slope does not change; a straight line keeps its knot at source zero."""

    def slope(a: Knot, b: Knot) -> Fraction | Literal["jump"]:
        return (b[1] - a[1]) / (b[0] - a[0]) if b[0] != a[0] else "jump"

    slopes = [before, *(slope(a, b) for a, b in pairwise(knots)), after]
    kept = [knot for i, knot in enumerate(knots) if slopes[i] is None or slopes[i] != slopes[i + 1]]
    if kept:
        return kept
    x, y = knots[0]
    assert before is not None
    return [(Fraction(0), y - x * before)]
