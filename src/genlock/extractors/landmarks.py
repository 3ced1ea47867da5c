"""Facial landmarks as Tracks on the video's own cells: the mesh or a part of it, pose, and the 68-point view."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.extractors.faces import FaceOptions, FaceTracker, Sighting
from genlock.media import ReadOptions, frame_cells, read
from genlock.models.face_nets import LEFT_EYE_OUTER, MESH_POINTS, RIGHT_EYE_OUTER

__all__ = [
    "LIPS", "MESH_TO_68", "RIGID", "FaceLandmarks", "LandmarkSink", "Pose", "as_68", "draw_landmarks",
    "extract_landmarks", "pose_of", "without_pose",
]  # fmt: skip

Points: TypeAlias = npt.NDArray[np.float32]

#: Points of the mesh that stand for the 68 points of Multi-PIE / iBUG, in their order (jaw, brows, nose, eyes, mouth).
#: A correspondence by position on the face: the jaw line differs from 68-point detectors where the head turns.
MESH_TO_68: tuple[int, ...] = (
    127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
#: The lips: outer ring, then inner ring, each from the person's right corner over the upper lip and back.
LIPS: tuple[int, ...] = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
#: Points that speech moves least: eye corners, bridge of the nose, temples. Pose is measured on these.
RIGID: tuple[int, ...] = (33, 133, 362, 263, 168, 6, 197, 195, 5, 127, 356, 162, 389, 10, 151, 9)


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


class LandmarkSink:
    """Collects what a :class:`FaceTracker` sees."""

    def __init__(self, indices: Sequence[int] | None = None) -> None:
        self.indices = tuple(range(MESH_POINTS)) if indices is None else tuple(indices)
        if not self.indices or min(self.indices) < 0 or max(self.indices) >= MESH_POINTS:
            raise OptionError(f"mesh points are numbered 0...{MESH_POINTS - 1}")
        self._frames: dict[int, list[int]] = {}
        self._points: dict[int, list[Points]] = {}
        self._presence: dict[int, list[float]] = {}

    def __call__(self, sighting: Sighting) -> None:
        self._frames.setdefault(sighting.face, []).append(sighting.frame)
        self._points.setdefault(sighting.face, []).append(sighting.points[list(self.indices)])
        self._presence.setdefault(sighting.face, []).append(sighting.presence)

    def faces(self, cells: Cells) -> list[FaceLandmarks]:
        """All faces, each on its part of the video's cells."""
        found = []
        for face, frames in self._frames.items():
            first, length = frames[0], frames[-1] - frames[0] + 1
            rows = np.array(frames) - first
            points = np.zeros((length, len(self.indices), 3), np.float32)
            presence = np.zeros(length, np.float32)
            valid = np.zeros(length, bool)
            points[rows], presence[rows], valid[rows] = self._points[face], self._presence[face], True
            part = _part(cells, first, length)
            found.append(
                FaceLandmarks(
                    face,
                    first,
                    Track(points, part, valid, name="landmarks", unit="pixels"),
                    self.indices,
                    Track(presence, part, valid, name="presence"),
                )
            )
        return found


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
    sink = LandmarkSink(indices)
    tracker = FaceTracker([sink], options or FaceOptions())
    cells, _ = frame_cells(file, reading)
    read(file, [tracker], reading, lambda done, total: progress("faces", done, total))
    return sink.faces(cells)


def as_68(landmarks: FaceLandmarks) -> Track:
    """The 68-point view of a whole mesh, float32 [T, 68, 3]; see :data:`MESH_TO_68`."""
    return landmarks.select(MESH_TO_68)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a face stands, frame by frame, in the plane of the picture."""

    center: npt.NDArray[np.float64]
    """Middle of the rigid points, [T, 2], pixels."""
    scale: npt.NDArray[np.float64]
    """Distance between the outer corners of the eyes, [T], pixels."""
    rotation: npt.NDArray[np.float64]
    """Tilt [T] in radians, clockwise as seen."""


def pose_of(landmarks: FaceLandmarks) -> Pose:
    """Position, scale and rotation of a face in each frame, from the outer corners of its eyes and :data:`RIGID`."""
    eyes = landmarks.select((RIGHT_EYE_OUTER, LEFT_EYE_OUTER)).values[..., :2].astype(np.float64)
    rigid = landmarks.select(RIGID).values[..., :2].astype(np.float64)
    across = eyes[:, 1] - eyes[:, 0]
    return Pose(
        rigid.mean(axis=1), np.hypot(across[:, 0], across[:, 1]), np.arctan2(across[:, 1], across[:, 0])
    )


def without_pose(landmarks: FaceLandmarks, indices: Sequence[int] = LIPS) -> Track:
    """Points of a face with position, scale and rotation in the picture's plane removed, float32 [T, P, 2].

    Each frame's :data:`RIGID` points are brought onto the clip's mean rigid points by the best similarity
    (Umeyama 1991, without reflection), and the same map is applied to the chosen points. The unit is the clip's mean
    inter-ocular distance.
    """
    valid = landmarks.points.valid
    rigid = landmarks.select(RIGID).values[..., :2].astype(np.float64)
    chosen = landmarks.select(indices)
    if not valid.any():
        return chosen.map(
            lambda values: np.zeros((len(values), len(indices), 2), np.float32), unit="eye distances"
        )
    eye_distance = pose_of(landmarks).scale[valid].mean()
    centred = rigid - rigid.mean(axis=1, keepdims=True)
    flat = centred[..., 0] + 1j * centred[..., 1]
    target = _mean_shape(flat[valid]) / eye_distance
    turn = (flat.conj() * target).sum(axis=1) / np.maximum((np.abs(flat) ** 2).sum(axis=1), 1e-12)
    moved = chosen.values[..., :2] - rigid.mean(axis=1, keepdims=True)
    aligned = (moved[..., 0] + 1j * moved[..., 1]) * turn[:, None]
    values = np.stack([aligned.real, aligned.imag], axis=-1).astype(np.float32)
    values[~valid] = 0
    return chosen.map(
        lambda _: values, name="lips" if tuple(indices) == LIPS else "points", unit="eye distances"
    )


def _mean_shape(shapes: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    """Mean of shapes [T, P] (complex) after each is turned and scaled onto the mean, by two rounds."""
    mean = shapes[0]
    for _ in range(2):
        turn = (shapes.conj() * mean).sum(axis=1) / np.maximum((np.abs(shapes) ** 2).sum(axis=1), 1e-12)
        mean = (shapes * turn[:, None]).mean(axis=0)
    size = np.sqrt((np.abs(shapes) ** 2).sum(axis=1).mean())
    return np.asarray(mean * size / max(float(np.sqrt((np.abs(mean) ** 2).sum())), 1e-12))


def draw_landmarks(image: npt.NDArray[np.uint8], points: Points) -> npt.NDArray[np.uint8]:
    """A copy of an RGB image with points [P, 2 or 3] drawn on it."""
    drawn = image.copy()
    radius = max(1, round(min(image.shape[:2]) / 300))
    for x, y in points[:, :2]:
        cv2.circle(drawn, (round(float(x)), round(float(y))), radius, (60, 255, 120), -1, cv2.LINE_AA)
    return drawn


def _part(cells: Cells, first: int, length: int) -> Cells:
    if isinstance(cells, Ticks):
        return cells.part(range(first, first + length))
    return Grid(cells.rate, cells.edge(first), cells.clock)
