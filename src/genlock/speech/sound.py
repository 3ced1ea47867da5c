"""The sound that recognisers and aligners take, mono at 16 kHz: its length, its level, and where to cut it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.media.sound_source import SoundSource

__all__ = [
    "SAMPLE_RATE",
    "instant",
    "known_seconds",
    "level_db",
    "quiet_cuts",
    "require_speech_rate",
    "seconds_long",
]

#: Samples per second that every recogniser and aligner takes.
SAMPLE_RATE = 16000


def require_speech_rate(sound: SoundSource) -> None:
    """Raise OptionError if the sound has another rate than the one that recognisers and aligners take."""
    if sound.rate != SAMPLE_RATE:
        raise OptionError(f"speech is read at {SAMPLE_RATE} Hz, not {sound.rate}; resample the sound first")


def seconds_long(sound: SoundSource) -> Fraction:
    """Length of the sound, in exact seconds."""
    return Fraction(sound.count, sound.rate)


def known_seconds(sound: SoundSource) -> float | None:
    """Length of the sound in seconds; None while it still grows."""
    return None if getattr(sound, "growing", False) else float(seconds_long(sound))


def instant(sound: SoundSource, sample: int) -> Fraction:
    """The instant of a sample, in exact seconds on the sound's clock."""
    return sound.origin + Fraction(sample, sound.rate)


def level_db(samples: npt.NDArray[np.floating]) -> float:
    """Level of the sound in dB below full scale (a full-scale square wave is 0); -200 for silence, NaN as
    zero.

    >>> round(level_db(np.full(100, 0.1, np.float32)), 1), level_db(np.zeros(5))
    (-20.0, -200.0)
    """
    if len(samples) == 0:
        return -200.0
    clean = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return float(10 * np.log10(max(float(np.mean(clean**2)), 1e-20)))


def quiet_cuts(sound: SoundSource, shortest: int, longest: int) -> Iterator[tuple[int, bool]]:
    """Cut a sound of any length into pieces, each cut at the quietest place within reach.

    Parameters
    ----------
    shortest, longest : samples in a piece; the last one may be shorter

    Yields
    ------
    (sample, silent)
        Where the piece ends, and whether it is certain that nothing is spoken there: at least 0.4 s of it
        lie 35 dB below the piece's loud parts, or below -65 dB. The last one is the end of the sound.
    """
    step = sound.rate // 50  # 20 ms
    around = 10  # steps to both sides that must be quiet too
    first = 0
    # One sample more than a piece tells whether the sound goes on; its number would be known only at its end.
    while len(held := sound.samples(first, first + longest + 1)) > longest:
        piece = np.nan_to_num(held[:longest], posinf=0.0, neginf=0.0).astype(np.float64)
        power = (piece[: len(piece) // step * step].reshape(-1, step) ** 2).mean(axis=1)
        widest = np.convolve(np.sqrt(power), np.ones(2 * around + 1) / (2 * around + 1), mode="valid")
        low = max(shortest // step - around, 0)
        place = low + int(np.argmin(widest[low:]))
        loudest = power[place : place + 2 * around + 1].max()
        silent = loudest < max(np.quantile(power, 0.9) * 10**-3.5, 10**-6.5)
        first += (place + around) * step + step // 2
        yield first, bool(silent)
    yield sound.count, True
