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
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import ClockError, OptionError
from genlock.core.time import Exact, Rounding, exact, exact_rate, fraction_text, round_fraction

__all__ = ["DEFAULT_CLOCK", "Cells", "Grid", "Ticks", "common_unit", "require_same_clock"]

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
#: Which cells a span of time selects: those it touches, those wholly inside it, those whose centre it holds.
Selection: TypeAlias = Literal["touched", "inside", "centers"]

#: The clock of values whose file is not known.
DEFAULT_CLOCK = "media"

_INT64_MAX = 2**63 - 1


class _CellsMath:
    """What Grid and Ticks share, written in terms of exact edges."""

    clock: str

    def edge(self, k: int) -> Fraction:
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


@dataclass(frozen=True, slots=True)
class Grid(_CellsMath):
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
    def of_samples(
        cls, rate: Exact, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK
    ) -> Grid:
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

    def edge(self, k: int) -> Fraction:
        """Left edge of cell k (any integer), in exact seconds."""
        return self.start + k / self.rate

    def edges(self, count: int, first: int = 0) -> FloatArray:
        """Edges of ``count`` cells from ``first`` on, float64 [count + 1], in seconds, within one ulp."""
        return _affine(self.edge(first), self.period, count + 1)

    def centers(self, count: int, first: int = 0) -> FloatArray:
        """Centres of ``count`` cells from ``first`` on, float64 [count], in seconds, within one ulp."""
        return _affine(self.center(first), self.period, count)

    def index(self, instant: Exact, rounding: Rounding = "floor") -> int:
        """The edge at or next to an instant, as a cell number.

        ``floor`` gives the cell that contains the instant; ``nearest`` the cell whose left edge is
        nearest; ``ceil`` the first cell that starts at or after it. ``index(edge(k), "floor") == k``.
        """
        return round_fraction((exact(instant) - self.start) * self.rate, rounding)

    def indices(self, instants: npt.ArrayLike) -> IntArray:
        """The cells that contain float instants (seconds), int64 of the same shape.

        A float instant is compared with the float edges of :meth:`edges`, so that
        ``indices(edges(n))`` is ``0, 1, ... n`` although most edges have no exact float.
        """
        times = np.asarray(instants, dtype=np.float64)
        if not np.all(np.isfinite(times)):
            raise OptionError("an instant is NaN or infinite; instants are finite seconds")
        guess = np.floor((times - float(self.start)) * float(self.rate)).astype(np.int64)
        # The guess is off by at most one: compare with the edges as edges() would print them.
        guess -= times < self._edges_at(guess)
        guess += times >= self._edges_at(guess + 1)
        return guess

    def _edges_at(self, k: IntArray) -> FloatArray:
        if k.size == 0:
            return np.zeros(k.shape)
        unit = math.lcm(self.start.denominator, self.rate.numerator)
        step, origin = int(self.period * unit), int(self.start * unit)
        largest = max(abs(int(k.min())), abs(int(k.max()))) * step + abs(origin)
        if largest > _INT64_MAX:
            return np.array([float(self.edge(int(i))) for i in k.ravel()]).reshape(k.shape)
        return _ratio(k * step + origin, unit)

    def cells(self, start: Exact, end: Exact, select: Selection = "touched") -> range:
        """The run of cells that the half-open span ``[start, end)`` selects.

        ``cells(*grid.span(r))`` is ``r`` for every run ``r``, with each of the three selections.

        >>> Grid(25).cells("0.05", "0.09"), Grid(25).cells("0.05", "0.09", "inside")
        (range(1, 3), range(2, 2))
        """
        low, high = _checked_span(start, end)
        if select == "touched":
            first, stop = self.index(low, "floor"), self.index(high, "ceil")
        elif select == "inside":
            first, stop = self.index(low, "ceil"), self.index(high, "floor")
        elif select == "centers":
            half = self.period / 2
            first, stop = self.index(low - half, "ceil"), self.index(high - half, "ceil")
        else:
            raise OptionError(f"the selection {select!r} is unknown; use 'touched', 'inside' or 'centers'")
        return range(first, max(first, stop))

    def shifted(self, seconds: Exact) -> Grid:
        """The same cells, later by so many exact seconds."""
        return Grid(self.rate, self.start + exact(seconds), self.clock)

    def on_clock(self, clock: str) -> Grid:
        """The same cells on a clock of another name (an assertion of the caller's, not a conversion)."""
        return Grid(self.rate, self.start, clock)

    def unit(self) -> Fraction:
        """The largest unit of which every edge and centre is an integer multiple, in seconds."""
        return Fraction(1, math.lcm(self.start.denominator, 2 * self.rate.numerator))

    def integer_edges(self, unit: Fraction, count: int) -> npt.NDArray[np.generic]:
        """Edges of the first ``count`` cells in units (an integer array, exact)."""
        return _integer_line(self.start / unit, self.period / unit, count + 1)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.serial.cells_from_dict` reads it."""
        return {
            "kind": "grid", "rate": fraction_text(self.rate), "start": fraction_text(self.start),
            "clock": self.clock,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{self.rate} cells per second from {self.start} s on clock {self.clock!r}"


@dataclass(frozen=True, eq=False)
class Ticks(_CellsMath):
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

    def __init__(
        self, pts: npt.ArrayLike, time_base: Exact, last_duration: int, clock: str = DEFAULT_CLOCK
    ) -> None:
        stamps = np.array(pts)
        if stamps.ndim != 1 or (stamps.size and not np.issubdtype(stamps.dtype, np.integer)):
            raise OptionError("pts must be a flat array of integers; a time in seconds is not a time stamp")
        stamps = stamps.astype(np.int64)
        if np.any(np.diff(stamps) <= 0):
            where = int(np.argmax(np.diff(stamps) <= 0))
            raise OptionError(
                f"pts must increase, but pts[{where}] = {stamps[where]} is followed by {stamps[where + 1]}"
            )
        base = exact(time_base)
        if base <= 0 or last_duration < 1:
            raise OptionError(
                f"time_base ({base}) must be above zero and last_duration ({last_duration}) at least 1"
            )
        stamps.setflags(write=False)
        object.__setattr__(self, "pts", stamps)
        object.__setattr__(self, "time_base", base)
        object.__setattr__(self, "last_duration", int(last_duration))
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
        if len(self.pts) == 0:
            return []
        stamps: list[int] = self.pts.tolist()
        return [*stamps, stamps[-1] + self.last_duration]

    def edge(self, k: int) -> Fraction:
        """Left edge of cell k, 0 <= k <= len, in exact seconds."""
        if not 0 <= k < len(self._stamps):
            raise OptionError(f"edge {k} does not exist: these Ticks have {len(self)} cells")
        return self._stamps[k] * self.time_base

    def edges(self, count: int | None = None, first: int = 0) -> FloatArray:
        """Edges of ``count`` cells (default: the rest) from ``first``, float64 [count + 1], in seconds."""
        stop = self._stop(count, first)
        stamps = np.array(self._stamps[first : stop + 1], dtype=np.int64)
        return _ratio(stamps * self.time_base.numerator, self.time_base.denominator)

    def centers(self, count: int | None = None, first: int = 0) -> FloatArray:
        """Centres of ``count`` cells (default: the rest) from ``first``, float64 [count], in seconds."""
        stop = self._stop(count, first)
        stamps = np.array(self._stamps[first : stop + 1], dtype=np.int64)
        return _ratio((stamps[:-1] + stamps[1:]) * self.time_base.numerator, 2 * self.time_base.denominator)

    def _stop(self, count: int | None, first: int) -> int:
        stop = len(self) if count is None else first + count
        if not 0 <= first <= stop <= len(self):
            raise OptionError(f"cells {first} to {stop} do not exist: these Ticks have {len(self)} cells")
        return stop

    def index(self, instant: Exact, rounding: Rounding = "floor") -> int:
        """As :meth:`Grid.index`; -1 before the first cell and ``len`` from the last cell's end on."""
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

    def indices(self, instants: npt.ArrayLike) -> IntArray:
        """The cells that contain float instants (seconds); -1 before the first, ``len`` after the last."""
        times = np.asarray(instants, dtype=np.float64)
        if not np.all(np.isfinite(times)):
            raise OptionError("an instant is NaN or infinite; instants are finite seconds")
        return np.asarray(np.searchsorted(self.edges(), times, side="right") - 1, dtype=np.int64)

    def cells(self, start: Exact, end: Exact, select: Selection = "touched") -> range:
        """The run of cells that ``[start, end)`` selects, as :meth:`Grid.cells`, within 0...len."""
        low, high = _checked_span(start, end)
        if select == "touched":
            first, stop = self.index(low, "floor"), self.index(high, "ceil")
        elif select == "inside":
            first, stop = self.index(low, "ceil"), self.index(high, "floor")
        elif select == "centers":
            doubled = [a + b for a, b in zip(self._stamps, self._stamps[1:], strict=False)]
            first = bisect_left(doubled, 2 * low / self.time_base)
            stop = bisect_left(doubled, 2 * high / self.time_base)
        else:
            raise OptionError(f"the selection {select!r} is unknown; use 'touched', 'inside' or 'centers'")
        first, stop = (min(max(k, 0), len(self)) for k in (first, stop))
        return range(first, max(first, stop))

    def shifted(self, seconds: Exact) -> Ticks:
        """The same cells, later by so many exact seconds (the time base is refined if it must be)."""
        shift = exact(seconds)
        base = Fraction(1, math.lcm(self.time_base.denominator, shift.denominator))
        base *= math.gcd(int(self.time_base / base), int(shift / base)) or 1
        factor, add = int(self.time_base / base), int(shift / base)
        limit = max((abs(s) for s in self._stamps), default=0) * factor + abs(add)
        if limit > _INT64_MAX:
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
        if max(map(abs, self._stamps)) * scale > _INT64_MAX or len(self) * step.numerator > _INT64_MAX:
            return None
        residual = self.pts * scale - np.arange(len(self), dtype=np.int64) * step.numerator
        low, high = int(residual.min()), int(residual.max())
        if high - low > scale:
            return None
        first = int(residual[0])
        rounded_to_nearest = 2 * max(high - first, first - low) <= scale
        rounded_down = first == high
        start = Fraction(first) if rounded_to_nearest or rounded_down else Fraction(low + high, 2)
        return Grid(grid_rate, start / scale * self.time_base, self.clock)

    def unit(self) -> Fraction:
        """The largest unit of which every edge and centre is an integer multiple, in seconds."""
        return self.time_base / 2

    def integer_edges(self, unit: Fraction, count: int) -> npt.NDArray[np.generic]:
        """Edges of the first ``count`` cells in units (an integer array, exact)."""
        stamps = self._stamps[: self._stop(count, 0) + 1]
        factor = int(self.time_base / unit)
        if max((abs(s) for s in stamps), default=0) * factor > _INT64_MAX // 4:
            return np.array([s * factor for s in stamps], dtype=object)
        return np.array(stamps, dtype=np.int64) * factor

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.serial.cells_from_dict` reads it."""
        return {
            "kind": "ticks", "pts": self.pts.tolist(), "time_base": fraction_text(self.time_base),
            "last_duration": self.last_duration, "clock": self.clock,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{len(self)} cells in ticks of {self.time_base} s on clock {self.clock!r}"


#: Where values may live.
Cells: TypeAlias = Grid | Ticks


def common_unit(*cells: Cells) -> Fraction:
    """The largest unit of which every edge and centre of all these cells is an integer multiple.

    >>> common_unit(Grid(25), Grid("30000/1001"))
    Fraction(1, 60000)
    """
    units = [c.unit() for c in cells]
    denominator = math.lcm(*(u.denominator for u in units))
    return Fraction(math.gcd(*(int(u * denominator) for u in units)), denominator)


def require_same_clock(left: str, right: str, doing: str) -> None:
    """Raise ClockError unless two clocks are one; ``doing`` completes the sentence."""
    if left != right:
        raise ClockError(
            f"cannot {doing}: one lies on clock {left!r}, the other on {right!r}; "
            "give the Warp that maps the first clock to the second"
        )


def _checked_clock(clock: str) -> str:
    if not isinstance(clock, str) or not clock:
        raise OptionError(f"the clock {clock!r} is not a name; give a string that is not empty")
    return clock


def _checked_span(start: Exact, end: Exact) -> tuple[Fraction, Fraction]:
    low, high = exact(start), exact(end)
    if high < low:
        raise OptionError(f"the span ends at {end} s, before its start at {start} s")
    return low, high


def _affine(first: Fraction, step: Fraction, count: int) -> FloatArray:
    """``first + k*step`` for k < count, float64, each within one ulp: divided once, from integers."""
    unit = math.lcm(first.denominator, step.denominator)
    numerators = _integer_line(first * unit, step * unit, count)
    if numerators.dtype == object:
        return np.array([float(Fraction(int(n), unit)) for n in numerators.tolist()], dtype=np.float64)
    return _ratio(numerators.astype(np.int64), unit)


def _integer_line(first: Fraction, step: Fraction, count: int) -> npt.NDArray[np.generic]:
    origin, stride = int(first), int(step)
    if abs(origin) + abs(stride) * max(count, 1) > _INT64_MAX // 4:
        return np.array([origin + k * stride for k in range(count)], dtype=object)
    return np.arange(count, dtype=np.int64) * stride + origin


def _ratio(numerators: IntArray, denominator: int) -> FloatArray:
    """Integers over an integer as float64; whole seconds apart, so that nothing above 2^53 is rounded twice."""
    if denominator > _INT64_MAX:
        return np.array([float(Fraction(int(n), denominator)) for n in numerators.ravel()]).reshape(numerators.shape)
    whole, rest = np.divmod(numerators, denominator)
    return np.asarray(whole + rest / denominator, dtype=np.float64)
