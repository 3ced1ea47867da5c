"""The cepstra that the CMU Sphinx acoustic models were trained on, with the exact instant of every frame.

The front end is fixed by the model's ``feat.params``: pre-emphasis, a 410-sample Hamming window at
16 kHz, 512-point power spectrum, 25 triangular mel bands over 130...6800 Hz, logarithm, orthonormal DCT to 13
cepstra, a sinusoidal lifter, mean subtraction, then differences over +-20 ms and their differences over +-10
ms. Windows may be taken more densely than every 10 ms: differences keep their distance in seconds, so the
model's scores stay valid, and boundaries get a finer grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.core import Grid

__all__ = ["HOP", "SAMPLE_RATE", "WINDOW", "cepstra", "feature_grid", "features", "with_differences"]

SAMPLE_RATE = 16000
#: Samples in one window (0.025625 s), and from one window to the next in training (0.01 s).
WINDOW, HOP = 410, 160

_FFT, _BANDS, _CEPSTRA, _LIFTER = 512, 25, 13, 22
_LOWEST_HZ, _HIGHEST_HZ = 130.0, 6800.0
_PREEMPHASIS = 0.97
# Added to every band's power (samples count in 16-bit steps) before the logarithm. What the model learnt from is
# recordings: even their pauses are only so much quieter than their loud frames. Exact zeros (of gates, editors and
# synthetic voices) would lie far outside of it, and spoil the mean and the differences of all frames around.
_POWER_FLOOR, _DEEPEST_PAUSE = 1e-4, 1e-5
_QUIET_SHARE = 0.4

Array = npt.NDArray[np.float32]


def feature_grid(hop: int = HOP, origin: Fraction = Fraction(0), clock: str = "media") -> Grid:
    """The cells of the frames: frame k is centred on sample ``hop k``.

    The window has an even number of samples, so the centre of frame k, sample ``hop k`` less half a sample,
    lies between two samples.

    >>> feature_grid(160).start
    Fraction(-161, 32000)
    """
    return Grid.of_windows(
        sample_rate=SAMPLE_RATE, hop=hop, first_center=Fraction(-1, 2), origin=origin, clock=clock
    )


def features(samples: npt.NDArray[np.floating], hop: int = HOP) -> Array:
    """Model features of a piece of sound.

    Parameters
    ----------
    samples : float [n]
        16 kHz sound, full scale +-1. NaN and infinity count as silence.
    hop : int
        Samples from one frame to the next; a divisor of 160.

    Returns
    -------
    float32 [ceil(n / hop), 39]
        Cepstra (their mean subtracted, in which quiet frames weigh 40 % at most), differences, second
        differences. Frame k is centred as :func:`feature_grid` says; beyond the ends the sound counts as
        zero.

    >>> features(np.zeros(16000, np.float32)).shape
    (100, 39)
    """
    bands = _bands(samples, hop)
    if len(bands) == 0:
        return np.zeros((0, 3 * _CEPSTRA), np.float32)
    static = _of_power(bands + np.float32(_loudest(bands.mean(axis=1)) * _DEEPEST_PAUSE))
    static = static - _usual_mean(static)
    return with_differences(static, HOP // hop)


def _usual_mean(static: Array) -> Array:
    """Mean over the piece as it would be in an utterance of the training data: not mostly silence.

    What the model learnt is speech with its pauses. A long silence would shift the mean, and with it every
    score.
    """
    level = static[:, 0]
    quiet = level < (np.quantile(level, 0.05) + _loudest(level)) / 2
    # Frames of one kind count by their number, up to the share of quiet ones.
    weights = np.ones(len(static), np.float32)
    if quiet.mean() > _QUIET_SHARE and not quiet.all():
        weights[quiet] = _QUIET_SHARE / (1 - _QUIET_SHARE) * (~quiet).sum() / quiet.sum()
    mean: Array = np.average(static, axis=0, weights=weights).astype(np.float32)
    return mean


def _loudest(level: Array) -> float:
    """What the loudest frames reach; a fifth of a second of speech is enough to be told from a long silence."""
    return float(np.sort(level)[-min(len(level), 20)])


def with_differences(static: Array, step: int) -> Array:
    """Append differences over +-2 and their differences over +-1 training frames, of ``step`` rows each.

    >>> with_differences(np.arange(8, dtype=np.float32)[:, None], 1)[3]
    array([3., 4., 0.], dtype=float32)
    """
    padded = np.pad(static, ((3 * step, 3 * step), (0, 0)), mode="edge")
    count = len(static)

    def at(offset: int) -> Array:
        first = (3 + offset) * step
        return padded[first : first + count]

    first = at(2) - at(-2)
    second = (at(3) - at(-1)) - (at(1) - at(-3))
    return np.concatenate([static, first, second], axis=1)


def cepstra(samples: npt.NDArray[np.floating], hop: int = HOP) -> Array:
    """Liftered cepstra without mean subtraction, float32 [ceil(n / hop), 13]; see :func:`features`."""
    return _of_power(_bands(samples, hop))


def _bands(samples: npt.NDArray[np.floating], hop: int) -> Array:
    """Mel band powers of all frames, float32 [ceil(n / hop), 25]."""
    if hop < 1 or HOP % hop:
        raise ValueError(f"hop={hop} is not a divisor of {HOP} samples")
    clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    clean = np.clip(clean, -1.0, 1.0) * np.float32(32767)
    blocks = list(_power_blocks(clean, hop))
    return np.concatenate(blocks) if blocks else np.zeros((0, _BANDS), np.float32)


def _power_blocks(samples: Array, hop: int, rows: int = 2048) -> Iterator[Array]:
    """Mel band powers, float32 [<= rows, 25] at a time."""
    count = -(-len(samples) // hop)
    emphasised = samples.copy()
    emphasised[1:] -= np.float32(_PREEMPHASIS) * samples[:-1]
    padded = np.pad(emphasised, (WINDOW // 2, WINDOW))
    window = np.hamming(WINDOW).astype(np.float32)
    for first in range(0, count, rows):
        stop = min(first + rows, count)
        part = padded[first * hop : (stop - 1) * hop + WINDOW]
        frames = np.lib.stride_tricks.sliding_window_view(part, WINDOW)[::hop]
        spectrum = np.fft.rfft(frames * window, _FFT, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        yield power @ _mel_bands().T


def _of_power(bands: Array) -> Array:
    logs = np.log(bands + np.float32(_POWER_FLOOR))
    out: Array = (logs @ _cosines().T).astype(np.float32)
    return out


@lru_cache(maxsize=1)
def _mel_bands() -> Array:
    """Triangles of unit area whose corners lie on FFT bins, float32 [25, 257]."""

    def mel(hz: float) -> float:
        return 2595.0 * math.log10(1.0 + hz / 700.0)

    corners = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), _BANDS + 2)
    step = SAMPLE_RATE / _FFT
    bins = np.floor(700.0 * (10.0 ** (corners / 2595.0) - 1.0) / step + 0.5) * step
    hz = np.arange(_FFT // 2 + 1) * step
    low, middle, high = bins[:-2, None], bins[1:-1, None], bins[2:, None]
    rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
    return (np.clip(np.minimum(rising, falling), 0.0, None) * 2.0 / (high - low)).astype(np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Array:
    """The orthonormal DCT-II times the lifter, float32 [13, 25]."""
    order, band = np.arange(_CEPSTRA)[:, None], np.arange(_BANDS)[None]
    matrix = np.cos(np.pi * order * (band + 0.5) / _BANDS) * math.sqrt(2.0 / _BANDS)
    matrix[0] /= math.sqrt(2.0)
    lift = 1.0 + _LIFTER / 2.0 * np.sin(np.pi * order / _LIFTER)
    return (matrix * lift).astype(np.float32)
