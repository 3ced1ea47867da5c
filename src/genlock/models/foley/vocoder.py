"""Our own vocoder: ``mel:foley`` to sound at 24 kHz by spectra that a network says; numpy alone.

In the manner of Vocos (Siuzdak 2023): a network at the rate of its input says logarithmic magnitude and phase of
short-time spectra, and the inverse transform makes the sound. Ours says two spectra for each cell of 10 ms, in windows
of 21 ms, so that an attack stays an attack; the magnitude is a correction of what the bands themselves say; and it
looks back only, but for a stated look-ahead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.models.foley.codec import BANDS, CELL_RATE, FEATURE
from genlock.models.foley.pieces import NetworkPieces
from genlock.models.talker.networks import NetworkShape, check_arrays
from genlock.weights.npz_model import arrays_in, load_once, shape_in, write_model

__all__ = [
    "SOUND_RATE",
    "VOCODER_NAME",
    "Vocoder",
    "VocoderShape",
    "Vocoding",
    "load_vocoder",
    "save_vocoder",
    "spectrum_window",
]

Array: TypeAlias = npt.NDArray[np.float32]

#: Name of the vocoder of our own in the registry.
VOCODER_NAME = "foley-vocoder"
#: Samples a second of what comes out.
SOUND_RATE = 24000
#: Samples of a window, from one spectrum to the next, and of a cell.
WINDOW, HOP, CELL = 512, 120, 240
BINS = WINDOW // 2 + 1
_SPECTRA = CELL // HOP
#: Numbers that the network says of a cell: magnitudes and phases of its spectra.
OUTPUTS = _SPECTRA * 2 * BINS
# The first spectrum is centred in the middle of the first hop.
_LEAD = WINDOW // 2 - HOP // 2
_MIDDLE, _SPREAD = np.float32(-3.0), np.float32(4.0)
# No bin is louder than a full-scale sine by more than this: exp(8) / 128.
_LOUDEST = np.float32(8.0)
_KIND = "foley vocoder"


@dataclass(frozen=True)
class VocoderShape:
    """How a vocoder is built."""

    width: int = 192
    """Channels inside; at least 1."""
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4)
    """Cells between the taps of each layer; at least 1."""
    taps: int = 3
    """Cells that a layer looks at; odd."""
    ahead: int = 2
    """Cells of 10 ms after one that its sound depends on; at least 0."""

    def __post_init__(self) -> None:
        if self.ahead < 0:
            raise OptionError(f"{self}: ahead is at least 0")
        self.network  # noqa: B018 - ranges are told at birth

    @property
    def network(self) -> NetworkShape:
        """The network."""
        return NetworkShape(
            "convolution",
            self.width,
            dilations=self.dilations,
            taps=self.taps,
            heads=1,
            causal=True,
            delay=self.ahead,
        )


@dataclass(frozen=True, eq=False)
class Vocoder:
    """Bands to sound.

    Raises
    ------
    FormatError
        If the arrays do not fit.
    """

    shape: VocoderShape
    """How it is built."""
    arrays: Mapping[str, Array]
    """Its weights; ``bands_to_bins`` [80, 257] says what the bands themselves tell of the magnitudes, with
    ``bins_bias`` [257]."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_arrays(self.arrays, self.shape.network, BANDS, OUTPUTS)
        for name, wanted in (("bands_to_bins", (BANDS, BINS)), ("bins_bias", (BINS,))):
            found = self.arrays[name].shape if name in self.arrays else None
            if found != wanted:
                raise FormatError(f"{name} of a vocoder has shape {found}, not {wanted}")

    @property
    def lookahead_seconds(self) -> Fraction:
        """Bands after a sample without which it is not final, beside the windows of the bands themselves."""
        return self.shape.ahead / CELL_RATE + Fraction(_LEAD + HOP, SOUND_RATE)

    def sound(self, mel: npt.ArrayLike) -> Array:
        """Samples float32 [240 T] at 24 kHz of ``mel:foley`` [T, 80]: cell k is samples 240 k to 240 k + 239.

        >>> load_vocoder().sound(np.full((5, 80), -8.0)).shape
        (1200,)

        Raises InputError if the bands are not 80 or not finite.
        """
        stream = self.vocoding()
        return np.concatenate([stream.push(mel), stream.finish()])

    def vocoding(self) -> Vocoding:
        """For bands that come piece by piece; memory stays bounded."""
        return Vocoding(self)


