"""Mono sound that can be read again, a piece at a time: from a Track, or from whatever else holds samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Grid
from genlock.core.track import Track

__all__ = ["SilentSound", "SoundSource", "TrackSound"]

Samples = npt.NDArray[np.float32]


class SoundSource(Protocol):
    """Sound of any length; only what is asked for need be in memory. Sample n is the instant ``origin +
    n/rate``."""

    @property
    def rate(self) -> int:
        """Samples per second."""
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


@dataclass(frozen=True)
class SilentSound:
    """Silence of any length, for who reads the lips of a film without sound; a :class:`SoundSource`.

    >>> SilentSound(Fraction(1), 16000).samples(15990, 20000).shape
    (10,)
    """

    origin: Fraction
    """Instant of sample 0, in exact seconds."""
    count: int
    """Number of samples."""
    clock: str = DEFAULT_CLOCK
    """Name of the time axis."""
    rate: int = 16000
    """Samples per second."""

    def samples(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, clipped to what there is; float32 [n], all zero."""
        return np.zeros(max(0, min(stop, self.count) - max(0, first)), np.float32)


@dataclass(frozen=True, eq=False)
class TrackSound:
    """A waveform Track as a :class:`SoundSource`. Cells that are not valid count as silence.

    >>> sound = TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000, origin=1)))
    >>> sound.rate, sound.origin, sound.count
    (16000, Fraction(1, 1), 32000)

    Raises
    ------
    OptionError
        If the track is no mono waveform with a whole number of samples a second.
    """

    track: Track
    """The waveform, float [n] or [n, 1], on ``Grid.of_samples(rate, ...)``."""
    rate: int = field(init=False)
    """Samples per second."""

    def __post_init__(self) -> None:
        grid = self.track.grid
        if (
            not isinstance(grid, Grid)
            or grid.rate.denominator != 1
            or self.track.values.size != len(self.track)
        ):
            raise OptionError(
                f"{self.track} is no mono waveform; read the sound with genlock.media.read_audio"
            )
        object.__setattr__(self, "rate", grid.rate.numerator)

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
