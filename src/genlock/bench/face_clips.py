"""What a face is judged by: films with a face and its voice, and what would be in the place of a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.motion import FaceMotion, Mesh
from genlock.animation.voice import MotionReader, Mover
from genlock.core.errors import InputError
from genlock.core.grid import Grid
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors.face.landmarks import extract_landmarks
from genlock.extractors.face.mouth import aperture_of, width_of
from genlock.extractors.face.pose import LIPS
from genlock.extractors.sound.energy import Energy
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import with_offset
from genlock.media import read_audio
from genlock.metrics.landmarks import BILABIALS, aperture_track, closed_level, closed_runs
from genlock.synth.talkers.truth import load_talker_truth, talker_path

__all__ = [
    "CONTROLS",
    "FaceClip",
    "Line",
    "controls",
    "fit_line",
    "made_by",
    "mean_of",
    "read_face_clip",
    "with_lips",
]

Points: TypeAlias = npt.NDArray[np.float32]

#: What stands in the place of a model, in the order of the table.
CONTROLS = ("mean face", "RMS line", "truth + 40 ms", "truth + 80 ms", "truth + 160 ms", "another utterance")
_LATE = (Fraction(1, 25), Fraction(2, 25), Fraction(4, 25))
_LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class FaceClip:
    """One face that truly spoke."""

    name: str
    """Its file."""
    path: str
    """Where the file lies."""
    first_frame: int
    """The film's frame in which the face is first seen: number 0 of the motion."""
    speaker: str
    """Who speaks: the truth's person, or the folder that the film lies in."""
    motion: FaceMotion
    """How the face moved, on the film's frames."""
    sound: Track
    """Its voice, 16 kHz, where it belongs."""
    loudness: Track
    """RMS level of the voice in dB, 100 a second."""
    closures: Spans
    """Where /p b m/ close the lips, or where the true lips are closed."""
    allowed: Spans
    """Where the true lips are closed."""
    known_phones: bool
    """Whether the closures are those of known phones."""
    evidence: tuple[Evidence, ...]
    """What the sync estimator hears."""

    __repr__ = one_line

    @property
    def level(self) -> float:
        """Opening up to which these lips count as closed."""
        return closed_level(self.motion.aperture)


def read_face_clip(path: str | os.PathLike[str]) -> FaceClip:
    """The face and the voice of a film; with the truth of ``genlock synth talkers`` beside it, its phones too.

    Raises
    ------
    InputError
        If no face is seen in at least half of the frames.
    MediaError
        If the film cannot be read, or has no sound.
    """
    faces = extract_landmarks(path)
    face = max(faces, key=lambda each: float(each.points.valid.sum()), default=None)
    if face is None or face.share < _LEAST_SHARE:
        raise InputError(f"{Path(path).name}: no face is seen in at least half of the frames")
    motion, sound, evidence = FaceMotion.of_landmarks(face), read_audio(path), gather(path, faces=None)
    speaker, closures, offset = Path(path).resolve().parent.name, None, Fraction(0)
    speaker = Path(path).resolve().parent.parent.name if speaker == "video" else speaker
    if talker_path(path).is_file():
        truth = load_talker_truth(talker_path(path)).on_clock(motion.points.clock)
        speaker, offset = truth.person, truth.offset_seconds
        lips = [span for span in truth.closures if span.label.upper().rstrip("012") in BILABIALS]
        closures = Spans(lips, motion.points.clock).shifted(offset)
    aperture = aperture_track(motion.points)
    allowed = closed_runs(aperture, closed_level(aperture))
    loudness = Energy()(sound)
    return FaceClip(
        Path(path).name,
        os.fspath(path),
        face.first_frame,
        speaker,
        motion,
        sound.shifted(offset),
        loudness.shifted(offset),
        allowed if closures is None else closures,
        allowed,
        closures is not None,
        tuple(with_offset(piece, -offset) for piece in evidence),
    )


