"""The cells that values live on: a uniform :class:`Grid`, or the :class:`Ticks` of a variable rate.

Both are rows of half-open cells ``[edge(k), edge(k + 1))`` with a ``center(k)``, on a named clock.
All arithmetic is on integers and Fractions; arrays of float seconds are made once, at the edge,
by :meth:`edges` and :meth:`centers`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import index as as_integer
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import ClockError, OptionError
from genlock.core.line import FloatArray, IntArray, Line
from genlock.core.one_line import one_line
from genlock.core.time import Exact, Rounding, exact, exact_rate, fraction_text, round_fraction

__all__ = ["DEFAULT_CLOCK", "Cells", "Grid", "Selection", "Ticks", "require_same_clock"]

#: Which cells a span of time selects: those it touches, those wholly inside it, those whose centre it holds.
Selection: TypeAlias = Literal["touched", "inside", "centers"]

#: The clock of values whose file is not known.
DEFAULT_CLOCK = "media"

# Time stamps beyond this are damage, not time; within it, sums of two stay in 64 bits.
_STAMP_LIMIT = 2**62


class _Cells:
    """What Grid and Ticks share: edges that are whole numbers of ticks from an origin."""

    __slots__ = ()

    clock: str

    @property
    def origin(self) -> Fraction:
        """The instant that :meth:`stamps` count from, in exact seconds."""
        raise NotImplementedError

    @property
    def tick(self) -> Fraction:
        """Seconds per stamp: ``edge(k) == origin + stamp[k] * tick``."""
        raise NotImplementedError

    def edge(self, k: int) -> Fraction:
        """Left edge of cell k, in exact seconds."""
        raise NotImplementedError

    def index(self, instant: Exact, rounding: Rounding = "floor") -> int:
        """The edge at or next to an instant, as a cell number."""
        raise NotImplementedError

    def _first_center_from(self, instant: Fraction) -> int:
        """The first cell whose centre lies at or after an instant."""
        raise NotImplementedError

    def center(self, k: int) -> Fraction:
        """Middle of cell k, in exact seconds."""
        return (self.edge(k) + self.edge(k + 1)) / 2

    def span(self, cells: range) -> tuple[Fraction, Fraction]:
        """The half-open span ``(start, end)`` that a run of cells covers, in exact seconds.

        Raises OptionError if the range has a step other than 1 or is empty.
        """
        if cells.step != 1 or len(cells) == 0:
            raise OptionError(f"{cells!r} is not a run of at least one cell; give range(first, stop)")
        return self.edge(cells.start), self.edge(cells.stop)

    def cells(self, start: Exact, end: Exact, select: Selection = "touched") -> range:
        """The run of cells that the half-open span ``[start, end)`` selects.

        ``touched`` takes the cells that share time with the span, ``inside`` those wholly in it, ``centers``
        those whose centre it contains. ``cells(*grid.span(r))`` is ``r`` for every run ``r``, with each of
        the three. A span without length touches the one cell that contains it, as an event does, and
        selects nothing else. Ticks answer within 0...len, a Grid has no end.

        >>> Grid(25).cells("0.05", "0.09"), Grid(25).cells("0.05", "0.09", "inside")
        (range(1, 3), range(2, 2))
        """
        low, high = exact(start), exact(end)
        if high < low:
            raise OptionError(f"the span ends at {end} s, before its start at {start} s")
        if select == "touched":
            first = self.index(low, "floor")
            stop = first + 1 if low == high else self.index(high, "ceil")
        elif select == "inside":
            first, stop = self.index(low, "ceil"), self.index(high, "floor")
        elif select == "centers":
            first, stop = self._first_center_from(low), self._first_center_from(high)
        else:
            raise OptionError(f"the selection {select!r} is unknown; use 'touched', 'inside' or 'centers'")
        return range(first, max(first, stop))


@dataclass(frozen=True, slots=True)
class Grid(_Cells):
    """A uniform row of half-open cells, without end in both directions.

    Cell k is ``[start + k/rate, start + (k+1)/rate)``. How wide a window a feature looked at is not
    part of the grid: only where its centre lies is.

    Examples
    --------
    >>> grid = Grid(25)
    >>> grid.edge(3), grid.center(3), grid.index("0.12", "floor")
    (Fraction(3, 25), Fraction(7, 50), 3)

    wav2vec 2.0 looks at samples [320 k, 320 k + 399] of 16 kHz sound, so its grid starts at +79/32000 s:

    >>> Grid.of_windows(sample_rate=16000, hop=320, first_center=Fraction(399, 2)).start
    Fraction(79, 32000)
    """

    rate: Fraction
    """Cells per second; above zero."""
    start: Fraction = Fraction(0)
    """Left edge of cell 0, in seconds on the clock."""
    clock: str = DEFAULT_CLOCK
    """Name of the time axis. Tracks on different clocks do not combine without a Warp."""

    __repr__ = one_line

    def __init__(self, rate: Exact, start: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> None:
        object.__setattr__(self, "rate", exact_rate(rate))
        object.__setattr__(self, "start", exact(start))
        object.__setattr__(self, "clock", _checked_clock(clock))

    @classmethod
    def of_windows(
        cls,
        *,
        sample_rate: Exact,
        hop: int,
        first_center: Exact,
        origin: Exact = Fraction(0),
        clock: str = DEFAULT_CLOCK,
    ) -> Grid:
        """The grid of a feature with one value every ``hop`` samples.

        Parameters
        ----------
        sample_rate : samples per second
        hop : samples from one frame to the next; at least 1
        first_center : centre of frame 0 in samples (a window of W samples from n has it at n + (W-1)/2)
        origin : instant of sample 0, in seconds
        """
        if hop < 1:
            raise OptionError(f"a hop of {hop} samples is not possible; it is at least 1")
        samples = exact_rate(sample_rate)
        rate = samples / hop
        return cls(rate, exact(origin) + exact(first_center) / samples - 1 / (2 * rate), clock)

    @classmethod
    def of_samples(cls, rate: Exact, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> Grid:
        """The grid of a waveform: ``center(n)`` is the instant of sample n, ``origin + n/rate``.

        >>> Grid.of_samples(8000).center(8000)
        Fraction(1, 1)
        """
        return cls.of_windows(sample_rate=rate, hop=1, first_center=0, origin=origin, clock=clock)

    @property
    def length(self) -> None:
        """None: a Grid has no end."""
        return None

    @property
    def period(self) -> Fraction:
        """Length of one cell, in exact seconds."""
        return 1 / self.rate

    @property
    def origin(self) -> Fraction:
        """The same as ``start``: stamps of a Grid are cell numbers."""
        return self.start

    @property
    def tick(self) -> Fraction:
        """The same as ``period``."""
        return 1 / self.rate

    def stamps(self, count: int, first: int = 0) -> IntArray:
        """Edges of ``count`` cells from ``first`` on, int64 [count + 1], in ticks from ``origin``."""
        return np.arange(first, first + count + 1, dtype=np.int64)

    def edge(self, k: int) -> Fraction:
        """Left edge of cell k (any integer), in exact seconds."""
        return self.start + as_integer(k) / self.rate

    def edges(self, count: int, first: int = 0) -> FloatArray:
        """Edges of ``count`` cells from ``first`` on, float64 [count + 1], in seconds.

        Each is the float nearest to the exact edge, however far from the start.
        """
        return Line(self.period, self.edge(first)).floats(np.arange(count + 1, dtype=np.int64))

    def centers(self, count: int, first: int = 0) -> FloatArray:
        """Centres of ``count`` cells from ``first`` on, float64 [count], in seconds, as exact as edges."""
        return Line(self.period, self.center(first)).floats(np.arange(count, dtype=np.int64))

    def index(self, instant: Exact, rounding: Rounding = "floor") -> int:
        """The edge at or next to an instant, as a cell number.

        ``floor`` gives the cell that contains the instant; ``nearest`` the cell whose left edge is
        nearest; ``ceil`` the first cell that starts at or after it. ``index(edge(k), "floor") == k``.
        """
        return round_fraction((exact(instant) - self.start) * self.rate, rounding)

    def part(self, cells: range) -> Grid:
        """The same cells told from cell ``cells.start`` on, which becomes cell 0.

        >>> Grid(25, "1/2").part(range(5, 9)).start
        Fraction(7, 10)
        """
        if cells.step != 1:
            raise OptionError(f"{cells!r} is not a run of cells")
        return Grid(self.rate, self.edge(cells.start), self.clock)

    def _first_center_from(self, instant: Fraction) -> int:
        return self.index(instant - self.period / 2, "ceil")

    def indices(self, instants: npt.ArrayLike) -> IntArray:
        """The cells that contain float instants (seconds), int64 of the same shape.

        A float instant is compared with the float edges of :meth:`edges`, so that
        ``indices(edges(n))`` is ``0, 1, ... n`` although most edges have no exact float.

        Raises
        ------
        OptionError
            For NaN and infinity, and where floats lie further apart than cells do (years at 1 MHz).
        """
        times = _finite(instants)
        guess = np.floor((times - float(self.start)) * float(self.rate))
        if np.any(np.abs(guess) > _STAMP_LIMIT):
            raise OptionError(f"an instant lies too far away to count cells of {float(self.period):g} s")
        cells = guess.astype(np.int64)
        line = Line(self.period, self.start)
        # The guess is off by one at most wherever floats are fine enough to tell cells apart.
        for _ in range(3):
            step = (times >= line.floats(cells + 1)).astype(np.int64) - (times < line.floats(cells))
            if not step.any():
                return cells
            cells += step
        raise OptionError(
            f"floats near {float(np.abs(times).max()):g} s are too coarse for cells of "
            f"{float(self.period):g} s; give exact instants to index()"
        )

    def shifted(self, seconds: Exact) -> Grid:
        """The same cells, later by so many exact seconds."""
        return Grid(self.rate, self.start + exact(seconds), self.clock)

    def on_clock(self, clock: str) -> Grid:
        """The same cells on a clock of another name (an assertion of the caller's, not a conversion)."""
        return Grid(self.rate, self.start, clock)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.json_forms.cells_from_dict` reads it."""
        return {
            "kind": "grid",
            "rate": fraction_text(self.rate),
            "start": fraction_text(self.start),
            "clock": self.clock,
        }

    def __str__(self) -> str:
        return f"{self.rate} cells per second from {self.start} s on clock {self.clock!r}"


@dataclass(frozen=True, eq=False)
class Ticks(_Cells):
    """The cells of a stream whose rate varies: integer time stamps and an exact time base.

    Cell k is ``[pts[k], pts[k+1]) * time_base``; the last cell is ``last_duration`` ticks long.
    Only an explicit resampling (:meth:`Track.on`) leads from Ticks to a Grid.

    Examples
    --------
    >>> ticks = Ticks([0, 1, 3], "1/10", last_duration=2)
    >>> len(ticks), ticks.edge(3), ticks.center(1), ticks.index("0.29", "floor")
    (3, Fraction(1, 2), Fraction(1, 5), 1)
    """

    pts: IntArray
    """Left edges in ticks, int64 [T], strictly increasing."""
    time_base: Fraction
    """Seconds per tick; above zero."""
    last_duration: int = field(default=1)
    """Length of the last cell, in ticks; at least 1."""
    clock: str = DEFAULT_CLOCK
    """Name of the time axis."""

    __repr__ = one_line

    def __init__(
        self, pts: npt.ArrayLike, time_base: Exact, last_duration: int, clock: str = DEFAULT_CLOCK
    ) -> None:
        stamps = np.array(pts)
        if stamps.ndim != 1 or (stamps.size and not np.issubdtype(stamps.dtype, np.integer)):
            raise OptionError("pts must be a flat array of integers; a time in seconds is not a time stamp")
        if stamps.size and max(abs(int(stamps.min())), abs(int(stamps.max()))) >= _STAMP_LIMIT:
            raise OptionError("pts must lie within 62 bits; a stamp beyond that is a missing one")
        stamps = stamps.astype(np.int64)
        back = np.flatnonzero(stamps[1:] <= stamps[:-1])
        if back.size:
            k = int(back[0])
            raise OptionError(f"pts must increase, but pts[{k}] = {stamps[k]} is followed by {stamps[k + 1]}")
        base, last = exact(time_base), _whole_ticks(last_duration)
        if base <= 0 or last < 1:
            raise OptionError(f"time_base ({base}) must be above zero and last_duration ({last}) at least 1")
        if last + (int(stamps[-1]) if stamps.size else 0) >= _STAMP_LIMIT:
            raise OptionError(f"last_duration ({last}) is too long: the last cell would end beyond 62 bits")
        stamps.setflags(write=False)
        object.__setattr__(self, "pts", stamps)
        object.__setattr__(self, "time_base", base)
        object.__setattr__(self, "last_duration", last)
        object.__setattr__(self, "clock", _checked_clock(clock))

    def __len__(self) -> int:
        return len(self.pts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ticks)
            and self.clock == other.clock
            and self.time_base == other.time_base
            and self.last_duration == other.last_duration
            and np.array_equal(self.pts, other.pts)
        )

    def __hash__(self) -> int:
        return hash((self.pts.tobytes(), self.time_base, self.last_duration, self.clock))

    @property
    def length(self) -> int:
        """Number of cells."""
        return len(self.pts)

    @cached_property
    def _stamps(self) -> list[int]:
        """The edges as Python integers, for bisection against Fractions; none where there is no cell."""
        edges: list[int] = self._edges.tolist()
        return edges

    @cached_property
    def _edges(self) -> IntArray:
        end = self.pts[-1:] + self.last_duration
        return np.concatenate([self.pts, end])

    @cached_property
    def _doubled_centers(self) -> list[int]:
        doubled: list[int] = (self._edges[:-1] + self._edges[1:]).tolist()
        return doubled

    @property
    def origin(self) -> Fraction:
        """Zero: stamps of Ticks are time stamps."""
        return Fraction(0)

    @property
    def tick(self) -> Fraction:
        """The same as ``time_base``."""
        return self.time_base

    def stamps(self, count: int | None = None, first: int = 0) -> IntArray:
        """Edges of ``count`` cells (default: the rest) from ``first`` on, int64 [count + 1], in ticks."""
        return self._edges[first : self._stop(count, first) + 1]

    def edge(self, k: int) -> Fraction:
        """Left edge of cell k, 0 <= k <= len, in exact seconds."""
        if not 0 <= k < len(self._stamps):
            raise OptionError(f"edge {k} does not exist: these Ticks have {len(self)} cells")
        return self._stamps[k] * self.time_base

    def edges(self, count: int | None = None, first: int = 0) -> FloatArray:
        """Edges of ``count`` cells (default: the rest) from ``first``, float64 [count + 1], in seconds.

        Each is the float nearest to the exact edge.
        """
        return Line(self.time_base, Fraction(0)).floats(self.stamps(count, first))

    def centers(self, count: int | None = None, first: int = 0) -> FloatArray:
        """Centres of ``count`` cells (default: the rest) from ``first``, float64 [count], in seconds."""
        stamps = self.stamps(count, first)
        return Line(self.time_base / 2, Fraction(0)).floats(stamps[:-1] + stamps[1:])

    def _stop(self, count: int | None, first: int) -> int:
        stop = len(self) if count is None else first + count
        if not 0 <= first <= stop <= len(self):
            raise OptionError(f"cells {first} to {stop} do not exist: these Ticks have {len(self)} cells")
        return stop

    def index(self, instant: Exact, rounding: Rounding = "floor") -> int:
        """Does what :meth:`Grid.index` does, with -1 before the first cell and ``len`` from the last cell's end on.

        ``ceil`` gives ``len + 1`` after the last cell's end, where no edge follows.
        """
        ticks = exact(instant) / self.time_base
        if rounding == "floor":
            return bisect_right(self._stamps, ticks) - 1
        if rounding == "ceil":
            return bisect_left(self._stamps, ticks)
        if rounding == "nearest":
            after = bisect_right(self._stamps, ticks)
            if after in (0, len(self._stamps)):
                return min(after, len(self))
            # A tie goes to the later edge, as in round_fraction.
            return after if self._stamps[after] - ticks <= ticks - self._stamps[after - 1] else after - 1
        raise OptionError(f"the rounding {rounding!r} is unknown; use 'floor', 'ceil' or 'nearest'")

    def _first_center_from(self, instant: Fraction) -> int:
        return bisect_left(self._doubled_centers, 2 * instant / self.time_base)

    def indices(self, instants: npt.ArrayLike) -> IntArray:
        """The cells that contain float instants (seconds); -1 before the first, ``len`` after the last."""
        return np.searchsorted(self.edges(), _finite(instants), side="right").astype(np.int64) - 1

    def cells(self, start: Exact, end: Exact, select: Selection = "touched") -> range:
        """The run of cells that ``[start, end)`` selects, as :meth:`Grid.cells`, within 0...len."""
        chosen = super().cells(start, end, select)
        first, stop = (min(max(k, 0), len(self)) for k in (chosen.start, chosen.stop))
        return range(first, max(first, stop))

    def shifted(self, seconds: Exact) -> Ticks:
        """The same cells, later by so many exact seconds (the time base is refined if it must be)."""
        shift = exact(seconds)
        base = Fraction(1, math.lcm(self.time_base.denominator, shift.denominator))
        base *= math.gcd(int(self.time_base / base), int(shift / base)) or 1
        factor, add = int(self.time_base / base), int(shift / base)
        if max((abs(s) for s in self._stamps), default=0) * factor + abs(add) >= _STAMP_LIMIT:
            raise OptionError(f"a shift of {shift} s does not fit 64-bit time stamps; round it to 1/90000 s")
        return Ticks(self.pts * factor + add, base, self.last_duration * factor, self.clock)

    def on_clock(self, clock: str) -> Ticks:
        """The same cells on a clock of another name (an assertion of the caller's, not a conversion)."""
        return Ticks(self.pts, self.time_base, self.last_duration, clock)

    def part(self, cells: range) -> Ticks:
        """The cells ``cells.start ... cells.stop - 1`` alone."""
        if cells.step != 1 or not 0 <= cells.start <= cells.stop <= len(self):
            raise OptionError(f"{cells!r} is not a run of cells of these {len(self)} Ticks")
        if len(cells) == 0:
            return Ticks(np.zeros(0, np.int64), self.time_base, self.last_duration, self.clock)
        last = self._stamps[cells.stop] - self._stamps[cells.stop - 1]
        return Ticks(self.pts[cells.start : cells.stop], self.time_base, last, self.clock)

    def as_grid(self, rate: Exact) -> Grid | None:
        """The uniform Grid of this rate that these stamps are a rounding of, or None.

        A container with a coarse time base (1 ms in Matroska) cannot say 1/29.97 s; its stamps then lie
        within one tick of a uniform line. The start is the first stamp where that is possible.
        """
        if len(self) == 0:
            return None
        grid_rate = exact_rate(rate)
        # Residual of stamp k against k/rate, in units of 1/scale ticks, exactly.
        step = 1 / (grid_rate * self.time_base)
        scale = step.denominator
        count = len(self)
        small = max(map(abs, self._stamps)) * scale + count * step.numerator < _STAMP_LIMIT
        stamps, k = (a if small else a.astype(object) for a in (self.pts, np.arange(count, dtype=np.int64)))
        residual = stamps * scale - k * step.numerator
        low, high = int(residual.min()), int(residual.max())
        if high - low > scale:
            return None
        first = int(residual[0])
        rounded_to_nearest = 2 * max(high - first, first - low) <= scale
        rounded_down = first == high
        start = Fraction(first) if rounded_to_nearest or rounded_down else Fraction(low + high, 2)
        return Grid(grid_rate, start / scale * self.time_base, self.clock)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.json_forms.cells_from_dict` reads it."""
        return {
            "kind": "ticks",
            "pts": self.pts.tolist(),
            "time_base": fraction_text(self.time_base),
            "last_duration": self.last_duration,
            "clock": self.clock,
        }

    def __str__(self) -> str:
        return f"{len(self)} cells in ticks of {self.time_base} s on clock {self.clock!r}"


#: Where values may live.
Cells: TypeAlias = Grid | Ticks


def require_same_clock(left: str, right: str, doing: str) -> None:
    """Raise ClockError unless two clocks are one; ``doing`` completes the sentence."""
    if left != right:
        raise ClockError(
            f"cannot {doing}: one lies on clock {left!r}, the other on {right!r}; if both are the same time axis, name "
            f"it: Grid(25, clock={left!r}); else give the Warp that maps the first clock to the second"
        )


def _whole_ticks(duration: int) -> int:
    try:
        return as_integer(duration)
    except TypeError:
        raise OptionError(f"last_duration ({duration!r}) must be a whole number of ticks") from None


def _checked_clock(clock: str) -> str:
    if not isinstance(clock, str) or not clock:
        raise OptionError(f"the clock {clock!r} is not a name; give a string that is not empty")
    return clock


def _finite(instants: npt.ArrayLike) -> FloatArray:
    times = np.asarray(instants, dtype=np.float64)
    if not np.all(np.isfinite(times)):
        raise OptionError("an instant is NaN or infinite; instants are finite seconds")
    return times
