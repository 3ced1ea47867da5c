"""The mouths of the piece that is being collected, face by face."""

from __future__ import annotations

import numpy as np

from genlock.core.grid import Ticks
from genlock.core.track import Track
from genlock.extractors.face.mouth import LIPS, Mouth, aperture_of, width_of
from genlock.extractors.frame_cells import between_frames
from genlock.lipsync.evidence.base import FaceEvidence

__all__ = ["MouthRows"]


class MouthRows:
    """Keeps each mouth until its piece is given."""

    def __init__(self) -> None:
        self._mouths: dict[int, list[_Row]] = {}

    def push(self, mouth: Mouth) -> None:
        """Take one mouth of one frame."""
        row = (mouth.frame, mouth.lips, mouth.motion, mouth.eye_pixels)
        self._mouths.setdefault(mouth.face, []).append(row)

    def faces(self, first: int, frames: Ticks) -> tuple[FaceEvidence, ...]:
        """Every face that was seen in frames ``first`` to ``first + len(frames) - 1``, whose cells these are."""
        found = []
        for face, rows in sorted(self._mouths.items()):
            inside = [row for row in rows if 0 <= row[0] - first < len(frames)]
            if inside:
                found.append(_face(face, inside, first, frames))
        return tuple(found)

    def forget(self, before: int) -> None:
        """Frames before this one are not asked for again."""
        for face in list(self._mouths):
            self._mouths[face] = [row for row in self._mouths[face] if row[0] >= before]
            if not self._mouths[face]:
                del self._mouths[face]


#: Frame, lips, motion, eye distance in pixels.
_Row = tuple[int, np.ndarray, float | None, float]


def _face(face: int, rows: list[_Row], first: int, frames: Ticks) -> FaceEvidence:
    numbers = np.array([row[0] for row in rows])
    begin, length = int(numbers[0]), int(numbers[-1] - numbers[0]) + 1
    place = numbers - begin
    cells = frames.part(range(begin - first, begin - first + length))
    lips = np.zeros((length, len(LIPS), 2), np.float32)
    seen, moved = np.zeros(length, bool), np.zeros(length, bool)
    motion = np.zeros(length, np.float32)
    lips[place], seen[place] = np.stack([row[1] for row in rows]), True
    motion[place] = [row[2] or 0.0 for row in rows]
    moved[place] = [row[2] is not None for row in rows]
    return FaceEvidence(
        face=face,
        lips=Track(lips, cells, seen, name="lips", unit="eye distances"),
        aperture=Track(
            np.where(seen, aperture_of(lips), 0), cells, seen, name="aperture", unit="eye distances"
        ),
        width=Track(np.where(seen, width_of(lips), 0), cells, seen, name="width", unit="eye distances"),
        motion=Track(motion, between_frames(cells), moved, name="mouth motion"),
        size_pixels=float(np.median([row[3] for row in rows])),
    )
