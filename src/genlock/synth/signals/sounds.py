"""Plain test signals: beeps with exact times, the quiet noise of a room, and music that nobody speaks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact

__all__ = ["beep", "music", "room_noise"]

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


def music(count: int, rate: int, seed: int, level: float = 0.12) -> Array:
    """Chords, a tune and a beat drawn by a seed; float64 [count], RMS ``level``.

    Sound with onsets and pitch, but without speech: for clips whose sound says nothing about a mouth.

    >>> tune = music(16000, 16000, seed=1)
    >>> round(float(np.sqrt((tune**2).mean())), 3)
    0.12
    """
    draw = np.random.default_rng([seed, 5])
    out = np.zeros(count)
    if count == 0:
        return out
    step = rate * 60 // int(draw.integers(160, 280))  # samples to an eighth note
    root = 110.0 * 2 ** (int(draw.integers(12)) / 12)
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    for number, first in enumerate(range(0, count, step)):
        length = min(count - first, 4 * step)
        since = np.arange(length) / rate
        notes = [root * 4 * 2 ** (scale[int(draw.integers(8))] / 12)] if draw.random() < 0.8 else []
        if number % 8 == 0:
            chord = int(draw.choice([0, 5, 7, 9]))
            notes += [root * 2 ** ((chord + third) / 12) for third in (0, 4, 7)]
        for hertz in notes:
            partials = sum(
                np.sin(2 * np.pi * hertz * k * since) / k**2 for k in range(1, 6) if hertz * k < rate / 2
            )
            out[first : first + length] += partials * np.exp(-since * 5) * np.clip(since / 0.005, 0, 1)
        if number % 2 == 0:
            drum = draw.standard_normal(min(length, rate // 10))
            out[first : first + len(drum)] += 0.5 * drum * np.exp(-np.arange(len(drum)) / rate * 60)
    return out * (level / max(float(np.sqrt((out**2).mean())), 1e-12))
