"""Mel-frequency cepstral coefficients in the conventions of Kaldi and of python_speech_features."""

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
from genlock.extractors.sound.framing import kaldi, python_speech_features
from genlock.extractors.sound.mel import KALDI_FLOOR, kaldi_frames
from genlock.extractors.sound.spectrum import (
    Bands,
    PowerSpectrum,
    dct_matrix,
    delta,
    lifter,
    mel_filters,
    psf_filters,
    window_samples,
)

__all__ = ["Mfcc", "MfccOptions"]

# What python_speech_features puts in place of an energy of zero: the float64 epsilon.
_PSF_FLOOR = np.float32(2.0**-52)
_PREEMPHASIS = np.float32(0.97)


@dataclass(frozen=True)
class MfccOptions:
    """How cepstral coefficients are made. The default is Kaldi's."""

    convention: Literal["kaldi", "psf"] = "kaldi"
    """``kaldi``: Povey window, mean removed, pre-emphasis within the frame, frames wholly inside the sound.
    ``psf`` (python_speech_features): no window, pre-emphasis across the sound, the last frame zero-padded."""
    sample_rate: int = 16000
    """Samples per second of the sound."""
    window: int = 400
    """Length of the window in samples; at most ``n_fft``."""
    hop: int = 160
    """Samples from one frame to the next."""
    n_fft: int = 512
    """Length of the Fourier transform in samples."""
    bands: int = 23
    """Number of mel bands (Kaldi: 23, python_speech_features: 26)."""
    coefficients: int = 13
    """Number of coefficients, coefficient 0 included; at most ``bands``."""
    low_hz: float = 20.0
    """Lower edge of the lowest band in Hz (Kaldi; python_speech_features begins at 0)."""
    lifter: int = 22
    """Strength of the cepstral lifter; 0 leaves it out."""
    energy: bool = True
    """Coefficient 0 is the logarithm of the frame's energy (Kaldi: of the samples; psf: of the spectrum)."""
    cepstra: bool = True
    """False leaves out the cosine transform: logarithms of the bands (psf only)."""
    delta_order: int = 0
    """0: coefficients alone; 1: and their slopes over 5 frames; 2: and the slopes of those."""
    full_scale: float = 32768.0
    """What a sample of 1.0 counts as; both conventions are used on 16-bit numbers."""

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.window <= self.n_fft or self.sample_rate < 1:
            raise OptionError(
                f"sample_rate={self.sample_rate}, hop={self.hop}, window={self.window}, n_fft={self.n_fft}: "
                "the rate is above zero and 1 <= hop <= window <= n_fft"
            )
        if not self.cepstra and self.convention != "psf":
            raise OptionError("cepstra=False goes with convention='psf'; mel:kaldi is Kaldi's log filterbank")
        if not 1 <= self.coefficients <= self.bands or self.delta_order not in (0, 1, 2) or self.lifter < 0:
            raise OptionError(
                f"{self.coefficients} coefficients of {self.bands} bands, delta_order={self.delta_order}, "
                f"lifter={self.lifter}: 1 <= coefficients <= bands, delta_order 0, 1 or 2, lifter at least 0"
            )


PRESETS: Mapping[str, MfccOptions] = MappingProxyType(
    {
        "kaldi": MfccOptions(),
        "psf": MfccOptions(convention="psf", bands=26),
        "kaldi39": MfccOptions(energy=False, delta_order=2),
        "hubert": MfccOptions(energy=False, delta_order=2, full_scale=1.0),
        "psf39": MfccOptions(convention="psf", bands=26, delta_order=2),
    }
)


