"""A picture of the landmarks: some frames of a film, evenly spread, with the points of every face drawn on them."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.drawing.opencv import cv2
from genlock.extractors.face.landmarks import draw_landmarks
from genlock.extractors.face.mouth import LIPS
from genlock.extractors.face.pose import RIGID
from genlock.extractors.face.tracking import Sighting

__all__ = ["ContactSheet"]

Image = npt.NDArray[np.uint8]

_LIPS, _RIGID = (255, 90, 60), (255, 230, 0)


class ContactSheet:
    """A sink of a :class:`~genlock.extractors.face.tracking.FaceTracker`: keeps frames with faces, and draws them.

    The mesh is green, the lips are red, the points that pose is measured on are yellow. Whatever the length of the
    film, at most twice ``frames`` pictures are held.

    Parameters
    ----------
    frames : pictures on the sheet, at least 1
    width : of one picture in pixels, 64...4096
    """

    def __init__(self, frames: int = 12, width: int = 360) -> None:
        if frames < 1 or not 64 <= width <= 4096:
            raise OptionError(f"a sheet of {frames} pictures, {width} pixels wide: at least 1 and 64...4096")
        self.frames, self.width = frames, width
        self._step = 1
        self._kept: dict[int, Image] = {}

    def __call__(self, sighting: Sighting) -> None:
        """Draw one face of one frame."""
        if sighting.frame not in self._kept:
            if sighting.frame % self._step:
                return
            self._kept[sighting.frame] = sighting.image
            self._thin_out()
            if sighting.frame not in self._kept:
                return
        drawn = draw_landmarks(self._kept[sighting.frame], sighting.points)
        drawn = draw_landmarks(drawn, sighting.points[list(RIGID)], _RIGID)
        self._kept[sighting.frame] = draw_landmarks(drawn, sighting.points[list(LIPS)], _LIPS)

    def _thin_out(self) -> None:
        while len(self._kept) > 2 * self.frames:
            self._step *= 2
            self._kept = {frame: image for frame, image in self._kept.items() if frame % self._step == 0}

    def image(self) -> Image:
        """The sheet, RGB uint8 [H, W, 3]; grey if no face was seen."""
        chosen = sorted(self._kept)
        if len(chosen) > self.frames:
            places = np.linspace(0, len(chosen) - 1, self.frames).round().astype(int)
            chosen = [chosen[k] for k in places]
        if not chosen:
            return np.full((self.width * 9 // 16, self.width, 3), 128, np.uint8)
        pictures = [self._small(self._kept[frame], frame) for frame in chosen]
        columns = int(np.ceil(np.sqrt(len(pictures))))
        blank = np.zeros_like(pictures[0])
        pictures += [blank] * (-len(pictures) % columns)
        rows = [np.hstack(pictures[k : k + columns]) for k in range(0, len(pictures), columns)]
        return np.asarray(np.vstack(rows))

    def _small(self, image: Image, frame: int) -> Image:
        height = max(1, round(image.shape[0] * self.width / image.shape[1]))
        way = cv2.INTER_AREA if self.width < image.shape[1] else cv2.INTER_CUBIC
        small: Image = np.array(cv2.resize(image, (self.width, height), interpolation=way), dtype=np.uint8)
        cv2.putText(small, str(frame), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(
            small, str(frame), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA
        )
        return small

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sheet; the ending says how: .png, .jpg or .webp.

        Raises OutputError if the file cannot be written.
        """
        with atomic_path(path) as temporary:
            try:
                written = cv2.imwrite(str(temporary), self.image()[..., ::-1])
            except cv2.error as error:
                raise OutputError(f"cannot write {os.fspath(path)!r}: name it .png, .jpg or .webp") from error
            if not written:
                raise OutputError(f"cannot write {os.fspath(path)!r}: name it .png, .jpg or .webp")
