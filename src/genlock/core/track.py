"""A :class:`Track`: values on a Grid or Ticks, and the one way from one grid to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Cells, Grid, Ticks, common_unit, require_same_clock
from genlock.core.time import Exact, exact
from genlock.core.warp import Warp

__all__ = ["How", "Support", "Track"]

#: How values pass from one grid to another; see :meth:`Track.on`.
How: TypeAlias = Literal["sample", "mean", "nearest", "stack"]
#: Seconds around its centre that a value depends on, or the whole signal.
Support: TypeAlias = Fraction | Literal["whole"]

Values: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]
Positions: TypeAlias = npt.NDArray[Any]

# How much of a cell or window must be there for its value to be valid, unless the caller says otherwise.
_DEFAULT_COVER = {"mean": Fraction(1, 2), "stack": Fraction(1)}


@dataclass(frozen=True, eq=False)
class Track:
    """Values over time.

    Examples
    --------
    >>> track = Track(np.array([0.0, 1.0, 2.0, 3.0]), Grid(100), name="ramp")
    >>> slow = track.on(Grid(50), how="mean")
    >>> slow.values.tolist(), slow.valid.tolist()
    ([0.5, 2.5], [True, True])

    Raises
    ------
    OptionError
        If shapes disagree, or the values hold Python objects.
    """

    values: Values
    """Values, [T, ...]. Axis 0 is time, always."""
    grid: Cells
    """The cells that the values live on: value k belongs to cell k."""
    valid: Mask = None  # type: ignore[assignment]
    """True where the value means something, bool [T]; all True if not given."""
    name: str = ""
    """What the values are, such as ``"mel"``."""
    unit: str = ""
    """The unit of the values, such as ``"dB"``."""
    support: Support = Fraction(0)
    """Seconds around ``center(k)`` that value k depends on, in all, or ``"whole"``."""
    context: str = "whole"
    """How the signal was cut for the computation: ``"whole"``, or a text that says how."""

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim == 0 or values.dtype == object:
            raise OptionError(f"a Track needs numbers of shape [T, ...], not {values.dtype} of shape {values.shape}")
        length = len(values)
        if self.grid.length not in (None, length):
            raise OptionError(f"{length} values do not fit {self.grid.length} cells")
        valid = np.ones(length, bool) if self.valid is None else np.asarray(self.valid)
        if valid.shape != (length,) or valid.dtype != np.bool_:
            raise OptionError(f"valid must be bool of shape [{length}], not {valid.dtype} of shape {valid.shape}")
        support = self.support if self.support == "whole" else exact(self.support)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "valid", valid)
        object.__setattr__(self, "support", support)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        return self.grid.clock

    @property
    def start(self) -> Fraction:
        """Left edge of the first cell, in exact seconds; zero cells start at the grid's start."""
        return self.grid.edge(0) if len(self) or isinstance(self.grid, Grid) else Fraction(0)

    @property
    def end(self) -> Fraction:
        """Right edge of the last cell, in exact seconds."""
        return self.grid.edge(len(self)) if len(self) else self.start

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Centres of the cells in seconds, float64 [T]."""
        return self.grid.centers(len(self))

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """Edges of the cells in seconds, float64 [T + 1]."""
        return self.grid.edges(len(self))

    def part(self, cells: range) -> Track:
        """The values of a run of cells, on cells of the same times.

        >>> Track(np.arange(5), Grid(25)).part(range(2, 4)).start
        Fraction(2, 25)
        """
        if cells.step != 1 or not 0 <= cells.start <= cells.stop <= len(self):
            raise OptionError(f"{cells!r} is not a run of the {len(self)} cells of track {self.name!r}")
        if isinstance(self.grid, Ticks):
            grid: Cells = self.grid.part(cells)
        else:
            grid = Grid(self.grid.rate, self.grid.edge(cells.start), self.grid.clock)
        rows = slice(cells.start, cells.stop)
        return replace(self, values=self.values[rows], grid=grid, valid=self.valid[rows])

    def between(self, start: Exact, end: Exact) -> Track:
        """The values of the cells whose centres lie in ``[start, end)``."""
        chosen = self.grid.cells(start, end, "centers")
        first, stop = (min(max(k, 0), len(self)) for k in (chosen.start, chosen.stop))
        return self.part(range(first, max(first, stop)))

    def shifted(self, seconds: Exact) -> Track:
        """The same values, later by so many exact seconds."""
        return replace(self, grid=self.grid.shifted(seconds))

    def map(self, function: Callable[[Values], Values], **changes: Any) -> Track:
        """The track of ``function(values)`` on the same cells; ``changes`` set other fields."""
        return replace(self, values=function(self.values), **changes)

    def on(
        self,
        grid: Cells,
        how: How = "sample",
        *,
        length: int | None = None,
        count: int = 1,
        min_cover: Exact | None = None,
        warp: Warp | None = None,
    ) -> Track:
        """These values on other cells.

        Parameters
        ----------
        grid : Grid or Ticks
            The target cells; its clock is this track's, unless ``warp`` leads there.
        how : str
            ``sample``: linear between source centres, at the target cell's centre; in the outer half of a
            source cell that has no valid neighbour there, the cell's own value.
            ``mean``: mean of what the target cell overlaps, weighted by overlap.
            ``nearest``: value of the source cell whose centre is nearest (a tie goes to the earlier one).
            ``stack``: the ``count`` source cells around the target centre, [T, count, ...]; missing ones zero.
        length : int, optional
            Number of target cells from cell 0; by default as many as start before this track's end
            (for Ticks all of them).
        count : int
            Number of source cells, for ``stack``.
        min_cover : number in 0...1, optional
            The share of the target cell (``mean``, default 1/2) or of the ``count`` cells (``stack``,
            default 1) that valid source cells must cover for the result to be valid.
        warp : Warp, optional
            Maps this track's clock to the target's. What it skips is invalid.

        Returns
        -------
        Track
            float64 for ``sample`` and ``mean`` unless the values are float32, float64 or complex.
            What lies outside the source or touches only invalid cells is ``valid=False``, never invented.

        Raises
        ------
        ClockError
            If the clocks differ and there is no warp.
        """
        if how not in ("sample", "mean", "nearest", "stack"):
            raise OptionError(f"how={how!r} is unknown; use 'sample', 'mean', 'nearest' or 'stack'")
        if count < 1 or (count != 1 and how != "stack"):
            raise OptionError(f"count={count} goes with how='stack' and is at least 1")
        cover = exact(_DEFAULT_COVER.get(how, Fraction(1)) if min_cover is None else min_cover)
        if not 0 <= cover <= 1:
            raise OptionError(f"min_cover={min_cover} lies outside 0...1")
        source, edges, centers, reached = self._places(grid, length, warp)
        if how == "mean":
            values, valid = _mean(self.values, self.valid, source, edges, float(cover))
        elif how == "sample":
            values, valid = _sample(self.values, self.valid, source, centers)
        elif how == "nearest":
            values, valid = _nearest(self.values, self.valid, source, centers)
        else:
            values, valid = _stack(self.values, self.valid, source, centers, count, float(cover))
        return replace(self, values=values, grid=grid, valid=valid & reached, support=self._support_on(grid, how, count))

    def _support_on(self, grid: Cells, how: How, count: int) -> Support:
        """What one new value depends on: the old support and how far the old centres that it reads lie apart."""
        if self.support == "whole" or len(self) == 0:
            return self.support
        assert isinstance(self.support, Fraction)
        period = self.grid.period if isinstance(self.grid, Grid) else _longest(self.grid)
        if how == "nearest":
            return self.support
        if how == "sample":
            return self.support if grid == self.grid else self.support + period
        if how == "stack":
            return self.support + (count - 1) * period
        target = grid.period if isinstance(grid, Grid) else _longest(grid)
        return self.support + target + period

    def _places(
        self, grid: Cells, length: int | None, warp: Warp | None
    ) -> tuple[Positions, Positions, Positions, Mask]:
        """Source edges, target edges and target centres on this track's clock, doubled, and what is reachable.

        Without a warp all are integers in one common unit, so that nothing is ever decided by rounding.
        """
        if warp is None:
            require_same_clock(self.clock, grid.clock, f"put track {self.name!r} on the grid")
            count = self._target_length(grid, length, self.end)
            unit = common_unit(self.grid, grid)
            source = self.grid.integer_edges(unit, len(self))
            target = grid.integer_edges(unit, count)
            both_small = source.dtype != object and target.dtype != object
            if not both_small:
                source, target = source.astype(object), target.astype(object)
            return 2 * source, 2 * target, target[:-1] + target[1:], np.ones(count, bool)
        for name, own in ((warp.source_clock, self.clock), (warp.target_clock, grid.clock)):
            if name is not None and name != own:
                raise ClockError(f"the warp leads from clock {warp.source_clock!r} to {warp.target_clock!r}, "
                                 f"but the track is on {self.clock!r} and the grid on {grid.clock!r}")  # fmt: skip
        back = warp.inverse()
        count = self._target_length(grid, length, warp.last_value(self.end))
        target_edges, target_centers = grid.edges(count), grid.centers(count)
        lows, _ = back.map(target_edges[:-1], side="right")
        highs, _ = back.map(target_edges[1:], side="left")
        centers, reached = back.map(target_centers)
        return 2 * self.edges, np.stack([2 * lows, 2 * highs]), 2 * centers, reached

    def _target_length(self, grid: Cells, length: int | None, end: Fraction) -> int:
        if isinstance(grid, Ticks):
            if length not in (None, len(grid)):
                raise OptionError(f"length={length} does not fit Ticks of {len(grid)} cells")
            return len(grid)
        if length is None:
            return max(0, grid.index(end, "ceil")) if len(self) else 0
        if length < 0:
            raise OptionError(f"length={length} is below zero")
        return length

    def to_dict(self) -> dict[str, object]:
        """What is known about the track, without its values, in a JSON form."""
        return {
            "name": self.name, "unit": self.unit, "shape": list(self.values.shape), "length": len(self),
            "dtype": str(self.values.dtype), "grid": self.grid.to_dict(),
            "support": "whole" if self.support == "whole" else {"seconds": float(self.support)},
            "context": self.context, "valid_cells": int(self.valid.sum()),
        }  # fmt: skip

    def __str__(self) -> str:
        return (
            f"{self.name or 'track'} {list(self.values.shape)} {self.values.dtype}: {self.grid}, "
            f"{float(self.start):.6f} to {float(self.end):.6f} s, {int(self.valid.sum())} of {len(self)} valid"
        )


def _longest(ticks: Ticks) -> Fraction:
    steps = np.diff(ticks.pts)
    return max(int(steps.max()) if len(steps) else 0, ticks.last_duration) * ticks.time_base


def _as_float(values: Values) -> Values:
    return values if values.dtype.kind in "fc" and values.dtype.itemsize >= 4 else values.astype(np.float64)


def _columns(weights: npt.NDArray[np.float64], values: Values) -> Values:
    """Weights [T] shaped so that they multiply values [T, ...], in the values' precision."""
    shaped = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    return shaped.astype(values.real.dtype) if values.dtype.kind in "fc" else shaped


