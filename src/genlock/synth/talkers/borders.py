"""Borders of phones as they are heard: where the sound itself shows them, for checking what an engine says.

A border shows where a band of the sound rises or falls across it: the voice that sets in after silence, the hiss of a
fricative, the silence of a closure, the burst of its release. There the sound passes the level half way (in decibels)
between its two sides, and that instant is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.core.one_line import one_line
from genlock.core.spans import Span
from genlock.synth.talkers.heard import FLOOR, HOP_SECONDS, band_power, release_in
from genlock.synth.talkers.phone_sets import SILENCE, VOWELS
from genlock.synth.talkers.voices import Spoken

__all__ = ["Border", "find_borders"]

Array = npt.NDArray[np.float64]

_WINDOW_SECONDS = 0.004
_REACH_SECONDS = 0.06  # a border is looked for so far from where it is said to be
_CLEAR_DECIBELS = 12.0  # a band that changes by less shows no border
_HISSES = frozenset(["S", "SH"])
_BURSTS = frozenset(["P", "T", "K"])
_HIGH_HZ = 3500.0
_LOW_HZ = 1000.0


@dataclass(frozen=True)
class Border:
    """A border that the sound shows."""

    kind: str
    """``onset``, ``offset``: voice after or before silence; ``hiss``, ``hiss end``: a fricative beside a vowel;
    ``closing``: a voiceless stop after a vowel; ``release``: the burst of one."""
    left: str
    """The phone before it."""
    right: str
    """The phone after it."""
    said: float
    """Where the engine puts it, in seconds."""
    heard: float
    """Where the sound shows it, in seconds."""

    __repr__ = one_line

    @property
    def error_seconds(self) -> float:
        """Positive: the engine puts it too late."""
        return self.said - self.heard


def find_borders(spoken: Spoken) -> tuple[Border, ...]:
    """The borders that are to be heard in the sound, each with where the engine puts it.

    >>> from genlock.synth.talkers.speaking import speak
    >>> found = find_borders(speak("bin blue at five again", "own"))
    >>> max(abs(border.error_seconds) for border in found) < 0.02
    True
    """
    return tuple(sorted(_borders(spoken), key=lambda border: border.said))


def _borders(spoken: Spoken) -> Iterator[Border]:
    samples, rate = np.asarray(spoken.samples, np.float64), spoken.rate
    start = float(spoken.phones[0].start)
    whole = _level(samples, rate, 60, rate / 2)
    low = _level(samples, rate, 60, _LOW_HZ)
    high = _level(samples, rate, _HIGH_HZ, rate / 2) if rate > 2.5 * _HIGH_HZ else None
    for left, right in pairwise(spoken.phones):
        pair = (left.label, right.label)
        if left.label == SILENCE and right.label in VOWELS | _HISSES:
            yield from _crossing("onset", whole, left, right, start)
        elif right.label == SILENCE and left.label in _HISSES:
            yield from _crossing("offset", whole, left, right, start)
        elif left.label in VOWELS and right.label in _HISSES and high is not None:
            yield from _crossing("hiss", high, left, right, start)
        elif left.label in _HISSES and right.label in VOWELS:
            yield from _crossing("hiss end", low, left, right, start)
        elif left.label in VOWELS and right.label in _BURSTS:
            shut = next((c for c in spoken.closures if right.start <= c.start < right.end), None)
            if shut is not None:
                yield from _crossing("closing", low, left, Span(shut.start, shut.end, pair[1]), start)
    for shut in spoken.closures:
        if shut.label in _BURSTS and not spoken.closures_heard:
            yield from _release(spoken, samples, shut, start)


def _release(spoken: Spoken, samples: Array, shut: Span, start: float) -> Iterator[Border]:
    near = [round((float(shut.end) - start + way * _REACH_SECONDS / 2) * spoken.rate) for way in (-1, 1)]
    found = release_in(samples, spoken.rate, max(0, near[0]), near[1])
    if found is not None:
        yield Border("release", shut.label, "", float(shut.end), start + found / spoken.rate)


def _crossing(kind: str, level: Array, left: Span, right: Span, start: float) -> Iterator[Border]:
    """Where the level passes half way between the middles of two phones, nearest to their border."""
    at = float(right.start) - start
    before, after = (_middle(level, span, start) for span in (left, right))
    if abs(after - before) < _CLEAR_DECIBELS:
        return
    reach = round(_REACH_SECONDS / HOP_SECONDS)
    centre = round(at / HOP_SECONDS)
    first, stop = max(0, centre - reach), min(len(level), centre + reach)
    above = level[first:stop] > (before + after) / 2
    wanted = above[1:] & ~above[:-1] if after > before else ~above[1:] & above[:-1]
    places = np.flatnonzero(wanted)
    if not len(places):
        return
    found = first + 0.5 + places[np.argmin(np.abs(places + first - centre))]
    yield Border(kind, left.label, right.label, at + start, float(found) * HOP_SECONDS + start)


def _middle(level: Array, span: Span, start: float) -> float:
    first, stop = (float(edge) - start for edge in (span.start, span.end))
    quarter = (stop - first) / 4
    # Of a long silence or vowel only the part next to the border tells its level; a quarter of it is beside the point.
    a, b = round((first + quarter) / HOP_SECONDS), round((stop - quarter) / HOP_SECONDS)
    part = level[max(a, 0) : max(b, a + 1)]
    return float(np.median(part)) if len(part) else float(level.min())


def _level(samples: Array, rate: int, low: float, high: float) -> Array:
    """Decibels of a band every half millisecond, value k around ``k / 2000`` s."""
    return np.asarray(10 * np.log10(band_power(samples, rate, low, high, _WINDOW_SECONDS) + FLOOR**2))
