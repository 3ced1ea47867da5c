"""The mesh of a face as a surface: its triangles, with openings for mouth and eyes, and what fills them with pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.animation.outlines import compiled
from genlock.extractors.face.pose import LIPS

__all__ = [
    "LEFT_EYE",
    "OVAL",
    "RIGHT_EYE",
    "Triangles",
    "mesh_normals",
    "mesh_triangles",
    "shade_triangles",
    "trace_triangles",
]

Points: TypeAlias = npt.NDArray[np.float64]
Triangles: TypeAlias = npt.NDArray[np.int32]

#: The outline of the face, from the middle of the forehead clockwise as seen.
OVAL: tuple[int, ...] = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
#: The rims of the person's right and left eye: from the outer corner under the eye to the inner one and back above.
RIGHT_EYE: tuple[int, ...] = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE: tuple[int, ...] = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)


def mesh_triangles(
    upright: npt.ArrayLike, holes: Sequence[Sequence[int]] = (RIGHT_EYE, LEFT_EYE)
) -> Triangles:
    """Triangles between points whose first 468 are the mesh at rest, [468 + 36 R, 2 or 3]; int32 [M, 3].

    The skin is Delaunay's; the lips are a strip between their two rings, with nothing inside; R rings around
    :data:`OVAL` follow, each a strip. Points between the two rings of the lips belong to no triangle.

    Parameters
    ----------
    upright : points in eye distances; those after the mesh are rings of 36, from the inside out
    holes : outlines of other openings, by point numbers
    """
    points = np.asarray(upright, np.float64)[:, :2]
    outer, inner = list(LIPS[:20]), list(LIPS[20:])
    within = _inside(points[:468], points[outer])
    within[outer] = False
    triangles = _delaunay(points, np.flatnonzero(~within))
    middles = points[triangles].mean(axis=1)
    kept = _inside(middles, points[list(OVAL)])
    for hole in (outer, *holes):
        kept &= ~(np.isin(triangles, list(hole)).all(axis=1) & _inside(middles, points[list(hole)]))
    rings = [
        list(OVAL),
        *(list(range(first, first + len(OVAL))) for first in range(468, len(points), len(OVAL))),
    ]
    strips = [_strip(inner, outer), *(_strip(a, b) for a, b in pairwise(rings))]
    return _one_way_round(np.concatenate([triangles[kept], *strips]), points)


def _delaunay(points: Points, chosen: npt.NDArray[np.int64]) -> Triangles:
    """Delaunay's triangles of some points, [M, 3]."""
    given = points[chosen]
    low, high = given.min(axis=0), given.max(axis=0)
    # Its triangles do not depend on the scale; the subdivision wants room around the points.
    scaled = ((given - low) / float((high - low).max()) * 8000 + 1000).astype(np.float32)
    division = cv2.Subdiv2D((0, 0, 10000, 10000))
    places: dict[tuple[float, float], int] = {}
    for number, (x, y) in zip(chosen.tolist(), scaled.tolist(), strict=True):
        corner = division.getVertex(division.insert((x, y)))[0]
        places[float(corner[0]), float(corner[1])] = number
    found = []
    for ax, ay, bx, by, cx, cy in np.asarray(division.getTriangleList()).tolist():
        named = [places.get(corner) for corner in ((ax, ay), (bx, by), (cx, cy))]
        if None not in named:
            found.append(named)
    return np.array(found, np.int32).reshape(-1, 3)


def _strip(one: Sequence[int], other: Sequence[int]) -> Triangles:
    """Triangles between two rings of as many points."""
    a, b = np.asarray(one, np.int32), np.asarray(other, np.int32)
    c, d = np.roll(a, -1), np.roll(b, -1)
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([c, b, d], axis=1)])


def _inside(places: Points, rim: Points) -> npt.NDArray[np.bool_]:
    """Which places [N, 2] lie within an outline."""
    outline = rim.astype(np.float32)
    return np.array([cv2.pointPolygonTest(outline, (x, y), False) > 0 for x, y in places.tolist()], bool)


def _one_way_round(triangles: Triangles, points: Points) -> Triangles:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return np.where((turn < 0)[:, None], triangles[:, ::-1], triangles).astype(np.int32)


