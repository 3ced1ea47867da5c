"""The sound of the piece that is being collected, and its features."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.sound.energy import Energy
from genlock.extractors.sound.mel import Mel, MelOptions
from genlock.extractors.sound.waveform import Waveform
from genlock.media import AudioBlock

__all__ = ["SOUND_MEL", "SOUND_RATE", "SoundRows"]

#: Samples per second of the sound that evidence is made of.
SOUND_RATE = 16000
#: The mel spectrogram of evidence: natural log of power at 16-bit scale.
SOUND_MEL = MelOptions(
    sample_rate=SOUND_RATE,
    window=400,
    n_fft=512,
    hop=160,
    bands=40,
    low_hz=60.0,
    high_hz=7600.0,
    scale="kaldi",
    window_kind="hann",
    frames="inside",
    full_scale=32768.0,
    values="ln",
    steady=True,
)
# Cuts fall on whole hops from the first sample, so that pieces see the same windows as the whole sound would.
_HOPS_PER_SECOND = Fraction(SOUND_RATE, SOUND_MEL.hop)


class SoundRows:
    """Keeps samples until their piece is given."""

    def __init__(self) -> None:
        self.start: Fraction | None = None
        """Instant of the first sample of all, in exact seconds; None before it came."""
        self.end: Fraction | None = None
        """Where the samples so far end."""
        self.clock = ""
        """Name of the time axis; empty before the first sample."""
        self._blocks: list[npt.NDArray[np.float32]] = []
        self._first = 0  # number of the first sample that is kept, from the first of all
        self._mel, self._energy, self._samples = Mel(SOUND_MEL), Energy(), Waveform(SOUND_RATE)

    def push(self, block: AudioBlock) -> None:
        """Take the next samples."""
        if self.start is None:
            self.start, self.clock = block.start, block.clock
        self._blocks.append(np.array(block.samples[:, 0]))
        self.end = block.end

    def tracks(self, low: Fraction, high: Fraction) -> tuple[Track | None, Track | None, Track | None]:
        """Mel, loudness and samples of the sound in ``[low, high)``; None if there is none of it."""
        if self.start is None:
            return None, None, None
        kept = (
            self._blocks[0]
            if len(self._blocks) == 1
            else np.concatenate(self._blocks or [np.zeros(0, np.float32)])
        )
        self._blocks = [kept]
        first, stop = max(self._hop(low), self._first), max(self._hop(high), self._first)
        samples = kept[first - self._first : stop - self._first]
        if len(samples) < SOUND_MEL.window:
            return None, None, None
        origin = self.start + Fraction(first, SOUND_RATE)
        return (
            self._mel(samples, origin, self.clock),
            self._energy(samples, origin, self.clock),
            self._samples(samples, origin, self.clock),
        )

    def forget(self, before: Fraction) -> None:
        """Samples before this instant are not asked for again."""
        if self.start is None:
            return
        first = max(self._hop(before), self._first)
        kept = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
        first = min(first, self._first + len(kept))
        self._blocks = [kept[first - self._first :].copy()]
        self._first = first

    def _hop(self, instant: Fraction) -> int:
        """The first sample at or after an instant that is a whole number of hops from the first of all."""
        assert self.start is not None
        return max(0, Grid(_HOPS_PER_SECOND, self.start).index(instant, "ceil")) * SOUND_MEL.hop
