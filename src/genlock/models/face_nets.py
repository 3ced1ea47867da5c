"""MediaPipe's face detector and 468-point face mesh under LiteRT: images in, numbers out, no memory of other frames.

The files are Google's (Apache-2.0); anchors, decoding and regions of interest are ours, after the published model
cards of BlazeFace (short range) and Face Mesh. Pixel coordinates have their origin at the corner of the image, so
the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.optional import not_installed, require_packages
from genlock.drawing.opencv import cv2
from genlock.weights import registry

__all__ = [
    "LEFT_EYE_OUTER",
    "MESH_POINTS",
    "RIGHT_EYE_OUTER",
    "Detection",
    "FaceDetector",
    "FaceMesh",
    "Region",
]

Image: TypeAlias = npt.NDArray[np.uint8]
Points: TypeAlias = npt.NDArray[np.float32]

_DETECTION, _MESH = "mediapipe-face-detection", "mediapipe-face-mesh"
MESH_POINTS = 468
# The outer corners of the eyes in the mesh: between them the face's tilt is measured.
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263

_DETECTOR_SIDE, _MESH_SIDE = 128, 192
_KEYPOINTS = 6
# Cells a side and anchors a cell of the detector's two grids: strides 8 and 16 of 128 pixels.
_ANCHOR_GRIDS = ((16, 2), (8, 6))
_REGION_SCALE = 1.5  # margin around the face that the mesh was trained with


@dataclass(frozen=True)
class Detection:
    """One face that the detector saw."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom, in pixels."""
    keypoints: Points
    """Right eye, left eye, nose, mouth, right ear, left ear (the person's right): float32 [6, 2], in pixels."""
    score: float
    """How sure the detector is, 0...1."""

    def region(self) -> Region:
        """Where the mesh should look."""
        (x0, y0), (x1, y1) = self.keypoints[0], self.keypoints[1]
        left, top, right, bottom = self.box
        return Region(
            (left + right) / 2,
            (top + bottom) / 2,
            _REGION_SCALE * max(right - left, bottom - top),
            float(np.arctan2(y1 - y0, x1 - x0)),
        )

    def moved(self, right: float, down: float) -> Detection:
        """The same face in a picture of which this one is a part that begins so many pixels further on."""
        left, top, end, bottom = self.box
        box = (left + right, top + down, end + right, bottom + down)
        return Detection(box, self.keypoints + np.array([right, down], np.float32), self.score)


@dataclass(frozen=True)
class Region:
    """A square part of an image, turned so that the face in it stands upright."""

    x: float
    """Centre, in pixels."""
    y: float
    """Centre, in pixels."""
    side: float
    """Length of a side, in pixels."""
    angle: float
    """How far the face is turned, in radians, clockwise as seen."""

    @classmethod
    def of_mesh(cls, points: Points) -> Region:
        """The region for the next frame, from this frame's mesh [468, 2 or 3]."""
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        eyes = points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]
        middle = (low + high) / 2
        return cls(
            float(middle[0]),
            float(middle[1]),
            _REGION_SCALE * float((high - low).max()),
            float(np.arctan2(eyes[1], eyes[0])),
        )

    def to_image(self, side: int) -> npt.NDArray[np.float64]:
        """The affine map [2, 3] from pixels of a crop of ``side`` to pixels of the image."""
        scale = self.side / side
        c, s = scale * np.cos(self.angle), scale * np.sin(self.angle)
        half = side / 2
        return np.array([[c, -s, self.x - c * half + s * half], [s, c, self.y - s * half - c * half]])

    def overlap(self, other: Region) -> float:
        """Intersection over union of the two upright squares around the centres, 0...1."""
        width = min(self.x + self.side / 2, other.x + other.side / 2) - max(
            self.x - self.side / 2, other.x - other.side / 2
        )
        height = min(self.y + self.side / 2, other.y + other.side / 2) - max(
            self.y - self.side / 2, other.y - other.side / 2
        )
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.side**2 + other.side**2 - shared)


def _required(model: str) -> Path:
    """The file of one of the two models. Whoever looks for faces needs both, and the packages before them: all that is
    not here is told at once."""
    require_packages("cv2", "ai_edge_litert", what="looking for faces")
    detection, mesh = registry.require_all(_DETECTION, _MESH)
    return detection if model == _DETECTION else mesh


