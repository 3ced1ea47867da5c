"""Sound written piece by piece: where one does not go on where another ended, both are faded, and nothing clicks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.time import round_fraction
from genlock.media.encode import SoundEncoder

__all__ = ["FADE_SECONDS", "FadedWriter"]

FADE_SECONDS = Fraction(5, 1000)
"""How long a piece takes to rise or to fall: too short to be heard as such, too long for a click."""

Samples = npt.NDArray[np.float32]


class FadedWriter:
    """Hands samples on to an encoder, the last few milliseconds later, so that they can still be faded.

    No sample is moved: a fade changes levels alone.

    Parameters
    ----------
    encoder : takes the sound
    rate : samples per second
    channels : of the sound
    """

    def __init__(self, encoder: SoundEncoder, rate: int, channels: int) -> None:
        self._encoder = encoder
        count = round_fraction(FADE_SECONDS * rate, "nearest")
        rise = np.sin(0.5 * np.pi * (np.arange(count, dtype=np.float32) + 0.5) / max(count, 1)) ** 2
        self._rise = rise.astype(np.float32)[:, None]
        self._held: Samples = np.zeros((0, channels), np.float32)
        self._risen = count

    @property
    def position(self) -> int:
        """Number of the sample that comes next."""
        return self._encoder.position + len(self._held)

    def write(self, samples: Samples) -> None:
        """Samples ``[n, channels]`` that go on where those before ended."""
        left = len(self._rise) - self._risen
        if left:
            samples = samples.copy()
            part = samples[:left]
            part *= self._rise[self._risen : self._risen + len(part)]
            self._risen += len(part)
        known = np.concatenate([self._held, samples])
        sure = max(0, len(known) - len(self._rise))
        self._encoder.write(known[:sure])
        self._held = known[sure:]

    def start(self, position: int) -> None:
        """Begin with silence up to a sample of this number; what comes then is not faded."""
        self._encoder.write_silence_up_to(position)

    def cut(self, position: int) -> None:
        """What comes now is another piece: the one before falls, silence fills what lies between, this one rises."""
        fall = self._rise[::-1][len(self._rise) - len(self._held) :]
        self._encoder.write(self._held * fall)
        self._held = self._held[:0]
        self._encoder.write_silence_up_to(position)
        self._risen = 0

    def hold_one(self) -> None:
        """The last sample once more, where two pieces meet between two samples."""
        self._held = np.concatenate([self._held, self._held[-1:]])

    def finish(self) -> None:
        """Write what is held, and what the encoder holds."""
        self._encoder.write(self._held)
        self._held = self._held[:0]
        self._encoder.finish()
