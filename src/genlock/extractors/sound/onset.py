"""How much the sound stands out of what was heard just before: onset strength with an exact place in time.

The usual spectral flux compares frame k with frame k-1 under a long window. It fires when the window's
leading edge touches an event, half a window early, more or less so by loudness; where it is then plotted is a
convention. Here the window is short, and a frame is compared with frames far enough back to share no sample
with it. A click then raises exactly the frames whose window holds it, symmetrically about the click whatever
its loudness, so the grid is simply that of the windows. (A sound that sets in and stays is found from its
first sample on: its centre of mass lies half the gap later, its rising edge at the onset.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.track import Track
from genlock.extractors.sound.base import FramedExtractor, FrameKernel, Values
from genlock.extractors.sound.framing import Framing
from genlock.extractors.sound.spectrum import Bands, PowerSpectrum, mel_filters, window_samples

__all__ = ["Onset", "OnsetOptions", "Rises", "rises_of"]


# Of rises: how far apart they are at least, and by how much the half-way point of one is early: the window touches an
# attack before its middle reaches it. Fitted on 50 films of `genlock synth impacts --seed 900` (docs/impacts.md).
_APART_SECONDS = 0.04
_EARLY_SECONDS = 0.0012


@dataclass(frozen=True)
class OnsetOptions:
    """How onset strength is measured."""

    sample_rate: int = 16000
    """Samples per second of the sound."""
    window: int = 64
    """Length of the (periodic Hann) window in samples: 4 ms."""
    hop: int = 16
    """Samples from one frame to the next: 1 ms; 1 to ``window``."""
    bands: int = 8
    """Number of mel bands (Slaney's)."""
    gap: int = 128
    """How far back, in samples, the past begins: 8 ms; at least ``window``, so that a frame shares no sample
    with its past, and no event shorter than ``gap - window`` is its own past."""
    memory: int = 480
    """How far back, in samples, a band's loudest moment still counts as heard: 30 ms, longer than the period
    of any voice; at least ``gap``."""
    floor_db: float = -70.0
    """Band power, in dB against a full-scale sine, that counts as silence; below zero."""

    def __post_init__(self) -> None:
        lengths = (self.hop, self.window, self.gap, self.memory)
        if self.sample_rate < 1 or not 1 <= self.hop <= self.window <= self.gap <= self.memory:
            raise OptionError(
                f"sample_rate={self.sample_rate}, hop, window, gap, memory = {lengths}: the rate is above "
                "zero, and each length is at least the one before"
            )
        if self.gap % self.hop or self.memory % self.hop:
            raise OptionError(
                f"gap={self.gap} and memory={self.memory} are not multiples of the hop {self.hop}"
            )
        if not self.floor_db < 0:
            raise OptionError(f"floor_db={self.floor_db} is not below zero")


PRESETS: Mapping[str, OnsetOptions] = MappingProxyType({"flux": OnsetOptions()})


class Onset(FramedExtractor):
    """Onset strength, float32 [T], in dB and never negative.

    Frame k is the mean over bands of ``max(0, L[k] - max(L[k - memory/hop ... k - gap/hop]))``, where L is
    the band's power in dB. A sound that sets in and stays raises the frames from its first sample on until
    ``gap`` later. Frames before which nothing was heard are zero and not valid.

    Examples
    --------
    >>> sound = np.zeros(16000, np.float32)
    >>> sound[8003] = 0.5
    >>> track = Onset()(sound)
    >>> round(float(track.centers @ track.values / track.values.sum()) * 16000)
    8003
    """

    presets: ClassVar[Mapping[str, OnsetOptions]] = PRESETS

    def __init__(self, options: OnsetOptions = PRESETS["flux"]) -> None:
        self.options = options
        self.name = "onset" if options == PRESETS["flux"] else "onset:custom"
        self.sample_rate = options.sample_rate
        self.framing = Framing(options.window, options.hop, Fraction(options.window, 2))
        self._nearest = options.gap // options.hop
        self._farthest = options.memory // options.hop
        # It looks back only; as far to either side of the centre as to the far end of its memory.
        reach = options.window // 2 + self._farthest * options.hop
        self.support = Fraction(2 * reach, options.sample_rate)
        self.unit = "dB"
        filters = mel_filters(
            options.sample_rate, options.window, options.bands, 0, options.sample_rate / 2, "slaney"
        )
        # Height 1 at the top, so that a full-scale sine is 0 dB in its band, nearly.
        self._bands = Bands(filters / filters.max(axis=0), self.block_frames)

    def valid(self, samples: int) -> npt.NDArray[np.bool_]:
        """False for the frames before which nothing was heard, bool [T]."""
        return np.arange(self.count(samples)) >= self._nearest

    def kernel(self) -> FrameKernel:
        """A function from consecutive blocks of frames [m, window] to strengths [m]."""
        options = self.options
        window = window_samples("hann", options.window)
        spectrum = PowerSpectrum(window * (2 / window.sum()), options.window)
        floor = np.float32(10 ** (options.floor_db / 10))
        past: list[npt.NDArray[np.float32]] = []

        def strengths(frames: npt.NDArray[np.float32]) -> Values:
            power = self._bands(spectrum(frames))
            level = np.float32(10) * np.log10(np.maximum(power, floor))
            # Before the first frame nothing is known; infinity makes a comparison with it come out as zero.
            before = past.pop() if past else np.full((self._farthest, options.bands), -np.inf, np.float32)
            joined = np.concatenate([before, level])
            past.append(joined[len(joined) - self._farthest :])
            return _risen(joined, self._farthest, self._nearest)

        return strengths


def _risen(level: npt.NDArray[np.float32], farthest: int, nearest: int) -> Values:
    """Mean rise over bands of each row but the first ``farthest`` above the loudest of its past, [m]."""
    heard = _running_maximum(level[: len(level) - nearest], farthest - nearest + 1)
    rise = level[farthest:] - heard[: len(level) - farthest]
    np.maximum(rise, 0, out=rise)
    rise[np.isinf(rise)] = 0
    return np.asarray(rise.mean(axis=1))


def _running_maximum(level: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Row t: maximum of rows t ... t + width - 1; [n - width + 1, bands]. By doubling, log2(width) passes."""
    out, reach = level, 1
    while 2 * reach <= width:
        out = np.maximum(out[:-reach], out[reach:])
        reach *= 2
    rest = width - reach
    return np.maximum(out[: len(out) - rest], out[rest:]) if rest else out


@dataclass(frozen=True, eq=False)
class Rises:
    """Where onset strength rises, in order of time."""

    seconds: npt.NDArray[np.float64]
    """Instants on the strength's clock, [n]."""
    decibels: npt.NDArray[np.float64]
    """How far each rises, [n]."""


def rises_of(strength: Track, least_db: float) -> Rises:
    """The instants at which sounds set in, read off onset strength; no two within 40 ms, the larger first.

    Parameters
    ----------
    strength : what :class:`Onset` gives
    least_db : how far it must rise, in dB

    >>> sound = np.zeros(16000, np.float32)
    >>> sound[8000:] = 0.3 * np.sin(np.arange(8000) * 0.7)
    >>> rises_of(Onset()(sound), 6).seconds.round(3).tolist()
    [0.5]
    """
    values, instants = np.asarray(strength.values, np.float64), strength.centers
    if len(values) < 2:
        return Rises(np.zeros(0), np.zeros(0))
    apart = max(1, round(_APART_SECONDS / float(instants[1] - instants[0])))
    order = np.flatnonzero(values >= least_db)
    order = order[np.argsort(-values[order], kind="stable")]
    taken, found = np.zeros(len(values), bool), list[tuple[float, float]]()
    for peak in order.tolist():
        if not taken[max(0, peak - apart) : peak + apart + 1].any():
            taken[peak] = True
            found.append((_half_way(values, instants, peak) + _EARLY_SECONDS, float(values[peak])))
    found.sort()
    return Rises(
        np.array([at for at, _ in found], np.float64), np.array([high for _, high in found], np.float64)
    )


def _half_way(values: npt.NDArray[np.float64], instants: npt.NDArray[np.float64], peak: int) -> float:
    """When the rise to a peak has come half way."""
    edge, half = peak, 0.5 * values[peak]
    while edge > 0 and values[edge - 1] >= half:
        edge -= 1
    if not edge:
        return float(instants[0])
    low, high = values[edge - 1], values[edge]
    share = float(np.clip((half - low) / max(high - low, 1e-9), 0, 1))
    return float(instants[edge] - (1 - share) * (instants[edge] - instants[edge - 1]))
