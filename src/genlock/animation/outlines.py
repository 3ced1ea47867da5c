"""The arithmetic of outlines, compiled: a frame has a hundred short ones, on which numpy's calls cost the most."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.compiled import compiled

__all__ = [
    "blend",
    "carried_lips",
    "fixed_places",
    "fixed_point",
    "placed",
    "round_outline",
    "smoothed",
    "square_dots",
    "widened",
]

Points: TypeAlias = npt.NDArray[np.float64]


@compiled
def placed(points: Points, depth: float, pose: Points, spread: float) -> Points:
    """Pixels [N, 2] of points [N, 2 or 3] (C order) in eye distances.

    Parameters
    ----------
    depth : z of flat points
    pose : matrix of the turn by rows (9), pivot (3), pixel of the origin (2), pixels for each eye distance
    spread : how far the camera is away
    """
    px, py, pz, scale = pose[9], pose[10], pose[11], pose[14]
    found = np.empty((len(points), 2))
    for n in range(len(points)):
        x, y = points[n, 0] - px, points[n, 1] - py
        z = (points[n, 2] if points.shape[1] == 3 else depth) - pz
        near = spread * scale / (spread + pz + pose[6] * x + pose[7] * y + pose[8] * z)
        found[n, 0] = (pose[0] * x + pose[1] * y + pose[2] * z) * near + (px * scale + pose[12])
        found[n, 1] = (pose[3] * x + pose[4] * y + pose[5] * z) * near + (py * scale + pose[13])
    return found


@compiled
def round_outline(
    x: float, y: float, wide: float, tall: float, turn: float, cosines: Points, sines: Points
) -> Points:
    """Points [N, 2] of an ellipse about (x, y), turned by radians; cosine and sine of each point's angle are given."""
    c, s = math.cos(turn), math.sin(turn)
    found = np.empty((len(cosines), 2))
    for n in range(len(cosines)):
        across, down = wide * cosines[n], tall * sines[n]
        found[n, 0], found[n, 1] = c * across - s * down + x, s * across + c * down + y
    return found


@compiled
def fixed_point(points: Points, factor: float) -> npt.NDArray[np.int32]:
    """Pixels [N, 2] in OpenCV's fixed point, whose pixel centres lie on whole numbers."""
    found = np.empty(points.shape, np.int32)
    for n in range(len(points)):
        found[n, 0] = np.rint((points[n, 0] - 0.5) * factor)
        found[n, 1] = np.rint((points[n, 1] - 0.5) * factor)
    return found


@compiled
def fixed_places(
    points: Points, depth: float, pose: Points, spread: float, factor: float
) -> npt.NDArray[np.int32]:
    """What :func:`placed` and then :func:`fixed_point` give, in one call."""
    return fixed_point(placed(points, depth, pose, spread), factor)


@compiled
def smoothed(points: Points, closed: bool, weights: Points) -> Points:
    """Catmull-Rom's line through points [N, D] (C order); ``weights`` [S, 4] of the four points around each piece."""
    count, size, steps = len(points), points.shape[1], len(weights)
    pieces = count if closed else count - 1
    found = np.empty((pieces * steps + (0 if closed else 1), size))
    for n in range(pieces):
        for d in range(size):
            b = points[n, d]
            c = points[(n + 1) % count, d]
            if closed:
                a, e = points[(n - 1) % count, d], points[(n + 2) % count, d]
            else:
                a = points[n - 1, d] if n > 0 else 2 * b - c
                e = points[n + 2, d] if n + 2 < count else 2 * c - b
            for s in range(steps):
                found[n * steps + s, d] = (
                    weights[s, 0] * a + weights[s, 1] * b + weights[s, 2] * c + weights[s, 3] * e
                )
    if not closed:
        found[-1] = points[-1]
    return found


