"""How values pass from one row of cells to another: the four ways of :meth:`genlock.core.track.Track.on`.

Which source cell a target instant falls into is decided in integers. The unit is a quarter of a source
tick, counted from the source's origin (a *quarter*), because in it every edge, every centre and every
midpoint of two centres of the source is a whole number. A place is ``(whole, part)``: the quarters before
it, and the rest in [0, 1). Only weights are floats.

The work goes through the target in blocks of about a megabyte, so memory beside the result stays small.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells, Grid
from genlock.core.line import FloatArray, IntArray, Line
from genlock.core.warp import Piece

__all__ = ["Mask", "Route", "Source", "Values", "float_type", "mean", "nearest", "sample", "stack"]

Values: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]

_BLOCK_BYTES = 2**20
_FAR = 2**62
# Up to so many source cells within one target cell are added one by one, more by one call for all.
_NARROW = 16


@dataclass(frozen=True)
class _AnchoredTicks:
    """Ticks told from their first edge, in the coarsest tick that tells them all.

    A stream that starts elsewhere, or whose stamps are counted in a finer base, has the same numbers here: only
    so do the weights, which are floats, come out the same bits.
    """

    origin: Fraction
    """The first edge, in exact seconds."""
    tick: Fraction
    """Seconds per tick."""
    edges: IntArray
    """int64 [T + 1], from zero on; empty without cells."""

    def stamps(self, count: int | None = None, first: int = 0) -> IntArray:
        """Edges of ``count`` cells (default: the rest) from ``first`` on, int64 [count + 1], in ticks."""
        return self.edges[first:] if count is None else self.edges[first : first + count + 1]


def _anchored(cells: Cells) -> Grid | _AnchoredTicks:
    """The cells as they are seen from their own first edge; a Grid is that by itself."""
    if isinstance(cells, Grid):
        return cells
    edges = cells.stamps()
    if len(edges) == 0:
        return _AnchoredTicks(Fraction(0), cells.tick, edges)
    common = int(np.gcd.reduce(np.diff(edges)))
    return _AnchoredTicks(cells.edge(0), cells.tick * common, (edges - edges[0]) // common)


@dataclass(frozen=True)
class Places:
    """Instants on the source's axis, in quarters."""

    whole: IntArray
    part: FloatArray

    def ceil(self) -> IntArray:
        """The first whole quarter at or after each place."""
        return self.whole + (self.part > 0)


@dataclass(frozen=True)
class Source:
    """The values that are read, [T, ...] with T above zero, and the cells that they lie on."""

    values: Values
    valid: Mask
    cells: Grid | _AnchoredTicks

    @classmethod
    def of(cls, values: Values, valid: Mask, cells: Cells) -> Source:
        """The values [T, ...] and bool [T] of a track."""
        return cls(values, valid, _anchored(cells))

    def __len__(self) -> int:
        return len(self.values)

    def cell(self, whole: IntArray) -> IntArray:
        """The cell that contains each place; below 0 before the first cell, T or more after the last."""
        ticks = whole // 4
        if isinstance(self.cells, _AnchoredTicks):
            return np.searchsorted(self.cells.stamps(), ticks, side="right").astype(np.int64) - 1
        return ticks

    def edge(self, cell: IntArray) -> IntArray:
        """The left edge of each cell 0...T, in quarters."""
        return 4 * (self.cells.stamps()[cell] if isinstance(self.cells, _AnchoredTicks) else cell)

    def middle(self, cell: IntArray) -> IntArray:
        """The centre of each cell 0...T-1, in quarters."""
        return (self.edge(cell) + self.edge(cell + 1)) // 2

    def clip(self, cell: IntArray) -> IntArray:
        """The nearest cell that exists."""
        return np.clip(cell, 0, len(self) - 1)

    def has(self, cell: IntArray) -> Mask:
        """True where the cell exists and is valid."""
        return (cell >= 0) & (cell < len(self)) & self.valid[self.clip(cell)]

    def before(self, places: Places) -> IntArray:
        """The last cell whose centre lies at or before each place, -1...T-1; the next one's lies after it."""
        cell = self.clip(self.cell(places.whole))
        return np.where(places.whole >= self.middle(cell), cell, cell - 1)

    def nearest(self, places: Places) -> IntArray:
        """The cell whose centre is nearest to each place, the earlier one in a tie."""
        left = self.before(places)
        earlier, later = self.clip(left), self.clip(left + 1)
        halfway = (self.middle(earlier) + self.middle(later)) // 2
        return np.where(places.ceil() <= halfway, earlier, later)


