"""The mouths of a film for recognisers that read lips: crops in a temporary file, a few seconds of them in memory."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from genlock.core.errors import OutputError
from genlock.core.grid import Cells
from genlock.core.track import Track
from genlock.extractors.face.mouth import Mouth, mouth_crops
from genlock.extractors.face.published_mouth import SETTLED_AFTER
from genlock.extractors.face.tracking import Sighting
from genlock.extractors.frame_cells import run_of_frames

__all__ = ["MouthSpool", "SpooledMouths"]


class MouthSpool:
    """A sink of a :class:`~genlock.extractors.face.tracking.FaceTracker` that keeps the mouth of every face of a film.

    Parameters
    ----------
    wanted : side of the crops in pixels, 16...512, or the feature that they are: ``mouth/96``, ``mouth:avhubert/96``

    Raises OptionError for another feature.
    """

    def __init__(self, wanted: int | str) -> None:
        self._mouth = mouth_crops(f"mouth/{wanted}" if isinstance(wanted, int) else wanted)
        self._crop = self._mouth.open()
        # Published crops are drawn again while frames come: they are written when they are settled.
        self._settled_after = SETTLED_AFTER if self._mouth.options.what == "avhubert" else 0
        self._unsettled: deque[tuple[int, int, np.ndarray]] = deque()
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="genlock-mouths-")  # noqa: SIM115 - close() closes it
        self._places: dict[int, dict[int, int]] = {}
        self._count = 0

    def __call__(self, sighting: Sighting) -> None:
        """Take one face of one frame.

        Raises OutputError if the temporary folder is full.
        """
        crop = self._crop(sighting)
        if crop is not None:
            self._unsettled.append((sighting.frame, sighting.face, crop))
        self._keep(sighting.frame - self._settled_after)

    def _keep(self, last: int) -> None:
        """Write the crops of all frames up to ``last``."""
        while self._unsettled and self._unsettled[0][0] <= last:
            frame, face, crop = self._unsettled.popleft()
            self._write(crop)
            self._places.setdefault(face, {})[frame] = self._count
            self._count += 1

    def _write(self, crop: np.ndarray) -> None:
        try:
            self._file.write(np.ascontiguousarray(crop).data)
        except OSError as error:
            folder = Path(tempfile.gettempdir())
            raise OutputError(
                f"the temporary folder {str(folder)!r} cannot take the mouths ({error.strerror}); free some space "
                "there, or set TMPDIR to another folder"
            ) from error

    def mouths(self, frames: Cells | None) -> SpooledMouths:
        """What was kept, once the cells of the video's frames are known; None: there is no picture."""
        if self._unsettled:
            self._keep(self._unsettled[-1][0])
        self._file.flush()
        return SpooledMouths(self._file, self._mouth, self._places, frames)

    def close(self) -> None:
        """Drop the file."""
        self._file.close()


@dataclass(frozen=True, eq=False)
class SpooledMouths:
    """Mouth crops in a temporary file. Reads never hold more than a piece."""

    file: BinaryIO
    """The crops one after the other, uint8 [side, side], nothing else."""
    mouth: Mouth
    """The feature that they are."""
    places: dict[int, dict[int, int]]
    """For each face and frame: the number of its crop in the file."""
    frames: Cells | None
    """The cells of the video's frames; None without a picture."""

    def between(self, start: Fraction, end: Fraction) -> tuple[Track, ...]:
        """The mouth of each face that is seen at the middle of any frame within ``[start, end)``.

        Returns
        -------
        tuple of Track
            uint8 [T, side, side] on the cells of the frames from a face's first to its last in the piece, invalid where
            it was not seen; the face that was seen longest comes first.
        """
        return tuple(track for _, track in self.faces_between(start, end))

    def faces_between(self, start: Fraction, end: Fraction) -> list[tuple[int, Track]]:
        """The same, each with the number of its face."""
        if self.frames is None:
            return []
        inside = self.frames.cells(start, end, "centers")
        found = []
        for face, places in self.places.items():
            seen = [frame for frame in places if frame in inside]
            if seen:
                run = range(min(seen), max(seen) + 1)
                rows = [self._crop(places[frame]) if frame in places else None for frame in run]
                track = self.mouth.track(rows, run_of_frames(self.frames, run.start, len(run)))
                found.append((-len(seen), face, track))
        return [(face, track) for _, face, track in sorted(found, key=lambda one: one[:2])]

    def _crop(self, number: int) -> np.ndarray:
        side = self.mouth.options.side
        self.file.seek(number * side * side)
        return np.frombuffer(self.file.read(side * side), np.uint8).reshape(side, side)
