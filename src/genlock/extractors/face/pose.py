"""Where a head stands in a picture, told by points of the face mesh that speech does not move.

Every frame is brought onto one shape of ours, so nothing of another frame or of the rest of the clip is needed, and
a stream gives the same numbers as a whole file. Crops of a picture are made by the pose in its plane
(:class:`HeadPose`), in which shapes are complex numbers, x + i y; what lips say must not change as a head turns or
nods, so they are seen by the pose in space (:class:`TurnedPose`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2

__all__ = [
    "CANONICAL_RIGID",
    "LIPS",
    "RIGID",
    "HeadPose",
    "TurnedPose",
    "head_pose",
    "turned_pose",
    "upright_crop",
    "upright_mesh",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]
ComplexArray: TypeAlias = npt.NDArray[np.complex128]

#: Points of the mesh that speech moves least: eye corners, bridge of the nose, temples, middle of the forehead.
RIGID: tuple[int, ...] = (33, 133, 362, 263, 168, 6, 197, 195, 5, 127, 356, 162, 389, 10, 151, 9)

#: The lips: outer ring, then inner ring, each from the person's right corner over the upper lip and back.
LIPS: tuple[int, ...] = (
    61,
    185,
    40,
    39,
    37,
    0,
    267,
    269,
    270,
    409,
    291,
    375,
    321,
    405,
    314,
    17,
    84,
    181,
    91,
    146,
    78,
    191,
    80,
    81,
    82,
    13,
    312,
    311,
    310,
    415,
    308,
    324,
    318,
    402,
    317,
    14,
    87,
    178,
    88,
    95,
)

#: Where :data:`RIGID` lies on an upright face that looks ahead: x to the right as seen, y down, z away from the
#: camera. Their mean is the origin, and the outer corners of the eyes lie 1 apart. The mean of three people's
#: meshes in talking clips, after each frame was turned and scaled onto the mean, made symmetric.
CANONICAL_RIGID: FloatArray = np.array(
    [
        [-0.5000, 0.0513, 0.0336],
        [-0.1928, 0.0642, -0.0240],
        [0.1928, 0.0642, -0.0240],
        [0.5000, 0.0513, 0.0336],
        [0.0, -0.0105, -0.2054],
        [0.0, 0.0741, -0.2571],
        [0.0, 0.1515, -0.3163],
        [0.0, 0.2240, -0.3818],
        [0.0, 0.3021, -0.4488],
        [-0.7708, 0.1232, 0.5804],
        [0.7708, 0.1232, 0.5804],
        [-0.7587, -0.0526, 0.4769],
        [0.7587, -0.0526, 0.4769],
        [0.0, -0.5466, -0.1288],
        [0.0, -0.3741, -0.1776],
        [0.0, -0.1926, -0.2181],
    ]
)
CANONICAL_RIGID -= CANONICAL_RIGID.mean(axis=0)  # what four places leave
CANONICAL_RIGID.setflags(write=False)

_TARGET: ComplexArray = CANONICAL_RIGID[:, 0] + 1j * CANONICAL_RIGID[:, 1]
_TARGET_POWER = float((np.abs(_TARGET) ** 2).sum())
_RIGID_POWER = float((CANONICAL_RIGID**2).sum())


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Position, size and tilt of one face in one or many frames, in the plane of the picture.

    The best similarity (Umeyama 1991, without reflection) from :data:`CANONICAL_RIGID` to the points that were seen.
    """

    origin: ComplexArray
    """Mean of the rigid points, complex [...], pixels."""
    turn: ComplexArray
    """Pixels for each eye distance, turned by the head's tilt, complex [...]; never zero."""

    @property
    def scale(self) -> FloatArray:
        """Pixels that the outer corners of the eyes would lie apart if the face looked ahead, [...]."""
        return np.abs(self.turn)

    @property
    def rotation(self) -> FloatArray:
        """Tilt in radians, clockwise as seen, [...]."""
        return np.angle(self.turn)

    def to_head(self, points: npt.ArrayLike) -> FloatArray:
        """Pixels [..., P, 2 or more] as eye distances from the middle of the upright face, float64 [..., P, 2]."""
        flat = _flat(np.asarray(points))
        return _pairs((flat - self.origin[..., None]) / self.turn[..., None])

    def to_image(self, places: npt.ArrayLike) -> FloatArray:
        """The way back, from eye distances [..., P, 2] to pixels [..., P, 2]."""
        return _pairs(_flat(np.asarray(places)) * self.turn[..., None] + self.origin[..., None])


def head_pose(rigid: npt.ArrayLike) -> HeadPose:
    """The pose from the mesh's points :data:`RIGID`, [..., 16, 2 or 3], in pixels.

    >>> pose = head_pose(100 * CANONICAL_RIGID + [320, 240, 0])
    >>> round(float(pose.scale), 6), round(float(pose.rotation), 6)
    (100.0, 0.0)
    """
    flat = _flat(np.asarray(rigid))
    origin = flat.mean(axis=-1)
    turn = ((flat - origin[..., None]) * _TARGET.conj()).sum(axis=-1) / _TARGET_POWER
    # Points that all fall together have no pose; a size of nothing would divide by zero.
    return HeadPose(origin, np.where(np.abs(turn) < 1e-9, 1e-9, turn))


