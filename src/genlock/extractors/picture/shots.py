"""Shot changes: frames that begin another shot. A flash of up to three frames is none, and fades are not looked for.

A frame begins a shot if it differs from each of the four frames before it, by more than three times what the frames
around it differ by (the adaptive rule of shot detectors), and if what follows does not fall back to what was before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.base import PictureFeature, Pixels, Row
from genlock.media import VideoForm

__all__ = ["Shots", "shot_changes"]

_SIZE = (64, 36)
_LEAST = (
    12.0  # mean difference of hue, saturation and brightness, of 255, below which nothing is another shot
)
_TIMES = 3.0  # what is a change is so many times what the frames around it change by
_AROUND = 2  # frames on each side
_FLASH = 3  # frames that a flash may last

Values = npt.NDArray[np.float32]


class Shots(PictureFeature):
    """How much a frame differs from the one before it, of 255, where it begins another shot; 0 elsewhere, float32 [T].

    >>> shots = Shots()
    >>> grey, red = np.full((36, 64, 3), 90, np.uint8), np.full((36, 64, 3), (200, 30, 30), np.uint8)
    >>> rows = shots.whole(shots.kernel()([grey] * 8 + [red] * 8))
    >>> [k for k, row in enumerate(rows) if row > 0]
    [8]
    """

    name = "shots"
    support = "whole"
    unit = "of 255"
    value_shape = ()
    presets: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.form = VideoForm(_SIZE, "rgb24")

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """A function from consecutive frames to their differences from the four before each, float32 [4]."""
        before: deque[npt.NDArray[np.int16]] = deque(maxlen=_FLASH + 1)

        def differences(frames: list[Pixels]) -> list[Row]:
            rows: list[Row] = []
            for frame in frames:
                seen = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2HSV_FULL).astype(np.int16)
                row = np.full(_FLASH + 1, np.nan, np.float32)
                for back, earlier in enumerate(reversed(before)):
                    row[back] = _apart(seen, earlier)
                before.append(seen)
                rows.append(row)
            return rows

        return differences

    def whole(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Of the differences, which of them are other shots."""
        if not rows:
            return rows
        changes = np.stack([np.full(_FLASH + 1, np.nan, np.float32) if row is None else row for row in rows])
        values = np.where(_begins(changes), changes[:, 0], 0.0).astype(np.float32)
        return [None if row is None else values[k] for k, row in enumerate(rows)]


def _apart(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> float:
    """Mean difference of hue (which goes round), saturation and brightness."""
    away = np.abs(one - other)
    away[..., 0] = np.minimum(away[..., 0], 256 - away[..., 0])
    # The hue of what has no colour says nothing.
    away[..., 0] = away[..., 0] * np.minimum(one[..., 1], other[..., 1]) // 255
    return float(away.mean())


def _begins(changes: Values) -> npt.NDArray[np.bool_]:
    """Whether each frame begins a shot, [T], of its differences from the four before it, [T, 4]."""
    count = len(changes)
    step = np.nan_to_num(changes[:, 0])
    padded = np.pad(step, _AROUND)
    around = sum(padded[k : k + count] for k in range(2 * _AROUND + 1)) - step
    fresh = np.where(np.isnan(changes), np.inf, changes).min(axis=1)
    # What a flash hid for a moment is like what was there before it.
    found = np.isfinite(fresh) & (fresh >= np.maximum(_LEAST, step / 2))
    found &= step >= _TIMES * around / (2 * _AROUND)
    for ahead in range(1, _FLASH + 1):
        # Frame k + ahead against frame k - 1: what comes back was a flash.
        back = np.full(count, np.inf, np.float32)
        back[:-ahead] = np.nan_to_num(changes[ahead:, ahead], nan=np.inf)
        found &= back >= step / 2
    return np.asarray(found, bool)


def shot_changes(track: Track) -> list[int]:
    """The numbers of the frames that begin another shot, of a Track of :class:`Shots`.

    >>> from genlock.core import Grid
    >>> shot_changes(Track(np.float32([0, 0, 80, 0]), Grid(25), name="shots"))
    [2]
    """
    return [int(k) for k in np.flatnonzero(track.valid & (track.values > 0))]
