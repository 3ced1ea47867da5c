"""What a talker learns to say: displacement of the mesh from each speaker's resting face, and the basis that tells it.

The basis is found on the clips that are learnt from: principal components of the displacement, in which points count by
what speech moves; and movements with the names of ARKit, solved from the mesh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.pose import LIPS
from genlock.models.talker.basis import POINTS, FaceBasis

__all__ = ["JAW", "SHAPE_HANDLES", "basis_errors", "build_basis", "named_shapes", "point_weights"]

Array: TypeAlias = npt.NDArray[np.float32]
Wide: TypeAlias = npt.NDArray[np.float64]

#: The line of the jaw and the chin.
JAW: tuple[int, ...] = tuple(dict.fromkeys((*MESH_TO_68[:17], 18, 83, 313, 199, 200, 175, 152, 148, 377)))
_UPPER_LEFT, _UPPER_RIGHT = (267, 269, 312), (37, 39, 82)
_LOWER_LEFT, _LOWER_RIGHT = (314, 405, 317), (84, 181, 87)
_LEFT, _RIGHT = 291, 61
_MOST_ROWS = 20_000

Handles: TypeAlias = Mapping[int, tuple[float, float]]


def _both(points: Sequence[int], dx: float, dy: float) -> Handles:
    return dict.fromkeys(points, (dx, dy))


_STILL_LEFT: Handles = {_LEFT: (0.0, 0.0), 269: (0.0, 0.0), 405: (0.0, 0.0)}
_STILL_RIGHT: Handles = {_RIGHT: (0.0, 0.0), 39: (0.0, 0.0), 181: (0.0, 0.0)}

#: What a movement with a name does to a few points of the mesh at weight 1: (x, y) in eye distances, y down. "Left" is
#: the person's left, which is on the right as seen. The rest of the face follows as faces do.
SHAPE_HANDLES: Mapping[str, Handles] = {
    "jawOpen": {
        152: (0, 0.20),
        14: (0, 0.19),
        17: (0, 0.19),
        13: (0, 0),
        0: (0, 0),
        61: (0.02, 0.06),
        291: (-0.02, 0.06),
    },
    "jawLeft": {152: (0.06, 0), 14: (0.03, 0), 17: (0.04, 0), 13: (0, 0), 0: (0, 0)},
    "jawRight": {152: (-0.06, 0), 14: (-0.03, 0), 17: (-0.04, 0), 13: (0, 0), 0: (0, 0)},
    "mouthClose": {
        13: (0, 0.05),
        0: (0, 0.03),
        14: (0, -0.14),
        17: (0, -0.10),
        152: (0, 0),
        61: (0, 0),
        291: (0, 0),
    },
    "mouthFunnel": {
        61: (0.06, 0),
        291: (-0.06, 0),
        13: (0, -0.03),
        0: (0, -0.03),
        14: (0, 0.04),
        17: (0, 0.04),
        152: (0, 0),
    },
    "mouthPucker": {
        61: (0.10, 0),
        291: (-0.10, 0),
        13: (0, 0),
        14: (0, 0),
        0: (0, -0.01),
        17: (0, 0.01),
        152: (0, 0),
    },
    "mouthLeft": {61: (0.05, 0), 291: (0.05, 0), 0: (0.06, 0), 17: (0.06, 0), 152: (0, 0)},
    "mouthRight": {61: (-0.05, 0), 291: (-0.05, 0), 0: (-0.06, 0), 17: (-0.06, 0), 152: (0, 0)},
    "mouthSmileLeft": {
        291: (0.06, -0.07),
        269: (0.02, -0.02),
        405: (0.02, -0.02),
        152: (0, 0),
        **_STILL_RIGHT,
    },
    "mouthSmileRight": {
        61: (-0.06, -0.07),
        39: (-0.02, -0.02),
        181: (-0.02, -0.02),
        152: (0, 0),
        **_STILL_LEFT,
    },
    "mouthFrownLeft": {291: (0.01, 0.06), 405: (0, 0.02), 152: (0, 0), **_STILL_RIGHT},
    "mouthFrownRight": {61: (-0.01, 0.06), 181: (0, 0.02), 152: (0, 0), **_STILL_LEFT},
    "mouthStretchLeft": {291: (0.08, 0.02), 405: (0.03, 0.01), 152: (0, 0), **_STILL_RIGHT},
    "mouthStretchRight": {61: (-0.08, 0.02), 181: (-0.03, 0.01), 152: (0, 0), **_STILL_LEFT},
    "mouthRollLower": {
        17: (0, -0.04),
        14: (0, 0.0),
        13: (0, 0),
        0: (0, 0),
        61: (0, 0),
        291: (0, 0),
        152: (0, 0),
    },
    "mouthRollUpper": {
        0: (0, 0.035),
        13: (0, 0.0),
        14: (0, 0),
        17: (0, 0),
        61: (0, 0),
        291: (0, 0),
        152: (0, 0),
    },
    "mouthShrugLower": {
        17: (0, -0.05),
        14: (0, -0.035),
        13: (0, -0.025),
        152: (0, -0.04),
        61: (0, 0),
        291: (0, 0),
    },
    "mouthShrugUpper": {
        0: (0, -0.04),
        13: (0, -0.04),
        14: (0, -0.01),
        17: (0, 0),
        152: (0, 0),
        61: (0, 0),
        291: (0, 0),
    },
    "mouthUpperUpLeft": {
        **_both(_UPPER_LEFT, 0, -0.05),
        152: (0, 0),
        14: (0, 0),
        **_STILL_RIGHT,
        291: (0, -0.01),
    },
    "mouthUpperUpRight": {
        **_both(_UPPER_RIGHT, 0, -0.05),
        152: (0, 0),
        14: (0, 0),
        **_STILL_LEFT,
        61: (0, -0.01),
    },
    "mouthLowerDownLeft": {
        **_both(_LOWER_LEFT, 0, 0.06),
        152: (0, 0),
        13: (0, 0),
        **_STILL_RIGHT,
        291: (0, 0.01),
    },
    "mouthLowerDownRight": {
        **_both(_LOWER_RIGHT, 0, 0.06),
        152: (0, 0),
        13: (0, 0),
        **_STILL_LEFT,
        61: (0, 0.01),
    },
}


def point_weights(neutral: npt.ArrayLike) -> Array:
    """How much each point of the mesh counts in the basis, float32 [468]: the lips 1, the jaw less, the eyes hardly."""
    face = np.asarray(neutral, np.float64)
    nose = face[2, 1]
    weights = np.where(face[:, 1] > nose, 0.2, 0.02)
    weights[list(JAW)] = np.maximum(weights[list(JAW)], 0.4)
    weights[list(LIPS)] = 1.0
    return weights.astype(np.float32)


def build_basis(
    displacements: npt.ArrayLike, neutral: npt.ArrayLike, components: int = 24, seed: int = 0
) -> FaceBasis:
    """The basis of displacements [N, 468, 3] from rest; weights have variance 1 about zero displacement over them.

    Raises InputError if there are fewer displacements than components.
    """
    moved = np.asarray(displacements, np.float32)
    if len(moved) < 4 * components:
        raise InputError(
            f"{len(moved)} frames are too few for {components} movements of a face; give more clips"
        )
    if len(moved) > _MOST_ROWS:
        moved = moved[np.random.default_rng(seed).choice(len(moved), _MOST_ROWS, replace=False)]
    rest = np.asarray(neutral, np.float32)
    counts = point_weights(rest)
    roots = np.repeat(np.sqrt(counts), 2).astype(np.float64)
    plane = moved[..., :2].reshape(len(moved), -1).astype(np.float64)
    # The mean stays in: rest is what weights of zero mean, and people who talk are on average not at rest.
    scatter = (plane * roots).T @ (plane * roots) / len(plane)
    values, vectors = np.linalg.eigh(scatter)
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    scores = (plane * roots) @ vectors / np.sqrt(values)
    # All three coordinates follow from the weights by least squares, depth and unweighted points too.
    whole = moved.reshape(len(moved), -1).astype(np.float64)
    gram = scores.T @ scores
    made = np.linalg.solve(gram + 1e-6 * np.trace(gram) / components * np.eye(components), scores.T @ whole)
    found = made.reshape(components, POINTS, 3).astype(np.float32)
    # Of two directions that mean the same, the one that opens the mouth or moves it down.
    signs = np.sign(found[:, 14, 1] + 1e-9)[:, None, None].astype(np.float32)
    return FaceBasis(rest, found * signs, counts, {}, named_shapes(found, rest))


def named_shapes(components: Array, neutral: Array) -> dict[str, Array]:
    """The movements of :data:`SHAPE_HANDLES` over the whole mesh, [468, 3] each.

    The likeliest displacement, given the handles: of a Gaussian process whose covariance is that of the components,
    made symmetric, and a smooth one besides, for what the data does not show. Eyes and forehead stay.
    """
    mirror = _mirror(neutral)
    flip = np.array([-1, 1, 1], np.float32)
    both = np.concatenate([components, components[:, mirror] * flip]).astype(np.float64) / np.sqrt(2)
    apart = np.square(neutral[:, None, :2] - neutral[None, :, :2]).sum(axis=-1).astype(np.float64)
    near = 0.015**2 * np.exp(-0.5 * apart / 0.09**2)
    scale = {}
    fade = 1 / (1 + np.exp(-(neutral[:, 1] - neutral[4, 1]) / 0.06))
    for name, handles in SHAPE_HANDLES.items():
        points = list(handles)
        wanted = np.array([handles[p] for p in points], np.float64)
        seen = both[:, points][..., :2].reshape(len(both), -1)
        known = seen.T @ seen + np.kron(near[np.ix_(points, points)], np.eye(2))
        solved = np.linalg.solve(known + 1e-7 * np.eye(len(known)), wanted.ravel())
        moved = (both.reshape(len(both), -1).T @ (seen @ solved)).reshape(POINTS, 3)
        moved[:, :2] += near[:, points] @ solved.reshape(-1, 2)
        scale[name] = (moved * fade[:, None]).astype(np.float32)
    return scale


def _mirror(neutral: Array) -> npt.NDArray[np.int64]:
    """The point on the other side of the face, for each point of the mesh."""
    flipped = neutral[:, :2] * np.array([-1, 1], np.float32)
    apart = np.square(neutral[:, None, :2] - flipped[None]).sum(axis=-1)
    return np.asarray(apart.argmin(axis=0), np.int64)


def basis_errors(basis: FaceBasis, displacements: npt.ArrayLike) -> dict[str, float]:
    """Root mean square distance in the plane of what the components make of held-out displacements, in eye distances.

    ``mouth`` the lips, ``jaw`` its line, ``shapes`` the lips by the named shapes alone.
    """
    moved = np.asarray(displacements, np.float32)
    faces = moved[..., :2] + basis.neutral[:, :2]
    made = basis.points(basis.weights(faces))[..., :2] - basis.neutral[:, :2]
    wrong = np.square(made - moved[..., :2]).sum(axis=-1)
    found = {"mouth": _root(wrong[:, list(LIPS)]), "jaw": _root(wrong[:, list(JAW)])}
    if basis.shapes:
        some = faces[:: max(1, len(faces) // 2000)]
        named = np.tensordot(basis.shape_weights(some), np.stack(list(basis.shapes.values())), 1)[..., :2]
        rest = named - (some - basis.neutral[:, :2])
        found["shapes"] = _root(np.square(rest[:, list(LIPS)]).sum(axis=-1))
    return found | {"mouth_moves": _root(np.square(moved[:, list(LIPS), :2]).sum(axis=-1))}


def _root(squares: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(squares.mean(dtype=np.float64)))
