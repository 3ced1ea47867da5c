"""Surfaces that heads are built of: sheets, tubes, balls, and a finer mesh through the points of a coarse one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.synth.talkers.mesh import face_mesh

__all__ = ["Surface", "ball", "finer_skin", "sheet", "tube"]

Array = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int32]
#: Points [P, 3], triangles [T, 3], places in a texture [P, 2].
Surface = tuple[Array, Triangles, npt.NDArray[np.float32]]


def sheet(points: Array, closed: bool = False) -> Surface:
    """A grid of points [rows, columns, 3] as a surface; ``closed``: its last column meets its first.

    >>> points, triangles, uv = sheet(np.zeros((3, 4, 3)))
    >>> points.shape, triangles.shape, uv.shape
    ((12, 3), (12, 3), (12, 2))
    """
    rows, columns = points.shape[:2]
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    uv = np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32)
    return points.reshape(-1, 3), _grid(rows, columns, closed), uv


@lru_cache(maxsize=64)
def _grid(rows: int, columns: int, closed: bool) -> Triangles:
    corner = np.arange(rows * columns).reshape(rows, columns)
    if closed:
        corner = np.concatenate([corner, corner[:, :1]], axis=1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    return triangles.astype(np.int32)


def ball(middle: npt.ArrayLike, radii: npt.ArrayLike, rows: int = 10, columns: int = 16) -> Surface:
    """An ellipsoid; its texture's top lies above."""
    up = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns)[None, :]
    unit = np.stack(
        [np.sin(up) * np.sin(around), -np.cos(up) * np.ones_like(around), -np.sin(up) * np.cos(around)],
        axis=-1,
    )
    return sheet(np.asarray(middle, np.float64) + unit * np.asarray(radii, np.float64))


def tube(path: npt.ArrayLike, radius: npt.ArrayLike, sides: int = 7) -> Surface:
    """A tube of a radius, or of one radius for each of the path's points [P, 3]."""
    line = np.asarray(path, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    aside = np.cross(along, [0.31, 0.17, 0.94])
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    third = np.cross(along, aside)
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(turn)[None, :, None] * aside[:, None] + np.sin(turn)[None, :, None] * third[:, None]
    wide = np.broadcast_to(np.asarray(radius, np.float64), (len(line),))
    return sheet(line[:, None] + ring * wide[:, None, None])


@lru_cache(maxsize=1)
def finer_skin() -> tuple[Array, Triangles]:
    """What makes the skin's mesh finer: an operator [P, 468] and the triangles between its points.

    Each edge gets a point in its middle, bent as the surface around it is (the butterfly scheme of N. Dyn, D. Levin and
    J. Gregory, 1990; at borders the four-point scheme): the points of the mesh stay where they are.

    >>> operator, triangles = finer_skin()
    >>> bool(np.allclose(operator.sum(axis=1), 1)), len(triangles) == 4 * len(face_mesh().skin())
    (True, True)
    """
    triangles = face_mesh().skin().tolist()
    opposite: dict[tuple[int, int], list[int]] = {}
    for a, b, c in triangles:
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            opposite.setdefault((min(i, j), max(i, j)), []).append(k)
    border: dict[int, list[int]] = {}
    for (i, j), others in opposite.items():
        if len(others) == 1:
            border.setdefault(i, []).append(j)
            border.setdefault(j, []).append(i)
    middles = {edge: 468 + number for number, edge in enumerate(opposite)}
    operator = np.zeros((468 + len(middles), 468))
    operator[np.arange(468), np.arange(468)] = 1
    for (i, j), others in opposite.items():
        row = operator[middles[i, j]]
        row[[i, j]] += 0.5
        if len(others) == 1:
            _bend(row, i, j, [next((n for n in border[e] if n != f), f) for e, f in ((i, j), (j, i))])
            continue
        wings = [
            next((w for w in opposite[min(e, k), max(e, k)] if w not in (i, j)), None)
            for k in others
            for e in (i, j)
        ]
        if any(w is None for w in wings):
            continue
        row[others] += 1 / 8
        for wing in wings:
            row[wing] -= 1 / 16
    fine = []
    for a, b, c in triangles:
        ab, bc, ca = (middles[min(i, j), max(i, j)] for i, j in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    operator.setflags(write=False)
    return operator, np.array(fine, np.int32)


def _bend(row: Array, i: int, j: int, ends: list[int]) -> None:
    row[[i, j]] += 1 / 16
    for end in ends:
        row[end] -= 1 / 16