def _containing(source: Positions, places: Positions) -> tuple[npt.NDArray[np.int64], Mask]:
    """The source cell that holds each place (clipped), and whether it truly does."""
    cell = np.searchsorted(source, places, side="right").astype(np.int64) - 1
    inside = (cell >= 0) & (cell < len(source) - 1)
    return np.clip(cell, 0, max(len(source) - 2, 0)), inside


def _empty(values: Values, count: int) -> tuple[Values, Mask]:
    return np.zeros((count, *values.shape[1:]), values.dtype), np.zeros(count, bool)


def _sample(values: Values, valid: Mask, source: Positions, centers: Positions) -> tuple[Values, Mask]:
    values = _as_float(values)
    if len(values) == 0:
        return _empty(values, len(centers))
    cell, inside = _containing(source, centers)
    middles = (source[:-1] + source[1:]) // 2 if source.dtype.kind != "f" else (source[:-1] + source[1:]) / 2
    left = np.where(centers >= middles[cell], cell, cell - 1)
    right = left + 1
    has_left = (left >= 0) & valid[np.clip(left, 0, len(values) - 1)]
    has_right = (right < len(values)) & valid[np.clip(right, 0, len(values) - 1)]
    left, right = np.clip(left, 0, len(values) - 1), np.clip(right, 0, len(values) - 1)
    width = np.maximum(middles[right] - middles[left], 1 if source.dtype.kind != "f" else 1e-300)
    weight = ((centers - middles[left]) / width).astype(np.float64)
    # Where a neighbour is missing or invalid, the cell's own value holds up to the cell's edge.
    alone = ~(has_left & has_right)
    weight = np.where(alone, (cell == right).astype(np.float64), np.clip(weight, 0.0, 1.0))
    ok = inside & valid[cell]
    out = np.zeros((len(centers), *values.shape[1:]), values.dtype)
    rows = np.flatnonzero(ok)
    low, high, part = values[left[rows]], values[right[rows]], _columns(weight[rows], values)
    # A weight of exactly 0 or 1 must not mix in an invalid neighbour, which may be NaN.
    both = rows.size and not alone[rows].any()
    mixed = low + (high - low) * part if both else _blend(low, high, part)
    out[rows] = mixed
    return out, ok


