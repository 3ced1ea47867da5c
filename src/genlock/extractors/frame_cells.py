"""Cells of what is measured on frames: of those that were seen, of a run of them, of changes from one to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.time import Exact, exact_rate
from genlock.core.track import Track
from genlock.media import VideoCell

__all__ = ["FrameCells", "between_frames", "on_whole_row", "run_of_frames", "ticks_of"]


class FrameCells:
    """The cells of frames, one after the other.

    Parameters
    ----------
    rate : cells per second that were asked of the reader; None: the frames' own times
    """

    def __init__(self, rate: Exact | None = None) -> None:
        self._rate, self._clock = None if rate is None else exact_rate(rate), ""
        self.first = 0
        """Number of the first of them in its film."""
        self._edges: list[Fraction] = []

    def add(self, cell: VideoCell) -> None:
        """Take the cell of the next frame."""
        if not self._edges:
            self.first, self._edges, self._clock = cell.index, [cell.start], cell.clock
        self._edges.append(cell.end)

    def __len__(self) -> int:
        return max(0, len(self._edges) - 1)

    def get(self, film: Cells | None = None) -> Cells:
        """Their cells: a Grid where a rate was asked for, a run of the film's where those are known, else ticks."""
        if self._rate is not None:
            return Grid(self._rate, self._edges[0], self._clock)
        if film is not None:
            return run_of_frames(film, self.first, len(self))
        return ticks_of(self._edges, self._clock)


def run_of_frames(cells: Cells, first: int, length: int) -> Cells:
    """The cells of frames ``first`` to ``first + length - 1``.

    >>> run_of_frames(Grid(25), 50, 10).start
    Fraction(2, 1)
    """
    return cells.part(range(first, first + length))


def between_frames(cells: Cells) -> Cells:
    """The cells of changes: cell k reaches from the middle of frame k - 1 to the middle of frame k.

    A change between two frames belongs to the instant half-way between what they show; on the later frame's own cell
    it would be half a frame late. The first cell of Ticks begins as long before its end as the second is long.

    >>> between_frames(Grid(25)).center(3), between_frames(Ticks([0, 2, 4], "1/50", 2)).center(1)
    (Fraction(3, 25), Fraction(1, 25))
    """
    if isinstance(cells, Grid):
        return Grid(cells.rate, cells.start - cells.period / 2, cells.clock)
    edges = cells.stamps(len(cells))
    middles = edges[:-1] + edges[1:]
    length = middles[1] - middles[0] if len(middles) > 1 else 2 * cells.last_duration
    stamps = np.concatenate([middles[:1] - length, middles])
    return Ticks(stamps[:-1], cells.time_base / 2, int(stamps[-1] - stamps[-2]), cells.clock)


def ticks_of(edges: Sequence[Fraction], clock: str) -> Ticks:
    """The cells between edges that rise, [T + 1] exact seconds, in the coarsest ticks that hold them all.

    >>> ticks_of([Fraction(0), Fraction(1, 25), Fraction(1, 10)], "media").time_base
    Fraction(1, 50)
    """
    per_second = math.lcm(*(edge.denominator for edge in edges))
    stamps = [edge.numerator * (per_second // edge.denominator) for edge in edges]
    return Ticks(stamps[:-1], Fraction(1, per_second), stamps[-1] - stamps[-2], clock)


def on_whole_row(track: Track, cells: Cells, count: int) -> Track:
    """A track of one face on all frames: row k belongs to frame k, and is invalid where the face was not seen.

    What lies between the frames (``mouth:motion``) is sampled at their middles.
    """
    place = cells.index(track.start, "nearest")
    if track.grid != run_of_frames(cells, place, len(track)):
        return track.on(cells, how="nearest" if track.values.dtype.kind in "biu" else "sample", length=count)
    values = np.zeros((count, *track.values.shape[1:]), track.values.dtype)
    valid = np.zeros(count, bool)
    rows = slice(place, place + len(track))
    values[rows], valid[rows] = track.values, track.valid
    return replace(track, values=values, valid=valid, grid=cells)
