"""Small faces in large pictures: a web camera's tile in the recording of a screen, a speaker far off.

Faces are looked for in pictures that were made small, which is fast and enough for most films. A face that takes a
thirtieth of the picture's width is then a smear. :class:`SmallFaces` stands beside a
:class:`~genlock.extractors.face.tracking.FaceTracker`: where that one has seen nobody for a second it looks through the
picture as it is, a few squares with each frame, and follows whom it finds there. It sees grey: the brightness that a
film stores is handed on as it is, and made a picture only where somebody is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.extractors.face.tracking import FaceOptions, FaceTracker, Sighting, Sink, squares
from genlock.media import VideoCell, VideoForm

__all__ = ["SmallFaces"]

Image = npt.NDArray[np.uint8]

# Sides of the squares that are searched, in pixels: faces of 96 and of 48 pixels are found in them.
_SIDES = (640, 320)
# Squares that are searched with each frame: at first, and once the whole picture was searched in vain.
_AT_FIRST, _LATER = 4, 1
# Frames without a face, after some with one, before the search begins: who turns away for a moment is not lost.
_PATIENCE = 25
# What films store as 16...235 is 0...255 on show (ITU-R BT.601).
_BRIGHTNESS = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
# Pictures no larger than this hold no face that a tracker, which looks at them whole, does not see.
_LARGE = 640


@dataclass
class SmallFaces:
    """Finds and follows faces that are too small for another tracker; a consumer of :func:`genlock.media.read`.

    Identities go on counting where those of the other tracker are. Cost: nothing while that one sees somebody; four
    squares a frame until the picture was searched once (a second at 1080p), then one a frame.
    """

    beside: FaceTracker
    """The tracker that sees the same frames, made smaller; it is fed each of them first."""
    sinks: Sequence[Sink] = ()
    """Each is called once for every small face of every frame."""
    form: VideoForm = field(
        default_factory=lambda: VideoForm(pixels="yuv420p", longest_side=1920, as_seen=True)
    )
    """What it asks the reader for."""

    def __post_init__(self) -> None:
        self._closer: _Closer | None = None
        self._alone = _PATIENCE
        self._names: dict[int, int] = {}

    def push(self, cell: VideoCell) -> None:
        """Take the next frame, after the other tracker took it."""
        width, height = cell.pixels.shape[1], cell.pixels.shape[0] * 2 // 3
        if max(height, width) <= (self.beside.form.longest_side or _LARGE):
            return
        if self.beside.sees_somebody:
            self._alone = 0
            if self._closer is not None:
                self._closer.give_up()
            return
        self._alone += 1
        if self._alone <= _PATIENCE:
            return
        if self._closer is None:
            self._closer = _Closer((self._tell,), replace(self.beside.options, least_score=0.6))
        self._closer.frames = self.beside.frames - 1
        grey = np.asarray(cv2.LUT(cell.pixels[:height], _BRIGHTNESS), np.uint8)
        colour = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
        self._closer.push(replace(cell, pixels=colour))

    def finish(self) -> None:
        """Nothing is left to do after the last frame."""

    def _tell(self, face: Sighting) -> None:
        if face.face not in self._names:
            self._names[face.face] = self.beside.new_identity()
        named = replace(face, face=self._names[face.face])
        for sink in self.sinks:
            sink(named)


class _Closer(FaceTracker):
    """Looks for faces in small squares, some with each look, in turn."""

    def __init__(self, sinks: Sequence[Sink], options: FaceOptions) -> None:
        super().__init__(sinks, options)
        self._next, self._searched = 0, False

    def give_up(self) -> None:
        """Forget whom it followed: somebody else sees them."""
        self._known, self._gone, self._small = [], [], None
        self._next, self._searched = 0, False

    def _look(self, image: Image) -> None:
        self._since = 0
        every = [part for side in _SIDES for part in squares(image, side)]
        count = _LATER if self._searched or self._known else _AT_FIRST
        for left, top, side in [every[(self._next + k) % len(every)] for k in range(min(count, len(every)))]:
            part = np.ascontiguousarray(image[top : top + side, left : left + side])
            found = self._detector.detect(part, self.options.least_score)
            self._begin(image, [detection.moved(left, top) for detection in found])
        self._next += count
        self._searched |= self._next >= len(every)
