"""What a Synchformer is given: segments of 0.64 s, sixteen pictures and the sound of the same time.

The published code counts: it takes a film to be made anew at 25 frames a second with its shorter side 256 pixels long,
cuts 224 x 224 out of the middle, and pairs frame k with samples 640 k on, whenever either stream begins. Here both are
taken by their instants. Bands are those of torchaudio's ``MelSpectrogram(16000, n_fft=1024, win_length=400,
hop_length=160, n_mels=128)``, each segment by itself, so that a frame at its ends sees its sound mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.resample import Mask
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.extractors.sound.spectrum import PowerSpectrum, window_samples
from genlock.media import VideoForm

__all__ = [
    "FRAME_RATE",
    "SEEN_FORM",
    "SEGMENT_FRAMES",
    "SEGMENT_SECONDS",
    "STEP_FRAMES",
    "STEP_SECONDS",
    "HeardSegments",
    "bands_of_segments",
    "heard_segments",
    "middle_of",
]

FloatArray: TypeAlias = npt.NDArray[np.float32]

#: Frames per second; frames in a segment, and from one segment to the next.
FRAME_RATE, SEGMENT_FRAMES, STEP_FRAMES = Fraction(25), 16, 8
#: Length of a segment, and from one to the next, in exact seconds.
SEGMENT_SECONDS, STEP_SECONDS = SEGMENT_FRAMES / FRAME_RATE, STEP_FRAMES / FRAME_RATE
#: Pictures as they are asked of the reader; :func:`middle_of` cuts them.
SEEN_FORM = VideoForm(pixels="rgb24", rate=FRAME_RATE, shortest_side=256, as_seen=True)

_RATE, _SIDE = 16000, 224
_SAMPLES = round_fraction(SEGMENT_SECONDS * _RATE, "nearest")
_WINDOW, _N_FFT, _HOP, _BANDS = 400, 1024, 160, 128
# Frames of bands in a segment; the last one, beyond its sound, is a zero that is normalised as the others are.
_FRAMES = _SAMPLES // _HOP + 2
# What is added before the logarithm, what is then taken away, and by what it is divided (AST's mean and two spreads).
_FLOOR, _MEAN, _SPREAD = 1e-6, -4.2677393, 2 * 4.5689974


def middle_of(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The middle 224 x 224 pixels of a picture whose shorter side has 256, uint8 [H, W, 3]; an odd side loses its last.

    Raises OptionError if it is smaller than that.

    >>> middle_of(np.zeros((256, 455, 3), np.uint8)).shape
    (224, 224, 3)
    """
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    if min(height, width) < _SIDE:
        raise OptionError(f"a picture of {width} x {height} pixels has no middle of 224 x 224")
    top, left = (height - _SIDE) // 2, (width - _SIDE) // 2
    return picture[top : top + _SIDE, left : left + _SIDE]


class HeardSegments(NamedTuple):
    """The sound of segments."""

    bands: FloatArray
    """float32 [S, 128, 66]; zeros where it is not there."""
    there: Mask
    """Which of them lie wholly within the sound, bool [S]."""


def heard_segments(sound: Track, starts: Sequence[Fraction]) -> HeardSegments:
    """The bands of segments of 0.64 s that begin at some instants, each with the sample in whose cell its start lies.

    Parameters
    ----------
    sound : waveform at 16 kHz, [N] or [N, 1], within -1...1
    starts : exact seconds on its clock

    Raises
    ------
    OptionError
        If the sound has another rate.

    >>> sound = Track(np.ones(16000, np.float32), Grid(16000, 1))
    >>> heard = heard_segments(sound, [Fraction(1), Fraction(3, 2)])
    >>> heard.bands.shape, heard.there.tolist()
    ((2, 128, 66), [True, False])
    """
    grid = sound.grid
    if not isinstance(grid, Grid) or grid.rate != _RATE:
        raise OptionError(f"segments are cut out of sound@16000, not out of {getattr(grid, 'rate', 'ticks')}")
    samples = np.asarray(sound.values, np.float32).reshape(len(sound), -1)[:, :1].reshape(-1)
    first = [grid.index(start, "floor") for start in starts]
    there = np.array([0 <= each <= len(samples) - _SAMPLES for each in first], np.bool_)
    bands = np.zeros((len(first), _BANDS, _FRAMES), np.float32)
    cut = [samples[each : each + _SAMPLES] for each, known in zip(first, there, strict=True) if known]
    if cut:
        bands[there] = bands_of_segments(np.stack(cut))
    return HeardSegments(bands, there)


def bands_of_segments(samples: FloatArray) -> FloatArray:
    """Normalised log bands of segments by themselves, float32 [S, 128, 66] of [S, 10240] samples within -1...1.

    ``(ln(filters @ |stft|^2 + 1e-6) + 4.2677393) / 9.1379948``; frame k is centred at sample 160 k.

    Raises OptionError if a segment has another length.

    >>> print(*bands_of_segments(np.zeros((1, 10240), np.float32))[0, 0, [0, -1]].round(3))
    -1.045 0.467
    """
    if samples.ndim != 2 or samples.shape[1] != _SAMPLES:
        raise OptionError(f"segments of sound are [S, 10240] samples, not {list(samples.shape)}")
    half = _WINDOW // 2
    mirrored = np.pad(samples, ((0, 0), (half, half)), "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, _WINDOW, axis=1)[:, ::_HOP]
    power = PowerSpectrum(window_samples("hann", _WINDOW), _N_FFT)
    bands = np.zeros((len(samples), _BANDS, _FRAMES), np.float32)
    for row, windows in zip(bands, frames, strict=True):
        row[:, :-1] = np.log(power(np.ascontiguousarray(windows)) @ _filters() + np.float32(_FLOOR)).T
    return np.asarray((bands - np.float32(_MEAN)) / np.float32(_SPREAD))


@cache
def _filters() -> FloatArray:
    """Triangles of height 1 in Hz, whose corners are evenly spaced in mel = 2595 lg(1 + f / 700), [513, 128]."""
    bins = np.linspace(0, _RATE / 2, _N_FFT // 2 + 1)
    mels = np.linspace(0, 2595 * np.log10(1 + _RATE / 2 / 700), _BANDS + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    widths = np.diff(corners)
    rising = (bins[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - bins[:, None]) / widths[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