class Vocoding:
    """Bands to sound, piece by piece, as of the whole to the rounding of float32.

    >>> vocoder, mel = load_vocoder(), np.linspace(-8, 0, 8000).reshape(100, 80)
    >>> stream = vocoder.vocoding()
    >>> pieces = [stream.push(mel[k : k + 9]) for k in range(0, 100, 9)]
    >>> bool(np.allclose(np.concatenate([*pieces, stream.finish()]), vocoder.sound(mel), atol=1e-4))
    True
    """

    def __init__(self, vocoder: Vocoder) -> None:
        self._arrays = vocoder.arrays
        self._network = NetworkPieces(vocoder.arrays, vocoder.shape.network, BANDS, OUTPUTS)
        # Bands that the network has not yet answered.
        self._waiting = np.zeros((0, BANDS), np.float32)
        # What the spectra so far add to samples that are not final, from the sample that comes next less the lead.
        self._sum = np.zeros(WINDOW, np.float32)
        self._weight = np.zeros(WINDOW, np.float32)
        self._skip, self._given, self._taken = _LEAD, 0, 0

    def push(self, mel: npt.ArrayLike) -> Array:
        """Take the next cells, [n, 80]; gives the samples that are final now.

        Raises InputError if the bands are not 80 or not finite.
        """
        rows = np.asarray(mel, np.float32)
        if rows.ndim != 2 or rows.shape[1] != BANDS or not np.isfinite(rows).all():
            raise InputError(
                f"bands of shape {list(rows.shape)} are no {FEATURE}: give finite numbers [T, {BANDS}]"
            )
        self._taken += len(rows)
        self._waiting = np.concatenate([self._waiting, rows])
        return self._heard(self._network.push((rows - _MIDDLE) / _SPREAD))

    def finish(self) -> Array:
        """The samples that are left: nothing follows."""
        ready = self._heard(self._network.finish())
        rest = (self._sum / np.maximum(self._weight, np.float32(1e-3)))[self._skip :]
        rest = rest[: self._taken * CELL - self._given]
        self._given += len(rest)
        return np.asarray(np.concatenate([ready, rest]), np.float32)

    def _heard(self, told: Array) -> Array:
        pieces = [np.zeros(0, np.float32)]
        for first in range(0, len(told), 500):
            some = told[first : first + 500]
            pieces.append(self._add(spectra_of(some, self._waiting[: len(some)], self._arrays)))
            self._waiting = self._waiting[len(some) :]
        return np.concatenate(pieces)

    def _add(self, spectra: npt.NDArray[np.complex64]) -> Array:
        """Overlap and add spectra [m, 257]; gives the samples that no later one reaches."""
        window = spectrum_window()
        frames = np.asarray(np.fft.irfft(spectra, WINDOW, axis=1), np.float32) * window
        long = np.zeros(len(frames) * HOP + WINDOW, np.float32)
        weight = np.zeros_like(long)
        long[:WINDOW], weight[:WINDOW] = self._sum, self._weight
        # What lies a whole number of windows apart does not overlap: added at once.
        for k, frame in enumerate(frames):
            long[k * HOP : k * HOP + WINDOW] += frame
            weight[k * HOP : k * HOP + WINDOW] += window * window
        done = len(frames) * HOP
        self._sum, self._weight = long[done : done + WINDOW].copy(), weight[done : done + WINDOW].copy()
        final = long[:done] / np.maximum(weight[:done], np.float32(1e-3))
        skipped = min(self._skip, done)
        self._skip -= skipped
        self._given += done - skipped
        return np.asarray(final[skipped:], np.float32)


def spectrum_window() -> Array:
    """The window of a spectrum, [512]: periodic Hann."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW), np.float32)


def spectra_of(told: Array, mel: Array, arrays: Mapping[str, Array]) -> npt.NDArray[np.complex64]:
    """Spectra complex [2 T, 257] of what the network says of cells, [T, OUTPUTS], and of the cells' own bands."""
    both = told.reshape(len(told) * _SPECTRA, 2, BINS)
    usual = np.repeat(mel @ arrays["bands_to_bins"] + arrays["bins_bias"], _SPECTRA, axis=0)
    size = np.exp(np.minimum(both[:, 0] + usual, _LOUDEST))
    return np.asarray(size * np.exp(1j * both[:, 1]), np.complex64)


# ---------------------------------------------------------------- the file of a vocoder


def save_vocoder(vocoder: Vocoder, target: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write a vocoder as ``.npz``, atomically, byte for byte the same for the same vocoder.

    ``half`` stores its weights in 16 bits. Raises OutputError if the target cannot be written.
    """
    header = {"shape": asdict(vocoder.shape), "facts": dict(vocoder.facts)}
    write_model(target, _KIND, header, vocoder.arrays, half=half)


def load_vocoder(model: str | os.PathLike[str] = VOCODER_NAME) -> Vocoder:
    """A vocoder: the one that comes with Genlock, another of the registry by its name, or a file or folder of one's
    own.

    >>> load_vocoder().lookahead_seconds
    Fraction(199, 6000)

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    return load_once(model, _KIND, "vocoder", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, npt.NDArray[Any]]) -> Vocoder:
    return Vocoder(VocoderShape(**shape_in(header)), arrays_in(found), dict(header["facts"]))
