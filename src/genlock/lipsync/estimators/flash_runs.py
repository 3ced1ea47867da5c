"""Flashes and beeps that agree on several offsets one after the other: a signal whose sound was cut."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.aligners.drift import find_steps
from genlock.core.spans import Spans

__all__ = ["Run", "runs_of"]

Array = npt.NDArray[np.float64]

# What a flash without its beep costs, in units of log likelihood; another offset costs as much as three of them.
_MISSED = 2.0
_PENALTY = 6.0
_LEAST_FLASHES = 3
_LEAST_SHARE = 0.8


class Run(NamedTuple):
    """Flashes that follow each other and have their beeps at one offset."""

    flashes: slice
    """Which flashes."""
    start: Fraction
    """The instant of the sound from which on this offset holds, in exact seconds."""
    end: Fraction
    """The instant up to which it does."""


def runs_of(flashes: Spans, beeps: Spans, early: Array, late: Array, reach_seconds: float) -> list[Run]:
    """Where the offset of a signal jumps: the runs between, in order; none where most flashes find no beep.

    Parameters
    ----------
    flashes, beeps : in order
    early, late : beginning and end of each flash's first cell less the onset of each beep, [flashes, beeps]
    reach_seconds : the largest offset that is looked for
    """
    near = (late >= -reach_seconds) & (early <= reach_seconds)
    if len(flashes) < 2 * _LEAST_FLASHES or not near.any():
        return []
    offsets = np.unique(((early + late) / 2)[near])
    fits = near[:, None] & (early[:, None] <= offsets[:, None]) & (offsets[:, None] <= late[:, None])
    there: npt.NDArray[np.bool_] = np.any(fits, axis=2)
    found = [
        (rows, column)
        for rows, column in find_steps(np.where(there, 0.0, -_MISSED), _PENALTY)
        if there[rows.start : rows.stop, column].sum() >= _LEAST_FLASHES
    ]
    agreeing = sum(int(there[rows.start : rows.stop, column].sum()) for rows, column in found)
    if len(found) < 2 or agreeing < _LEAST_SHARE * len(flashes):
        return []
    heard = [
        _heard(rows, there[:, column], early, late, float(offsets[column]), beeps) for rows, column in found
    ]
    borders = [(last + first) / 2 for (_, last), (first, _) in pairwise(heard)]
    starts, ends = [heard[0][0], *borders], [*borders, heard[-1][1]]
    return [
        Run(slice(rows.start, rows.stop), start, end)
        for (rows, _), start, end in zip(found, starts, ends, strict=True)
    ]


def _heard(
    rows: range, there: npt.NDArray[np.bool_], early: Array, late: Array, offset: float, beeps: Spans
) -> tuple[Fraction, Fraction]:
    """The first and the last beep of a run."""
    own = [flash for flash in rows if there[flash]]
    pairs = [int(np.abs((early + late)[flash] / 2 - offset).argmin()) for flash in (own[0], own[-1])]
    return beeps[pairs[0]].start, beeps[pairs[1]].start