@dataclass(frozen=True)
class Overlaps:
    """Parts of target cells, in order, and where on the source each begins and ends."""

    rows: IntArray
    """The target cell that each part belongs to, counted from the block's first; never decreasing."""
    low: Places
    high: Places
    lasts: FloatArray
    """How long one second of the source lasts on the target, in seconds."""

    def part(self, chosen: Mask) -> Overlaps:
        """Some of the parts."""
        low, high = (Places(p.whole[chosen], p.part[chosen]) for p in (self.low, self.high))
        return Overlaps(self.rows[chosen], low, high, self.lasts[chosen])


@dataclass(frozen=True)
class _Stretch:
    """A straight piece of the way from the target's clock to the source's."""

    start: Fraction | None
    end: Fraction | None
    closed: bool
    """``[start, end)`` in half ticks of the target, with ``end`` where closed; None is without end."""
    line: Line
    """From half ticks of the target to quarters of the source."""
    lasts: float
    """How long one second of the source lasts on the target, in seconds."""


class Route:
    """Where ``count`` target cells lie on a source, by the straight pieces of the way back to its clock."""

    def __init__(self, source: Source, cells: Cells, count: int, back: Sequence[Piece]) -> None:
        self.source, self.cells, self.count = source, _anchored(cells), count
        self._stretches = [_stretch(piece, source.cells, self.cells) for piece in back]
        # Only the first stretch may lack a start, and only the last an end.
        self._starts = [s.start for s in self._stretches[1:] if s.start is not None]
        self._ends = [s.end for s in self._stretches[:-1] if s.end is not None]

    def blocks(self, row_bytes: int) -> Iterator[slice]:
        """Runs of target cells that read and write about a megabyte each."""
        reads = max(1, len(self.source) // max(1, self.count))
        size = max(16, _BLOCK_BYTES // max(8, reads * row_bytes))
        return (slice(first, min(first + size, self.count)) for first in range(0, self.count, size))

    def edges(self, block: slice) -> IntArray:
        """The edges of a block of target cells, in half ticks."""
        return 2 * self.cells.stamps(block.stop - block.start, block.start)

    def centers(self, block: slice) -> tuple[Places, Mask]:
        """Where the centres of a block lie on the source, and which of them the way back reaches."""
        edges = self.edges(block)
        centers = (edges[:-1] + edges[1:]) // 2
        places = Places(np.zeros(len(centers), np.int64), np.zeros(len(centers), np.float64))
        reached = np.zeros(len(centers), np.bool_)
        for stretch in self._within(centers):
            first, stop = 0, len(centers)
            if stretch.start is not None:
                first = _count_below(centers, stretch.start)
            if stretch.end is not None:
                stop = _count_below(centers, stretch.end, or_at=stretch.closed)
            rows = slice(first, stop)
            places.whole[rows], places.part[rows] = stretch.line.split(centers[rows])
            reached[rows] = True
        return places, reached

    def overlaps(self, block: slice) -> Overlaps:
        """The parts of a block's cells that the way back reaches: one for each cell and straight piece."""
        edges = self.edges(block)
        rows, lows, highs, lasts = [_NO_ROWS], [_NO_PLACES], [_NO_PLACES], [_NO_LASTS]
        for stretch in self._within(edges):
            first, stop = 0, len(edges) - 1
            if stretch.start is not None:
                first = _count_below(edges[1:], stretch.start, or_at=True)
            if stretch.end is not None:
                stop = _count_below(edges[:-1], stretch.end)
            if first >= stop:
                continue
            whole, part = stretch.line.split(edges[first : stop + 1])
            low, high = Places(whole[:-1].copy(), part[:-1].copy()), Places(whole[1:].copy(), part[1:].copy())
            # The piece's own ends cut the cells that they fall into.
            if stretch.start is not None and stretch.start > int(edges[first]):
                low.whole[0], low.part[0] = _place(stretch.line.at(stretch.start))
            if stretch.end is not None and stretch.end < int(edges[stop]):
                high.whole[-1], high.part[-1] = _place(stretch.line.at(stretch.end))
            rows.append(np.arange(first, stop))
            lows.append(low)
            highs.append(high)
            lasts.append(np.full(stop - first, stretch.lasts))
        return Overlaps(np.concatenate(rows), _joined(lows), _joined(highs), np.concatenate(lasts))

    def _within(self, stamps: IntArray) -> list[_Stretch]:
        """The stretches that may hold any of these stamps, which increase."""
        if len(stamps) == 0:
            return []
        first = bisect_left(self._ends, Fraction(int(stamps[0])))
        stop = bisect_right(self._starts, Fraction(int(stamps[-1]))) + 1
        return self._stretches[first:stop]


_NO_ROWS = np.zeros(0, np.int64)
_NO_LASTS = np.zeros(0, np.float64)
_NO_PLACES = Places(_NO_ROWS, _NO_LASTS)


def _joined(places: list[Places]) -> Places:
    return Places(np.concatenate([p.whole for p in places]), np.concatenate([p.part for p in places]))


def _stretch(piece: Piece, source: Grid | _AnchoredTicks, target: Grid | _AnchoredTicks) -> _Stretch:
    half = target.tick / 2
    quarter = source.tick / 4
    start, end = (None if t is None else (t - target.origin) / half for t in (piece.start, piece.end))
    scale = piece.slope * half / quarter
    shift = (piece.slope * target.origin + piece.shift - source.origin) / quarter
    return _Stretch(start, end, piece.closed, Line(scale, shift), float(1 / piece.slope))


def _count_below(stamps: IntArray, bound: Fraction, or_at: bool = False) -> int:
    """How many of the increasing stamps lie below a bound (or at it)."""
    whole = math.floor(bound) if or_at else math.ceil(bound)
    side = "right" if or_at else "left"
    return int(np.searchsorted(stamps, min(max(whole, -_FAR), _FAR), side=side))  # type: ignore[call-overload]


def _place(quarters: Fraction) -> tuple[int, float]:
    whole = math.floor(quarters)
    return min(max(whole, -_FAR), _FAR), float(quarters - whole)


def _as_float(values: Values) -> Values:
    return values if values.dtype.kind in "fc" and values.dtype.itemsize >= 4 else values.astype(np.float64)


def float_type(values: Values) -> np.dtype[Any]:
    """What ``sample`` and ``mean`` answer in: float64 unless the values are float32, float64 or complex."""
    return _as_float(values[:0]).dtype


def _columns(weights: npt.NDArray[Any], values: Values) -> npt.NDArray[Any]:
    """Weights [T] shaped so that they multiply values [T, ...]."""
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))


