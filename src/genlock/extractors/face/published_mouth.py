"""Mouth crops in the published way of AV-HuBERT and its kin, so that public weights see what they were trained on.

Five points that speech hardly moves (the nose's base, the corners of the eyes) are smoothed over twelve frames and laid
onto a mean face in a picture of 256 x 256, by a similarity; out of that picture a square is cut around the mouth of the
frame itself, by whole pixels. The published code smooths over a frame and the eleven that follow it, and the last
frames take the last similarity: both is so here, though frames come one after the other.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError
from genlock.drawing.opencv import cv2
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.pose import CANONICAL_RIGID
from genlock.extractors.face.tracking import Sighting

__all__ = ["FACE_SIDE", "SETTLED_AFTER", "STABLE", "PublishedCrops", "default_mean_face", "read_mean_face"]

Image: TypeAlias = npt.NDArray[np.uint8]
FloatArray: TypeAlias = npt.NDArray[np.float64]

#: Side of the picture onto which a face is laid, and over how many frames its points are smoothed.
FACE_SIDE, _SMOOTH = 256, 12
#: So many frames later a crop is not drawn again.
SETTLED_AFTER = _SMOOTH
#: The five points, among the 68 of iBUG: base of the nose, outer and inner corners of the eyes.
STABLE: tuple[int, ...] = (33, 36, 39, 42, 45)
_MOUTH = slice(48, 68)
# Pixels of the laid face for each distance between the outer corners of the eyes, as our own crops of 96 have it.
_EYES_APART = 80.0
# Where the middle of the eyes lies in it.
_EYES_AT = (128.0, 96.0)


def default_mean_face() -> FloatArray:
    """Where the five points lie without the published file: those of our own upright face, [5, 2] in pixels.

    Its eyes are 80 pixels apart, so that 96 pixels show as much of a mouth as ``mouth/96`` does.

    >>> default_mean_face().round().tolist()
    [[128.0, 138.0], [88.0, 96.0], [113.0, 97.0], [143.0, 97.0], [168.0, 96.0]]
    """
    eyes = CANONICAL_RIGID[:4, :2]  # outer, inner, inner, outer
    middle = eyes[[0, 3]].mean(axis=0)
    nose = np.array([0.0, middle[1] + 0.52])
    points = np.concatenate([nose[None], eyes]) - middle
    return np.asarray(points * _EYES_APART + _EYES_AT)


def read_mean_face(path: str | os.PathLike[str]) -> FloatArray:
    """The five points of the published mean face, [5, 2], out of its file of 68 points (``20words_mean_face.npy``).

    Raises
    ------
    InputError
        If there is no such file.
    FormatError
        If it does not hold 68 points.
    """
    name = os.fspath(path)
    try:
        points = np.load(Path(name), allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot read the mean face {name!r}: {error.strerror or error}") from error
    except ValueError as error:
        raise FormatError(
            f"{name!r} is no array of numbers: {error}; give the published .npy file"
        ) from error
    if points.shape != (68, 2):
        raise FormatError(f"{name!r} has the shape {points.shape}; a mean face has 68 points, (68, 2)")
    return np.asarray(points[list(STABLE)], np.float64)


@dataclass(eq=False)
class _Waiting:
    """A frame whose crop waits for the frames that its similarity is smoothed over."""

    crop: Image
    part: Image
    corner: FloatArray
    stable: FloatArray
    mouth: FloatArray


@dataclass(eq=False)
class _FaceCrops:
    """One face that is being followed."""

    frame: int
    waiting: deque[_Waiting] = field(default_factory=deque)
    way: tuple[complex, complex] | None = None


class PublishedCrops:
    """Takes the faces of a film, frame by frame, and gives their mouths, uint8 [side, side].

    A crop is drawn at once by the last similarity, and drawn again in place when the eleven frames after it have come;
    the last crops of a film keep the last similarity, as the published code leaves them.

    Parameters
    ----------
    side : pixels
    mean_face : where the five points lie in a picture of 256 x 256, [5, 2]
    """

    def __init__(self, side: int = 96, mean_face: FloatArray | None = None) -> None:
        self.side = side
        self._target = default_mean_face() if mean_face is None else mean_face
        self._faces: dict[int, _FaceCrops] = {}

    def __call__(self, face: Sighting) -> Image:
        """The crop of one face of one frame; it may still be drawn again while frames come."""
        known = self._faces.get(face.face)
        if known is None or face.fresh or face.frame != known.frame + 1:
            known = self._faces[face.face] = _FaceCrops(face.frame)
        known.frame = face.frame
        now = self._seen(face)
        known.waiting.append(now)
        full = len(known.waiting) == _SMOOTH
        if full or known.way is None:
            # Before the first twelve frames are there, of those that are.
            way = _similarity(np.mean([one.stable for one in known.waiting], axis=0), self._target)
            known.way = way if full else None
            for one in known.waiting:
                self._draw(one, way)
            if full:
                known.waiting.popleft()
        else:
            self._draw(now, known.way)
        self._faces = {name: kept for name, kept in self._faces.items() if kept.frame >= face.frame - 1}
        return now.crop

    def _seen(self, face: Sighting) -> _Waiting:
        """What is kept of a frame: the grey part around the mouth, and the points."""
        points = np.asarray(face.points[list(MESH_TO_68), :2], np.float64)
        stable, mouth = points[list(STABLE)], points[_MOUTH].mean(axis=0)
        scale = 1 / max(abs(_similarity(stable, self._target)[0]), 1e-6)
        reach = int(np.ceil(self.side * scale)) + 2  # turned by any angle, and a little larger
        height, width = face.image.shape[:2]
        low = np.clip(np.floor(mouth - reach).astype(int), 0, [width - 1, height - 1])
        high = np.clip(np.ceil(mouth + reach).astype(int), low + 1, [width, height])
        part = cv2.cvtColor(
            np.ascontiguousarray(face.image[low[1] : high[1], low[0] : high[0]]), cv2.COLOR_RGB2GRAY
        )
        crop = np.zeros((self.side, self.side), np.uint8)
        return _Waiting(crop, np.asarray(part, np.uint8), low.astype(np.float64), stable, mouth)

    def _draw(self, one: _Waiting, way: tuple[complex, complex]) -> None:
        turn, move = way
        middle = turn * complex(*one.mouth) + move
        # Cut by whole pixels of the laid face.
        left = complex(round(middle.real) - self.side // 2, round(middle.imag) - self.side // 2)
        back = 1 / turn
        start = (left - move) * back - complex(*one.corner)
        matrix = np.array([[back.real, -back.imag, start.real], [back.imag, back.real, start.imag]])
        cv2.warpAffine(
            one.part,
            matrix,
            (self.side, self.side),
            dst=one.crop,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _similarity(points: FloatArray, target: FloatArray) -> tuple[complex, complex]:
    """Factor and shift of the best similarity (Umeyama 1991) from points to a target, [P, 2] both, as x + i y."""
    a, b = (p[:, 0] + 1j * p[:, 1] for p in (points, target))
    mid_a, mid_b = a.mean(), b.mean()
    power = float((np.abs(a - mid_a) ** 2).sum())
    turn = complex(((b - mid_b) * (a - mid_a).conj()).sum() / max(power, 1e-9))
    turn = turn if abs(turn) > 1e-9 else 1e-9 + 0j
    return turn, complex(mid_b - turn * mid_a)
