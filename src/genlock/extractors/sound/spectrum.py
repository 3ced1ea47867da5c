"""Windows, spectra, mel filters, cosine transforms: the arithmetic that several features share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = [
    "Bands",
    "MelScale",
    "PowerSpectrum",
    "SteadyBands",
    "Window",
    "dct_matrix",
    "delta",
    "lifter",
    "mel_filters",
    "psf_filters",
    "window_samples",
]

Window = Literal["hann", "povey", "rectangular"]
MelScale = Literal["slaney", "kaldi"]


def window_samples(kind: Window, length: int) -> npt.NDArray[np.float64]:
    """The window ``kind``, float64 [length].

    ``hann`` is periodic (symmetric about sample length/2), ``povey`` is Kaldi's symmetric
    ``(0.5 - 0.5 cos(2 pi n / (length - 1)))**0.85``.

    >>> window_samples("hann", 4).round(9).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    n = np.arange(length)
    if kind == "hann":
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * n / length))
    if kind == "povey":
        return np.asarray((0.5 - 0.5 * np.cos(2 * np.pi * n / max(length - 1, 1))) ** 0.85)
    if kind == "rectangular":
        return np.ones(length)
    raise OptionError(f"the window {kind!r} is unknown; use 'hann', 'povey' or 'rectangular'")


# Multiplications in one matrix product up to which OpenBLAS, which numpy's wheels contain, uses one thread.
_SMALL_PRODUCT = 250_000


