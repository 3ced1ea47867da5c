"""A brush for faces: smooth outlines on a head that turns, drawn with soft edges straight into an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.outlines import (
    blend,
    fixed_places,
    fixed_point,
    placed,
    round_outline,
    smoothed,
    square_dots,
    widened,
)
from genlock.drawing.canvas import Colour
from genlock.drawing.opencv import cv2

__all__ = ["Brush", "Inside", "Points", "curve", "ellipse", "mixed", "rotation"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Points: TypeAlias = npt.NDArray[np.float64]

_SHIFT = 4  # binary places of a pixel that OpenCV draws to
_SPREAD = 6.0  # how far the camera is away, in eye distances: the less, the more perspective


class Brush:
    """Draws in eye distances on an image, seen through the pose of a head.

    Parameters
    ----------
    image : uint8 [H, W, 3], which is drawn upon
    scale : pixels for each eye distance
    origin : pixel where (0, 0, 0) of the face lies while the head is straight
    pivot : what the head turns about, (x, y, z) in eye distances
    turn : yaw, pitch and roll in radians

    >>> image = np.zeros((8, 8, 3), np.uint8)
    >>> Brush(image, 4.0, (4.0, 4.0)).fill(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]), (255, 0, 0))
    >>> image[4, 4].tolist()
    [255, 0, 0]
    """

    def __init__(
        self,
        image: Pixels,
        scale: float,
        origin: tuple[float, float],
        pivot: Sequence[float] = (0.0, 1.2, 0.8),
        turn: npt.ArrayLike = (0.0, 0.0, 0.0),
    ) -> None:
        self.image, self.scale = image, scale
        self._pose = np.array([*rotation(turn).ravel(), *pivot, *origin, scale])

    def straight(self) -> Brush:
        """The same, for what does not turn with the head."""
        return Brush(self.image, self.scale, (float(self._pose[12]), float(self._pose[13])))

    def on(self, image: Pixels, corner: Sequence[int]) -> Brush:
        """The same, on an image that is a copy of this one from ``corner`` (x, y) on."""
        other = Brush.__new__(Brush)
        other.image, other.scale, other._pose = image, self.scale, self._pose.copy()
        other._pose[12:14] -= corner
        return other

    def place(self, points: npt.ArrayLike, depth: float = 0.0) -> Points:
        """Pixels [N, 2] of points [N, 2 or 3] in eye distances; ``depth`` is the z of flat ones."""
        return placed(np.ascontiguousarray(points, np.float64), depth, self._pose, _SPREAD)

    def _corners(self, points: npt.ArrayLike, depth: float) -> npt.NDArray[np.int32]:
        """The same in OpenCV's fixed point."""
        return fixed_places(
            np.ascontiguousarray(points, np.float64), depth, self._pose, _SPREAD, float(2**_SHIFT)
        )

    def fill(self, points: npt.ArrayLike, colour: Colour, depth: float = 0.0) -> None:
        """A filled outline [N, 2 or 3]."""
        cv2.fillPoly(self.image, [self._corners(points, depth)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: npt.ArrayLike, colour: Colour, width: float, depth: float = 0.0) -> None:
        """A line of one width (in eye distances) through points."""
        path = self._corners(points, depth)
        thick = max(1, round(width * self.scale))
        cv2.polylines(self.image, [path], False, colour, thick, cv2.LINE_AA, _SHIFT)

    def stroke(
        self, points: npt.ArrayLike, colour: Colour, width: float, depth: float = 0.0, taper: float = 0.5
    ) -> None:
        """A line that swells to ``width`` in its middle, as a pen's does; ``taper`` 0...1 is how thin its ends are."""
        path = self.place(points, depth)
        if len(path) < 2:
            return
        outline = widened(path, width * self.scale, taper)
        cv2.fillPoly(self.image, [_fixed(outline)], colour, cv2.LINE_AA, _SHIFT)

    def dots(self, centres: Points, half: float, colours: npt.NDArray[np.uint8]) -> None:
        """Upright squares about centres [N, 2], ``half`` wide to each side, in pixels, each in its colour of [N, 3]."""
        square_dots(self.image, centres, half, colours)

    def within(self, outline: npt.ArrayLike, depth: float = 0.0) -> Inside | None:
        """A copy of what lies inside an outline, to be painted on and put back; None where it is out of sight."""
        return Inside.of(self, self.place(outline, depth))


class Inside:
    """A part of an image behind an opening: paint on ``brush``, then :meth:`done` puts back what shows through."""

    def __init__(
        self, brush: Brush, whole: Pixels, corner: tuple[int, int], mask: npt.NDArray[np.uint8]
    ) -> None:
        self.brush, self._whole, self._corner, self._mask = brush, whole, corner, mask

    @classmethod
    def of(cls, brush: Brush, outline: Points) -> Inside | None:
        """The part inside an outline in pixels, [N, 2]."""
        height, width = brush.image.shape[:2]
        low = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 3, (width, height))
        if (high <= low).any():
            return None
        (x0, y0), (x1, y1) = low.tolist(), high.tolist()
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [_fixed(outline - low)], 255, cv2.LINE_AA, _SHIFT)
        part = brush.image[y0:y1, x0:x1].copy()
        return cls(brush.on(part, (x0, y0)), brush.image, (x0, y0), mask)

    def done(self) -> None:
        """Put what was painted back, as far as it lies within the outline."""
        part, (x, y) = self.brush.image, self._corner
        blend(self._whole[y : y + part.shape[0], x : x + part.shape[1]], part, self._mask)


def rotation(turn: npt.ArrayLike) -> Points:
    """The matrix [3, 3] of yaw, pitch and roll in radians; z points away from the camera, y down."""
    yaw, pitch, roll = np.asarray(turn, np.float64).tolist()
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    # A positive yaw brings the near side (negative z) to the right, a positive pitch brings it down: roll after
    # pitch after yaw.
    return np.array(
        [
            [cr * cy + sr * sp * sy, -sr * cp, -cr * sy + sr * sp * cy],
            [sr * cy - cr * sp * sy, cr * cp, -sr * sy - cr * sp * cy],
            [cp * sy, sp, cp * cy],
        ]
    )


def curve(points: npt.ArrayLike, closed: bool = True, steps: int = 6) -> Points:
    """A smooth line through points [N, D] (Catmull-Rom), with ``steps`` points for each.

    >>> curve([[0, 0], [1, 0], [2, 0]], closed=False, steps=2)[:, 0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    return smoothed(np.ascontiguousarray(points, np.float64), closed, _weights(steps))


@lru_cache(maxsize=16)
def _weights(steps: int) -> Points:
    """What the four points around a piece count at each of its steps, [steps, 4]."""
    t = np.arange(steps) / steps
    return np.column_stack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ]
    )


def ellipse(
    centre: Sequence[float] | Points, radii: Sequence[float], count: int = 28, turn: float = 0.0
) -> Points:
    """Points [count, 2] of an ellipse, turned by radians."""
    (x, y), (wide, tall) = centre, radii
    return round_outline(float(x), float(y), float(wide), float(tall), turn, *_circle(count))


@lru_cache(maxsize=16)
def _circle(count: int) -> tuple[Points, Points]:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.cos(angle), np.sin(angle)


@lru_cache(maxsize=1024)
def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with so much (0...1) of another one in it.

    >>> mixed((0, 0, 0), (200, 100, 0), 0.5)
    (100, 50, 0)
    """
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    return fixed_point(np.ascontiguousarray(points, np.float64), float(2**_SHIFT))