def made_by(mover: Mover, clip: FaceClip, gain: float = 1.0) -> Track:
    """The face of a clip, moved by a mover: its own rest, and what the mover adds to a rest; [T, 468, 3]."""
    true = clip.motion.points
    assert isinstance(clip.sound.grid, Grid)
    start = clip.sound.grid.center(0)
    samples = np.asarray(clip.sound.values, np.float32)
    cells = true.grid
    reader = MotionReader(mover, cells, gain)
    voice = mover.open(start, true.clock)
    parts = [reader.push(voice.push(samples)), reader.finish(voice.finish(), cells.edge(len(true)))]
    known = [part for part in parts if part is not None]
    points = np.concatenate([part.points.values for part in known])[: len(true)]
    valid = np.concatenate([part.points.valid for part in known])[: len(true)]
    missing = len(true) - len(points)
    points = np.concatenate([points, np.repeat(mover.neutral[None], missing, axis=0)])
    valid = np.concatenate([valid, np.zeros(missing, bool)])
    made = clip.motion.neutral + (points - mover.neutral)
    return Track(made.astype(np.float32), cells, valid, name="points")


# ---------------------------------------------------------------- controls


@dataclass(frozen=True, eq=False)
class Line:
    """How far a face moves from its mean for each decibel above its mean."""

    slope: Points
    """Eye distances per dB, [468, 3]."""


def fit_line(clips: Sequence[FaceClip]) -> Line:
    """The straight line from loudness to the lips, by least squares over clips, each about its own mean."""
    top, bottom = np.zeros((468, 3)), 0.0
    for clip in clips:
        loud, there = _loud(clip)
        moved = clip.motion.points.values - mean_of([clip])
        top += np.einsum("t,tpc->pc", loud[there], moved[there])
        bottom += float((loud[there] ** 2).sum())
    return Line((top / max(bottom, 1e-9)).astype(np.float32))


def controls(clip: FaceClip, other: FaceClip | None, line: Line) -> dict[str, Track]:
    """Faces without a model, by name: :data:`CONTROLS`.

    Parameters
    ----------
    other : a clip of somebody's other words; None leaves that one out
    line : fitted on other clips
    """
    true = clip.motion.points
    mean = mean_of([clip])
    still = np.repeat(mean[None], len(true), axis=0)
    loud, _ = _loud(clip)
    found = {
        "mean face": true.map(lambda values: still),
        "RMS line": true.map(lambda values: (still + loud[:, None, None] * line.slope).astype(np.float32)),
    }
    for late in _LATE:
        found[f"truth + {round(late * 1000)} ms"] = true.shifted(late).on(true.grid, length=len(true))
    if other is not None:
        rows = np.arange(len(true)) % len(other.motion.points)
        moved = other.motion.points.values[rows] - mean_of([other])
        found["another utterance"] = replace(
            true, values=(mean + moved).astype(np.float32), valid=other.motion.points.valid[rows]
        )
    return found


def mean_of(clips: Sequence[FaceClip]) -> Mesh:
    """The mean face of all valid frames of some clips, [468, 3]."""
    seen = [clip.motion.points.values[clip.motion.points.valid] for clip in clips]
    return np.asarray(np.concatenate(seen).mean(axis=0), np.float32)


def _loud(clip: FaceClip) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Loudness on the frames about its mean, and where both it and the face are known."""
    true = clip.motion.points
    heard = clip.loudness.on(true.grid, length=len(true))
    there = heard.valid & true.valid
    values = np.maximum(np.asarray(heard.values, np.float32).reshape(len(true), -1)[:, 0], -80)
    mean = values[there].mean() if there.any() else np.float32(0)
    return np.where(heard.valid, values - mean, 0).astype(np.float32), there


# ---------------------------------------------------------------- for the sync estimator


def with_lips(clip: FaceClip, points: Track) -> tuple[Evidence, ...]:
    """The evidence of a clip as if these points had been seen."""
    lips = points.map(lambda values: values[:, list(LIPS), :2].astype(np.float32), name="lips")
    make: dict[str, Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]] = {
        "aperture": aperture_of,
        "width": width_of,
    }
    shapes = {name: lips.map(function, name=name) for name, function in make.items()}
    still = Track(np.zeros(len(lips), np.float32), lips.grid, np.zeros(len(lips), bool), name="motion")
    face = FaceEvidence(0, lips, shapes["aperture"], shapes["width"], still, 100.0)
    return tuple(replace(piece, faces=(face,)) for piece in clip.evidence[:1])
