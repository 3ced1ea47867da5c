"""Sound from a mel spectrogram without a network: phases that fit the magnitudes (Griffin & Lim 1984)."""

from __future__ import annotations

from math import ceil
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.extractors.sound.mel import KALDI_FLOOR, PRESETS, SOFT_FLOOR, MelOptions
from genlock.extractors.sound.spectrum import mel_filters, window_samples

__all__ = ["griffin_lim", "magnitudes_of"]

Array: TypeAlias = npt.NDArray[np.float32]

# Of Perraudin, Balazs & Sondergaard 2013, who go a little further at each step.
_MOMENTUM = 0.99
_STEPS_OF_INVERSE = 20


def griffin_lim(
    mel: npt.ArrayLike, options: MelOptions = PRESETS["foley"], *, iterations: int = 32, seed: int = 0
) -> Array:
    """Samples float32 at ``options.sample_rate`` of a mel spectrogram [T, bands], as :class:`~.mel.Mel` made it.

    Between frames more than a quarter of a window apart others are interpolated, since phases need the overlap. Sample
    0 is the first of the sound that the frames lie on; of ``frames="cells"`` come ``T * hop`` samples. What is soft
    stays soft: the floor of the bands is taken off again.

    Parameters
    ----------
    iterations : at least 0; each brings the phases nearer to one another
    seed : of the phases at the start

    Raises
    ------
    OptionError
        If the values are Whisper's, whose floor depends on the whole, or iterations are negative.
    InputError
        If the bands are not those of the options, or not finite.

    Examples
    --------
    >>> from genlock.extractors import make_extractor
    >>> beep = 0.3 * np.sin(2 * np.pi * 440 / 24000 * np.arange(24000)).astype(np.float32)
    >>> made = griffin_lim(make_extractor("mel:foley")(beep).values)
    >>> made.shape, bool(abs(np.argmax(np.abs(np.fft.rfft(made))) - 440) <= 3)
    ((24000,), True)
    """
    if iterations < 0 or options.values == "whisper":
        raise OptionError(
            f"iterations={iterations}, values={options.values!r}: at least 0, and not 'whisper'"
        )
    rows = np.asarray(mel, np.float32)
    if rows.ndim != 2 or rows.shape[1] != options.bands or not np.isfinite(rows).all():
        raise InputError(f"bands of shape {list(rows.shape)}: give finite numbers [T, {options.bands}]")
    if not len(rows):
        return np.zeros(0, np.float32)
    between = ceil(options.hop / (options.window // 4))
    hop = options.hop // between
    size = _between(magnitudes_of(rows, options), between)
    transform = _Transform(options, hop)
    random = np.random.default_rng(seed)
    spectra = size * np.exp(2j * np.pi * random.random(size.shape))
    before = np.zeros_like(spectra)
    for _ in range(iterations):
        whole = transform.forth(transform.back(spectra), len(size))
        pushed = whole + _MOMENTUM * (whole - before)
        before = whole
        spectra = size * pushed / np.maximum(np.abs(pushed), 1e-12)
    sound = transform.back(spectra)
    first = options.window // 2 if options.frames == "inside" else 0
    lead = options.window // 2 - (first or (hop // 2 if options.frames == "cells" else 0))
    length = len(rows) * options.hop if options.frames == "cells" else (len(rows) - 1) * options.hop + 1
    return np.asarray(sound[lead : lead + length], np.float32)


def magnitudes_of(mel: npt.ArrayLike, options: MelOptions) -> npt.NDArray[np.float64]:
    """The smoothest magnitudes [T, n_fft/2 + 1], not negative, that have these bands [T, bands]."""
    bands = _linear(np.asarray(mel, np.float64), options)
    high = options.sample_rate / 2 if options.high_hz is None else options.high_hz
    filters = mel_filters(
        options.sample_rate, options.n_fft, options.bands, options.low_hz, high, options.scale
    ).astype(np.float64)
    # Multiplicative steps of non-negative least squares (Lee & Seung 1999) keep what is zero at zero.
    found = bands @ (filters / np.maximum(filters.sum(axis=0), 1e-9)).T
    wanted = bands @ filters.T
    for _ in range(_STEPS_OF_INVERSE):
        found *= wanted / np.maximum((found @ filters) @ filters.T, 1e-12)
    return np.asarray(found if options.magnitude else np.sqrt(found)) / options.full_scale


def _linear(values: npt.NDArray[np.float64], options: MelOptions) -> npt.NDArray[np.float64]:
    kind = options.values
    if kind == "ln":
        return np.where(values > np.log(KALDI_FLOOR) + 1e-6, np.exp(values), 0.0)
    if kind == "soft":
        return np.maximum(np.exp(values) - float(SOFT_FLOOR), 0.0)
    if kind == "specvqgan":
        return np.where(values > 0, 10 ** ((100 * values - 80) / 20), 0.0)
    return values


def _between(size: npt.NDArray[np.float64], between: int) -> npt.NDArray[np.float64]:
    """Each frame becomes ``between`` about its centre; logarithms are interpolated evenly."""
    count = len(size)
    place = np.clip((np.arange(count * between) + 0.5) / between - 0.5, 0, count - 1)
    left = np.minimum(place.astype(np.int64), max(count - 2, 0))
    share = (place - left)[:, None]
    logs = np.log(np.maximum(size, 1e-6))
    found = np.exp(logs[left] + share * (logs[np.minimum(left + 1, count - 1)] - logs[left]))
    return np.asarray(np.where(found > 2e-6, found, 0.0))


class _Transform:
    """Sound to spectra and back, in windows ``hop`` apart; the first begins with the first sample."""

    def __init__(self, options: MelOptions, hop: int) -> None:
        self._hop, self._length, self._size = hop, options.window, options.n_fft
        self._window = window_samples(options.window_kind, options.window)

    def back(self, spectra: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
        frames = np.fft.irfft(spectra, self._size, axis=1)[:, : self._length] * self._window
        sound = np.zeros((len(frames) - 1) * self._hop + self._length)
        weight = np.zeros_like(sound)
        for k, frame in enumerate(frames):
            sound[k * self._hop : k * self._hop + self._length] += frame
            weight[k * self._hop : k * self._hop + self._length] += self._window**2
        return np.asarray(sound / np.maximum(weight, 1e-3))

    def forth(self, sound: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.complex128]:
        seen = np.lib.stride_tricks.sliding_window_view(sound, self._length)[:: self._hop][:count]
        return np.asarray(np.fft.rfft(seen * self._window, self._size, axis=1))
