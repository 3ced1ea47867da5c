"""Drawing in units of a layout, smoothly: shapes at twice the size, text cut out once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2

__all__ = ["Canvas", "Colour", "paste_digits", "paste_text", "text_mask"]

Colour = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]
Point = tuple[float, float]

_SHIFT = 4  # binary places of a pixel that OpenCV draws to


class Canvas:
    """A piece of an image, drawn at ``oversampling`` times its size and then shrunk.

    Coordinates are in layout units: unit (x, y) lies at pixel ``((x - left) * scale, (y - top) * scale)``.
    """

    def __init__(
        self, image: Pixels, scale: float, left: float = 0, top: float = 0, oversampling: int = 2
    ) -> None:
        """``image`` uint8 [H, W, 3] is what is drawn upon; it is not changed."""
        self._size = image.shape[1], image.shape[0]
        self._factor = oversampling
        big = (image.shape[1] * oversampling, image.shape[0] * oversampling)
        self._image = np.asarray(cv2.resize(image, big, interpolation=cv2.INTER_NEAREST))
        self._scale, self._left, self._top = scale * oversampling, left, top

    def finish(self) -> Pixels:
        """The drawing at its true size, uint8 [H, W, 3]."""
        return np.asarray(cv2.resize(self._image, self._size, interpolation=cv2.INTER_AREA), np.uint8)

    def copy(self) -> Canvas:
        """The same drawing, to be drawn on without changing this one."""
        other = object.__new__(Canvas)
        other.__dict__.update(self.__dict__, _image=self._image.copy())
        return other

    def _at(self, point: Point) -> tuple[int, int]:
        # OpenCV's pixel centres lie on whole numbers.
        x = ((point[0] - self._left) * self._scale - 0.5) * 2**_SHIFT
        y = ((point[1] - self._top) * self._scale - 0.5) * 2**_SHIFT
        return round(x), round(y)

    def _length(self, units: float) -> int:
        return max(1, round(units * self._scale))

    def rectangle(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """A filled rectangle ``(left, top, right, bottom)``."""
        left, top, right, bottom = box
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def rounded(self, box: tuple[float, float, float, float], radius: float, colour: Colour) -> None:
        """A filled rectangle with round corners."""
        left, top, right, bottom = box
        corners = []
        for x, y, first in (
            (right - radius, top + radius, -90),
            (right - radius, bottom - radius, 0),
            (left + radius, bottom - radius, 90),
            (left + radius, top + radius, 180),
        ):
            angles = np.radians(np.linspace(first, first + 90, 9))
            corners += [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]
        self.polygon(corners, colour)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        corners = np.array([self._at(point) for point in points], np.int32)
        cv2.fillPoly(self._image, [corners], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line through points."""
        path = np.array([self._at(point) for point in points], np.int32)
        cv2.polylines(self._image, [path], False, colour, self._length(width), cv2.LINE_AA, _SHIFT)

    def ellipse(self, centre: Point, radii: Point, colour: Colour, turn: float = 0.0) -> None:
        """A filled ellipse, turned by degrees."""
        axes = (round(radii[0] * self._scale * 2**_SHIFT), round(radii[1] * self._scale * 2**_SHIFT))
        cv2.ellipse(self._image, self._at(centre), axes, turn, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)

    def arc(
        self,
        centre: Point,
        radii: Point,
        first: float,
        last: float,
        colour: Colour,
        width: float,
        turn: float = 0.0,
    ) -> None:
        """Part of an ellipse's line, from one angle to another in degrees, clockwise from the right."""
        axes = (round(radii[0] * self._scale * 2**_SHIFT), round(radii[1] * self._scale * 2**_SHIFT))
        cv2.ellipse(
            self._image,
            self._at(centre),
            axes,
            turn,
            first,
            last,
            colour,
            self._length(width),
            cv2.LINE_AA,
            _SHIFT,
        )


@lru_cache(maxsize=512)
def text_mask(text: str, height: int) -> npt.NDArray[np.float32]:
    """How much each pixel is covered by a text of this height in pixels, float32 [H, W, 1], 0...1; read-only.

    >>> text_mask("12:34", 20).shape[2]
    1
    """
    face, big = cv2.FONT_HERSHEY_SIMPLEX, 4 if height < 40 else 2
    (_, unit), _ = cv2.getTextSize("0", face, 10.0, 1)
    scale = 10.0 * height * big / max(unit, 1)
    weight = max(1, round(height * big / 9))
    (wide, tall), base = cv2.getTextSize(text, face, scale, weight)
    margin = 2 * big + weight
    page = np.zeros((tall + base + 2 * margin, wide + 2 * margin), np.uint8)
    cv2.putText(page, text, (margin, margin + tall), face, scale, 255, weight, cv2.LINE_AA)
    size = (max(1, page.shape[1] // big), max(1, page.shape[0] // big))
    mask = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.float32)[:, :, None]
    mask /= np.float32(255)
    mask.setflags(write=False)
    return mask


def paste_text(image: Pixels, text: str, at: Point, height: int, colour: Colour, align: str = "left") -> None:
    """Write a text into an image, in place, left, center or right of ``at``: (x, middle y) in pixels."""
    mask = text_mask(text, height)
    tall, wide = mask.shape[:2]
    left = round(at[0] - {"left": 0.0, "center": wide / 2, "right": float(wide)}[align])
    top = round(at[1] - tall / 2)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + wide, image.shape[1]), min(top + tall, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    under = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = (under + part * (np.array(colour, np.float32) - under) + 0.5).astype(np.uint8)


def paste_digits(image: Pixels, text: str, middle: Point, height: int, colour: Colour) -> None:
    """Write running numbers around a middle point: each digit in its own place, so that nothing dances."""
    steps = [(0.74 if sign.isalnum() else 0.4) * height for sign in text]
    x = middle[0] - sum(steps) / 2
    for sign, step in zip(text, steps, strict=True):
        paste_text(image, sign, (x + step / 2, middle[1]), height, colour, "center")
        x += step