class Mfcc(FramedExtractor):
    """Cepstral coefficients, float32 [T, coefficients * (1 + delta_order)].

    Presets: ``kaldi`` (13, the default), ``psf`` (13, python_speech_features), ``kaldi39`` and ``psf39``
    (with slopes and slopes of slopes: their frames at the very ends repeat the end frame), and ``hubert``: what the
    labels of HuBERT and AV-HuBERT are first made of (fairseq's ``dump_mfcc_feature``), which is ``kaldi39`` of sound
    within -1...1. Both have the cepstrum's own coefficient 0, not the energy.

    Examples
    --------
    >>> track = Mfcc(PRESETS["psf"])(np.zeros(16001, np.float32))
    >>> track.values.shape, track.grid.center(0)
    ((99, 13), Fraction(399, 32000))
    """

    presets: ClassVar[Mapping[str, MfccOptions]] = PRESETS

    def __init__(self, options: MfccOptions = PRESETS["kaldi"]) -> None:
        self.options = options
        self.name = _name(options)
        self.sample_rate = options.sample_rate
        is_kaldi = options.convention == "kaldi"
        self.framing = (kaldi if is_kaldi else python_speech_features)(options.window, options.hop)
        # Pre-emphasis across the sound needs the sample before the frame.
        self.lookback = 0 if is_kaldi else 1
        seen = options.window + 2 * self.lookback + 4 * options.delta_order * options.hop
        self.support = Fraction(seen, options.sample_rate)
        self.value_shape = (options.coefficients,)
        if is_kaldi:
            filters = mel_filters(
                options.sample_rate,
                options.n_fft,
                options.bands,
                options.low_hz,
                options.sample_rate / 2,
                "kaldi",
            )
        else:
            filters = psf_filters(options.sample_rate, options.n_fft, options.bands)
        self._bands = Bands(filters, self.block_frames)
        self._cosines = dct_matrix(options.bands, options.coefficients)
        self._cosines *= lifter(options.coefficients, options.lifter)

    def kernel(self) -> FrameKernel:
        """A function from frames [m, lookback + window] to coefficients [m, coefficients]."""
        return self._kaldi_kernel() if self.options.convention == "kaldi" else self._psf_kernel()

    def after_end(self, last: np.float32, count: int) -> npt.NDArray[np.float32]:
        """Pre-emphasis makes zeros of these: python_speech_features pads after pre-emphasis, with zeros."""
        factors = np.full(count + 1, _PREEMPHASIS)
        factors[0] = last
        return np.multiply.accumulate(factors)[1:]

    def whole(self, values: Values) -> Values:
        """The coefficients and their slopes side by side."""
        columns = [values]
        for _ in range(self.options.delta_order):
            columns.append(delta(columns[-1]))
        return np.concatenate(columns, axis=1) if len(columns) > 1 else values

    def _kaldi_kernel(self) -> FrameKernel:
        options = self.options
        spectrum = PowerSpectrum(window_samples("povey", options.window), options.n_fft)

        def cepstra(frames: npt.NDArray[np.float32]) -> Values:
            scaled = frames * np.float32(options.full_scale)
            bands = np.maximum(self._bands(spectrum(kaldi_frames(scaled))), KALDI_FLOOR)
            out: Values = np.log(bands, out=bands) @ self._cosines
            if options.energy:
                scaled -= scaled.mean(axis=1, keepdims=True)
                out[:, 0] = np.log(np.maximum(_power(scaled), KALDI_FLOOR))
            return out

        return cepstra

    def _psf_kernel(self) -> FrameKernel:
        options = self.options
        spectrum = PowerSpectrum(
            window_samples("rectangular", options.window) * (options.full_scale / np.sqrt(options.n_fft)),
            options.n_fft,
        )

        def cepstra(frames: npt.NDArray[np.float32]) -> Values:
            power = spectrum(frames[:, 1:] - _PREEMPHASIS * frames[:, :-1])
            bands = self._bands(power)
            bands[bands == 0] = _PSF_FLOOR
            if not options.cepstra:
                return np.log(bands, out=bands)
            out: Values = np.log(bands, out=bands) @ self._cosines
            if options.energy:
                total = power.sum(axis=1)
                out[:, 0] = np.log(np.where(total == 0, _PSF_FLOOR, total))
            return out

        return cepstra


def _power(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.einsum("ij,ij->i", frames, frames))


def _name(options: MfccOptions) -> str:
    for preset, known in PRESETS.items():
        if options == known:
            return "mfcc" if preset == "kaldi" else f"mfcc:{preset}"
    return "mfcc:custom"