def _blend(low: Values, high: Values, part: Values) -> Values:
    with np.errstate(invalid="ignore"):
        mixed = low + (high - low) * part
    return np.where(part == 0, low, np.where(part == 1, high, mixed))


def _nearest(values: Values, valid: Mask, source: Positions, centers: Positions) -> tuple[Values, Mask]:
    if len(values) == 0:
        return _empty(values, len(centers))
    _, inside = _containing(source, centers)
    chosen = _nearest_cell(source, centers)
    ok = inside & valid[chosen]
    out, _ = _empty(values, len(centers))
    out[ok] = values[chosen[ok]]
    return out, ok


def _nearest_cell(source: Positions, centers: Positions) -> npt.NDArray[np.int64]:
    """The source cell whose centre is nearest, the earlier one in a tie."""
    middles = source[:-1] + source[1:]  # doubled, to stay in integers
    after = np.searchsorted(middles, 2 * centers, side="left").astype(np.int64)
    before = np.clip(after - 1, 0, len(middles) - 1)
    after = np.clip(after, 0, len(middles) - 1)
    return np.where(2 * centers - middles[before] <= middles[after] - 2 * centers, before, after)


def _stack(
    values: Values, valid: Mask, source: Positions, centers: Positions, count: int, cover: float
) -> tuple[Values, Mask]:
    if len(values) == 0:
        empty, ok = _empty(values, len(centers))
        return np.repeat(empty[:, None], count, axis=1), ok
    cell, inside = _containing(source, centers)
    middles = source[:-1] + source[1:]
    if count % 2:
        first = _nearest_cell(source, centers) - (count - 1) // 2
    else:
        # An even window lies between two centres: half of it at or before the instant, half after.
        first = np.searchsorted(middles, 2 * centers, side="right").astype(np.int64) - count // 2
    rows = first[:, None] + np.arange(count)
    there = (rows >= 0) & (rows < len(values))
    rows = np.clip(rows, 0, len(values) - 1)
    there &= valid[rows]
    out = np.where(there.reshape(there.shape + (1,) * (values.ndim - 1)), values[rows], np.zeros((), values.dtype))
    return out, inside & valid[cell] & (there.mean(axis=1) >= cover - 1e-12)