@dataclass(frozen=True, eq=False)
class TurnedPose:
    """Position, size and turn in space of one face in one or many frames, depth as the mesh has it.

    The best similarity (Umeyama 1991, without reflection) from :data:`CANONICAL_RIGID` to the points that were seen.
    """

    origin: FloatArray
    """Mean of the rigid points, [..., 3], pixels."""
    rotation: FloatArray
    """From the face that looks ahead to the one that was seen, [..., 3, 3]."""
    scale: FloatArray
    """Pixels for each eye distance, [...]; above zero."""

    @property
    def aside(self) -> FloatArray:
        """How far the head is turned to the side, in radians, [...]; positive: to the right as seen."""
        return np.arctan2(-self.rotation[..., 0, 2], self.rotation[..., 2, 2])

    def to_head(self, points: npt.ArrayLike) -> FloatArray:
        """Points of the mesh [..., P, 3] as they would lie if the face looked ahead, [..., P, 3], in eye distances."""
        moved = np.asarray(points, np.float64) - self.origin[..., None, :]
        return np.asarray(moved @ self.rotation / self.scale[..., None, None])


def turned_pose(rigid: npt.ArrayLike) -> TurnedPose:
    """The pose in space from the mesh's points :data:`RIGID`, [..., 16, 3], in pixels, z in the scale of x.

    >>> cos, sin = np.cos(0.5), np.sin(0.5)
    >>> turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    >>> pose = turned_pose(100 * CANONICAL_RIGID @ turn.T + [320, 240, 0])
    >>> round(float(pose.aside), 6), round(float(pose.scale), 6)
    (0.5, 100.0)
    """
    points = np.asarray(rigid, np.float64)
    origin = points.mean(axis=-2)
    across = np.swapaxes(points - origin[..., None, :], -1, -2) @ CANONICAL_RIGID
    left, strengths, right = np.linalg.svd(across)
    signs = np.ones_like(strengths)
    signs[..., 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * signs[..., None, :]) @ right
    return TurnedPose(origin, rotation, np.maximum((strengths * signs).sum(axis=-1) / _RIGID_POWER, 1e-9))


def upright_mesh(points: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The mesh of a face with position, size and tilt removed, depth kept, float32 [..., 468, 3].

    x and y are those of the feature ``landmarks:upright``; z has the same unit, and the same mean over :data:`RIGID` as
    :data:`CANONICAL_RIGID`, which is zero.

    Parameters
    ----------
    points : the mesh in pixels, z in the same scale, [..., 468, 3]
    """
    mesh = np.asarray(points, np.float64)
    rigid = mesh[..., list(RIGID), :]
    pose = head_pose(rigid)
    depth = (mesh[..., 2] - rigid[..., 2].mean(axis=-1, keepdims=True)) / pose.scale[..., None]
    return np.concatenate([pose.to_head(mesh), depth[..., None]], axis=-1).astype(np.float32)


def upright_crop(
    image: npt.NDArray[np.uint8], pose: HeadPose, middle: npt.ArrayLike, side: int, width: float
) -> npt.NDArray[np.uint8]:
    """A part of a face, upright and always of the same size on the face, grey, uint8 [side, side].

    Parameters
    ----------
    image : RGB, uint8 [H, W, 3]; beyond its edges the last pixel is repeated
    pose : the head's, in this image
    middle : centre of the crop in eye distances, [2], as :meth:`HeadPose.to_head` gives
    side : of the crop in pixels
    width : of the crop in eye distances
    """
    per_pixel = width / side
    # Where a pixel of the crop covers several of the image, it is their mean, not one of them.
    finer = min(8, max(1, round(per_pixel * float(pose.scale))))
    turn = complex(pose.turn) * per_pixel / finer
    x, y = np.asarray(middle, np.float64)
    centre = complex(pose.origin) + complex(pose.turn) * complex(x, y)
    # From the middles of the crop's pixels to those of the image's, which OpenCV numbers from zero.
    corner = centre - turn * complex(side * finer, side * finer) / 2 + turn * (0.5 + 0.5j) - (0.5 + 0.5j)
    matrix = np.array([[turn.real, -turn.imag, corner.real], [turn.imag, turn.real, corner.imag]])
    crop = cv2.warpAffine(
        image,
        matrix,
        (side * finer, side * finer),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer > 1:
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))


def _flat(points: npt.NDArray[np.floating]) -> ComplexArray:
    pairs = points.astype(np.float64, copy=False)
    return np.asarray(pairs[..., 0] + 1j * pairs[..., 1])


def _pairs(flat: ComplexArray) -> FloatArray:
    return np.stack([flat.real, flat.imag], axis=-1)
