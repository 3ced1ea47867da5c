"""Onsets of sound: found to the millisecond, and matched one to one with those that are true.

The published onset accuracies for generated sound reward silence and a single hit, and forgive 300 ms. Here every
onset is matched at most once within a stated tolerance, every miss counts, silence scores 0, and the signed offset
stands beside it. Matching and F agree with ``mir_eval.onset``, a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from genlock.aligners.instants import match_within
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.json_forms import finite_or_none
from genlock.core.one_line import one_line
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.extractors.sound.onset import Onset, rises_of

__all__ = [
    "CONTROLS",
    "WINDOWS",
    "FoundOnsets",
    "OnsetScores",
    "Wanted",
    "find_onsets",
    "match_onsets",
    "mean_rate_onsets",
    "metronome_onsets",
    "offset_seconds",
    "pooled_f",
    "score_onsets",
]

Array: TypeAlias = npt.NDArray[np.float64]

#: Tolerances of the matching, in seconds.
WINDOWS = (0.02, 0.05, 0.1)
#: What is judged beside a system, in the order of the table.
CONTROLS = (
    "truth",
    "silence",
    "one hit",
    "truth + 80 ms",
    "truth + 200 ms",
    "shuffled clips",
    "metronome",
    "mean rate",
)
# Offsets are looked for within so many seconds: twice a beat of 200 ms would be another beat.
_OFFSET_REACH = 0.3
# Of find_onsets, fitted on 50 films of `genlock synth impacts --seed 900` (docs/impacts.md): the least rise in dB.
_RISE_DB = 6.0
_LEVEL_SECONDS = 0.03


# ---------------------------------------------------------------- found


@dataclass(frozen=True, eq=False)
class FoundOnsets:
    """Where a sound sets in."""

    seconds: Array
    """Instants on the sound's clock, in order, float64 [n]."""
    levels: Array
    """How loud each is: RMS of the 30 ms from it on, dB of full scale, float64 [n]."""

    __repr__ = one_line

    def __len__(self) -> int:
        return len(self.seconds)


def find_onsets(sound: Track, least_db: float = _RISE_DB) -> FoundOnsets:
    """The onsets of a sound.

    Parameters
    ----------
    sound : a waveform [n] or [n, channels] on its samples' grid
    least_db : how far the level must rise above that of the 30 ms before, in dB, mean over bands; above zero

    Examples
    --------
    >>> samples = np.zeros(24000, np.float32)
    >>> samples[12000:] = 0.3 * np.sin(np.arange(12000) * 0.7) * np.exp(-np.arange(12000) / 900)
    >>> found = find_onsets(Track(samples, Grid.of_samples(24000)))
    >>> len(found), bool(abs(found.seconds[0] - 0.5) < 0.002)
    (1, True)

    Raises OptionError if the sound has no uniform grid or the rise is not above zero.
    """
    if not isinstance(sound.grid, Grid) or not least_db > 0:
        raise OptionError(
            f"onsets need a waveform on the grid of its samples and a rise above 0 dB, not {sound} and {least_db}"
        )
    rate, start = round_fraction(sound.grid.rate, "nearest"), float(sound.grid.center(0))
    samples = np.asarray(sound.values, np.float32).reshape(len(sound), -1).mean(axis=1)
    if not len(samples):
        return FoundOnsets(np.zeros(0), np.zeros(0))
    feature = Onset()
    own = feature.sample_rate
    # Before the first sample lies silence: what sounds at once has an onset too.
    lead = own // 10
    heard = samples if rate == own else soxr.resample(samples, rate, own, quality="HQ")
    track = feature(np.concatenate([np.zeros(lead, np.float32), heard, np.zeros(lead, np.float32)]))
    seconds = np.maximum(rises_of(track, least_db).seconds - lead / own, 0.0)
    return FoundOnsets(seconds + start, _levels(samples, rate, seconds))


def _levels(samples: npt.NDArray[np.float32], rate: int, seconds: Array) -> Array:
    width = max(1, round(_LEVEL_SECONDS * rate))
    levels = []
    for first in np.round(seconds * rate).astype(int).tolist():
        part = np.asarray(samples[first : first + width], np.float64)
        levels.append(10 * np.log10(max(float((part**2).mean()) if len(part) else 0.0, 1e-12)))
    return np.array(levels, np.float64)


# ---------------------------------------------------------------- matched


@dataclass(frozen=True)
class Wanted:
    """What onsets are judged against."""

    seconds: tuple[float, ...]
    """Instants that must sound, in order."""
    allowed: tuple[tuple[float, float], ...] = ()
    """Intervals (first, last) in which others may sound: what is not seen, what is not heard, what goes on."""
    length: float = 0.0
    """Of the clip, in seconds; for the controls that fill it."""


