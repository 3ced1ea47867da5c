"""Features of faces by name: ``landmarks``, ``landmarks:lips``, ``mouth``, ``mouth:aperture`` ... in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from genlock.core.errors import OptionError
from genlock.core.grid import Cells
from genlock.core.track import Track
from genlock.extractors.face.landmarks import FaceLandmarks, LandmarkSink, as_68, without_pose
from genlock.extractors.face.mouth import FaceMouth, MouthSink
from genlock.extractors.face.tracking import FaceOptions, FaceTracker, Sink
from genlock.extractors.frame_cells import run_of_frames

__all__ = ["FACE_FEATURES", "FaceFeatures", "on_whole_row"]

_Landmarks: TypeAlias = Callable[[FaceLandmarks], Track]
_Mouth: TypeAlias = Callable[[FaceMouth], Track]

_OF_LANDMARKS: Mapping[str, _Landmarks] = MappingProxyType(
    {"landmarks": lambda face: face.points, "landmarks:68": as_68, "landmarks:lips": without_pose}
)
# Each with the side of the crop that it is taken from; what is no crop is as the sync estimators see it, at 48.
_OF_MOUTHS: Mapping[str, tuple[int, _Mouth]] = MappingProxyType(
    {
        "mouth": (96, lambda mouth: mouth.crop),
        "mouth:48": (48, lambda mouth: mouth.crop),
        "mouth:aperture": (48, lambda mouth: mouth.aperture),
        "mouth:width": (48, lambda mouth: mouth.width),
        "mouth:motion": (48, lambda mouth: mouth.motion),
    }
)

#: Every name with what it gives for each face.
FACE_FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "landmarks": "468 points of the face mesh in pixels, float32 [T, 468, 3]",
        "landmarks:68": "the 68 points that many face models use, in pixels, float32 [T, 68, 3]",
        "landmarks:lips": "40 points of the lips with the head's pose removed, in eye distances, float32 [T, 40, 2]",
        "mouth": "upright grey mouth, uint8 [T, 96, 96]",
        "mouth:48": "the same at 48 pixels, uint8 [T, 48, 48]",
        "mouth:aperture": "opening between the inner lips, in eye distances, float32 [T]",
        "mouth:width": "distance between the corners of the mouth, in eye distances, float32 [T]",
        "mouth:motion": "mean change of the grey mouth between two frames, 0...1, float32 [T]",
    }
)


class FaceFeatures:
    """What is wanted of the faces of one file; its :attr:`consumer` goes to :func:`genlock.media.read`.

    Parameters
    ----------
    names : from :data:`FACE_FEATURES`; may be empty where there are sinks
    sinks : who else is told of every face

    Raises
    ------
    OptionError
        For another name.
    MissingModel
        If the face models are not here.
    """

    def __init__(
        self, names: Sequence[str], options: FaceOptions | None = None, sinks: Sequence[Sink] = ()
    ) -> None:
        unknown = [name for name in names if name not in FACE_FEATURES]
        if unknown:
            raise OptionError(
                f"there is no feature {unknown[0]!r} of faces; there are: {', '.join(FACE_FEATURES)}"
            )
        self.names = tuple(names)
        self._landmarks = LandmarkSink() if any(name in _OF_LANDMARKS for name in names) else None
        sides = {_OF_MOUTHS[name][0] for name in names if name in _OF_MOUTHS}
        self._mouths = {side: MouthSink(side) for side in sorted(sides)}
        own: list[Sink] = [*self._mouths.values()]
        if self._landmarks is not None:
            own.append(self._landmarks)
        self.consumer = FaceTracker([*own, *sinks], options or FaceOptions())
        """Takes the frames."""

    def tracks(self, cells: Cells) -> dict[str, Track]:
        """Each feature of each face as ``NAME.faceN``, on the cells from the face's first frame to its last.

        Parameters
        ----------
        cells : of all frames that were read
        """
        faces = self._landmarks.faces(cells) if self._landmarks is not None else []
        mouths = {side: sink.mouths(cells) for side, sink in self._mouths.items()}
        found: dict[str, Track] = {}
        for name in self.names:
            if name in _OF_LANDMARKS:
                tracks = {face.face: _OF_LANDMARKS[name](face) for face in faces}
            else:
                side, part = _OF_MOUTHS[name]
                tracks = {mouth.face: part(mouth) for mouth in mouths[side]}
            for face, track in tracks.items():
                full = f"{name}.face{face}"
                found[full] = replace(track, name=full)
        return found


def on_whole_row(track: Track, cells: Cells, count: int) -> Track:
    """A track of one face on all frames: row k belongs to frame k, and is invalid where the face was not seen.

    What lies between the frames (``mouth:motion``) is sampled at their middles.
    """
    place = cells.index(track.start, "nearest")
    if track.grid != run_of_frames(cells, place, len(track)):
        return track.on(cells, how="sample", length=count)
    values = np.zeros((count, *track.values.shape[1:]), track.values.dtype)
    valid = np.zeros(count, bool)
    rows = slice(place, place + len(track))
    values[rows], valid[rows] = track.values, track.valid
    return replace(track, values=values, valid=valid, grid=cells)
