"""What an AV-HuBERT is given: 25 frames a second, each with a mouth and with the sound around its *own* instant.

The published code counts: it pairs frame k of the picture with sounds 4k ... 4k + 3, whenever either stream begins, and
takes every film to have 25 frames a second. Here both are put on one Grid by their instants: a mouth is that of the
frame that is nearest in time, at any frame rate, and the filterbanks are computed from the very sample at which the
Grid's first cell begins. Where both streams begin together the numbers are the published ones to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, require_same_clock
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.sound.filterbank import Logfbank

__all__ = [
    "FRAME_RATE",
    "PICTURE_MEAN",
    "PICTURE_SPREAD",
    "SOUND_LAG",
    "SOUND_WIDTH",
    "AVFrames",
    "FrameSamples",
    "av_frames",
    "frames_of",
    "heard_on_frames",
    "mouth_pictures",
    "normed",
    "samples_on_frames",
    "seen_on_frames",
]

FloatArray: TypeAlias = npt.NDArray[np.float32]

#: Frames per second of an AV-HuBERT.
FRAME_RATE = Fraction(25)
#: Values of one frame of sound.
SOUND_WIDTH = 104
#: The sound of a frame is centred so many seconds behind the frame's middle: four windows of 25 ms every 10 ms, the
#: first of which begins with the frame. Published weights were trained on it.
SOUND_LAG = Fraction(879, 32000) - Fraction(1, 50)
#: What is taken from grey values of 0...1, and what they are then divided by.
PICTURE_MEAN, PICTURE_SPREAD = 0.421, 0.165

_RATE = 16000
_HOP = 640
# Published crops have 96 pixels, of which the middle 88 are seen.
_SHOWN = Fraction(88, 96)


@dataclass(frozen=True, eq=False)
class AVFrames:
    """Sound and mouths of one face on one Grid of 25 cells a second, equally many."""

    sound: Track
    """Four filterbanks a frame, normed, float32 [T, 104]; invalid where there is no sound."""
    picture: Track
    """Grey mouths, uint8 [T, side, side]; zero and invalid where no mouth is seen."""

    @property
    def grid(self) -> Cells:
        """The cells of both."""
        return self.picture.grid

    def __len__(self) -> int:
        return len(self.picture)


def av_frames(sound: Track, crops: Track) -> AVFrames:
    """Both streams of one face, on 25 frames a second from the first frame of the crops on.

    Parameters
    ----------
    sound : waveform at 16 kHz, [N] or [N, 1], within -1...1
    crops : grey mouths, uint8 [T, side, side], on the film's own cells at any rate; both on one clock

    Raises
    ------
    OptionError
        If the sound has another rate.
    ClockError
        If the two lie on different clocks.

    >>> crops = Track(np.zeros((30, 96, 96), np.uint8), Grid(12))
    >>> made = av_frames(Track(np.zeros(48000, np.float32), Grid(16000)), crops)
    >>> made.sound.values.shape, made.picture.values.shape
    ((62, 104), (62, 96, 96))
    """
    picture = seen_on_frames(crops)
    assert isinstance(picture.grid, Grid)
    return AVFrames(heard_on_frames(sound, picture.grid, len(picture)), picture)


def frames_of(cells: Cells, length: int) -> tuple[Grid, int]:
    """The Grid of 25 cells a second from the first of ``length`` cells on; how many have a middle before their end."""
    start, end = cells.edge(0), cells.edge(length)
    grid = Grid(FRAME_RATE, start, cells.clock)
    return grid, max(0, round_fraction((end - start) * FRAME_RATE - Fraction(1, 2), "ceil"))


def seen_on_frames(crops: Track) -> Track:
    """Mouths on 25 frames a second: of each the one whose frame is nearest in time, never every nth of a row."""
    if not len(crops):
        return Track(crops.values, Grid(FRAME_RATE, crops.start, crops.clock), name=crops.name)
    grid, length = frames_of(crops.grid, len(crops))
    return crops.on(grid, "nearest", length=length)


class FrameSamples(NamedTuple):
    """The sound of frames, sample by sample."""

    samples: FloatArray
    """From the first frame's beginning on, and 240 more than the frames last: so far does a window of 25 ms that begins
    with the last hundredth of a second reach. Zeros where there is no sound."""
    first: int
    """Which sample of the sound the first one is; below 0 where the frames begin before it."""
    known: int
    """How many samples the sound has."""


def samples_on_frames(sound: Track, frames: Grid, length: int) -> FrameSamples:
    """The samples of so many frames; parameters and errors as of :func:`heard_on_frames`."""
    grid = sound.grid
    if not isinstance(grid, Grid) or grid.rate != _RATE or frames.rate != FRAME_RATE:
        rate = getattr(grid, "rate", "a variable rate")
        raise OptionError(
            f"sound of {rate} samples on frames of {frames.rate} a second: give sound@16000 and 25 frames a second"
        )
    require_same_clock(sound.clock, frames.clock, "put sound on frames")
    samples = np.asarray(sound.values, np.float32).reshape(len(sound), -1)[:, :1].reshape(-1)
    first = round_fraction((frames.start - grid.start) * _RATE, "nearest")
    wanted = np.zeros(length * _HOP + 240, np.float32)
    low, high = max(0, -first), min(len(wanted), len(samples) - first)
    if high > low:
        wanted[low:high] = samples[first + low : first + high]
    return FrameSamples(wanted, first, len(samples))


def heard_on_frames(sound: Track, frames: Grid, length: int) -> Track:
    """The sound of so many frames: of each the four filterbanks around its own instant, float32 [length, 104].

    Parameters
    ----------
    sound : waveform at 16 kHz, [N] or [N, 1], within -1...1
    frames : 25 cells a second, on the sound's clock

    Raises
    ------
    OptionError
        If the sound or the frames have another rate.

    >>> grid = Grid(25, Fraction(-1, 10))
    >>> heard = heard_on_frames(Track(np.ones(16000, np.float32), Grid(16000)), grid, 10)
    >>> heard.valid.tolist()
    [False, False, True, True, True, True, True, True, True, True]
    """
    heard = samples_on_frames(sound, frames, length)
    there = heard.samples[: max(0, heard.known - heard.first)]
    banks = Logfbank(4)(there).values
    values = np.zeros((length, SOUND_WIDTH), np.float32)
    count = min(length, len(banks))
    values[:count] = normed(banks[:count])
    middles = (
        heard.first
        + _HOP * np.arange(length)
        + round_fraction((SOUND_LAG + Fraction(1, 50)) * _RATE, "floor")
    )
    return Track(
        values,
        frames,
        (middles >= 0) & (middles < heard.known),
        name="logfbank:avhubert",
        support=Logfbank(4).support,
    )


def normed(banks: npt.NDArray[np.floating]) -> FloatArray:
    """Each row brought to mean 0 and spread 1, as AV-HuBERT hears it.

    >>> normed(np.array([[1.0, 3.0]])).round(3).tolist()
    [[-1.0, 1.0]]
    """
    rows = np.asarray(banks, np.float32)
    centred = rows - rows.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-5))
    return np.asarray(centred / spread, np.float32)


def mouth_pictures(
    crops: npt.NDArray[np.uint8], side: int = 88, seen: npt.NDArray[np.bool_] | None = None
) -> FloatArray:
    """What a network sees of crops: their middle 88 of 96 parts, ``side`` pixels wide, levelled; zero where unseen.

    Parameters
    ----------
    crops : uint8 [T, S, S]
    side : pixels of the network's pictures; crops that are larger or smaller than they need to be are resized
    seen : bool [T]; all if not given

    Returns
    -------
    float32 [T, side, side]

    >>> mouth_pictures(np.full((2, 96, 96), 255, np.uint8)).shape
    (2, 88, 88)
    """
    whole = round_fraction(side / _SHOWN, "nearest")
    if crops.shape[1:] != (whole, whole):
        way = cv2.INTER_AREA if crops.shape[1] > whole else cv2.INTER_LINEAR
        resized = [cv2.resize(crop, (whole, whole), interpolation=way) for crop in crops]
        crops = np.stack(resized) if resized else np.zeros((0, whole, whole), np.uint8)
    edge = (whole - side) // 2
    shown = crops[:, edge : edge + side, edge : edge + side]
    pictures = (shown.astype(np.float32) / 255 - PICTURE_MEAN) / PICTURE_SPREAD
    if seen is not None:
        pictures[~seen] = 0
    return np.asarray(pictures, np.float32)