@compiled
def widened(path: Points, width: float, taper: float) -> Points:
    """The outline [2N, 2] of a line [N, 2] that is ``width`` wide in its middle, thinner by ``taper`` at its ends."""
    count = len(path)
    found = np.empty((2 * count, 2))
    for n in range(count):
        before, after = max(n - 1, 0), min(n + 1, count - 1)
        x = (path[after, 0] - path[before, 0]) / (after - before)
        y = (path[after, 1] - path[before, 1]) / (after - before)
        along = 2.0 * n / (count - 1) - 1
        half = 0.5 * width * (1 - taper * along * along) / max(math.hypot(x, y), 1e-9)
        found[n, 0], found[n, 1] = path[n, 0] - y * half, path[n, 1] + x * half
        found[2 * count - 1 - n, 0] = path[n, 0] + y * half
        found[2 * count - 1 - n, 1] = path[n, 1] - x * half
    return found


@compiled
def square_dots(
    image: npt.NDArray[np.uint8], centres: Points, half: float, colours: npt.NDArray[np.uint8]
) -> None:
    """Fill upright squares about centres [N, 2], ``half`` wide to each side, in pixels, each its colour, in place."""
    height, width = image.shape[:2]
    for n in range(len(centres)):
        x, y = centres[n]
        for row in range(max(0, int(y - half)), min(height, int(np.ceil(y + half)))):
            tall = min(row + 1.0, y + half) - max(float(row), y - half)
            for column in range(max(0, int(x - half)), min(width, int(np.ceil(x + half)))):
                share = tall * (min(column + 1.0, x + half) - max(float(column), x - half))
                for c in range(3):
                    under = float(image[row, column, c])
                    image[row, column, c] = np.uint8(under + share * (colours[n, c] - under) + 0.5)


@compiled
def carried_lips(
    moved: Points, rest_outer: Points, rest_inner: Points, across: float, down: float, shut: float
) -> tuple[Points, Points, float]:
    """Lips of another rest that move as the real ones do: outer ring, inner ring [20, 2] and their largest opening.

    Parameters
    ----------
    moved : how far the 40 points of the real lips lie from their rest, [40, 2]
    rest_outer, rest_inner : the other lips at rest, [20, 2]
    across, down : how much more they move
    shut : openings of the real lips below this are none
    """
    outer, inner = np.empty((20, 2)), np.empty((20, 2))
    for n in range(20):
        outer[n, 0] = rest_outer[n, 0] + across * moved[n, 0]
        outer[n, 1] = rest_outer[n, 1] + down * moved[n, 1]
        inner[n, 0] = rest_inner[n, 0] + across * moved[20 + n, 0]
        inner[n, 1] = rest_inner[n, 1] + down * moved[20 + n, 1]
    opening = 0.0
    for n in range(1, 10):
        low = 20 - n
        # The lower lip follows the upper one; the gap between them is the real one, and never below nothing.
        gap = max(moved[20 + low, 1] - moved[20 + n, 1] - shut, 0.0) * down
        opening = max(opening, gap)
        middle = 0.5 * (inner[n, 1] + inner[low, 1])
        inner[n, 1], inner[low, 1] = middle - 0.5 * gap, middle + 0.5 * gap
        # Lips keep their flesh, more or less: trackers know little about it.
        for place, flesh in ((n, -1.0), (low, 1.0)):
            at_rest = flesh * (rest_outer[place, 1] - rest_inner[place, 1])
            change = flesh * (moved[place, 1] - moved[20 + place, 1])
            thick = min(max(at_rest + 0.5 * change, 0.75 * at_rest), 1.4 * at_rest)
            outer[place, 1] = inner[place, 1] + flesh * thick
    return outer, inner, opening


@compiled
def blend(under: npt.NDArray[np.uint8], part: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8]) -> None:
    """Lay a part [H, W, 3] over what is under it, in place; ``share`` [H, W] is how much of it, of 255."""
    for y in range(part.shape[0]):
        for x in range(part.shape[1]):
            much = np.uint32(share[y, x])
            if much:
                for c in range(3):
                    mixed = np.uint32(part[y, x, c]) * much + np.uint32(under[y, x, c]) * (255 - much)
                    under[y, x, c] = np.uint8((mixed + 127) // 255)
