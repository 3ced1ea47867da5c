"""The resting face of a person: what the movements of a talker are added to."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.models.talker.basis import POINTS, FaceBasis

__all__ = ["INNER_LOWER", "INNER_UPPER", "fitted_rest", "opening_of", "resting_face"]

Array: TypeAlias = npt.NDArray[np.float32]

#: Points of the mesh on the inner lips, in the middle and at both thirds, above and below.
INNER_UPPER, INNER_LOWER = (82, 13, 312), (87, 14, 317)
# The frames in which the mouth is most closed, and how far apart their lips are at most if they are closed at all.
_SHARE = 0.2
_CLOSED = 0.035
_LEAST_FRAMES = 12


def opening_of(points: npt.ArrayLike) -> Array:
    """Signed opening between the inner lips of meshes [..., 468, 2 or 3], float32 [...], in eye distances.

    >>> face = np.zeros((468, 2)); face[list(INNER_LOWER), 1] = 0.25
    >>> float(opening_of(face))
    0.25
    """
    mesh = np.asarray(points, np.float32)
    gap = mesh[..., list(INNER_LOWER), 1] - mesh[..., list(INNER_UPPER), 1]
    return np.asarray(gap.mean(axis=-1), np.float32)


def resting_face(
    points: npt.ArrayLike, valid: npt.ArrayLike | None = None, basis: FaceBasis | None = None
) -> Array:
    """The resting face of one person, float32 [468, D], from frames of whatever the face does.

    The median of the fifth of the frames in which the mouth is most closed: people who talk close their mouths all the
    time, and a median forgets blinks and what was seen wrongly. From few frames, or if the mouth is never closed, what
    ``basis`` can explain as a movement is taken off instead.

    Parameters
    ----------
    points : upright meshes, [T, 468, 2 or 3], or one, [468, 2 or 3]
    valid : which of them there are, [T]; None: all
    basis : of a talker; None: the median stands as it is

    Raises
    ------
    InputError
        If there is no valid frame.

    Examples
    --------
    >>> basis = FaceBasis.planted()
    >>> weights = np.random.default_rng(0).normal(size=(50, 4))
    >>> resting_face(basis.points(weights)).shape
    (468, 3)
    """
    mesh = np.asarray(points, np.float32)
    mesh = mesh[None] if mesh.ndim == 2 else mesh
    if mesh.ndim != 3 or mesh.shape[1] != POINTS:
        raise InputError(f"meshes of shape {list(mesh.shape)} are no faces of {POINTS} points")
    if valid is not None:
        mesh = mesh[np.asarray(valid, bool)]
    mesh = mesh[np.isfinite(mesh).all(axis=(1, 2))]
    if not len(mesh):
        raise InputError("no face was seen in any frame: there is no resting face")
    opening = opening_of(mesh)
    order = np.argsort(opening, kind="stable")
    chosen = order[: max(1, round(_SHARE * len(mesh)))]
    found = np.median(mesh[chosen], axis=0).astype(np.float32)
    closed = len(mesh) >= _LEAST_FRAMES and float(np.median(opening[chosen])) < _CLOSED
    return found if closed or basis is None else _without_movement(found, basis)


def fitted_rest(
    points: npt.ArrayLike, weights: npt.ArrayLike, basis: FaceBasis, valid: npt.ArrayLike | None = None
) -> Array:
    """The resting face in a film that has its own sound: what is left when the talker's movements are taken off.

    Surer than :func:`resting_face`, because every frame counts: the mean face of the film is then that of the made one.

    Parameters
    ----------
    points : upright meshes of the film, [T, 468, 2 or 3]
    weights : what the talker says of the film's own sound at its frames, [T, K]
    valid : which of them there are, [T]; None: all

    Raises InputError if there is no valid frame.

    >>> basis = FaceBasis.planted()
    >>> weights = np.random.default_rng(0).normal(size=(20, 4))
    >>> bool(np.allclose(fitted_rest(basis.points(weights), weights, basis), basis.neutral, atol=1e-5))
    True
    """
    mesh = np.asarray(points, np.float32)
    there = np.ones(len(mesh), bool) if valid is None else np.asarray(valid, bool)
    if not there.any():
        raise InputError("no face was seen in any frame: there is no resting face")
    moved = basis.points(np.asarray(weights, np.float32)[there]) - basis.neutral
    return np.asarray((mesh[there] - moved[..., : mesh.shape[2]]).mean(axis=0), np.float32)


def _without_movement(face: Array, basis: FaceBasis) -> Array:
    """A face less what a movement explains better than another shape of face does.

    Weights of a movement are about 1, shapes of faces differ by several times what speech moves: so only as much is
    taken off as closes the mouth.
    """
    weights = np.clip(basis.weights(face[:, : face.shape[1]], None), -3, 3)
    moved = (basis.points(weights) - basis.neutral)[:, : face.shape[1]]
    opening, explained = float(opening_of(face)), float(opening_of(moved))
    rest = float(opening_of(basis.neutral))
    if opening - rest < _CLOSED / 2 or explained <= 0:
        return face
    return np.asarray(face - moved * min(1.0, (opening - rest) / explained), np.float32)
