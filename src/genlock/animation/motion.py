"""How a face moves: points of the mesh on frames, what they started from, and who moved them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.extractors.face.landmarks import FaceLandmarks, pose_of
from genlock.extractors.face.mouth import aperture_of, width_of
from genlock.extractors.face.pose import LIPS
from genlock.models.face_nets import MESH_POINTS
from genlock.models.talker.resting import opening_of, resting_face

__all__ = ["FaceMotion", "closed_mouth", "resting_mesh", "upright_mesh"]

Mesh: TypeAlias = npt.NDArray[np.float32]

# Fewer frames than this may all be of an open mouth; lips further apart at rest (eye distances) are open.
_FEW_FRAMES = 12
_CLOSED = 0.035


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """The motion of one face on some frames, upright: without position, size and tilt.

    Raises
    ------
    OptionError
        If shapes do not fit.

    Examples
    --------
    >>> from genlock.core.grid import Grid
    >>> neutral = np.zeros((468, 3), np.float32)
    >>> motion = FaceMotion(Track(np.zeros((5, 468, 3), np.float32), Grid(25)), neutral, "a test")
    >>> motion.aperture.values.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """

    points: Track
    """Points of the mesh, float32 [T, 468, 3], x right as seen, y down, z away from the camera, in eye distances."""
    neutral: Mesh
    """The same face at rest, lips closed, float32 [468, 3]."""
    talker: str = ""
    """Who moved it, such as the name of a model."""
    seed: int = 0
    """Seed of what was drawn for it."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        shape, rest = self.points.values.shape, np.shape(self.neutral)
        if shape[1:] != (MESH_POINTS, 3) or rest != (MESH_POINTS, 3):
            raise OptionError(
                f"a motion has points [T, {MESH_POINTS}, 3] and a face at rest [{MESH_POINTS}, 3], "
                f"not {list(shape)} and {list(rest)}"
            )

    @classmethod
    def of_landmarks(cls, face: FaceLandmarks) -> FaceMotion:
        """The motion of a face that was seen in a film; ``face`` has the whole mesh.

        Raises OptionError if it has not, InputError if no frame is valid.
        """
        points = upright_mesh(face)
        return cls(points, resting_mesh(points), "a film")

    @property
    def lips(self) -> Track:
        """The 40 points of the lips, float32 [T, 40, 2]."""
        return self.points.map(lambda values: values[:, list(LIPS), :2], name="lips", unit="eye distances")

    @property
    def aperture(self) -> Track:
        """Opening between the lips, float32 [T], in eye distances."""
        return self.lips.map(aperture_of, name="aperture")

    @property
    def width(self) -> Track:
        """Distance between the corners of the mouth, float32 [T], in eye distances."""
        return self.lips.map(width_of, name="width")

    def scaled(self, gain: float) -> FaceMotion:
        """The same face, moving ``gain`` times as much about its rest."""
        if gain == 1:
            return self
        return replace(
            self, points=self.points.map(lambda values: self.neutral + gain * (values - self.neutral))
        )

    def part(self, cells: range) -> FaceMotion:
        """A run of its frames."""
        return replace(self, points=self.points.part(cells))


def upright_mesh(face: FaceLandmarks) -> Track:
    """The whole mesh of a face without position, size and tilt, float32 [T, 468, 3], in eye distances."""
    pose, valid = pose_of(face), face.points.valid

    def upright(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        flat = np.concatenate([pose.to_head(values), values[..., 2:] / pose.scale[:, None, None]], axis=-1)
        return np.where(valid[:, None, None], flat, 0).astype(np.float32)

    return face.select(range(MESH_POINTS)).map(upright, name="points", unit="eye distances")


def resting_mesh(points: Track) -> Mesh:
    """What a face looks like while its lips are closed and calm, from points [T, 468, 3]; float32 [468, 3].

    As talkers learn it (:func:`~genlock.models.talker.resting.resting_face`): what they add is added to the same rest.
    Of a few frames, or of lips that never close, what is open is closed.

    Raises InputError if no frame is valid.
    """
    if not points.valid.any():
        raise InputError("no frame shows the face, so nobody knows what it looks like at rest")
    found = resting_face(points.values, points.valid)
    few = int(points.valid.sum()) < _FEW_FRAMES
    return closed_mouth(found) if few or float(opening_of(found)) > _CLOSED else found


def closed_mouth(mesh: Mesh) -> Mesh:
    """A mesh [468, 3] whose lips touch: both inner lips on the line between them, outer ones along with them.

    >>> mesh = np.zeros((468, 3), np.float32)
    >>> mesh[14, 1] = 0.1
    >>> closed = closed_mouth(mesh)
    >>> abs(float(closed[14, 1] - closed[13, 1])) < 1e-6
    True
    """
    found = mesh.copy()
    for upper, lower, outer_upper, outer_lower in zip(
        LIPS[21:30], LIPS[:30:-1], LIPS[1:10], LIPS[19:10:-1], strict=True
    ):
        gap = found[lower] - found[upper]
        if gap[1] > 0:
            # The upper lip hardly moves: the lower one closes the mouth.
            found[upper] += 0.25 * gap
            found[outer_upper] += 0.25 * gap
            found[lower] -= 0.75 * gap
            found[outer_lower] -= 0.75 * gap
    return found
