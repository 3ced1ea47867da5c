"""Clips of talking faces as a talker learns from them: what is heard, and where the face is at each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class TalkingClip:
    """One clip: sound features, and the upright mesh on the film's own frames."""

    name: str
    speaker: str
    """Who speaks; the clip's own name where nobody says."""
    heard: Mapping[str, Track | Spans]
    """Features of the sound by their spec, and words as Spans."""
    cells: Cells
    """The film's frames."""
    points: Array
    """Upright mesh, [T, 468, 3], zero where the face was not seen."""
    valid: npt.NDArray[np.bool_]
    """Where it was seen, [T]."""

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Centres of the frames, [T]."""
        return self.cells.centers(len(self.points))

    @property
    def face(self) -> Track:
        """The upright mesh as a Track."""
        return Track(self.points, self.cells, self.valid, "face", "eye distances")


def talking_clip(clip: Clip, features: Mapping[str, str], landmarks: str = "landmarks") -> TalkingClip:
    """A clip of a prepared dataset; ``features`` are kinds of its outputs by spec.

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
    if clip.words:
        heard["words"] = Spans([Span(a, b, text) for text, a, b in clip.words], mesh.clock, "words")
    points = np.zeros((len(mesh), *mesh.values.shape[1:]), np.float32)
    points[valid] = upright_mesh(mesh.values[valid])
    return TalkingClip(clip.name, clip.speaker or clip.name, heard, mesh.grid, points, valid)


def resting_faces(clips: Sequence[TalkingClip]) -> dict[str, Array]:
    """The resting face of each speaker, from all of their clips."""
    found = {}
    for speaker in sorted({clip.speaker for clip in clips}):
        own = [clip.points[clip.valid] for clip in clips if clip.speaker == speaker]
        rows = np.concatenate(own)
        # More than some thousand frames tell nothing new about a rest.
        found[speaker] = resting_face(rows[:: max(1, len(rows) // 3000)])
    return found


def displacements(clips: Sequence[TalkingClip], rest: Mapping[str, Array]) -> Array:
    """What the seen frames of all clips are moved by from their speakers' resting faces, [N, 468, 3]."""
    return np.concatenate([clip.points[clip.valid] - rest[clip.speaker] for clip in clips])
