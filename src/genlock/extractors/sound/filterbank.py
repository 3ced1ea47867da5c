"""Log filterbanks of python_speech_features, and four of them at a time, as AV-HuBERT hears them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.extractors.sound.base import AudioExtractor, AudioStream
from genlock.extractors.sound.framing import Framing
from genlock.extractors.sound.mfcc import Mfcc, MfccOptions

__all__ = ["Logfbank"]

#: How many frames of 100 Hz each preset puts side by side.
_PRESETS: Mapping[str, int] = MappingProxyType({"psf": 1, "avhubert": 4})


class Logfbank(AudioExtractor):
    """Logarithms of 26 mel bands, as ``python_speech_features.logfbank`` makes them of 16-bit sound at 16 kHz.

    Presets: ``psf`` (the default, float32 [T, 26], 100 a second) and ``avhubert`` (four frames side by side, float32
    [T, 104], 25 a second; zeros stand for frames after the end). AV-HuBERT then norms each vector by itself.

    Examples
    --------
    >>> track = Logfbank(4)(np.zeros(16000, np.float32))
    >>> track.values.shape, track.grid.rate, track.grid.center(0)
    ((25, 104), Fraction(25, 1), Fraction(879, 32000))
    """

    presets: ClassVar[Mapping[str, int]] = _PRESETS
    sample_rate = 16000
    unit = "ln power"

    def __init__(self, stacked: int = 1) -> None:
        preset = next((name for name, count in _PRESETS.items() if count == stacked), "custom")
        self.name = "logfbank" if preset == "psf" else f"logfbank:{preset}"
        self.stacked = stacked
        self.bands = Mfcc(MfccOptions(convention="psf", bands=26, coefficients=26, cepstra=False))
        single = self.bands.framing
        window = single.window + (stacked - 1) * single.hop
        self.framing = Framing(window, stacked * single.hop, Fraction(window - 1, 2), rule="covering")
        assert isinstance(self.bands.support, Fraction)
        self.support = self.bands.support + Fraction((stacked - 1) * single.hop, self.sample_rate)

    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> AudioStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds on ``clock``."""
        return _Stacked(self, exact(origin), clock)


class _Stacked:
    """Puts the frames of a stream side by side at its end."""

    def __init__(self, feature: Logfbank, origin: Fraction, clock: str) -> None:
        self._feature, self._grid = feature, feature.grid(origin, clock)
        self._bands = feature.bands.open(origin, clock)

    def push(self, samples: npt.ArrayLike) -> None:
        self._bands.push(samples)

    def finish(self) -> Track:
        feature, values = self._feature, self._bands.finish().values
        values = np.pad(values, ((0, -len(values) % feature.stacked), (0, 0)))
        values = values.reshape(-1, feature.stacked * values.shape[1])
        return Track(values, self._grid, name=feature.name, unit=feature.unit, support=feature.support)
