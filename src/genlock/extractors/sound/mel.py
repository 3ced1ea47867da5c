"""Mel spectrograms in the conventions of librosa, Kaldi, Whisper and SpecVQGAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.extractors.sound.base import FramedExtractor, FrameKernel, Values
from genlock.extractors.sound.framing import Framing, kaldi, stft_centered
from genlock.extractors.sound.spectrum import (
    Bands,
    MelScale,
    PowerSpectrum,
    SteadyBands,
    Window,
    mel_filters,
    window_samples,
)

__all__ = ["Mel", "MelOptions", "kaldi_frames"]

MelValues = Literal["power", "ln", "soft", "whisper", "specvqgan"]

# The float32 epsilon below which Kaldi floors energies before a logarithm.
KALDI_FLOOR = np.float32(2.0**-23)
#: What ``soft`` adds to the bands: 77 dB below a sine of full scale, in windows of 512 samples.
SOFT_FLOOR = np.float32(np.exp(-8.0))


@dataclass(frozen=True)
class MelOptions:
    """How a mel spectrogram is made. The default is ``librosa.feature.melspectrogram``'s."""

    sample_rate: int = 22050
    """Samples per second of the sound; an integer above zero."""
    window: int = 2048
    """Length of the window in samples."""
    n_fft: int = 2048
    """Length of the Fourier transform in samples; at least ``window``."""
    hop: int = 512
    """Samples from one frame to the next; 1 to ``window``."""
    bands: int = 128
    """Number of mel bands; at least 1."""
    low_hz: float = 0.0
    """Lower edge of the lowest band, in Hz."""
    high_hz: float | None = None
    """Upper edge of the highest band, in Hz; None is half the sample rate."""
    scale: MelScale = "slaney"
    """Mel scale and height of the filters: ``slaney`` or ``kaldi``."""
    window_kind: Window = "hann"
    """``hann`` (periodic), ``povey`` (Kaldi) or ``rectangular``."""
    frames: Literal["centered", "centered_less_last", "inside", "cells"] = "centered"
    """Which frames there are: centred on every ``hop``-th sample with padding; the same without the last one
    (Whisper); only those that lie wholly inside the sound (Kaldi's ``snip_edges``); or one for each whole hop, centred
    in the middle of its ``hop`` samples, so that the first cell begins with the sound."""
    padding: Literal["zeros", "reflect"] = "zeros"
    """What a centred frame sees beyond the ends of the sound."""
    magnitude: bool = False
    """Add up magnitudes instead of powers."""
    condition: bool = False
    """Remove each frame's mean and pre-emphasise it by 0.97, as Kaldi does."""
    full_scale: float = 1.0
    """What a sample of 1.0 counts as; Kaldi's features are defined for 16-bit numbers, so 32768 there."""
    values: MelValues = "power"
    """``power``: the band itself. ``ln``: natural logarithm, floored at 2^-23. ``soft``: natural logarithm of the band
    and e^-8, a floor without a corner. ``whisper``: ``(lg + 4) / 4``,
    never more than 2 below the greatest value of the whole sound. ``specvqgan``:
    ``clip((20 lg max(1e-5, m) + 80) / 100, 0, 1)``."""
    steady: bool = False
    """Whether a frame's value is the same bits wherever the sound is cut, which takes twice as long; without it, the
    last bit may differ between a whole sound and a piece of it."""
    whole: bool = True
    """For ``whisper``: apply the floor that depends on the whole sound; False leaves it out."""

    def __post_init__(self) -> None:
        if self.sample_rate < 1 or not 1 <= self.hop <= self.window <= self.n_fft:
            raise OptionError(
                f"sample_rate={self.sample_rate}, hop={self.hop}, window={self.window}, n_fft={self.n_fft}: "
                "the rate is above zero and 1 <= hop <= window <= n_fft"
            )
        if self.frames == "cells" and (self.window % 2 or self.hop % 2):
            raise OptionError(
                f"frames in the middle of cells need an even window and hop, not {self.window} and {self.hop}"
            )
        if self.frames not in ("inside", "cells") and (self.window != self.n_fft or self.window % 2):
            raise OptionError(
                f"centred frames need an even window of n_fft={self.n_fft} samples, not {self.window}"
            )


_WHISPER = MelOptions(
    sample_rate=16000,
    window=400,
    n_fft=400,
    hop=160,
    bands=80,
    frames="centered_less_last",
    padding="reflect",
    values="whisper",
)
PRESETS: Mapping[str, MelOptions] = MappingProxyType(
    {
        "librosa": MelOptions(),
        "kaldi": MelOptions(
            sample_rate=16000,
            window=400,
            n_fft=512,
            hop=160,
            bands=80,
            low_hz=20.0,
            scale="kaldi",
            window_kind="povey",
            frames="inside",
            condition=True,
            full_scale=32768.0,
            values="ln",
        ),
        "whisper": _WHISPER,
        "whisper-local": replace(_WHISPER, whole=False),
        "specvqgan": MelOptions(
            sample_rate=22050,
            window=1024,
            n_fft=1024,
            hop=256,
            bands=80,
            low_hz=125.0,
            high_hz=7600.0,
            padding="reflect",
            magnitude=True,
            values="specvqgan",
        ),
        "foley": MelOptions(
            sample_rate=24000,
            window=512,
            n_fft=1024,
            hop=240,
            bands=80,
            low_hz=40.0,
            scale="kaldi",
            frames="cells",
            values="soft",
        ),
    }
)

