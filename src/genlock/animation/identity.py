"""Whose face it is: the frames of a person, out of a picture or a film, each with its mesh; or why there are none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.motion import Mesh, resting_mesh
from genlock.core.errors import InputError, MediaError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.face.pose import RIGID, head_pose
from genlock.extractors.face.tracking import FaceOptions, FaceTracker, Sighting
from genlock.media import ReadOptions, VideoCell, VideoForm, read

__all__ = ["LEAST_EYE_PIXELS", "MOST_YAW", "Footage", "load_footage"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: A face whose outer eye corners lie nearer than this has too little of a mouth to be moved, in pixels.
LEAST_EYE_PIXELS = 28.0
#: A face that is turned further than this, in degrees, shows one half only.
MOST_YAW = 32.0
_NOTED_YAW = 18.0
# Frames of a person are kept as JPEG, so many seconds of them at most.
_MOST_SECONDS = Fraction(20)
_LONGEST_SIDE = 1280
_QUALITY = 96


@dataclass(frozen=True, eq=False)
class Footage:
    """Consecutive frames of one face."""

    pictures: Sequence[bytes]
    """JPEG of each frame, [T]."""
    meshes: npt.NDArray[np.float32]
    """The mesh in each, in pixels, [T, 468, 3]."""
    cells: Cells | None
    """The frames' cells; None for a picture, which lasts."""
    size: tuple[int, int]
    """Width and height in pixels, even numbers."""
    resting: Mesh
    """The face at rest, upright, [468, 3], in eye distances."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, k: int) -> Pixels:
        """Frame k, RGB uint8 [H, W, 3]."""
        return _decoded(np.frombuffer(self.pictures[k], np.uint8))

    def back_and_forth(self, seconds: Fraction, hold: bool = False) -> tuple[Cells, npt.NDArray[np.int64]]:
        """Frames for at least so long: played forwards and backwards in turn, or once and then held.

        Returns
        -------
        cells : of the frames that are shown, from 0 on
        order : which frame of the footage each of them is, int64
        """
        assert self.cells is not None
        stamps = self.cells.stamps(len(self))
        steps = np.diff(np.asarray(stamps, np.int64))
        tick = self.cells.tick
        there = np.arange(len(self))
        if hold:
            count = (
                max(0, -(-int((seconds / tick - int(steps.sum())) // 1) // max(int(np.median(steps)), 1))) + 1
            )
            order = np.concatenate([there, np.full(count, len(self) - 1)])
            lengths = np.concatenate([steps, np.full(count, int(np.median(steps)))])
        else:
            back = there[-2:0:-1]
            once, lasts = np.concatenate([there, back]), np.concatenate([steps, steps[back]])
            rounds = int(seconds / (int(lasts.sum()) * tick)) + 1
            order, lengths = np.tile(once, rounds), np.tile(lasts, rounds)
        if isinstance(self.cells, Grid):
            return Grid(self.cells.rate), order
        edges = np.concatenate([[0], np.cumsum(lengths)])
        return Ticks(edges[:-1], tick, int(lengths[-1])), order


def load_footage(path: str | os.PathLike[str]) -> Footage:
    """The face of a picture or of a film.

    Raises
    ------
    MediaError
        If it is neither.
    InputError
        If there is no face in it that could talk; the message says why not, and what to give.
    MissingModel
        If the face models are not here: ``genlock models fetch``.
    """
    data = _bytes_of(path)
    image = None if data is None else _decoded_or_none(data)
    if image is not None:
        return _of_picture(image, os.fspath(path))
    return _of_film(path)


# ---------------------------------------------------------------- a picture


def _of_picture(image: Pixels, name: str) -> Footage:
    fitted = _fitted(image)
    seen: list[Sighting] = []
    tracker = FaceTracker([seen.append], FaceOptions(most=12))
    tracker.push(VideoCell(fitted, 0, Fraction(0), Fraction(1, 25), "picture"))
    if not seen:
        raise InputError(_nobody(name))
    sizes = [float(face.pose.scale) for face in seen]
    chosen = seen[int(np.argmax(sizes))]
    notes = _judged(chosen.points[None], name)
    if len(seen) > 1:
        x, y = chosen.points[:, :2].mean(axis=0)
        notes = (
            f"{len(seen)} faces are seen in {name!r}; the largest one, at pixel ({x:.0f}, {y:.0f}), talks: cut the "
            "picture for another",
            *notes,
        )
    meshes = chosen.points[None].astype(np.float32)
    return Footage(
        [_encoded(fitted)], meshes, None, (fitted.shape[1], fitted.shape[0]), _resting(meshes), notes
    )


# ---------------------------------------------------------------- a film


class _Keeper:
    """Keeps every frame of the first seconds, and what was seen on it."""

    def __init__(self) -> None:
        self.form = VideoForm(longest_side=_LONGEST_SIDE)
        self._tracker = FaceTracker([self._see])
        self.pictures: list[bytes] = []
        self.faces: list[dict[int, npt.NDArray[np.float32]]] = []
        self._now: dict[int, npt.NDArray[np.float32]] = {}

    def push(self, cell: VideoCell) -> None:
        self._now = {}
        fitted = _fitted(cell.pixels)
        self._tracker.push(VideoCell(fitted, cell.index, cell.start, cell.end, cell.clock))
        self.pictures.append(_encoded(fitted))
        self.size = (fitted.shape[1], fitted.shape[0])
        self.faces.append(self._now)

    def finish(self) -> None:
        """Nothing is left to do."""

    def _see(self, sighting: Sighting) -> None:
        self._now[sighting.face] = sighting.points.astype(np.float32)


def _of_film(path: str | os.PathLike[str]) -> Footage:
    name, keeper = os.fspath(path), _Keeper()
    report = read(path, [keeper], ReadOptions(end=_MOST_SECONDS))
    counts: dict[int, int] = {}
    for faces in keeper.faces:
        for face in faces:
            counts[face] = counts.get(face, 0) + 1
    if not counts or report.cells is None:
        raise InputError(_nobody(name))
    main = max(counts, key=lambda face: (counts[face], -face))
    first, stop = _longest_run([main in faces for faces in keeper.faces])
    meshes = np.stack([faces[main] for faces in keeper.faces[first:stop]])
    notes = _judged(meshes, name)
    if len(counts) > 1:
        notes = (f"{len(counts)} faces are seen in {name!r}; the one that is seen longest talks", *notes)
    if stop - first < len(keeper.faces):
        notes = (
            *notes,
            f"frames {first} to {stop - 1} of {name!r} are used: there the face is seen throughout",
        )
    cells = report.cells.part(range(first, stop))
    return Footage(keeper.pictures[first:stop], meshes, cells, keeper.size, _resting(meshes), notes)


def _longest_run(seen: Sequence[bool]) -> tuple[int, int]:
    turns = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(seen, np.int8), [0]])))
    starts, stops = turns[::2], turns[1::2]
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])


# ---------------------------------------------------------------- both


def _resting(meshes: npt.NDArray[np.float32]) -> Mesh:
    pose = head_pose(meshes[:, list(RIGID)])
    flat = np.concatenate([pose.to_head(meshes), meshes[..., 2:] / pose.scale[:, None, None]], axis=-1)
    return resting_mesh(Track(flat.astype(np.float32), Grid(25)))


def _judged(meshes: npt.NDArray[np.float32], name: str) -> tuple[str, ...]:
    """What to beware of in a face; raises InputError if it cannot talk."""
    scale = float(np.median(head_pose(meshes[:, list(RIGID)]).scale))
    if scale < LEAST_EYE_PIXELS:
        raise InputError(
            f"the face in {name!r} is too small: its eyes lie {scale:.0f} pixels apart, and {LEAST_EYE_PIXELS:.0f} are "
            "needed; give a larger picture of it"
        )
    # Of the outer corners of the eyes, the one that is further away tells how far the head is turned.
    across, back = (meshes[:, 263, k] - meshes[:, 33, k] for k in (0, 2))
    yaw = float(np.degrees(np.median(np.abs(np.arctan2(back, np.abs(across))))))
    if yaw > MOST_YAW:
        raise InputError(
            f"the face in {name!r} is turned away by about {yaw:.0f} degrees, so that half of the mouth is hidden; "
            "give one that looks at the camera"
        )
    if yaw > _NOTED_YAW:
        return (
            f"the face in {name!r} is turned by about {yaw:.0f} degrees: the far side of the mouth is a guess",
        )
    return ()


def _nobody(name: str) -> str:
    return (
        f"no face is seen in {name!r}: give a person who looks at the camera. The face of a drawing or an animal may "
        "not be seen; Genlock draws faces of its own with --face"
    )


def _bytes_of(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8] | None:
    """The whole file if it may be a picture; None for what is too large for one, or is no file."""
    try:
        if os.path.getsize(path) > 200_000_000:
            return None
        return np.fromfile(path, np.uint8)
    except OSError:
        return None


def _decoded_or_none(data: npt.NDArray[np.uint8]) -> Pixels | None:
    if not len(data):
        raise MediaError("the identity is an empty file; give a picture or a film")
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.ascontiguousarray(image[..., ::-1])


def _decoded(data: npt.NDArray[np.uint8]) -> Pixels:
    image = _decoded_or_none(data)
    assert image is not None
    return image


def _encoded(image: Pixels) -> bytes:
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    assert done
    return data.tobytes()


def _fitted(image: Pixels) -> Pixels:
    """An image whose sides are even, the longer one at most 1280 pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
    if size == (width, height):
        return image
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
