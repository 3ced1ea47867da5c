"""Heads turned by rule: lips of people who look ahead, as they are seen in the plane of a head that moves.

Corpora show people who sit still and look into the camera; people who talk to each other turn and nod. Lips are given a
depth, turned in space together with the rigid points of the head, seen again, and the pose is taken out in the plane,
without depth. The extractor takes it out in space (:class:`genlock.extractors.face.pose.TurnedPose`), by a depth that
the mesh guesses: of what a turn leaves in the plane a half to a quarter is left there. So heads that are turned here
look harder than a head that is turned as far; what is learnt from them need not know how good the mesh is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.track import Track
from genlock.extractors.face.pose import CANONICAL_RIGID, head_pose
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import main_face

__all__ = ["LIPS_DEPTH", "Turning", "turned"]

Array = npt.NDArray[np.float64]

# How far the lips lie from the mean of the rigid points, in eye distances, away from the camera: the mean of twelve
# people's meshes, made symmetric. Points in the order of :data:`genlock.extractors.face.pose.LIPS`, from the right
# corner to the middle; the other half is the same. People differ by .02.
_OUTER_UPPER = (-0.064, -0.122, -0.180, -0.232, -0.273, -0.283)
_OUTER_LOWER = (-0.103, -0.150, -0.186, -0.216, -0.221)
_INNER_UPPER = (-0.085, -0.115, -0.155, -0.188, -0.214, -0.223)
_INNER_LOWER = (-0.108, -0.144, -0.175, -0.200, -0.210)


def _ring(upper: tuple[float, ...], lower: tuple[float, ...]) -> list[float]:
    return [*upper, *upper[-2::-1], *lower, *lower[-2::-1]]


#: Depth of the forty points of the lips in eye distances, [40].
LIPS_DEPTH: Array = np.array([*_ring(_OUTER_UPPER, _OUTER_LOWER), *_ring(_INNER_UPPER, _INNER_LOWER)])
LIPS_DEPTH.setflags(write=False)

# A head sways this fast, in turns a second, and by so many waves at once.
_SWAY_RATES = (0.05, 0.6)
_WAVES = 5


@dataclass(frozen=True)
class Turning:
    """How heads are turned. Angles in degrees are spreads of normal distributions."""

    turn_degrees: tuple[float, float] = (12.0, 6.0)
    """To the side and up or down, for all of a clip; at least 0."""
    sway_degrees: tuple[float, float] = (6.0, 4.0)
    """By how much the head moves about that; at least 0."""

    def __post_init__(self) -> None:
        if min(*self.turn_degrees, *self.sway_degrees) < 0:
            raise OptionError(f"{self}: angles are at least 0")

    def angles(self, seconds: Array, random: np.random.Generator) -> tuple[Array, Array]:
        """Angles to the side and up at some instants [T], in radians: a constant and a smooth motion."""
        found = []
        for constant, sway in zip(self.turn_degrees, self.sway_degrees, strict=True):
            rates = random.uniform(*_SWAY_RATES, _WAVES)
            phases = random.uniform(0, 2 * np.pi, _WAVES)
            waves = np.sin(2 * np.pi * rates * seconds[:, None] + phases).sum(axis=1) * np.sqrt(2 / _WAVES)
            found.append(random.normal(0, constant) + abs(random.normal(0, sway)) * waves)
        return np.deg2rad(found[0]), np.deg2rad(found[1])


def turned(evidence: Evidence, turning: Turning, random: np.random.Generator) -> Evidence:
    """The same with the head of the face that is seen longest turned; nothing changes where there is none."""
    face = main_face(evidence)
    if face is None:
        return evidence
    aside, up = turning.angles(face.lips.grid.centers(len(face.lips)), random)
    depth = LIPS_DEPTH * random.uniform(0.8, 1.2)
    lips = turned_lips(face.lips, aside, up, depth)
    return replace(evidence, faces=tuple(replace(f, lips=lips) if f is face else f for f in evidence.faces))


def turned_lips(lips: Track, aside: Array, up: Array, depth: Array = LIPS_DEPTH) -> Track:
    """Lips as they would be seen of a head turned by ``aside`` and ``up`` [T], in radians.

    Parameters
    ----------
    lips : float [T, 40, 2] with the pose of a head that looks ahead removed, in eye distances
    depth : of the lips, away from the camera, in eye distances, [40]

    >>> from genlock.core.grid import Grid
    >>> lips = Track(np.random.default_rng(0).normal(0, 0.1, (3, 40, 2)), Grid(25))
    >>> still = turned_lips(lips, np.zeros(3), np.zeros(3))
    >>> bool(np.allclose(still.values, lips.values, atol=1e-6))
    True
    """
    flat = np.asarray(lips.values, np.float64)
    points = np.concatenate([flat, np.broadcast_to(depth[:, None], (*flat.shape[:2], 1))], axis=2)
    rotation = _rotations(aside, up)
    seen = np.einsum("tij,tpj->tpi", rotation, points)
    rigid = np.einsum("tij,pj->tpi", rotation, CANONICAL_RIGID)
    values = head_pose(rigid).to_head(seen)
    values[~lips.valid] = 0.0
    return replace(lips, values=values.astype(np.float32))


def _rotations(aside: Array, up: Array) -> Array:
    """Rotations about the upright axis, then about the one to the right, [T, 3, 3]."""
    zero, one = np.zeros_like(aside), np.ones_like(aside)
    c, s = np.cos(aside), np.sin(aside)
    about_y = np.stack([c, zero, s, zero, one, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
    c, s = np.cos(up), np.sin(up)
    about_x = np.stack([one, zero, zero, zero, c, -s, zero, s, c], axis=-1).reshape(-1, 3, 3)
    return np.asarray(about_x @ about_y)
