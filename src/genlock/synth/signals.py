"""Plain test signals with exact times: beeps and the quiet noise of a room."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact

__all__ = ["beep", "room_noise"]

Array = npt.NDArray[np.float64]


def beep(
    count: int,
    rate: int,
    instant: Exact,
    *,
    origin: Exact = 0,
    frequency_hz: float = 1000.0,
    seconds: float = 0.1,
    level: float = 0.5,
) -> Array:
    """A tone burst that starts at an instant, which need not lie on a sample.

    Parameters
    ----------
    count : int
        Number of samples of the result.
    rate : int
        Samples per second.
    instant : exact number
        When the tone starts, in seconds; it starts with its steepest rise, so that the onset is sharp.
    origin : exact number
        Instant of sample 0, in seconds.
    frequency_hz, seconds, level : float
        Pitch, length, and peak of the tone.

    Returns
    -------
    float64 [count]
        Zero before the instant and from its end on.

    Examples
    --------
    >>> sound = beep(1000, 8000, "0.05", seconds=0.01)
    >>> int(np.flatnonzero(sound)[0]), int(np.flatnonzero(sound)[-1]) < 480
    (401, True)
    """
    if not 0 < frequency_hz < rate / 2 or seconds <= 0:
        raise OptionError(
            f"a beep of {frequency_hz} Hz and {seconds} s is not possible at {rate} samples per second"
        )
    out = np.zeros(count)
    grid = Grid.of_samples(rate, origin)
    # Sample n is the centre of its cell, so the first sample at or after the instant has its centre there.
    chosen = grid.cells(exact(instant), exact(instant) + exact(seconds), "centers")
    first, stop = max(chosen.start, 0), min(chosen.stop, count)
    if first >= stop:
        return out
    since = np.arange(stop - first) / rate + float(grid.center(first) - exact(instant))
    fade = min(0.01, seconds / 4)
    out[first:stop] = (
        level
        * np.sin(2 * np.pi * frequency_hz * since)
        * np.clip((float(Fraction(exact(seconds))) - since) / fade, 0, 1)
    )
    return out


def room_noise(count: int, rate: int, decibels: float, seed: int) -> Array:
    """Steady noise, float64 [count], falling by 6 dB an octave above 300 Hz, at an RMS in dB of full scale.

    Digital silence confuses recognisers, which never met it in training.

    >>> noise = room_noise(8000, 8000, -60, seed=0)
    >>> round(20 * np.log10(noise.std()))
    -60
    """
    if count == 0:
        return np.zeros(0)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    spectrum /= 1 + 1j * np.fft.rfftfreq(count, 1 / rate) / 300.0
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, n=count)
    return np.asarray(noise * (10 ** (decibels / 20) / max(float(noise.std()), 1e-12)))