@compiled
def trace_triangles(
    map_x: npt.NDArray[np.float32],
    map_y: npt.NDArray[np.float32],
    target: npt.NDArray[np.float64],
    source: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int32],
) -> None:
    """For each pixel [H, W] of each triangle of ``target`` [P, 2] write where it lies in ``source`` [P, 2]."""
    height, width = map_x.shape
    for k in range(len(triangles)):
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay, bx, by, cx, cy = (
            target[i, 0],
            target[i, 1],
            target[j, 0],
            target[j, 1],
            target[m, 0],
            target[m, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                if v >= -1e-6 and w >= -1e-6 and v + w <= 1 + 1e-6:
                    u = 1 - v - w
                    map_x[y, x] = u * source[i, 0] + v * source[j, 0] + w * source[m, 0]
                    map_y[y, x] = u * source[i, 1] + v * source[j, 1] + w * source[m, 1]


@compiled
def shade_triangles(
    image: npt.NDArray[np.uint8],
    near: npt.NDArray[np.float32],
    points: npt.NDArray[np.float64],
    colours: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int32],
) -> None:
    """Fill triangles between points [P, 3] (pixels, depth), mixing colours [P, 3] (0...255) of their corners, in place.

    ``near`` [H, W] is the depth of what each pixel [H, W, 3] shows; what lies behind it stays hidden.
    """
    height, width = near.shape
    for k in range(len(triangles)):
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay, bx, by, cx, cy = (
            points[i, 0],
            points[i, 1],
            points[j, 0],
            points[j, 1],
            points[m, 0],
            points[m, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-9:  # seen from behind
            continue
        # Shares of the corners, depth and colour change by as much from each pixel of a row to the next.
        dv, dw = (cy - ay) / area, -(by - ay) / area
        dz = dv * (points[j, 2] - points[i, 2]) + dw * (points[m, 2] - points[i, 2])
        red, green, blue = colours[i, 0], colours[i, 1], colours[i, 2]
        jr, jg, jb = colours[j, 0] - red, colours[j, 1] - green, colours[j, 2] - blue
        mr, mg, mb = colours[m, 0] - red, colours[m, 1] - green, colours[m, 2] - blue
        dr, dg, db = dv * jr + dw * mr, dv * jg + dw * mg, dv * jb + dw * mb
        left, right = max(0.0, np.ceil(min(ax, bx, cx))), min(width - 1.0, np.floor(max(ax, bx, cx)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(y0, y1 + 1):
            # At x = 0 of this row; of the row, all pixels count whose three shares are not below nothing.
            v = (-ax * (cy - ay) - (y - ay) * (cx - ax)) / area
            w = ((bx - ax) * (y - ay) + (by - ay) * ax) / area
            low, high = left, right
            for first, step in ((v, dv), (w, dw), (1 - v - w, -dv - dw)):
                if step > 1e-12:
                    low = max(low, np.ceil((-1e-6 - first) / step))
                elif step < -1e-12:
                    high = min(high, np.floor((-1e-6 - first) / step))
                elif first < -1e-6:
                    high = -1.0
            z = points[i, 2] + v * (points[j, 2] - points[i, 2]) + w * (points[m, 2] - points[i, 2])
            r, g, b = red + v * jr + w * mr, green + v * jg + w * mg, blue + v * jb + w * mb
            for x in range(int(low), int(high) + 1):
                deep = z + x * dz
                if deep < near[y, x]:
                    near[y, x] = deep
                    image[y, x, 0] = np.uint8(r + x * dr)
                    image[y, x, 1] = np.uint8(g + x * dg)
                    image[y, x, 2] = np.uint8(b + x * db)


@compiled
def mesh_normals(points: npt.NDArray[np.float64], triangles: npt.NDArray[np.int32]) -> Points:
    """Unit normals of the points [P, 3], on whose negative z side the camera lies; [P, 3]."""
    found = np.zeros_like(points)
    for k in range(len(triangles)):
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        a, b = points[j] - points[i], points[m] - points[i]
        flat = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
        for corner in (i, j, m):
            for d in range(3):
                found[corner, d] += flat[d]
    way = -np.sign(found[:, 2].sum())
    for n in range(len(found)):
        found[n] *= way / max(np.sqrt((found[n] ** 2).sum()), 1e-12)
    return found