def _mean(
    values: Values, valid: Mask, source: Positions, edges: Positions, cover: float
) -> tuple[Values, Mask]:
    values = _as_float(values)
    lows, highs = (edges[0], edges[1]) if edges.ndim == 2 else (edges[:-1], edges[1:])
    out = np.zeros((len(lows), *values.shape[1:]), values.dtype)
    ok = np.zeros(len(lows), bool)
    if len(values) == 0:
        return out, ok
    clean = np.where(_columns(valid, values).astype(bool), values, 0) if not valid.all() else values
    first = np.clip(np.searchsorted(source, lows, side="right") - 1, 0, len(values))
    stop = np.clip(np.searchsorted(source, highs, side="left"), 0, len(values))
    # Target cells that read equally many source cells are done together: exact, and no running sum that drifts.
    widths = np.maximum(stop - first, 0)
    for width in np.unique(widths[widths > 0]):
        rows = np.flatnonzero(widths == width)
        total = np.zeros((len(rows), *values.shape[1:]), np.result_type(values.dtype, np.float64))
        weight = np.zeros(len(rows))
        for step in range(int(width)):
            cell = first[rows] + step
            overlap = np.minimum(source[cell + 1], highs[rows]) - np.maximum(source[cell], lows[rows])
            share = np.where(valid[cell], np.maximum(overlap, 0), 0).astype(np.float64)
            total += clean[cell] * share.reshape(share.shape + (1,) * (values.ndim - 1))
            weight += share
        whole = (highs[rows] - lows[rows]).astype(np.float64)
        good = (weight > 0) & (weight >= cover * whole * (1 - 1e-12))
        divisor = np.where(weight > 0, weight, 1.0)
        out[rows] = total / divisor.reshape(divisor.shape + (1,) * (values.ndim - 1))
        ok[rows] = good
    out[~ok] = 0
    return out, ok
