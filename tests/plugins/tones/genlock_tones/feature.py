"""``genlock features --feature crossings``: how often the sound changes its sign."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.extractors import FramedExtractor, Framing

Frames = npt.NDArray[np.float32]


class Crossings(FramedExtractor):
    """Share of neighbouring samples of unlike sign, where zero is unlike both, float32 [T], 0...1."""

    name = "crossings"
    sample_rate = 16000
    framing = Framing(window=320, hop=160, middle=Fraction(319, 2))
    support = Fraction(320, 16000)

    def kernel(self) -> Callable[[Frames], Frames]:
        """From frames [m, 320] to their values [m]."""

        def shares(frames: Frames) -> Frames:
            return np.mean(np.diff(np.sign(frames), axis=1) != 0, axis=1, dtype=np.float32)

        return shares
