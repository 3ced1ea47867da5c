"""How loud the sound is, in a sliding window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.extractors.sound.base import FramedExtractor, FrameKernel, Values
from genlock.extractors.sound.framing import Framing
from genlock.extractors.sound.spectrum import Window, window_samples

__all__ = ["Energy", "EnergyOptions"]

# Digital silence has no logarithm: mean squares are floored at -100 dB.
_FLOOR = np.float32(1e-10)


@dataclass(frozen=True)
class EnergyOptions:
    """How energy is measured: as a weighted mean of squared samples."""

    sample_rate: int = 16000
    """Samples per second of the sound."""
    window: int = 640
    """Length of the window in samples: 40 ms."""
    hop: int = 160
    """Samples from one frame to the next; 1 to ``window``. At a quarter of a Hann window or less, a click's
    energy is centred on the click within 0.3 ms; at more, where it falls between the windows shows."""
    window_kind: Window = "hann"
    """How squared samples are weighted: ``hann`` (periodic), ``povey`` or ``rectangular``."""
    values: Literal["db", "rms"] = "db"
    """``db``: 10 lg of the mean square, 0 dB for a sound of constant +-1, floored at -100 dB.
    ``rms``: root of the mean square, 0...1."""

    def __post_init__(self) -> None:
        if self.sample_rate < 1 or not 1 <= self.hop <= self.window:
            raise OptionError(
                f"sample_rate={self.sample_rate}, hop={self.hop}, window={self.window}: "
                "the rate is above zero and 1 <= hop <= window"
            )


PRESETS: Mapping[str, EnergyOptions] = MappingProxyType(
    {"db": EnergyOptions(), "rms": EnergyOptions(values="rms")}
)


class Energy(FramedExtractor):
    """Energy of each window that lies wholly inside the sound, float32 [T].

    Presets: ``db`` (the default, dB against full scale) and ``rms``.

    Examples
    --------
    >>> track = Energy(PRESETS["rms"])(np.full(16000, 0.5, np.float32))
    >>> len(track), float(track.values[0]), track.grid.center(0)
    (97, 0.5, Fraction(1, 50))
    """

    presets: ClassVar[Mapping[str, EnergyOptions]] = PRESETS

    def __init__(self, options: EnergyOptions = PRESETS["db"]) -> None:
        self.options = options
        self.name = {PRESETS["db"]: "energy", PRESETS["rms"]: "energy:rms"}.get(options, "energy:custom")
        self.sample_rate = options.sample_rate
        # A periodic window is symmetric about its sample window/2, the others about (window - 1)/2.
        last = options.window if options.window_kind == "hann" else options.window - 1
        self.framing = Framing(options.window, options.hop, Fraction(last, 2))
        self.support = Fraction(options.window, options.sample_rate)
        self.unit = "dB" if options.values == "db" else ""

    def kernel(self) -> FrameKernel:
        """A function from frames [m, window] to energies [m]."""
        weights = window_samples(self.options.window_kind, self.options.window)
        shares = (weights / weights.sum()).astype(np.float32)

        def energies(frames: npt.NDArray[np.float32]) -> Values:
            # Not a matrix product, which would be spread over threads for so little work.
            mean_square = np.einsum("ij,j->i", np.square(frames), shares)
            if self.options.values == "rms":
                return np.asarray(np.sqrt(mean_square))
            return np.asarray(np.float32(10) * np.log10(np.maximum(mean_square, _FLOOR)))

        return energies