class FaceDetector:
    """Finds faces in an image that are at least some 15 % of its longer side; see :meth:`detect`.

    Raises
    ------
    MissingModel, MissingDependency
        If the model file or ai-edge-litert is not here; the message says how to get it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._net = _Net(_required(_DETECTION), threads)

    @cached_property
    def _anchors(self) -> Points:
        rows = [
            np.repeat(
                np.stack(np.meshgrid(np.arange(n), np.arange(n)), axis=-1).reshape(-1, 2), count, axis=0
            )
            / n
            + 0.5 / n
            for n, count in _ANCHOR_GRIDS
        ]
        return np.concatenate(rows).astype(np.float32)

    def detect(self, image: Image, least_score: float = 0.5) -> list[Detection]:
        """Faces in an RGB image, uint8 [H, W, 3], best first.

        Parameters
        ----------
        least_score : what the detector must be sure of, 0...1
        """
        _check_image(image)
        height, width = image.shape[:2]
        side = max(height, width)
        scale = side / _DETECTOR_SIDE
        left, top = (width - side) / 2, (height - side) / 2
        crop = _crop(
            image, np.array([[scale, 0, left], [0, scale, top]]), _DETECTOR_SIDE, cv2.BORDER_CONSTANT
        )
        raw, logits = self._net.run(
            np.asarray(crop.astype(np.float32) / 127.5 - 1, np.float32), "regressors", "classificators"
        )
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        good = np.flatnonzero(scores >= least_score)
        places = raw[0, good].reshape(len(good), 2 + _KEYPOINTS, 2) / _DETECTOR_SIDE
        places[:, 0] += self._anchors[good]
        places[:, 2:] += self._anchors[good, None]
        found = np.concatenate(
            [places[:, :1] - places[:, 1:2] / 2, places[:, :1] + places[:, 1:2] / 2, places[:, 2:]], axis=1
        )
        return _merged(found * side + np.array([left, top]), scores[good])


class FaceMesh:
    """468 points of one face in a region of an image; see :meth:`points`."""

    def __init__(self, threads: int = 1) -> None:
        self._net = _Net(_required(_MESH), threads)

    def points(self, image: Image, region: Region) -> tuple[Points, float]:
        """The mesh of the face in a region.

        Returns
        -------
        points : float32 [468, 3]
            x and y in pixels of the image, z in pixels, smaller is nearer to the camera.
        presence : float
            How sure the network is that there is a face, 0...1.
        """
        _check_image(image)
        to_image = region.to_image(_MESH_SIDE)
        crop = _crop(image, to_image, _MESH_SIDE, cv2.BORDER_REPLICATE)
        raw, logit = self._net.run(
            np.asarray(crop.astype(np.float32) / 255, np.float32), "conv2d_21", "conv2d_31"
        )
        mesh = raw.reshape(MESH_POINTS, 3)
        points = np.empty_like(mesh)
        points[:, :2] = mesh[:, :2] @ to_image[:, :2].T + to_image[:, 2]
        points[:, 2] = mesh[:, 2] * (region.side / _MESH_SIDE)
        return points.astype(np.float32), float(1 / (1 + np.exp(-np.clip(logit.reshape(-1)[0], -80, 80))))


class _Net:
    """One LiteRT interpreter; one thread at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        if threads < 1:
            raise OptionError(f"threads={threads} is below 1")
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise not_installed("ai_edge_litert", "looking for faces") from error
        with _without_greeting():
            self._interpreter: Any = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = {d["name"]: d["index"] for d in self._interpreter.get_output_details()}

    def run(self, image: npt.NDArray[np.float32], *names: str) -> list[npt.NDArray[np.float32]]:
        """Named outputs for one image [H, W, 3]."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(self._outputs[name]) for name in names]


@contextmanager
def _without_greeting() -> Iterator[None]:
    """LiteRT says on standard error, past Python, which delegate it made; what else is said is passed on."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            heard.seek(0)
            for line in heard.read().splitlines(keepends=True):
                if b"XNNPACK delegate" not in line:
                    os.write(2, line)


def _check_image(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise OptionError(
            f"an image is uint8 [H, W, 3] in RGB, not {image.dtype} of shape {list(image.shape)}"
        )


def _crop(image: Image, to_image: npt.NDArray[np.float64], side: int, border: int) -> Image:
    """The square that ``to_image`` maps into the image. Corners map to corners, so centres are half a pixel in."""
    half = np.array([0.5, 0.5])
    matrix = to_image.copy()
    matrix[:, 2] += matrix[:, :2] @ half - half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=border), dtype=np.uint8
    )


def _merged(found: npt.NDArray[np.floating[Any]], scores: npt.NDArray[np.floating[Any]]) -> list[Detection]:
    """Overlapping detections become one: their mean, weighted by score, with the best one's score.

    ``found`` is [n, 8, 2]: two corners, then six keypoints.
    """
    merged: list[Detection] = []
    rest = np.argsort(-scores, kind="stable")
    while len(rest):
        same = _overlaps(found[rest[0], :2], found[rest, :2]) > 0.3
        group = rest[same]
        mean = np.average(found[group], axis=0, weights=scores[group])
        (left, top), (right, bottom) = mean[0], mean[1]
        merged.append(
            Detection(
                (float(left), float(top), float(right), float(bottom)),
                mean[2 : 2 + _KEYPOINTS].astype(np.float32),
                float(scores[group[0]]),
            )
        )
        rest = rest[~same]
    return merged


def _overlaps(one: npt.NDArray[Any], many: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Intersection over union of a box [2, 2] with boxes [n, 2, 2]; 1 with itself even if it has no area."""
    inside = np.clip(np.minimum(one[1], many[:, 1]) - np.maximum(one[0], many[:, 0]), 0, None).prod(axis=1)
    union = (one[1] - one[0]).prod() + (many[:, 1] - many[:, 0]).prod(axis=1) - inside
    ratio = np.divide(inside, union, out=np.zeros(len(many)), where=union > 0)
    ratio[0] = 1.0
    return np.asarray(ratio, dtype=np.float64)
