"""Reads single events off a posterior on columns: how many there are, when each is, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array

__all__ = ["ReadOff", "Reading", "read_off"]

Floats: TypeAlias = npt.NDArray[np.float64]

# Columns to either side that may tell of the same event, and the presence below which nothing is told.
_REACH, _FLOOR = 2, 0.004


@dataclass(frozen=True)
class Reading:
    """How instants are read off a posterior; fitted on held-out clips."""

    threshold: float = 0.5
    """Least probability of an event; above 0, at most 1."""
    late_seconds: float = 0.0
    """By how much events are read too late; it is taken off."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise OptionError(f"a threshold of {self.threshold} lies outside 0...1")


@dataclass(frozen=True, eq=False)
class ReadOff:
    """Events, in order of time."""

    places: Floats
    """Where each lies, [n], in columns from the left edge of the first."""
    probabilities: Floats
    """How sure each is, [n], 0...1."""
    rows: Array
    """What the posterior says around each, [n, channels], weighted by how much it is there."""

    def __len__(self) -> int:
        return len(self.places)


def read_off(rows: Array, threshold: float = 0.5) -> ReadOff:
    """The events of a posterior [N, channels]; channels 0 and 1 are presence and place.

    Where an instant is not certain, its presence is spread over a few columns. So the probability of an event is what
    lies within two columns of a peak in all, and its place the mean of where those columns say it is. What one event
    has taken is gone; what is left may be another.

    >>> rows = np.zeros((9, 6), np.float32)
    >>> rows[3:5, 0], rows[3, 1] = 0.45, 1.0
    >>> found = read_off(rows)
    >>> found.places.round(2).tolist(), found.probabilities.round(2).tolist()
    ([4.5], [0.9])
    """
    left = np.asarray(rows[:, 0], np.float64).copy()
    found: list[tuple[float, float, Array]] = []
    for first, stop in _islands(left):
        part = left[first:stop]
        # An island holds at most so many events; each pass takes one.
        for _ in range(stop - first):
            sums = np.convolve(part, np.ones(3), "same") if len(part) >= 3 else part
            peak = int(np.argmax(sums + 1e-3 * part))
            low, high = max(peak - _REACH, 0), min(peak + _REACH + 1, len(part))
            mass = float(part[low:high].sum())
            if mass < threshold:
                break
            share = part[low:high] / mass
            told = rows[first + low : first + high]
            where = first + low + np.arange(high - low) + 0.5 + told[:, 1]
            found.append((float(share @ where), min(mass, 1.0), (share @ told).astype(np.float32)))
            _take(part, peak, low, high)
    found.sort(key=lambda one: one[0])
    count = len(found)
    return ReadOff(
        np.array([one[0] for one in found], np.float64),
        np.array([one[1] for one in found], np.float64),
        np.stack([one[2] for one in found]) if count else np.zeros((0, rows.shape[1]), np.float32),
    )


def _islands(presence: Floats) -> list[tuple[int, int]]:
    """Runs of columns of which anything is told, with a column to either side."""
    told = np.flatnonzero(presence > _FLOOR)
    if not len(told):
        return []
    breaks = np.flatnonzero(np.diff(told) > 2 * _REACH)
    firsts, lasts = told[np.r_[0, breaks + 1]], told[np.r_[breaks, len(told) - 1]]
    return [(int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True)]


def _take(part: Floats, peak: int, low: int, high: int) -> None:
    """Take one event's presence away, from the peak outwards."""
    rest = 1.0
    for column in sorted(range(low, high), key=lambda k: abs(k - peak)):
        taken = min(rest, float(part[column]))
        part[column] -= taken
        rest -= taken
