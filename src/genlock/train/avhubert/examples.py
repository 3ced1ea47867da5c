"""How a clip becomes an example: noise on its sound, a mouth that is cut elsewhere, frames that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.extractors.both.on_frames import PICTURE_MEAN, PICTURE_SPREAD
from genlock.synth.noises import KINDS, NoiseKind, mean_power, mixed, noise
from genlock.train.avhubert.clips import AVClip, crops_for

__all__ = ["changed_pictures", "drawn_windows", "masked_spans", "middle_pictures", "noisy", "substituted"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]

_RATE = 16000
_VOICES = 6
# Frames in which streams are compared, at least, once they are in step.
_LEAST_WINDOW = 12


def noisy(
    samples: FloatArray,
    others: Sequence[AVClip],
    snr: tuple[float, float],
    random: np.random.Generator,
    kinds: Sequence[NoiseKind] = KINDS,
) -> FloatArray:
    """Speech in a noise of a drawn kind at a drawn ratio; ``others`` are whose voices babble. Silence stays silent."""
    kind = kinds[int(random.integers(len(kinds)))]
    ratio = float(random.uniform(*snr))
    voices = []
    if kind == "babble":
        chosen = random.choice(len(others), min(_VOICES, len(others)), replace=False)
        voices = [others[int(k)].samples for k in chosen if mean_power(others[int(k)].samples) > 0]
        if not voices:
            kind = "white"
    if mean_power(samples) == 0:
        return samples
    return mixed(samples, noise(kind, len(samples), _RATE, random, voices), ratio)


def middle_pictures(clip: AVClip, side: int) -> FloatArray:
    """The middles of the crops as a network sees them, float32 [T, side, side]; zero where no mouth is seen."""
    crops = crops_for(clip, side)
    edge = (crops.shape[1] - side) // 2
    return _levelled(crops[:, edge : edge + side, edge : edge + side], clip.seen)


def changed_pictures(clip: AVClip, side: int, random: np.random.Generator) -> FloatArray:
    """The same, cut beside the middle, mirrored and lighter or darker: all frames of a clip alike."""
    crops = crops_for(clip, side)
    room = crops.shape[1] - side
    top, left = (int(k) for k in random.integers(0, room + 1, 2))
    crops = crops[:, top : top + side, left : left + side]
    if random.random() < 0.5:
        crops = crops[:, :, ::-1]
    contrast, light = np.exp(random.normal(0, 0.15)), random.normal(0, 0.25)
    return _levelled(crops, clip.seen, float(contrast), float(light))


def _levelled(
    crops: npt.NDArray[np.uint8], seen: Mask, contrast: float = 1.0, light: float = 0.0
) -> FloatArray:
    pictures = (crops.astype(np.float32) / 255 - PICTURE_MEAN) * np.float32(contrast / PICTURE_SPREAD)
    pictures += np.float32(light)
    pictures[~seen] = 0
    return np.ascontiguousarray(pictures, np.float32)


def masked_spans(length: int, share: float, span: int, random: np.random.Generator) -> Mask:
    """Which frames are masked: spans that begin at random and may overlap, [T].

    As published, so many begin that they would cover ``share`` of the frames if none overlapped.

    >>> mask = masked_spans(1000, 0.3, 5, np.random.default_rng(0))
    >>> bool(0.2 < mask.mean() < 0.3)
    True
    """
    mask = np.zeros(length, bool)
    count = int(share * length / span + random.random())
    if count and length:
        starts = random.choice(
            max(1, length - span + 1), min(count, max(1, length - span + 1)), replace=False
        )
        for start in starts:
            mask[int(start) : int(start) + span] = True
    return mask


def substituted(pictures: FloatArray, mask: Mask, random: np.random.Generator) -> FloatArray:
    """Pictures in which other frames of the same film stand in the masked stretches, in their own order."""
    found, length = pictures.copy(), len(pictures)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        size = int(end - start)
        other = int(random.integers(0, max(1, length - size + 1)))
        found[start:end] = pictures[other : other + size]
    return found


def drawn_windows(length: int, most: int, random: np.random.Generator) -> tuple[int, tuple[int, int, int]]:
    """A shift of -most...most frames, and two equally long stretches of a clip that lie so far apart.

    Returns
    -------
    The shift k, and where the sound's and the picture's stretch begin and how long both are: frame t of the sound's
    belongs to frame t + k of the picture's. How long they are does not depend on the shift, which would tell it.

    >>> shift, (sound, picture, count) = drawn_windows(75, 25, np.random.default_rng(0))
    >>> sound - picture == shift, 37 <= count <= 50
    (True, True)
    """
    # The least stretch still shares some frames at the greatest shift.
    most = max(0, min(most, (length - _LEAST_WINDOW) // 2))
    count = int(random.integers(min(length, most + _LEAST_WINDOW), length - most + 1))
    shift = int(random.integers(-most, most + 1))
    begin = int(random.integers(0, length - count - abs(shift) + 1))
    return shift, (begin + max(0, shift), begin + max(0, -shift), count)
