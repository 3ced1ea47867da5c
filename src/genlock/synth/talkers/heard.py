"""Closures and releases found in the sound, for engines that do not say when a mouth shuts and when it opens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genlock.synth.talkers.phone_sets import SILENCE, STOPS
from genlock.synth.talkers.voices import Closed

__all__ = ["FLOOR", "HOP_SECONDS", "band_power", "closing_in", "heard_closures", "release_in", "sound_end"]

Array = npt.NDArray[np.float64]
Sound = npt.NDArray[np.floating]

#: Seconds from one value of :func:`band_power` to the next.
HOP_SECONDS = 0.0005
#: Amplitude, of full scale, below which sound is silence.
FLOOR = 1e-5

_WINDOW_SECONDS = 0.003
_LOW_HZ = 1000.0
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


def closing_in(samples: Sound, rate: int, first: int, stop: int) -> int | None:
    """The sample at which a mouth shuts between two samples: the steepest fall above 300 Hz; None if none falls."""
    return _steepest(samples, rate, (first, stop), (300.0, rate / 2), -1)


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
    power = band_power(samples, rate, 60, rate / 2, 0.01)
    loud = np.flatnonzero(power > 1e-4 * float(power.max(initial=0.0)))
    return min(len(samples), round((int(loud[-1]) + 1) * HOP_SECONDS * rate)) if len(loud) else len(samples)
