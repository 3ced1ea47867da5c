"""The arithmetic of outlines, compiled: a frame has a hundred short ones, on which numpy's calls cost the most."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["blend", "compiled", "fixed_point", "placed", "smoothed", "widened"]

Points: TypeAlias = npt.NDArray[np.float64]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile at the first call and keep the machine code on disk."""
    return cast(
        "Callable[_P, _R]", cast(Any, numba.njit)(cache=True, nogil=True, error_model="numpy")(function)
    )


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
def fixed_point(points: Points, factor: float) -> npt.NDArray[np.int32]:
    """Pixels [N, 2] in OpenCV's fixed point, whose pixel centres lie on whole numbers."""
    found = np.empty(points.shape, np.int32)
    for n in range(len(points)):
        found[n, 0] = np.rint((points[n, 0] - 0.5) * factor)
        found[n, 1] = np.rint((points[n, 1] - 0.5) * factor)
    return found


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
def blend(under: npt.NDArray[np.uint8], part: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8]) -> None:
    """Lay a part [H, W, 3] over what is under it, in place; ``share`` [H, W] is how much of it, of 255."""
    for y in range(part.shape[0]):
        for x in range(part.shape[1]):
            much = np.uint32(share[y, x])
            if much:
                for c in range(3):
                    mixed = np.uint32(part[y, x, c]) * much + np.uint32(under[y, x, c]) * (255 - much)
                    under[y, x, c] = np.uint8((mixed + 127) // 255)
