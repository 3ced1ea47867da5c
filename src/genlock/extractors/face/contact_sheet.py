"""A picture of the landmarks: some frames of a film, evenly spread, with the points of every face drawn on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.core.grid import Cells
from genlock.drawing.canvas import paste_text
from genlock.drawing.opencv import cv2
from genlock.extractors.face.landmarks import MESH_TO_68, draw_landmarks
from genlock.extractors.face.pose import LIPS, RIGID
from genlock.extractors.face.tracking import Sighting
from genlock.models.face_nets import MESH_POINTS, Points

__all__ = ["ContactSheet", "points_of"]

Image = npt.NDArray[np.uint8]

_LETTERS, _STRIP, _MARGIN = (
    9,
    30,
    8,
)  # pixels: height of capitals, the strip of the legend, room beside a text


class _Layer(NamedTuple):
    """Points that are drawn in one colour."""

    indices: Sequence[int]
    colour: tuple[int, int, int]
    text: str


_LAYERS = {
    "mesh": _Layer(range(MESH_POINTS), (60, 255, 120), f"the mesh, {MESH_POINTS} points"),
    "68": _Layer(MESH_TO_68, (60, 255, 120), "68 points"),
    "pose": _Layer(RIGID, (255, 230, 0), f"what pose is measured on, {len(RIGID)} points"),
    "lips": _Layer(LIPS, (255, 90, 60), f"lips, {len(LIPS)} points"),
}


def points_of(features: Iterable[str]) -> tuple[str, ...]:
    """Which points show what features of faces are made of: ``mesh``, ``68``, ``pose``, ``lips``, those that apply.

    >>> points_of(["mel", "landmarks:68"]), points_of(["mouth:aperture"]), points_of(["energy"])
    (('68',), ('lips',), ('mesh', 'pose', 'lips'))
    """
    wanted: set[str] = set()
    for name in features:
        kind, _, preset = name.partition(":")
        if kind == "mouth" or name == "landmarks:lips":
            wanted.add("lips")
        elif kind == "landmarks":
            wanted |= {"68": {"68"}, "upright": {"mesh", "pose"}}.get(preset, {"mesh"})
    return tuple(layer for layer in _LAYERS if layer in (wanted or {"mesh", "pose", "lips"}))


class ContactSheet:
    """A sink of a :class:`~genlock.extractors.face.tracking.FaceTracker`: keeps frames with faces, and draws them.

    Each picture bears its time and the number of its frame; below them stands which colour is what. Whatever the length
    of the film, at most twice ``frames`` pictures are held.

    Parameters
    ----------
    frames : pictures on the sheet, at least 1
    width : of one picture in pixels, 64...4096
    points : what is drawn, of ``mesh``, ``68``, ``pose`` and ``lips``; see :func:`points_of`
    """

    def __init__(
        self, frames: int = 12, width: int = 360, points: Sequence[str] = ("mesh", "pose", "lips")
    ) -> None:
        if frames < 1 or not 64 <= width <= 4096:
            raise OptionError(f"a sheet of {frames} pictures, {width} pixels wide: at least 1 and 64...4096")
        unknown = [name for name in points if name not in _LAYERS]
        if unknown or not points:
            raise OptionError(f"points={tuple(points)!r} can be drawn of {', '.join(_LAYERS)}, one at least")
        self.frames, self.width = frames, width
        self._layers = [_LAYERS[name] for name in points]
        self._step = 1
        self._kept: dict[int, tuple[Image, list[Points]]] = {}

    def __call__(self, sighting: Sighting) -> None:
        """Take one face of one frame."""
        if sighting.frame not in self._kept:
            if sighting.frame % self._step:
                return
            self._kept[sighting.frame] = (sighting.image, [])
            self._thin_out()
            if sighting.frame not in self._kept:
                return
        self._kept[sighting.frame][1].append(sighting.points)

    def _thin_out(self) -> None:
        while len(self._kept) > 2 * self.frames:
            self._step *= 2
            self._kept = {frame: kept for frame, kept in self._kept.items() if frame % self._step == 0}

    def image(self, cells: Cells | None = None) -> Image:
        """The sheet, RGB uint8 [H, W, 3]; grey if no face was seen.

        Parameters
        ----------
        cells : of the film's frames; None: only their numbers are shown, not their times
        """
        chosen = sorted(self._kept)
        if len(chosen) > self.frames:
            places = np.linspace(0, len(chosen) - 1, self.frames).round().astype(int)
            chosen = [chosen[k] for k in places]
        if not chosen:
            return np.full((self.width * 9 // 16, self.width, 3), 128, np.uint8)
        pictures = [self._small(frame, cells) for frame in chosen]
        columns = int(np.ceil(np.sqrt(len(pictures))))
        blank = np.zeros_like(pictures[0])
        pictures += [blank] * (-len(pictures) % columns)
        rows = [np.hstack(pictures[k : k + columns]) for k in range(0, len(pictures), columns)]
        return np.asarray(np.vstack([*rows, self._legend(columns * self.width)]))

    def _small(self, frame: int, cells: Cells | None) -> Image:
        """One frame in its final size; its points are drawn in that, so that they are as large in every film."""
        image, faces = self._kept[frame]
        scale = self.width / image.shape[1]
        size = (self.width, max(1, round(image.shape[0] * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        small: Image = np.array(cv2.resize(image, size, interpolation=way), dtype=np.uint8)
        for points in faces:
            for layer in self._layers:
                small = draw_landmarks(small, points[list(layer.indices)] * scale, layer.colour)
        text = f"frame {frame}" if cells is None else f"{float(cells.edge(frame)):.3f} s   frame {frame}"
        small[: _LETTERS + 2 * _MARGIN] //= 3
        paste_text(small, text, (_MARGIN, _MARGIN + _LETTERS / 2), _LETTERS, (255, 255, 255))
        return small

    def _legend(self, width: int) -> Image:
        """Which colour is what, in lines as wide as the sheet."""
        entry = min(width, 300)
        across = max(1, width // entry)
        lines = -(-len(self._layers) // across)
        strip: Image = np.full((lines * _STRIP, width, 3), 16, np.uint8)
        for k, layer in enumerate(self._layers):
            x, y = k % across * entry + 16, k // across * _STRIP + _STRIP // 2
            cv2.circle(strip, (x, y), 5, layer.colour, -1, cv2.LINE_AA)
            paste_text(strip, layer.text, (x + 14, y), _LETTERS, (220, 220, 220))
        return strip

    def save(self, path: str | os.PathLike[str], cells: Cells | None = None) -> None:
        """Write the sheet of :meth:`image`; the ending says how: .png, .jpg or .webp.

        Raises OutputError if the file cannot be written.
        """
        with atomic_path(path) as temporary:
            try:
                written = cv2.imwrite(str(temporary), self.image(cells)[..., ::-1])
            except cv2.error as error:
                raise OutputError(f"cannot write {os.fspath(path)!r}: name it .png, .jpg or .webp") from error
            if not written:
                raise OutputError(f"cannot write {os.fspath(path)!r}: name it .png, .jpg or .webp")