@dataclass(frozen=True)
class OnsetScores:
    """Onsets of one clip against the true ones, at one tolerance after the other of :data:`WINDOWS`."""

    wanted: int
    """True onsets."""
    hits: tuple[int, ...]
    """Matched ones at each tolerance."""
    found: tuple[int, ...]
    """Found ones at each tolerance, without those that were allowed."""
    offsets: tuple[float, ...] = ()
    """Found less true instants, in seconds, of those that have a neighbour within 0.3 s."""

    __repr__ = one_line

    def f(self, number: int = 1) -> float:
        """F of precision and recall at ``WINDOWS[number]``; 0 if anything is empty.

        >>> OnsetScores(4, (1, 1, 1), (1, 1, 1)).f()
        0.4
        """
        return _f(self.hits[number], self.found[number], self.wanted)

    def to_dict(self) -> dict[str, Any]:
        """``wanted``, ``hits[]``, ``found[]``, ``f[]`` by tolerance, ``offset_seconds``."""
        return {
            "wanted": self.wanted,
            "hits": list(self.hits),
            "found": list(self.found),
            "f": [self.f(k) for k in range(len(WINDOWS))],
            "offset_seconds": finite_or_none(offset_seconds([self])),
        }


def match_onsets(true: Sequence[float], found: Sequence[float], window: float) -> list[tuple[int, int]]:
    """Pairs of indices of the most onsets that can be matched one to one, no pair further apart than the window.

    >>> match_onsets([1.0, 1.06], [1.04, 0.99], 0.05)
    [(0, 1), (1, 0)]
    """
    left, right = (sorted(range(len(side)), key=side.__getitem__) for side in (true, found))
    pairs = match_within([true[k] for k in left], [found[k] for k in right], window)
    return [(left[one], right[other]) for one, other in pairs]


def score_onsets(wanted: Wanted, found: Sequence[float]) -> OnsetScores:
    """How found onsets stand against what is wanted.

    Unmatched ones within an allowed interval, give or take the tolerance, are neither right nor wrong.

    >>> score_onsets(Wanted((1.0, 2.0), allowed=((3.0, 3.0),)), [1.01, 3.02]).f()
    0.6666666666666666
    """
    times = [float(at) for at in found]
    hits, counted = [], []
    for window in WINDOWS:
        pairs = match_onsets(wanted.seconds, times, window)
        matched = {place for _, place in pairs}
        excused = sum(
            any(first - window <= at <= last + window for first, last in wanted.allowed)
            for place, at in enumerate(times)
            if place not in matched
        )
        hits.append(len(pairs))
        counted.append(len(times) - excused)
    return OnsetScores(
        len(wanted.seconds), tuple(hits), tuple(counted), tuple(_offsets(wanted.seconds, times))
    )


def _offsets(true: Sequence[float], found: Sequence[float]) -> list[float]:
    """Found less true, nearest pairs first, each onset once."""
    if not true or not found:
        return []
    gaps = np.subtract.outer(np.array(found), np.array(true))
    order = np.argsort(np.abs(gaps), axis=None, kind="stable")
    rows, columns, out = set[int](), set[int](), list[float]()
    for place in order.tolist():
        row, column = divmod(place, len(true))
        gap = float(gaps[row, column])
        if abs(gap) > _OFFSET_REACH:
            break
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            out.append(gap)
    return out


def pooled_f(scores: Sequence[OnsetScores], number: int = 1) -> float:
    """F at ``WINDOWS[number]`` of all onsets of some clips together; 0 if nothing is found."""
    hits, found = (sum(getattr(one, name)[number] for one in scores) for name in ("hits", "found"))
    return _f(hits, found, sum(one.wanted for one in scores))


def offset_seconds(scores: Sequence[OnsetScores]) -> float:
    """Median signed offset of some clips: positive is late; NaN if nothing can be compared."""
    offsets = [offset for one in scores for offset in one.offsets]
    return float(np.median(offsets)) if offsets else float("nan")


def _f(hits: int, found: int, wanted: int) -> float:
    return 2 * hits / (found + wanted) if hits else 0.0


# ---------------------------------------------------------------- controls


def metronome_onsets(length: float, period: float = 0.5) -> list[float]:
    """A beat that knows nothing of the film: from half a period on.

    >>> metronome_onsets(1.2)
    [0.25, 0.75]
    """
    return [period * (k + 0.5) for k in range(int(length / period + 0.5)) if period * (k + 0.5) < length]


def mean_rate_onsets(length: float, per_second: float) -> list[float]:
    """An even beat of the mean rate of all clips."""
    return metronome_onsets(length, 1 / per_second) if per_second > 0 else []
