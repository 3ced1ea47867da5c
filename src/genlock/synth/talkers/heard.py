"""Where the sound itself shows the edges of phones: voices that set in, hisses, closures, bursts.

An edge shows where a band of the sound rises or falls across it: the voice that sets in after silence, the hiss of a
fricative, the silence of a closure. There the sound passes the level half way (in decibels) between its two sides, and
that instant is taken. Engines that know their phones only roughly are told so where they really are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.synth.talkers.phone_sets import SILENCE, STOPS, VOWELS
from genlock.synth.talkers.voices import Closed

__all__ = [
    "FLOOR",
    "HOP_SECONDS",
    "audible_edges",
    "band_power",
    "heard_closures",
    "release_in",
    "settle_edges",
    "sound_end",
]

Array = npt.NDArray[np.float64]
Sound = npt.NDArray[np.floating]

#: Seconds from one value of :func:`band_power` to the next.
HOP_SECONDS = 0.0005
#: Amplitude, of full scale, below which sound is silence.
FLOOR = 1e-5

_WINDOW_SECONDS = 0.003
_LOW_HZ = 1000.0
_REACH_SECONDS = 0.06  # an edge is looked for so far from where it is said to be
_SHOWS_DECIBELS = 12.0  # a band that changes by less shows no edge
_HISSES = frozenset(["S", "SH"])
_BURSTS = frozenset(["P", "T", "K"])
_HIGH_HZ = 3500.0
_SHORTEST_SECONDS = 0.005  # of a phone whose edges are moved
# A burst rises, and a closure falls, by at least so much within four milliseconds.
_CLEAR_DECIBELS = 6.0
# In a stop whose burst is not to be heard, the mouth opens after this share of it.
_USUAL_RELEASE = 0.65
# The lips close for a stop so long before its release, where silence hides the closing.
_HIDDEN_CLOSURE_SECONDS = 0.06


def band_power(samples: Sound, rate: int, low: float, high: float, window: float) -> Array:
    """Mean square of a band of frequencies over ``window`` seconds around ``k * HOP_SECONDS``, float64 [K].

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    >>> round(float(band_power(tone, 8000, 300, 600, 0.02)[1000]), 1)
    0.5
    """
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum[(hertz < low) | (hertz > high)] = 0
    total = np.concatenate([[0.0], np.cumsum(np.fft.irfft(spectrum, n=len(samples)) ** 2)])
    centres = np.arange(int(len(samples) / rate / HOP_SECONDS)) * HOP_SECONDS * rate
    first, stop = (
        np.clip(np.round(centres + way * window * rate / 2), 0, len(samples)).astype(np.int64)
        for way in (-1, 1)
    )
    return np.asarray(((total[stop] - total[first]) / np.maximum(stop - first, 1)).clip(0))


def release_in(samples: Sound, rate: int, first: int, stop: int) -> int | None:
    """The sample of the burst between two samples: the steepest rise of what lies above 1 kHz; None if none rises.

    >>> sound = np.zeros(2400)
    >>> sound[1000:1200] = np.random.default_rng(0).standard_normal(200) / 10
    >>> abs(release_in(sound, 24000, 200, 2200) - 1000) <= 24
    True
    """
    return _steepest(samples, rate, (first, stop), (_LOW_HZ, rate / 2), 1)


def _steepest(
    samples: Sound, rate: int, between: tuple[int, int], band: tuple[float, float], way: int
) -> int | None:
    # A stretch around it is enough, and far cheaper than the whole.
    margin = round(0.03 * rate)
    a, b = max(0, between[0] - margin), min(len(samples), between[1] + margin)
    level = 10 * np.log10(band_power(samples[a:b], rate, *band, _WINDOW_SECONDS) + FLOOR**2)
    hop = HOP_SECONDS * rate
    step = round(_WINDOW_SECONDS / HOP_SECONDS / 2)
    low, high = (
        max(step, round((between[0] - a) / hop)),
        min(len(level) - step, round((between[1] - a) / hop)),
    )
    if high - low < 2:
        return None
    change = way * (level[low + step : high + step] - level[low - step : high - step])
    best = int(np.argmax(change))
    return a + round((low + best) * hop) if change[best] >= _CLEAR_DECIBELS else None


def heard_closures(samples: Sound, rate: int, edges: Sequence[int], labels: Sequence[str]) -> list[Closed]:
    """The closures of stops and affricates, and of /m/, between edges [P + 1] of phones; sorted.

    The release is the burst where one is heard, else the usual share of the phone; of /m/, all of it is shut.
    """
    closed: list[Closed] = []
    for place, label in enumerate(labels):
        first, stop = edges[place], edges[place + 1]
        if label == "M":
            closed.append((first, stop, label))
        elif label in STOPS and stop > first:
            usual = first + round(_USUAL_RELEASE * (stop - first))
            eighth = (stop - first) // 8
            found = release_in(samples, rate, first + eighth, stop - min(eighth, round(0.005 * rate)))
            if place and labels[place - 1] == SILENCE and found is not None:
                first = max(first, found - round(_HIDDEN_CLOSURE_SECONDS * rate))
            closed.append((first, found or usual, label))
    return closed


def sound_end(samples: Sound, rate: int) -> int:
    """The sample after which nothing comes that is louder than a hundredth (in amplitude) of the loudest.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000) * (np.arange(8000) < 4000)
    >>> 3990 <= sound_end(tone, 8000) <= 4050
    True
    """
    power = band_power(samples, rate, 0, rate / 2, 0.01)
    loud = np.flatnonzero(power > 1e-4 * float(power.max(initial=0.0)))
    return min(len(samples), round((int(loud[-1]) + 1) * HOP_SECONDS * rate)) if len(loud) else len(samples)


def audible_edges(
    samples: Sound, rate: int, edges: Sequence[int], labels: Sequence[str]
) -> dict[int, tuple[str, float]]:
    """The edges of phones [P + 1] that the sound shows: by the number of the edge, its kind and the sample.

    Kinds are ``onset`` and ``offset`` (a vowel or a hiss after, a hiss before silence), ``hiss`` and ``hiss end``
    (/s/ or /sh/ beside a vowel) and ``closing`` (a voiceless stop after a vowel).
    """
    levels: dict[tuple[float, float], Array] = {}
    found: dict[int, tuple[str, float]] = {}
    for edge, pair in enumerate(pairwise(labels), start=1):
        asked = _kind_and_band(*pair, rate)
        if asked is None:
            continue
        kind, band = asked
        if band not in levels:
            levels[band] = 10 * np.log10(band_power(samples, rate, *band, _WINDOW_SECONDS) + FLOOR**2)
        level = levels[band]
        before, after = (_usual(level, rate, edges[k], edges[k + 1]) for k in (edge - 1, edge))
        if kind == "closing":
            # The burst at its end is loud: what comes before it is the closure.
            length = edges[edge + 1] - edges[edge]
            after = _usual(level, rate, edges[edge], edges[edge] + round(_USUAL_RELEASE * length))
        place = _crossing(level, edges[edge] / rate, before, after)
        if place is not None:
            found[edge] = (kind, place * rate)
    return found


def settle_edges(
    samples: Sound,
    rate: int,
    edges: Sequence[int],
    labels: Sequence[str],
    use: Callable[[int], bool] = lambda edge: True,
) -> list[int]:
    """Edges [P + 1] moved to where they are heard; those that are not move as their neighbours do, in proportion.

    ``use`` tells by its number whether an edge may serve (for measuring on those that did not).
    """
    heard = {k: at for k, (_, at) in audible_edges(samples, rate, edges, labels).items() if use(k)}
    if not heard:
        return list(edges)
    old = np.array(edges, float)
    places = np.array(sorted(heard))
    moved = old + np.interp(old, old[places], [heard[k] - old[k] for k in places])
    moved[0], moved[-1] = old[0], old[-1]
    least = _SHORTEST_SECONDS * rate
    for k in range(1, len(moved) - 1):
        moved[k] = min(max(moved[k], moved[k - 1] + least), old[-1] - least * (len(moved) - 1 - k))
    return [round(edge) for edge in moved.tolist()]


def _kind_and_band(left: str, right: str, rate: int) -> tuple[str, tuple[float, float]] | None:
    whole, low, high = (60.0, rate / 2), (60.0, _LOW_HZ), (_HIGH_HZ, rate / 2)
    if left == SILENCE and right in VOWELS | _HISSES:
        return "onset", whole
    if right == SILENCE and left in _HISSES:
        return "offset", whole
    if left in VOWELS and right in _HISSES and rate > 2.5 * _HIGH_HZ:
        return "hiss", high
    if left in _HISSES and right in VOWELS:
        return "hiss end", low
    if left in VOWELS and right in _BURSTS:
        return "closing", low
    return None


def _crossing(level: Array, seconds: float, before: float, after: float) -> float | None:
    """The instant nearest to another at which a level passes half way between two; None if it does not."""
    if abs(after - before) < _SHOWS_DECIBELS:
        return None
    reach, centre = round(_REACH_SECONDS / HOP_SECONDS), round(seconds / HOP_SECONDS)
    first, stop = max(0, centre - reach), min(len(level), centre + reach)
    above = level[first:stop] > (before + after) / 2
    wanted = above[1:] & ~above[:-1] if after > before else ~above[1:] & above[:-1]
    places = np.flatnonzero(wanted)
    if not len(places):
        return None
    return (first + 0.5 + int(places[np.argmin(np.abs(places + first - centre))])) * HOP_SECONDS


def _usual(level: Array, rate: int, first: int, stop: int) -> float:
    """The median level of the middle half of a phone."""
    quarter = (stop - first) / 4
    return float(np.median(_part(level, (first + quarter) / rate, (stop - quarter) / rate)))


def _part(level: Array, first: float, stop: float) -> Array:
    a = min(max(0, round(first / HOP_SECONDS)), len(level) - 1)
    return level[a : max(round(stop / HOP_SECONDS), a + 1)]
