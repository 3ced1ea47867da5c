"""Pictures for two eyes, side by side or one above the other: a face is looked for in that of one eye.

Films in 3D are mostly kept so that both pictures share one frame, each squeezed to half of it. A face is then half as
wide as it should be, which no face model expects, and everybody is there twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.media import Consumer, VideoCell

__all__ = ["OneEye", "halves_alike"]

Image = npt.NDArray[np.uint8]
Layout = Literal["side by side", "one above the other"]

# Both halves are compared in so many pixels a side, moved by as many at most: what is near lies elsewhere for each eye.
_SIDE, _SHIFT = 48, 3
# Pictures of one moment for two eyes are alike by this correlation, at least; halves of one picture hardly ever are.
_ALIKE = 0.85
# Below this spread (of 255) a half shows nothing that could be compared: a fade, a title on black.
_FLAT = 6.0
# So many frames in a row decide.
_FRAMES = 5
# A picture wider than this holds both eyes' whole, and nothing was squeezed.
_WHOLE_RATIO = 2.6


def halves_alike(image: Image, layout: Layout) -> bool | None:
    """Whether both halves of a picture show the same, as two eyes see it; None: there is nothing to see in them.

    Parameters
    ----------
    image : uint8 [H, W, 3] or [H, W]

    Examples
    --------
    >>> eye = np.random.default_rng(0).integers(0, 255, (6, 6), np.uint8).repeat(16, 0).repeat(16, 1)
    >>> both, mirrored = np.hstack([eye, eye]), np.hstack([eye, eye[:, ::-1]])
    >>> halves_alike(both, "side by side"), halves_alike(mirrored, "side by side")
    (True, False)
    """
    grey = image.mean(axis=2) if image.ndim == 3 else image
    resized = cv2.resize(np.asarray(grey, np.float32), (2 * _SIDE, 2 * _SIDE), interpolation=cv2.INTER_AREA)
    small = np.asarray(resized, np.float32)
    first, second = np.split(small, 2, axis=1 if layout == "side by side" else 0)
    if layout != "side by side":
        first, second = first.T, second.T
    first, second = _shapes(first), _shapes(second)
    if min(first.std(), second.std()) < _FLAT:
        return None
    return max(_alike(first, second, shift) for shift in range(-_SHIFT, _SHIFT + 1)) >= _ALIKE


def _shapes(half: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Without what is the same all along its rows or columns: a sky over a ground is alike in halves, seen once."""
    rest = half - half.mean(axis=1, keepdims=True)
    return np.asarray(rest - rest.mean(axis=0, keepdims=True), np.float32)


def _alike(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], shift: int) -> float:
    """Correlation of what both show if the second lies so many pixels farther right."""
    count = first.shape[1] - abs(shift)
    one = first[:, max(0, -shift) :][:, :count]
    other = second[:, max(0, shift) :][:, :count]
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


class OneEye:
    """Hands the frames on to another consumer; of pictures for two eyes, that of the first eye in its right shape.

    Parameters
    ----------
    to : who wants one picture a frame; its form is what is asked of the reader
    """

    def __init__(self, to: Consumer) -> None:
        self._to, self.form = to, to.form
        self._votes: list[Layout] = []
        self._decided = False
        self.size = (0, 0)
        """Width and height of the frames, in pixels."""
        self.scale = (1.0, 1.0)
        """Pixels of the frame for each pixel of what is handed on, across and down."""
        self.layout: Layout | None = None
        """How the pictures of both eyes lie; None: there is one picture, or too little was seen of it."""

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        if not self._decided:
            self._decide(cell.pixels)
        self.size = (cell.pixels.shape[1], cell.pixels.shape[0])
        if self.layout is not None:
            eye = _first_eye(cell.pixels, self.layout)
            across, down = (2, 1) if self.layout == "side by side" else (1, 2)
            self.scale = (self.size[0] / across / eye.shape[1], self.size[1] / down / eye.shape[0])
            cell = replace(cell, pixels=eye)
        self._to.push(cell)

    def finish(self) -> None:
        """After the last frame."""
        self._to.finish()

    def _decide(self, image: Image) -> None:
        layouts: tuple[Layout, ...] = ("side by side", "one above the other")
        answers = {layout: halves_alike(image, layout) for layout in layouts}
        if None in answers.values() and True not in answers.values():
            return
        self._votes += [layout for layout in layouts if answers[layout]][:1]
        if not any(answers.values()) or len(set(self._votes)) > 1:
            self._decided = True
        elif len(self._votes) == _FRAMES:
            self._decided, self.layout = True, self._votes[0]

    @property
    def note(self) -> str:
        """What is to be said of such a film; empty where there is one picture."""
        return (
            ""
            if self.layout is None
            else f"the pictures of two eyes lie {self.layout}: that of one eye was looked at"
        )


def _first_eye(image: Image, layout: Layout) -> Image:
    """The left, or upper, half in the shape that it has on a screen."""
    height, width = image.shape[:2]
    if layout == "side by side":
        half = image[:, : width // 2]
        shape = (width // 2, height) if width > _WHOLE_RATIO * height else (width, height)
    else:
        half = image[: height // 2]
        shape = (width, height // 2) if height * 9 > width * 12 else (width, height)
    return np.asarray(cv2.resize(half, shape, interpolation=cv2.INTER_LINEAR), np.uint8)
