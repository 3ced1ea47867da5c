"""Mono 16 kHz sound that can be read again, a piece at a time: what recognisers and aligners take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genlock.core import Grid, Track
from genlock.core.errors import OptionError

__all__ = [
    "SAMPLE_RATE",
    "SoundSource",
    "TrackSound",
    "instant",
    "known_seconds",
    "level_db",
    "quiet_cuts",
    "seconds_long",
]

#: Samples per second that every recogniser and aligner takes.
SAMPLE_RATE = 16000

Samples = npt.NDArray[np.float32]


class SoundSource(Protocol):
    """Sound of any length; only what is asked for need be in memory. Sample n is the instant ``origin +
    n/rate``."""

    @property
    def rate(self) -> int:
        """Samples per second; 16,000."""
        ...

    @property
    def origin(self) -> Fraction:
        """Instant of sample 0, in exact seconds."""
        ...

    @property
    def count(self) -> int:
        """Number of samples."""
        ...

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        ...

    def samples(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, clipped to what there is; float32 [n]."""
        ...


@dataclass(frozen=True, eq=False)
class TrackSound:
    """A waveform Track as a :class:`SoundSource`. Cells that are not valid count as silence.

    >>> sound = TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000, origin=1)))
    >>> sound.origin, sound.count, seconds_long(sound)
    (Fraction(1, 1), 32000, Fraction(2, 1))

    Raises
    ------
    OptionError
        If the track is no mono waveform at 16 kHz.
    """

    track: Track
    """The waveform, float [n] or [n, 1], on ``Grid.of_samples(16000, ...)``."""
    rate: int = SAMPLE_RATE
    """Samples per second."""

    def __post_init__(self) -> None:
        track = self.track
        if (
            not isinstance(track.grid, Grid)
            or track.grid.rate != SAMPLE_RATE
            or track.values.size != len(track)
        ):
            raise OptionError(
                f"speech is read from mono sound at {SAMPLE_RATE} Hz, not from {track}; resample it first"
            )

    @property
    def origin(self) -> Fraction:
        """Instant of sample 0, in exact seconds."""
        return self.track.grid.center(0)

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.track)

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        return self.track.clock

    def samples(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, clipped to what there is; float32 [n]."""
        chosen = slice(max(0, first), max(0, stop))
        values = self.track.values[chosen].reshape(-1).astype(np.float32)
        return np.where(self.track.valid[chosen], values, np.float32(0))


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
