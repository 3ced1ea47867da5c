"""Cells of what is measured on frames: between given edges, of a run of frames, of changes from one to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from genlock.core.grid import Cells, Grid, Ticks

__all__ = ["between_frames", "run_of_frames", "ticks_of"]


def run_of_frames(cells: Cells, first: int, length: int) -> Cells:
    """The cells of frames ``first`` to ``first + length - 1``.

    >>> run_of_frames(Grid(25), 50, 10).start
    Fraction(2, 1)
    """
    if isinstance(cells, Ticks):
        return cells.part(range(first, first + length))
    return Grid(cells.rate, cells.edge(first), cells.clock)


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
