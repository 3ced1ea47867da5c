"""The sound itself, mono, at a rate of samples that one names."""

from __future__ import annotations

from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.extractors.sound.base import FramedExtractor, FrameKernel
from genlock.extractors.sound.framing import Framing
from genlock.extractors.spec import FeatureSpec

__all__ = ["Waveform"]


class Waveform(FramedExtractor):
    """``sound@16000``: samples, float32 [T], nominally -1...1; value n is sample n."""

    framing = Framing(1, 1, Fraction(0))
    support = Fraction(0)

    def __init__(self, sample_rate: int = 16000) -> None:
        self.name, self.sample_rate = f"sound@{sample_rate}", sample_rate

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """``sound@RATE``."""
        cls.check(spec)
        return cls(int(spec.rate or 0))

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError without a rate of whole samples."""
        spec.require_only("rate")
        if spec.rate is None or spec.rate.denominator != 1:
            raise OptionError(f"{spec.text!r}: say sound@16000, with whole samples per second")

    def kernel(self) -> FrameKernel:
        """A function from frames of one sample, [m, 1], to samples [m]."""
        return _alone


def _alone(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return frames[:, 0].copy()
