"""Where faces are in each frame and how far their mouths are open, for the page to draw them."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells
from genlock.core.track import Track
from genlock.extractors.face.mouth import aperture_of
from genlock.extractors.face.pose import LIPS
from genlock.extractors.face.tracking import Sighting

__all__ = ["FaceRows", "SeenFaces"]

#: Rows that the page holds at most; of more, those of every second, third, ... frame.
MOST_ROWS = 200_000
_FULL = 65_535


@dataclass(frozen=True, eq=False)
class FaceRows:
    """The faces of a film, in order of its frames."""

    frames: npt.NDArray[np.int64]
    """Number of the frame of each row, [N]."""
    faces: npt.NDArray[np.int64]
    """Identity of the face, from 0, [N]."""
    boxes: npt.NDArray[np.float32]
    """Left, top, right and bottom of face and lips, as shares of the picture, [N, 2, 4]."""
    openings: npt.NDArray[np.float32]
    """Gap between the inner lips in eye distances, [N]."""
    speaking: tuple[int, ...] = ()
    """The faces that the sound belongs to."""

    def __len__(self) -> int:
        return len(self.frames)

    def step(self) -> int:
        """Frames from one that the page knows to the next: 1, unless there are too many rows."""
        return -(-len(self) // MOST_ROWS) or 1

    def data(self) -> bytes:
        """What the page reads: twelve uint16 a row (frame low and high, face, 2 x 4 edges, opening), little-endian.

        >>> boxes = np.full((1, 2, 4), 0.5, np.float32)
        >>> one = FaceRows(np.array([70_000]), np.array([2]), boxes, np.zeros(1, np.float32))
        >>> np.frombuffer(one.data(), "<u2").tolist()
        [4464, 1, 2, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 0]
        """
        kept = self.frames % self.step() == 0
        shares = np.concatenate([self.boxes.reshape(len(self), 8), self.openings[:, None]], axis=1)[kept]
        frames = self.frames[kept]
        rows = np.concatenate(
            [
                np.stack([frames & 0xFFFF, frames >> 16, self.faces[kept]], axis=1),
                np.rint(np.clip(shares, 0, 1) * _FULL).astype(np.int64),
            ],
            axis=1,
        )
        return rows.astype("<u2").tobytes()

    def opening(self, cells: Cells, count: int) -> Track | None:
        """The opening of the mouth that speaks (else of the one that is seen longest) on the film's frames, [count]."""
        known = self.faces[self.frames < count]
        among = [face for face in self.speaking if face in known] or np.unique(known).tolist()
        if not among:
            return None
        who = max(among, key=lambda face: int((known == face).sum()))
        rows = (self.faces == who) & (self.frames < count)
        values, valid = np.zeros(count, np.float32), np.zeros(count, bool)
        values[self.frames[rows]] = self.openings[rows]
        valid[self.frames[rows]] = True
        return Track(values, cells, valid, name="mouth opening", unit="eye distances")


class SeenFaces:
    """Notes every face of a film; one of the sinks of a :class:`~genlock.extractors.face.watching.FaceWatch`.

    Of an hour with one face at 25 frames a second it holds 4 MB.
    """

    def __init__(self) -> None:
        self._who, self._numbers = array("q"), array("f")

    def __call__(self, face: Sighting) -> None:
        """Take note of a face of a frame."""
        points = face.in_frame[:, :2]
        self._who.extend((face.frame, face.face))
        for part in (points, points[list(LIPS)]):
            self._numbers.extend((*part.min(axis=0), *part.max(axis=0)))
        self._numbers.append(float(aperture_of(face.lips.astype(np.float32))))

    def rows(self, size: tuple[int, int], speaking: Collection[int] = ()) -> FaceRows | None:
        """What was seen; None if nobody was.

        Parameters
        ----------
        size : width and height of the frames, in the pixels that faces are told in
        speaking : the faces that the sound belongs to
        """
        who = np.array(self._who, np.int64).reshape(-1, 2)
        if not len(who) or min(size) <= 0:
            return None
        numbers = np.array(self._numbers, np.float32).reshape(-1, 9)
        order = np.argsort(who[:, 0], kind="stable")
        full = np.array([*size, *size], np.float32)
        boxes = (numbers[order, :8].reshape(-1, 2, 4) / full).astype(np.float32)
        return FaceRows(who[order, 0], who[order, 1], boxes, numbers[order, 8], tuple(sorted(set(speaking))))
