"""Facial landmarks as Tracks on the video's own cells: the mesh or a part of it, pose, and the 68-point view."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.base import FaceFeature, Row
from genlock.extractors.face.pose import LIPS, RIGID, HeadPose, head_pose
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.tracking import FaceOptions, Sighting, watch_faces
from genlock.extractors.frame_cells import run_of_frames
from genlock.media import ReadOptions
from genlock.models.face_nets import MESH_POINTS

__all__ = [
    "LIPS",
    "MESH_TO_68",
    "RIGID",
    "FaceLandmarks",
    "LandmarkView",
    "Landmarks",
    "as_68",
    "draw_landmarks",
    "extract_landmarks",
    "pose_of",
    "without_pose",
]

Points: TypeAlias = npt.NDArray[np.float32]

#: Points of the mesh that stand for the 68 points of Multi-PIE / iBUG, in their order (jaw, brows, nose, eyes, mouth).
#: A correspondence by position on the face: the jaw line differs from 68-point detectors where the head turns.
MESH_TO_68: tuple[int, ...] = (
    127,
    234,
    93,
    132,
    58,
    172,
    150,
    176,
    152,
    400,
    379,
    397,
    288,
    361,
    323,
    454,
    356,
    70,
    63,
    105,
    66,
    107,
    336,
    296,
    334,
    293,
    300,
    168,
    197,
    5,
    4,
    75,
    97,
    2,
    326,
    305,
    33,
    160,
    158,
    133,
    153,
    144,
    362,
    385,
    387,
    263,
    373,
    380,
    61,
    39,
    37,
    0,
    267,
    269,
    291,
    405,
    314,
    17,
    84,
    181,
    78,
    82,
    13,
    312,
    308,
    317,
    14,
    87,
)


@dataclass(frozen=True)
class FaceLandmarks:
    """One face through a film, from its first frame to its last."""

    face: int
    """Identity, from 0 in order of appearance."""
    first_frame: int
    """Number of the frame in which it appears."""
    points: Track
    """x, y in pixels and z in the same scale, float32 [T, P, 3]; frames in which it was lost are invalid."""
    indices: tuple[int, ...]
    """Which points of the 468 these are."""
    presence: Track
    """How sure the mesh is, float32 [T], 0...1."""

    @property
    def share(self) -> float:
        """Share of the frames between its first and last in which it was seen, 0...1."""
        return float(self.points.valid.mean()) if len(self.points) else 0.0

    def select(self, indices: Sequence[int]) -> Track:
        """Some of the points, by their number in the mesh, [T, len(indices), 3].

        Raises OptionError if one of them was not kept.
        """
        place = {index: k for k, index in enumerate(self.indices)}
        missing = [index for index in indices if index not in place]
        if missing:
            raise OptionError(f"mesh points {missing[:5]} were not kept; keep the whole mesh")
        rows = [place[index] for index in indices]
        return self.points.map(lambda values: values[:, rows])


@dataclass(frozen=True)
class LandmarkView:
    """A view says which numbers of the mesh are wanted."""

    row: Callable[[Sighting], Row]
    """From one face of one frame, float32 ``shape``."""
    shape: tuple[int, ...]
    """Shape of a row."""
    unit: str = ""
    """Unit of the values."""


_VIEWS: Mapping[str, LandmarkView] = MappingProxyType(
    {
        "mesh": LandmarkView(lambda face: face.in_frame, (MESH_POINTS, 3), "pixels"),
        "68": LandmarkView(lambda face: face.in_frame[list(MESH_TO_68)], (68, 3), "pixels"),
        "lips": LandmarkView(lambda face: face.lips.astype(np.float32), (len(LIPS), 2), "eye distances"),
        "upright": LandmarkView(
            lambda face: face.pose.to_head(face.points).astype(np.float32), (MESH_POINTS, 2), "eye distances"
        ),
    }
)


class Landmarks(FaceFeature):
    """Points of the face mesh of each face.

    Presets: ``mesh`` (the default, 468 points, float32 [T, 468, 3], x, y in pixels and z in the same scale), ``68``
    (the points that many face models use, [T, 68, 3]), ``upright`` (the mesh with the head's pose removed,
    [T, 468, 2], in eye distances) and ``lips`` (its 40 points of the lips, [T, 40, 2]).
    """

    presets: ClassVar[Mapping[str, LandmarkView]] = _VIEWS

    def __init__(self, view: LandmarkView = _VIEWS["mesh"]) -> None:
        preset = next((name for name, known in _VIEWS.items() if known is view), "custom")
        self.name = "landmarks" if preset == "mesh" else f"landmarks:{preset}"
        self.view, self.unit, self.value_shape = view, view.unit, view.shape

    def open(self) -> Callable[[Sighting], Row]:
        """Nothing is remembered from frame to frame."""
        return self.view.row


def extract_landmarks(
    file: str | os.PathLike[str],
    options: FaceOptions | None = None,
    reading: ReadOptions | None = None,
    indices: Sequence[int] | None = None,
    progress: Progress = silent,
) -> list[FaceLandmarks]:
    """Every face of a video, on the video's own cells.

    Parameters
    ----------
    indices : points of the mesh to keep, such as :data:`LIPS`; None keeps all 468 (5.6 kB a frame and face)

    Raises
    ------
    NoStream, MediaError
        If the file has no picture, or cannot be read.
    MissingModel
        If the face models are not here: ``genlock models fetch``.
    """
    kept = tuple(range(MESH_POINTS)) if indices is None else tuple(indices)
    if not kept or min(kept) < 0 or max(kept) >= MESH_POINTS:
        raise OptionError(f"mesh points are numbered 0...{MESH_POINTS - 1}")
    points = Landmarks(LandmarkView(lambda face: face.points[list(kept)], (len(kept), 3), "pixels"))
    presence = Landmarks(LandmarkView(lambda face: np.array(face.presence, np.float32), ()))
    points.name, presence.name = "landmarks", "presence"
    rows = FaceRows([points, presence])
    cells = watch_faces(file, [rows], options, reading, progress)
    found = []
    for face in rows.faces():
        run = rows.run(face)
        part = run_of_frames(cells, run.start, len(run))
        tracks = [rows.track(face, feature, run, part) for feature in rows.features]
        found.append(FaceLandmarks(face, run.start, tracks[0], kept, tracks[1]))
    return found


def as_68(landmarks: FaceLandmarks) -> Track:
    """The 68-point view of a whole mesh, float32 [T, 68, 3]; see :data:`MESH_TO_68`."""
    return landmarks.select(MESH_TO_68)


def pose_of(landmarks: FaceLandmarks) -> HeadPose:
    """Position, size and tilt of a face in each frame, arrays of [T]; frames in which it was lost mean nothing."""
    return head_pose(landmarks.select(RIGID).values)


def without_pose(landmarks: FaceLandmarks, indices: Sequence[int] = LIPS) -> Track:
    """Points of a face with position, size and tilt in the picture's plane removed, float32 [T, P, 2].

    Each frame is brought onto :data:`~genlock.extractors.face.pose.CANONICAL_RIGID` on its own; the unit is
    the distance between the outer corners of the eyes, the origin the middle of the rigid points.
    """
    pose, valid = pose_of(landmarks), landmarks.points.valid

    def upright(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.where(valid[:, None, None], pose.to_head(values), 0).astype(np.float32)

    name = "lips" if tuple(indices) == LIPS else "points"
    return landmarks.select(indices).map(upright, name=name, unit="eye distances")


def draw_landmarks(
    image: npt.NDArray[np.uint8], points: Points, colour: tuple[int, int, int] = (60, 255, 120)
) -> npt.NDArray[np.uint8]:
    """A copy of an RGB image with points [P, 2 or 3], in pixels, drawn on it."""
    drawn = image.copy()
    radius = max(1, round(min(image.shape[:2]) / 300))
    # OpenCV counts from the middle of the first pixel, in 16ths here.
    for x, y in np.rint((points[:, :2] - 0.5) * 16).astype(int).tolist():
        cv2.circle(drawn, (x, y), radius * 16, colour, -1, cv2.LINE_AA, 4)
    return drawn
