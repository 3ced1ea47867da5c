"""Whole faces in the published way of SyncNet, so that public weights see what they were trained on.

A square is cut around the box of a face: .4 of its half side wider than the box on the left and on the right, and .8
further down. Its middle and its size are medians over 13 frames, the frame itself and six on either side; beyond the
edges of the picture it is grey. The published code takes the box of the detector S3FD; here it is the box around the
points of the face's mesh, forehead to chin.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.extractors.face.tracking import Sighting

__all__ = ["FACE_PIXELS", "FaceSquares"]

Image: TypeAlias = npt.NDArray[np.uint8]
FloatArray: TypeAlias = npt.NDArray[np.float64]

#: Side of the published pictures.
FACE_PIXELS = 224

# The crop is larger than the box by so many half sides: to each side once, downward twice.
_MORE = 0.4
# Frames that a median is taken over.
_SMOOTH = 13
# What lies beyond the picture.
_GREY = (110, 110, 110)


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame whose crop is drawn again when the frames after it have come."""

    crop: Image
    image: Image
    box: FloatArray
    """Middle x, middle y, half side, in pixels."""


@dataclass(eq=False)
class _FaceKept:
    """One face that is being followed."""

    frame: int
    last: deque[_Waiting] = field(default_factory=lambda: deque(maxlen=_SMOOTH))


class FaceSquares:
    """Takes the faces of a film, frame by frame, and gives them as squares, RGB uint8 [side, side, 3].

    A crop is drawn at once by the median of what has come, and drawn again in place when six more frames have. Where
    there are fewer, at the beginning and the end, the median is of those that are there (the published code's medians
    take zeros beyond the ends, which shrinks the crops there).

    Parameters
    ----------
    side : pixels
    """

    def __init__(self, side: int = FACE_PIXELS) -> None:
        self.side = side
        self._faces: dict[int, _FaceKept] = {}

    def __call__(self, face: Sighting) -> Image:
        """The square of one face of one frame; it may still be drawn again while frames come."""
        known = self._faces.get(face.face)
        if known is None or face.fresh or face.frame != known.frame + 1:
            known = self._faces[face.face] = _FaceKept(face.frame)
        known.frame = face.frame
        crop = np.zeros((self.side, self.side, 3), np.uint8)
        known.last.append(_Waiting(crop, face.image, _box(face)))
        boxes = np.stack([one.box for one in known.last])
        half = _SMOOTH // 2
        if len(known.last) == _SMOOTH:
            _draw(known.last[half], np.median(boxes, axis=0))
        elif len(known.last) > half:
            _draw(known.last[-1 - half], np.median(boxes, axis=0))
        _draw(known.last[-1], np.median(boxes[-1 - half :], axis=0))
        self._faces = {name: kept for name, kept in self._faces.items() if kept.frame >= face.frame - 1}
        return crop


def _box(face: Sighting) -> FloatArray:
    points = np.asarray(face.points[:, :2], np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([*(low + high) / 2, (high - low).max() / 2])


def _draw(one: _Waiting, box: FloatArray) -> None:
    """Cut by whole pixels, as published, and shrunk or enlarged."""
    x, y, half = box
    left, top = int(np.floor(x - half * (1 + _MORE))), int(np.floor(y - half))
    right, bottom = int(np.floor(x + half * (1 + _MORE))), int(np.floor(y + half * (1 + 2 * _MORE)))
    height, width = one.image.shape[:2]
    inside = one.image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not inside.size or right <= left or bottom <= top:
        one.crop[:] = _GREY
        return
    around = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    square = cv2.copyMakeBorder(inside, *around, cv2.BORDER_CONSTANT, value=_GREY)
    cv2.resize(square, (one.crop.shape[1], one.crop.shape[0]), dst=one.crop, interpolation=cv2.INTER_LINEAR)
