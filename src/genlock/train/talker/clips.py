"""Clips of talking faces as a talker learns from them: what is heard, and where the face is at each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Cells
from genlock.core.spans import Span, Spans
from genlock.core.track import Track
from genlock.data.reading import Clip
from genlock.extractors.face.pose import upright_mesh
from genlock.models.talker.resting import resting_face

__all__ = ["TalkingClip", "displacements", "resting_faces", "talking_clip"]

Array: TypeAlias = npt.NDArray[np.float32]

_LEAST_FRAMES = 12
# An offset in the index is believed if it is at least so likely.
_BELIEVED = 0.5


@dataclass(frozen=True, eq=False)
class TalkingClip:
    """One clip: sound features, and the upright mesh on the film's own frames."""

    name: str
    speaker: str
    """Who speaks: as the index says, else the folder in which the film lies, else the clip's own name."""
    heard: Mapping[str, Track | Spans]
    """Features of the sound by their spec, and words as Spans."""
    cells: Cells
    """The film's frames."""
    points: Array
    """Upright mesh, [T, 468, 3], zero where the face was not seen."""
    valid: npt.NDArray[np.bool_]
    """Where it was seen, [T]."""
    made: bool = False
    """Whether it is a talker of ``genlock synth talkers``: its phones are true, its manner is not a person's."""
    closures: Spans | None = None
    """When the lips of /p b m/ are shut in the picture, where the phones are known."""

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Centres of the frames, [T]."""
        return self.cells.centers(len(self.points))

    @property
    def length(self) -> int | None:
        """Number of frames for :meth:`Track.on`, where the cells do not say it themselves."""
        return None if self.cells.length is not None else len(self.points)

    @property
    def face(self) -> Track:
        """The upright mesh as a Track."""
        return Track(self.points, self.cells, self.valid, "face", "eye distances")


def talking_clip(clip: Clip, features: Mapping[str, str], landmarks: str = "landmarks") -> TalkingClip:
    """A clip of a prepared dataset; ``features`` are kinds of its outputs by spec.

    Where the index knows that sound and picture are out of step (the output ``offset``), the sound is put in its place.

    Raises InputError if the face is hardly seen, or there is no sound.
    """
    mesh = clip.tracks[landmarks]
    valid = np.asarray(mesh.valid & np.isfinite(mesh.values).all(axis=(1, 2)))
    if valid.sum() < _LEAST_FRAMES:
        raise InputError(f"a face is seen in {int(valid.sum())} of {len(mesh)} frames")
    heard: dict[str, Track | Spans] = {spec: clip.tracks[kind] for spec, kind in features.items()}
    for spec, track in heard.items():
        if not len(track):
            raise InputError(f"there is no {spec}")
    offset = clip.row.get("offset_seconds")
    if offset is not None and float(clip.row.get("offset_probability") or 0.0) > _BELIEVED:
        # A sound that is early by so much belongs so much later.
        heard = {spec: track.shifted(Fraction(str(round(float(offset), 6)))) for spec, track in heard.items()}
    if clip.words:
        heard["words"] = Spans([Span(a, b, text) for text, a, b in clip.words], mesh.clock, "words")
    points = np.zeros((len(mesh), *mesh.values.shape[1:]), np.float32)
    points[valid] = upright_mesh(mesh.values[valid])
    return TalkingClip(clip.name, _speaker_of(clip), heard, mesh.grid, points, valid)


def _speaker_of(clip: Clip) -> str:
    folders = PurePosixPath(str(clip.row.get("source") or "")).parts[:-1]
    return clip.speaker or (folders[0] if folders else clip.name)


def resting_faces(clips: Sequence[TalkingClip]) -> dict[str, Array]:
    """The resting face in each clip, by its name.

    Of each clip by itself: how a head is turned differs from clip to clip, and moves the lips against the eyes by as
    much as speech does. In use, the film or the picture that says who shall speak is such a clip.
    """
    return {clip.name: resting_face(clip.points, clip.valid) for clip in clips}


def displacements(clips: Sequence[TalkingClip], rest: Mapping[str, Array]) -> Array:
    """What the seen frames of all clips are moved by from the resting faces, [N, 468, 3]."""
    return np.concatenate([clip.points[clip.valid] - rest[clip.name] for clip in clips])
