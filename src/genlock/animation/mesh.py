"""The mesh of a face as a surface: its triangles, with openings for mouth and eyes, and what fills them with pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.compiled import compiled
from genlock.drawing.opencv import cv2
from genlock.extractors.face.pose import LIPS

__all__ = [
    "LEFT_EYE",
    "OVAL",
    "RIGHT_EYE",
    "Triangles",
    "mesh_normals",
    "mesh_triangles",
    "shade_triangles",
    "soften_edges",
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
def _corners(
    points: npt.NDArray[np.float64], triangle: npt.NDArray[np.int32]
) -> tuple[float, float, float, float, float, float, float]:
    """Pixels of the three corners, and twice the area between them: below 0 where it is seen from behind."""
    i, j, m = triangle[0], triangle[1], triangle[2]
    ax, ay, bx, by, cx, cy = (
        points[i, 0],
        points[i, 1],
        points[j, 0],
        points[j, 1],
        points[m, 0],
        points[m, 1],
    )
    return ax, ay, bx, by, cx, cy, (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


@compiled
def _span(
    left: float,
    right: float,
    v: float,
    w: float,
    dv: float,
    dw: float,
    per_v: float,
    per_w: float,
    per_u: float,
) -> tuple[int, int]:
    """Of a row, the first and the last pixel whose three shares are not below nothing.

    Parameters
    ----------
    left, right : pixels within which they lie
    v, w : shares of the second and the third corner at pixel 0
    dv, dw : by how much these grow from each pixel to the next
    per_v, per_w, per_u : one over that, and over what the first corner's share grows by
    """
    low, high = left, right
    for first, step, per in ((v, dv, per_v), (w, dw, per_w), (1 - v - w, -dv - dw, per_u)):
        if step > 1e-12:
            low = max(low, np.ceil((-1e-6 - first) * per))
        elif step < -1e-12:
            high = min(high, np.floor((-1e-6 - first) * per))
        elif first < -1e-6:
            high = -1.0
    return int(low), int(high)


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
        ax, ay, bx, by, cx, cy, area = _corners(target, triangles[k])
        if abs(area) < 1e-9:
            continue
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        dv, dw = (cy - ay) / area, -(by - ay) / area
        ev, ew = (cx - ax) / area, (bx - ax) / area
        per_v, per_w, per_u = 1 / dv, 1 / dw, -1 / (dv + dw)
        jx, jy = source[j, 0] - source[i, 0], source[j, 1] - source[i, 1]
        mx, my = source[m, 0] - source[i, 0], source[m, 1] - source[i, 1]
        left, right = max(0.0, np.ceil(min(ax, bx, cx))), min(width - 1.0, np.floor(max(ax, bx, cx)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(y0, y1 + 1):
            v, w = -ax * dv - (y - ay) * ev, -ax * dw + (y - ay) * ew
            low, high = _span(left, right, v, w, dv, dw, per_v, per_w, per_u)
            first_x, first_y = source[i, 0] + v * jx + w * mx, source[i, 1] + v * jy + w * my
            for x in range(low, high + 1):
                map_x[y, x] = first_x + x * (dv * jx + dw * mx)
                map_y[y, x] = first_y + x * (dv * jy + dw * my)


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
        ax, ay, bx, by, cx, cy, area = _corners(points, triangles[k])
        if area <= 1e-9:  # seen from behind
            continue
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        # Shares of the corners, depth and colour change by as much from each pixel of a row to the next.
        dv, dw = (cy - ay) / area, -(by - ay) / area
        ev, ew = (cx - ax) / area, (bx - ax) / area
        per_v, per_w, per_u = 1 / dv, 1 / dw, -1 / (dv + dw)
        dz = dv * (points[j, 2] - points[i, 2]) + dw * (points[m, 2] - points[i, 2])
        red, green, blue = colours[i, 0], colours[i, 1], colours[i, 2]
        jr, jg, jb = colours[j, 0] - red, colours[j, 1] - green, colours[j, 2] - blue
        mr, mg, mb = colours[m, 0] - red, colours[m, 1] - green, colours[m, 2] - blue
        dr, dg, db = dv * jr + dw * mr, dv * jg + dw * mg, dv * jb + dw * mb
        left, right = max(0.0, np.ceil(min(ax, bx, cx))), min(width - 1.0, np.floor(max(ax, bx, cx)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(y0, y1 + 1):
            # At x = 0 of this row.
            v, w = -ax * dv - (y - ay) * ev, -ax * dw + (y - ay) * ew
            low, high = _span(left, right, v, w, dv, dw, per_v, per_w, per_u)
            z = points[i, 2] + v * (points[j, 2] - points[i, 2]) + w * (points[m, 2] - points[i, 2])
            r, g, b = red + v * jr + w * mr, green + v * jg + w * mg, blue + v * jb + w * mb
            for x in range(low, high + 1):
                deep = z + x * dz
                if deep < near[y, x]:
                    near[y, x] = deep
                    image[y, x, 0] = np.uint8(r + x * dr)
                    image[y, x, 1] = np.uint8(g + x * dg)
                    image[y, x, 2] = np.uint8(b + x * db)


@compiled
def soften_edges(
    image: npt.NDArray[np.uint8],
    near: npt.NDArray[np.float32],
    under: npt.NDArray[np.uint8],
    points: npt.NDArray[np.float64],
    colours: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int32],
    step: float,
) -> None:
    """Draw the pixels at edges anew, each as the mean of four samples; the arguments of :func:`shade_triangles`.

    Parameters
    ----------
    under : what lay under the triangles, [H, W, 3]
    step : neighbours that differ by more in depth have an edge between them
    """
    number, places = _edge_pixels(near, points, step)
    busy = np.zeros((near.shape[0] // 8 + 1, near.shape[1] // 8 + 1), np.bool_)
    deep = np.full((len(places), 4), np.inf, np.float32)
    seen = np.zeros((len(places), 4, 3), np.float32)
    for n in range(len(places)):
        y, x = places[n]
        busy[y // 8, x // 8] = True
        for s in range(4):
            for c in range(3):
                seen[n, s, c] = under[y, x, c]
    height, width = near.shape
    for k in range(len(triangles)):
        ax, ay, bx, by, cx, cy, area = _corners(points, triangles[k])
        x0, x1 = max(0, int(np.floor(min(ax, bx, cx)))), min(width - 1, int(np.ceil(max(ax, bx, cx))))
        y0, y1 = max(0, int(np.floor(min(ay, by, cy)))), min(height - 1, int(np.ceil(max(ay, by, cy))))
        if area <= 1e-9 or not _any_of(busy, y0 // 8, y1 // 8, x0 // 8, x1 // 8):
            continue
        i, j, m = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                n = number[y, x]
                if n < 0:
                    continue
                for s in range(4):
                    px, py = x - 0.25 + 0.5 * (s % 2), y - 0.25 + 0.5 * (s // 2)
                    v = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
                    w = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
                    u = 1 - v - w
                    if u < -1e-6 or v < -1e-6 or w < -1e-6:
                        continue
                    z = u * points[i, 2] + v * points[j, 2] + w * points[m, 2]
                    if z < deep[n, s]:
                        deep[n, s] = z
                        for c in range(3):
                            seen[n, s, c] = u * colours[i, c] + v * colours[j, c] + w * colours[m, c]
    for n in range(len(places)):
        y, x = places[n]
        for c in range(3):
            image[y, x, c] = np.uint8(0.25 * (seen[n, 0, c] + seen[n, 1, c] + seen[n, 2, c] + seen[n, 3, c]))


@compiled
def _any_of(busy: npt.NDArray[np.bool_], top: int, bottom: int, left: int, right: int) -> bool:
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            if busy[y, x]:
                return True
    return False


@compiled
def _edge_pixels(
    near: npt.NDArray[np.float32], points: npt.NDArray[np.float64], step: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The pixels on both sides of each edge: their numbers [H, W], -1 everywhere else, and their places [N, 2]."""
    height, width = near.shape
    left, right = max(0, int(points[:, 0].min()) - 2), min(width - 1, int(points[:, 0].max()) + 2)
    top, bottom = max(0, int(points[:, 1].min()) - 2), min(height - 1, int(points[:, 1].max()) + 2)
    number = np.full((height, width), -1, np.int32)
    places = np.empty((max(bottom - top + 1, 0) * max(right - left + 1, 0), 2), np.int32)
    count = 0
    for y in range(top, bottom):
        for x in range(left, right):
            # Nothing lies at infinity, and nothing beside nothing is no edge: the difference is no number.
            across = abs(near[y, x] - near[y, x + 1]) > step
            down = abs(near[y, x] - near[y + 1, x]) > step
            if across or down:
                for b, a, wanted in ((y, x, True), (y, x + 1, across), (y + 1, x, down)):
                    if wanted and number[b, a] < 0:
                        number[b, a] = count
                        places[count] = b, a
                        count += 1
    return number, places[:count]


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
