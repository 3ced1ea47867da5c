"""The mesh that talkers are made of: 468 points and 898 triangles, and how a move of the lips spreads over the face.

The points are MediaPipe's canonical face (Apache-2.0; tools/face_mesh.py took them out of its package), upright: x to
the right as seen, y down, z away from the camera, in eye distances. So what is planted in a talker has the numbers that
the face tracker of this project gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from genlock.extractors.face.pose import LIPS, RIGID, head_pose

__all__ = [
    "BROWS",
    "EYES",
    "INNER",
    "JAW",
    "LEFT_EYE",
    "OUTER",
    "OVAL",
    "RIGHT_EYE",
    "FaceMesh",
    "Ring",
    "face_mesh",
    "upright",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ring:
    """A closed line on the face in two halves that share their ends, both from the left as seen."""

    upper: tuple[int, ...]
    """The half above."""
    lower: tuple[int, ...]
    """The half below."""

    @property
    def loop(self) -> tuple[int, ...]:
        """All points in order, each once."""
        return self.upper + self.lower[-2:0:-1]


#: The lips' outer and inner edges, eleven columns each.
OUTER = Ring(
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
)
INNER = Ring(
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
)
#: The person's right eye (left as seen) and left eye, nine columns each.
RIGHT_EYE = Ring((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133))
LEFT_EYE = Ring((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263))
EYES = (RIGHT_EYE, LEFT_EYE)
#: The fold above each upper lid, column by column, without the corners.
FOLDS = ((247, 30, 29, 27, 28, 56, 190), (414, 286, 258, 257, 259, 260, 467))
#: Upper and lower line of each brow, from the outside inwards.
BROWS = (
    ((70, 63, 105, 66, 107), (46, 53, 52, 65, 55)),
    ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285)),
)
#: Points that go down with the jaw, and how far (1: as the chin), from the chin to the ears on both sides.
JAW: dict[int, float] = {
    **dict.fromkeys((152, 148, 377, 175, 171, 396, 199, 208, 428, 200, 201, 421, 18, 83, 313), 1.0),
    **dict.fromkeys((176, 400, 140, 369, 32, 262), 0.97),
    **dict.fromkeys((149, 378), 0.92),
    **dict.fromkeys((150, 379), 0.83),
    **dict.fromkeys((136, 365), 0.7),
    **dict.fromkeys((172, 397), 0.5),
    **dict.fromkeys((58, 288), 0.28),
    **dict.fromkeys((132, 361), 0.1),
}
#: The outline of the face, clockwise as seen from the top of the forehead.
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
# Below this height, in eye distances, skin follows the mouth; above it only the cheeks do a little.
_NOSE_FOOT = 0.56
_CHEEKS = frozenset(
    (50, 280, 205, 425, 187, 411, 147, 376, 123, 352, 36, 266, 207, 427, 203, 423, 206, 426, 165, 391)
)


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """The canonical face and what is derived from it."""

    points: Array
    """Its points, upright, float64 [468, 3]."""
    triangles: npt.NDArray[np.int64]
    """Corners of its triangles, [898, 3]; those that fill the mouth and the eyes are among them."""
    controls: tuple[int, ...]
    """Points whose movement is given: the lips, then the jaw."""
    spread: Array
    """Movement of every point for a movement of the controls, [468, C]; rows sum to 0...1."""

    def skin(self) -> npt.NDArray[np.int64]:
        """The triangles without those that fill mouth and eyes, [T, 3]."""
        holes = [set(ring.loop) for ring in (INNER, *EYES)]
        keep = [not any(set(triangle) <= hole for hole in holes) for triangle in self.triangles.tolist()]
        return np.asarray(self.triangles[np.array(keep)])


@lru_cache(maxsize=1)
def face_mesh() -> FaceMesh:
    """The mesh, read once.

    >>> mesh = face_mesh()
    >>> mesh.points.shape, len(mesh.triangles), len(mesh.skin()), bool((mesh.spread.sum(axis=1) < 1.0001).all())
    ((468, 3), 898, 852, True)
    """
    with (resources.files(__package__) / "face_mesh.npz").open("rb") as file, np.load(file) as found:
        points, triangles = found["points"].astype(np.float64), found["triangles"].astype(np.int64)
    controls = (*LIPS, *JAW)
    for array in (points, triangles):
        array.setflags(write=False)
    return FaceMesh(points, triangles, controls, _spread(points, triangles, controls))


def _spread(points: Array, triangles: npt.NDArray[np.int64], controls: tuple[int, ...]) -> Array:
    """The harmonic movement of the skin between the controls and what stands still.

    Every free point moves as the mean of its neighbours does, weighted by one over their distance.
    """
    count = len(points)
    weights = np.zeros((count, count))
    for a, b, c in triangles.tolist():
        for i, j in ((a, b), (b, c), (c, a)):
            weights[i, j] = weights[j, i] = 1 / np.linalg.norm(points[i] - points[j])
    # The lips do not hold each other across the mouth.
    for ring in (INNER,):
        inside = np.array(ring.loop)
        across = np.ix_(inside, inside)
        weights[across] = 0
    laplacian = np.diag(weights.sum(axis=1)) - weights
    still = {k for k in range(count) if points[k, 1] < _NOSE_FOOT} - _CHEEKS - set(controls)
    still |= {234, 454, 93, 323, 127, 356, *RIGID}
    free = np.array([k for k in range(count) if k not in still and k not in set(controls)])
    given = np.array(controls)
    spread = np.zeros((count, len(given)))
    spread[given, np.arange(len(given))] = 1
    spread[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, given)])
    spread.setflags(write=False)
    return spread


def upright(points: npt.ArrayLike) -> Array:
    """Points [..., 468, 3] in any unit, with place, size and tilt removed: what ``landmarks:upright`` gives, with z.

    z is divided by the size too, and counted from the mean of the rigid points.

    >>> mesh = face_mesh()
    >>> bool(np.allclose(upright(mesh.points * 90 + [320, 240, 5]), upright(mesh.points)))
    True
    """
    given = np.asarray(points, np.float64)
    rigid = given[..., list(RIGID), :]
    pose = head_pose(rigid)
    depth = (given[..., 2] - rigid[..., 2].mean(axis=-1, keepdims=True)) / pose.scale[..., None]
    return np.concatenate([pose.to_head(given), depth[..., None]], axis=-1)