def sample(route: Route) -> tuple[Values, Mask]:
    """Linear between source centres, at the target cells' centres."""
    source = route.source
    values = source.values
    out = np.zeros((route.count, *values.shape[1:]), float_type(values))
    ok = np.zeros(route.count, np.bool_)
    for block in route.blocks(out[:1].nbytes):
        places, reached = route.centers(block)
        cell = source.cell(places.whole)
        good = reached & source.has(cell)
        left = source.before(places)
        begin, end = (source.middle(source.clip(k)) for k in (left, left + 1))
        weight = ((places.whole - begin) + places.part) / np.maximum(end - begin, 1)
        # Where a neighbour is missing or invalid, the cell's own value holds up to the cell's edge; a
        # neighbour of weight zero is not read either: it may be NaN.
        mixed = good & source.has(left) & source.has(left + 1) & (weight > 0)
        own, both = np.flatnonzero(good & ~mixed), np.flatnonzero(mixed)
        rows = out[block]
        rows[own] = values[cell[own]]
        low, high = _as_float(values[left[both]]), _as_float(values[left[both] + 1])
        rows[both] = low + (high - low) * _columns(weight[both], low).astype(low.real.dtype)
        ok[block] = good
    return out, ok


def nearest(route: Route) -> tuple[Values, Mask]:
    """The value of the source cell whose centre is nearest to the target cell's."""
    source = route.source
    out = np.zeros((route.count, *source.values.shape[1:]), source.values.dtype)
    ok = np.zeros(route.count, np.bool_)
    for block in route.blocks(out[:1].nbytes):
        places, reached = route.centers(block)
        chosen = source.nearest(places)
        good = reached & _inside(source, places) & source.valid[chosen]
        out[block][good] = source.values[chosen[good]]
        ok[block] = good
    return out, ok


def stack(route: Route, count: int, cover: Fraction) -> tuple[Values, Mask]:
    """The ``count`` source cells around the target cell's centre, [T, count, ...]."""
    source = route.source
    out = np.zeros((route.count, count, *source.values.shape[1:]), source.values.dtype)
    ok = np.zeros(route.count, np.bool_)
    enough = math.ceil(cover * count)
    for block in route.blocks(out[:1].nbytes):
        places, reached = route.centers(block)
        if count % 2:
            first = source.nearest(places) - count // 2
        else:
            # An even window: half of its centres at or before the instant, half after.
            first = source.before(places) + 1 - count // 2
        cells = first[:, None] + np.arange(count)
        there = source.has(cells)
        ok[block] = reached & source.has(source.cell(places.whole)) & (there.sum(axis=1) >= enough)
        there &= ok[block, None]
        out[block][there] = source.values[cells[there]]
    return out, ok


def _inside(source: Source, places: Places) -> Mask:
    cell = source.cell(places.whole)
    return (cell >= 0) & (cell < len(source))