class PowerSpectrum:
    """Windowed frames to power spectra: float32 [m, W] to float32 [m, n_fft/2 + 1].

    Computed in float64, which numpy's transform does as fast as float32. The work arrays are kept between
    blocks.
    """

    def __init__(self, window: npt.NDArray[np.float64], n_fft: int) -> None:
        self._window = window
        self._n_fft = n_fft
        self._padded = np.zeros((0, n_fft))
        self._spectrum = np.zeros((0, n_fft // 2 + 1), np.complex128)

    def __call__(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        count, width = frames.shape
        if len(self._padded) < count:
            self._padded = np.zeros((count, self._n_fft))
            self._spectrum = np.zeros((count, self._n_fft // 2 + 1), np.complex128)
        padded, spectrum = self._padded[:count], self._spectrum[:count]
        np.multiply(frames, self._window, out=padded[:, :width])
        np.fft.rfft(padded, axis=1, out=spectrum)
        parts = spectrum.view(np.float64)
        np.square(parts, out=parts)
        power = np.empty(spectrum.shape, np.float32)
        np.add(parts[:, 0::2], parts[:, 1::2], out=power, casting="same_kind")
        return power


class Bands:
    """Spectra [m, bins] times filters [bins, bands], float32, leaving out the bins that a filter does not
    touch.

    Neighbouring filters are taken together as long as the product stays small: a large one would be spread
    over threads, which for products of this size wait longer for each other than they work.
    """

    def __init__(self, filters: npt.NDArray[np.float32], frames: int) -> None:
        self._shape = filters.shape
        self._parts: list[tuple[slice, slice, npt.NDArray[np.float32]]] = []
        touched = [np.flatnonzero(column) for column in filters.T]
        spans = [(int(t[0]), int(t[-1]) + 1) if len(t) else (0, 0) for t in touched]
        first = 0
        while first < len(spans):
            stop, low, high = first + 1, *spans[first]
            while stop < len(spans):
                new_low, new_high = min(low, spans[stop][0] or low), max(high, spans[stop][1])
                if frames * (stop + 1 - first) * (new_high - new_low) > _SMALL_PRODUCT:
                    break
                stop, low, high = stop + 1, new_low, new_high
            rows, columns = slice(low, high), slice(first, stop)
            self._parts.append((rows, columns, np.ascontiguousarray(filters[rows, columns])))
            first = stop

    def __call__(self, spectra: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        out = np.empty((len(spectra), self._shape[1]), np.float32)
        for rows, columns, weights in self._parts:
            np.matmul(spectra[:, rows], weights, out=out[:, columns])
        return out


class SteadyBands:
    """Does what :class:`Bands` does, at half its speed; a row of the answer is the same bits wherever it stands.

    BLAS works through groups of rows and treats what is left over otherwise, which shows in the last bit on some
    processors.
    """

    def __init__(self, filters: npt.NDArray[np.float32]) -> None:
        self._filters: list[tuple[slice, npt.NDArray[np.float32]]] = []
        for column in filters.T:
            touched = np.flatnonzero(column)
            bins = slice(int(touched[0]), int(touched[-1]) + 1) if len(touched) else slice(0, 0)
            self._filters.append((bins, np.ascontiguousarray(column[bins])))

    def __call__(self, spectra: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        out = np.empty((len(spectra), len(self._filters)), np.float32)
        for band, (bins, weights) in enumerate(self._filters):
            np.einsum("ij,j->i", spectra[:, bins], weights, out=out[:, band])
        return out


def mel_filters(
    sample_rate: int, n_fft: int, bands: int, low_hz: float, high_hz: float, scale: MelScale
) -> npt.NDArray[np.float32]:
    """Triangular mel filters, float32 [n_fft/2 + 1, bands], to be multiplied from the right.

    ``slaney`` (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above, triangles in Hz of area 1.
    ``kaldi``: mel = 1127 ln(1 + f/700), triangles in mel of height 1, the Nyquist bin left out.

    >>> mel_filters(16000, 512, 80, 20, 8000, "kaldi").shape
    (257, 80)
    """
    if not 0 <= low_hz < high_hz <= sample_rate / 2 or bands < 1:
        raise OptionError(
            f"{bands} mel bands from {low_hz} to {high_hz} Hz do not fit sound of {sample_rate} Hz; "
            f"give at least one band and frequencies within 0...{sample_rate / 2:g}"
        )
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    if scale == "slaney":
        low, high = _hz_to_slaney(np.array([low_hz, high_hz]))
        edges = _slaney_to_hz(np.linspace(low, high, bands + 2))
        heights = 2.0 / (edges[2:] - edges[:-2])
    elif scale == "kaldi":
        low, high = 1127 * np.log1p(np.array([low_hz, high_hz]) / 700)
        edges = np.linspace(low, high, bands + 2)
        bins = 1127 * np.log1p(bins / 700)
        heights = np.ones(bands)
    else:
        raise OptionError(f"the mel scale {scale!r} is unknown; use 'slaney' or 'kaldi'")
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling)) * heights
    if scale == "kaldi":
        weights[-1] = 0
    return weights.astype(np.float32)


def psf_filters(sample_rate: int, n_fft: int, bands: int) -> npt.NDArray[np.float32]:
    """Triangles of python_speech_features 0.6: corners rounded down to bins, mel = 2595 lg(1 + f/700)."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    corners = np.floor((n_fft + 1) * 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1) / sample_rate)
    bins = np.arange(n_fft // 2 + 1)[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (bins - low) / np.maximum(middle - low, 1)
    falling = (high - bins) / np.maximum(high - middle, 1)
    weights = np.where(bins < middle, rising, falling)
    return np.asarray(np.where((bins >= low) & (bins < high), weights, 0), np.float32)


def _hz_to_slaney(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithmic = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, hz * 3 / 200, logarithmic)


def _slaney_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithmic = 1000 * np.exp((mel - 15) * np.log(6.4) / 27)
    return np.asarray(np.where(mel < 15, mel * 200 / 3, logarithmic))


def dct_matrix(bands: int, coefficients: int) -> npt.NDArray[np.float32]:
    """Orthonormal cosine transform of type 2, float32 [bands, coefficients], for the right-hand side."""
    angle = np.pi / bands * (np.arange(bands)[:, None] + 0.5) * np.arange(coefficients)
    matrix = np.cos(angle) * np.sqrt(2 / bands)
    matrix[:, 0] = np.sqrt(1 / bands)
    return np.asarray(matrix, np.float32)


def lifter(coefficients: int, strength: int) -> npt.NDArray[np.float32]:
    """Weights ``1 + strength/2 sin(pi i / strength)`` of cepstral coefficients (HTK, Kaldi), float32."""
    if strength == 0:
        return np.ones(coefficients, np.float32)
    weights = 1 + strength / 2 * np.sin(np.pi * np.arange(coefficients) / strength)
    return np.asarray(weights, np.float32)


def delta(values: npt.NDArray[np.float32], reach: int = 2) -> npt.NDArray[np.float32]:
    """Slope of the regression line over ``2 reach + 1`` frames, per frame; the end frames are repeated.

    ``sum(n (v[t+n] - v[t-n])) / (2 sum(n^2))``, as HTK, Kaldi and python_speech_features.

    >>> delta(np.array([[0.0], [1], [2], [3], [4]], np.float32))[2].tolist()
    [1.0]
    """
    if len(values) == 0:
        return values
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    total = np.zeros_like(values)
    for n in range(1, reach + 1):
        later = padded[reach + n : len(padded) - reach + n]
        earlier = padded[reach - n : len(padded) - reach - n]
        total += np.float32(n) * (later - earlier)
    return total / np.float32(2 * sum(n * n for n in range(1, reach + 1)))
