"""The crop of a mouth alone, as lip-reading data sets have it: 96 x 96 pixels, and no face to be found in them.

The mesh needs no eyes to fit lips: on a grey canvas, with the crop where a mouth would be in a face of the usual size,
it finds them all the same. On 75 frames of a GRID clip the opening that it sees there goes with that in the whole
picture by a correlation of .98; its size is not that of a face that is seen (some 1.4 times as large).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.extractors.face.tracking import FaceTracker, Sighting, Sink
from genlock.media import VideoCell, VideoForm
from genlock.models.face_nets import FaceMesh, Region

__all__ = ["MouthAlone"]

Image = npt.NDArray[np.uint8]

# Larger pictures, and those that are much wider or higher, are no crops of a mouth.
_MOST_PIXELS, _MOST_RATIO = 256, 1.5
# A face with a mouth as wide as half the crop: side of its region, and how far its middle lies above the mouth, both in
# widths of the crop (measured on GRID: 2.48 and .44).
_REGION, _ABOVE = 2.4, 0.42
_GREY = 128
# Corners of the mouth in the mesh; how wide it has to be, and how near to the middle, as shares of the crop.
_CORNERS = (61, 291)
_WIDTHS, _OFF_CENTRE = (0.2, 0.95), 0.25


@dataclass
class MouthAlone:
    """Stands before a tracker of faces: where that sees nobody in a small square, but a mouth is, it is followed.

    The first frame decides, since later on a tracker takes parts of a mouth for faces.
    """

    tracker: FaceTracker
    """It is fed every frame of all other films."""
    sinks: Sequence[Sink] = ()
    """Each is called once for the mouth of every frame."""

    def __post_init__(self) -> None:
        self.form: VideoForm = self.tracker.form
        self._mesh: FaceMesh | None = None
        self._identity: int | None = None
        self._decided = False

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        if self._identity is not None:
            self._see(cell, self._identity, fresh=False)
            self.tracker.frames += 1
            return
        self.tracker.push(cell)
        if self._decided:
            return
        self._decided = True
        height, width = cell.pixels.shape[:2]
        long = max(height, width)
        if long > _MOST_PIXELS or long > _MOST_RATIO * min(height, width) or self.tracker.sees_somebody:
            return
        self.tracker.frames -= 1
        identity = self.tracker.faces
        if self._see(cell, identity, fresh=True):
            self._identity = self.tracker.new_identity()
        self.tracker.frames += 1

    def _see(self, cell: VideoCell, identity: int, fresh: bool) -> bool:
        """Fit the mesh and tell the sinks; False where no mouth is in its place."""
        canvas, region = _on_canvas(cell.pixels)
        self._mesh = self._mesh or FaceMesh()
        points, presence = self._mesh.points(canvas, region)
        if presence < self.tracker.options.least_presence:
            return False
        if not _in_place(points, canvas.shape[0], max(cell.pixels.shape[:2])):
            return False
        height, width = cell.pixels.shape[:2]
        corner = ((canvas.shape[1] - width) // 2, (canvas.shape[0] - height) // 2)
        sighting = Sighting(identity, self.tracker.frames, points, presence, region, canvas, fresh, corner)
        for sink in () if cell.lost else self.sinks:
            sink(sighting)
        return True

    def finish(self) -> None:
        """After the last frame."""
        self.tracker.finish()

    @property
    def note(self) -> str:
        """What is to be said of such a film; empty where there was a face, or nothing."""
        return "" if self._identity is None else "the picture is taken for the crop of a mouth alone"


def _on_canvas(crop: Image) -> tuple[Image, Region]:
    """The crop in the middle of a grey square three times as large, and where a face would be."""
    height, width = crop.shape[:2]
    side = max(height, width)
    canvas = np.full((3 * side, 3 * side, 3), _GREY, np.uint8)
    top, left = (3 * side - height) // 2, (3 * side - width) // 2
    canvas[top : top + height, left : left + width] = crop
    middle = 1.5 * side
    return canvas, Region(middle, middle - _ABOVE * side, _REGION * side, 0.0)


def _in_place(points: npt.NDArray[np.float32], canvas: int, crop: int) -> bool:
    """Whether the mouth is as large as one in a crop is, and in its middle."""
    left, right = (np.asarray(points[corner, :2], np.float64) for corner in _CORNERS)
    wide = float(np.hypot(*(right - left))) / crop
    away = float(np.hypot(*((left + right) / 2 - canvas / 2))) / crop
    return _WIDTHS[0] <= wide <= _WIDTHS[1] and away <= _OFF_CENTRE