_UNITS = {
    "power": "power",
    "ln": "ln power",
    "soft": "ln power",
    "whisper": "lg power / 4",
    "specvqgan": "dB / 100",
}


class Mel(FramedExtractor):
    """A mel spectrogram, float32 [T, bands], non-negative or logarithmic as the options say.

    Presets: ``librosa`` (22,050 Hz, 128 bands of power, the default), ``kaldi`` (16 kHz, 80 log bands of
    sound at 16-bit scale, no dither), ``whisper`` (16 kHz, 80 bands; floored by the loudest value of the
    whole sound, so its support is ``whole``), ``whisper-local`` (the same without that floor), ``specvqgan``
    (22,050 Hz, 80 bands, 0...1), ``foley`` (24 kHz, 80 log bands, a hundred cells a second that begin with the sound;
    of our own codec).

    Examples
    --------
    >>> mel = Mel(PRESETS["kaldi"])
    >>> track = mel(np.zeros(16000, np.float32))
    >>> track.values.shape, track.grid.center(0), track.support
    ((98, 80), Fraction(399, 32000), Fraction(1, 40))
    """

    presets: ClassVar[Mapping[str, MelOptions]] = PRESETS

    def __init__(self, options: MelOptions = PRESETS["librosa"]) -> None:
        self.options = options
        self.name = _name(options)
        self.sample_rate = options.sample_rate
        self.framing = _framing(options)
        self.padding = options.padding
        self.support = (
            "whole"
            if options.values == "whisper" and options.whole
            else Fraction(options.window, options.sample_rate)
        )
        self.unit = _UNITS[options.values]
        self.value_shape = (options.bands,)
        high = options.sample_rate / 2 if options.high_hz is None else options.high_hz
        filters = mel_filters(
            options.sample_rate, options.n_fft, options.bands, options.low_hz, high, options.scale
        )
        self._bands = SteadyBands(filters) if options.steady else Bands(filters, self.block_frames)

    @property
    def local(self) -> Mel:
        """The same without the floor that depends on the whole sound."""
        return Mel(replace(self.options, whole=False)) if self.support == "whole" else self

    def kernel(self) -> FrameKernel:
        """A function from frames [m, window] to bands [m, bands]."""
        options = self.options
        spectrum = PowerSpectrum(
            window_samples(options.window_kind, options.window) * options.full_scale, options.n_fft
        )

        def bands(frames: npt.NDArray[np.float32]) -> Values:
            power = spectrum(kaldi_frames(frames) if options.condition else frames)
            if options.magnitude:
                np.sqrt(power, out=power)
            return self._scaled(self._bands(power))

        return bands

    def whole(self, values: Values) -> Values:
        """Whisper's floor, 8 decades below the greatest value of all."""
        if self.support != "whole" or values.size == 0:
            return values
        return np.asarray(np.maximum(values, values.max() - np.float32(2)))

    def _scaled(self, bands: Values) -> Values:
        kind = self.options.values
        if kind == "ln":
            np.maximum(bands, KALDI_FLOOR, out=bands)
            np.log(bands, out=bands)
        if kind == "soft":
            bands += SOFT_FLOOR
            np.log(bands, out=bands)
        if kind == "whisper":
            np.maximum(bands, np.float32(1e-10), out=bands)
            np.log10(bands, out=bands)
            bands += np.float32(4)
            bands /= np.float32(4)
        if kind == "specvqgan":
            np.maximum(bands, np.float32(1e-5), out=bands)
            np.log10(bands, out=bands)
            bands *= np.float32(20)
            bands += np.float32(80)
            bands /= np.float32(100)
            np.clip(bands, 0, 1, out=bands)
        return bands


def kaldi_frames(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Frames [m, W] less their means and pre-emphasised by 0.97 within the frame, as Kaldi does."""
    centered = frames - frames.mean(axis=1, keepdims=True)
    out: npt.NDArray[np.float32] = centered.copy()
    out[:, 1:] -= np.float32(0.97) * centered[:, :-1]
    # The sample before the first is taken to be the first.
    out[:, 0] *= np.float32(1 - 0.97)
    return out


def _name(options: MelOptions) -> str:
    for preset, known in PRESETS.items():
        if options == known:
            return "mel" if preset == "librosa" else f"mel:{preset}"
    return "mel:custom"


def _framing(options: MelOptions) -> Framing:
    if options.frames == "centered":
        return stft_centered(options.n_fft, options.hop)
    if options.frames == "cells":
        around = options.window // 2 - options.hop // 2
        return Framing(options.window, options.hop, Fraction(options.window, 2), left=around, right=around)
    if options.frames == "inside":
        if options.window_kind == "hann":
            return Framing(options.window, options.hop, Fraction(options.window, 2))
        return kaldi(options.window, options.hop)
    half = options.n_fft // 2
    if options.hop > half:
        raise OptionError(
            f"frames='centered_less_last' needs a hop of at most n_fft/2 = {half}, not {options.hop}"
        )
    return Framing(options.n_fft, options.hop, Fraction(half), left=half, right=half - options.hop)