def mean(route: Route, cover: Fraction) -> tuple[Values, Mask]:
    """The mean over the target cells, weighted by overlap in target time."""
    source = route.source
    out = np.zeros((route.count, *source.values.shape[1:]), float_type(source.values))
    ok = np.zeros(route.count, np.bool_)
    for block in route.blocks(out[:1].nbytes):
        parts = _on_source(route.overlaps(block), source)
        if len(parts.rows) == 0:
            continue
        sums, covered = _overlap_sums(source, parts)
        # The parts of one cell lie together; most cells are one part.
        starts = np.flatnonzero(np.diff(parts.rows, prepend=-1))
        if len(starts) < len(parts.rows):
            sums, covered = (np.add.reduceat(x, starts, axis=0) for x in (sums, covered))
        rows = parts.rows[starts]
        # A cell's own length, in quarters of the source if both clocks ran alike.
        length = np.diff(route.edges(block))[rows] * float(2 * route.cells.tick / source.cells.tick)
        good = (covered > 0) & (covered >= float(cover) * length * (1 - 1e-12))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / _columns(covered, sums)
        out[block][rows[good]] = means[good]
        ok[block][rows] = good
    return out, ok


def _on_source(parts: Overlaps, source: Source) -> Overlaps:
    """The parts that overlap the source's cells, cut to where they do."""
    bottom, top = (int(source.edge(np.array(k))) for k in (0, len(source)))
    low, high = parts.low, parts.high
    longer = (low.whole < high.whole) | ((low.whole == high.whole) & (low.part < high.part))
    parts = parts.part(longer & (low.whole < top) & (high.ceil() > bottom))
    low, high = (_limited(places, bottom, top) for places in (parts.low, parts.high))
    return Overlaps(parts.rows, low, high, parts.lasts)


def _limited(places: Places, bottom: int, top: int) -> Places:
    inside = (places.whole >= bottom) & (places.whole < top)
    return Places(np.clip(places.whole, bottom, top), np.where(inside, places.part, 0.0))


def _overlap_sums(source: Source, parts: Overlaps) -> tuple[Values, FloatArray]:
    """For each part, the sum over the valid source cells of value times overlap, and of overlap, in quarters
    as long as they last on the target.
    """
    low, high = parts.low, parts.high
    first, last = source.cell(low.whole), source.cell(high.ceil() - 1)
    begin, stop = int(first[0]), int(last[-1]) + 1
    lengths = np.diff(source.edge(np.arange(begin, stop + 1)))
    valid, values = source.valid[begin:stop], source.values[begin:stop]
    if not valid.all():
        lengths = np.where(valid, lengths, 0)
        values = np.where(_columns(valid, values), values, np.zeros((), values.dtype))
    one = first == last
    # How much of the first and of the last cell lies inside; a part within one cell counts it as its first.
    at_first = (np.where(one, high.whole, source.edge(first + 1)) - low.whole) + (one * high.part - low.part)
    at_last = np.where(one, 0.0, (high.whole - source.edge(last)) + high.part)
    first, last = first - begin, last - begin
    at_first, at_last = at_first * valid[first] * parts.lasts, at_last * valid[last] * parts.lasts
    sums, covered = _inner_sums(values, lengths, np.minimum(first + 1, last), last)
    if (parts.lasts != 1).any():
        sums, covered = sums * _columns(parts.lasts, sums), covered * parts.lasts
    sums += values[first] * _columns(at_first, sums)
    several = np.flatnonzero(~one)
    sums[several] += values[last[several]] * _columns(at_last[several], sums)
    return sums, covered + at_first + at_last


def _inner_sums(
    values: Values, lengths: IntArray, first: IntArray, stop: IntArray
) -> tuple[Values, FloatArray]:
    """Sums of ``values * lengths`` and of ``lengths`` over the cells ``[first, stop)`` of each part."""
    wide = np.result_type(values.dtype, np.float64)
    sums, covered = np.zeros((len(first), *values.shape[1:]), wide), np.zeros(len(first))
    widest = int((stop - first).max())
    if widest <= _NARROW:
        for step in range(widest):
            rows = np.flatnonzero(first + step < stop)
            chosen = first[rows] + step
            weights = lengths[chosen].astype(np.float64)
            sums[rows] += values[chosen] * _columns(weights, values)
            covered[rows] += weights
        return sums, covered
    # Every second one of these sums runs over a part's cells, the others over what lies between two parts.
    rows = np.flatnonzero(stop > first)
    turns = np.stack([first[rows], stop[rows]], axis=1).ravel()
    if (lengths == lengths[0]).all():
        sums[rows] = np.add.reduceat(values, turns, axis=0, dtype=wide)[::2] * int(lengths[0])
    else:
        weighted = values * _columns(lengths.astype(np.float64), values)
        sums[rows] = np.add.reduceat(weighted, turns, axis=0)[::2]
    covered[rows] = np.add.reduceat(lengths, turns, dtype=np.float64)[::2]
    return sums, covered
