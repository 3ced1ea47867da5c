"""Pictures of a film as small as they are looked at for what touches: grey, and colour half as large."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2

__all__ = ["CELL", "HIGH", "NUMBERS", "WIDE", "Pixels", "greys_of", "small_picture", "tints_of"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: Rows and columns, whatever the picture's own shape was.
HIGH, WIDE = 96, 128
#: Pixels across and down of a place of the maps of motion.
CELL = 8
_TINT_SHAPE = (2, HIGH // 2, WIDE // 2)
_GREY = HIGH * WIDE
#: Numbers of a small picture.
NUMBERS = _GREY + _GREY // 2


def small_picture(picture: Pixels) -> Pixels:
    """A picture RGB [H, W, 3] as it is kept: grey, then two planes of colour half as large, uint8 [18432].

    >>> small_picture(np.zeros((120, 160, 3), np.uint8)).shape
    (18432,)
    """
    small = picture
    if picture.shape[:2] != (HIGH, WIDE):
        small = np.asarray(cv2.resize(picture, (WIDE, HIGH), interpolation=cv2.INTER_AREA), np.uint8)
    parts = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb), np.uint8)
    tints = cv2.resize(parts[..., 1:], (WIDE // 2, HIGH // 2), interpolation=cv2.INTER_AREA)
    return np.concatenate([parts[..., 0].ravel(), np.asarray(tints, np.uint8).transpose(2, 0, 1).ravel()])


def greys_of(small: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The greys of small pictures [n, 18432], [n, 1, 96, 128].

    >>> greys_of(np.zeros((2, 18432), np.uint8)).shape
    (2, 1, 96, 128)
    """
    return small[:, :_GREY].reshape(-1, 1, HIGH, WIDE)


def tints_of(small: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The colours of small pictures [n, 18432], [n, 2, 48, 64]; 128 is grey.

    >>> tints_of(np.zeros((2, 18432), np.uint8)).shape
    (2, 2, 48, 64)
    """
    return small[:, _GREY:].reshape(-1, *_TINT_SHAPE)
