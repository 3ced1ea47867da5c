"""How near a talker comes on clips that it did not learn from, and the emphasis that is fitted on some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.track import Track
from genlock.extractors.face.pose import LIPS
from genlock.metrics.landmarks import (
    ClosureScores,
    aperture_track,
    closed_level,
    closed_runs,
    closure_scores,
    landmark_scores,
)
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.resting import fitted_rest, opening_of
from genlock.models.talker.talker import Emphasis, Talker
from genlock.train.talker.clips import TalkingClip
from genlock.train.talker.reports import Row

__all__ = ["closures_of", "fit_emphasis", "fitted_rests", "glance", "own_reaches", "raw_weights", "score"]

Array: TypeAlias = npt.NDArray[np.float32]

_LIPS = list(LIPS)
_SHARPS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
# Nobody moves so little, or so much, against what is usual.
_REACHES = (0.4, 2.5)


def score(
    made: Mapping[str, Track], clips: Sequence[TalkingClip], rest: Mapping[str, Array], basis: FaceBasis
) -> list[Row]:
    """Score weights by the name of their clip, on any clock, on the clips' own frames."""
    means = {
        speaker: np.concatenate([c.points[c.valid] for c in clips if c.speaker == speaker]).mean(axis=0)
        for speaker in {clip.speaker for clip in clips}
    }
    rows = []
    for clip in clips:
        found = made[clip.name].on(clip.cells, "sample", length=clip.length)
        points = basis.points(found.values, rest[clip.name])
        face = Track(points, clip.cells, found.valid)
        scores = landmark_scores(clip.face, face)
        use = clip.valid & found.valid
        own, everybody = clip.points[clip.valid].mean(axis=0), means[clip.speaker]
        if scores.frames > 1:
            rows.append(
                Row(
                    clip.name,
                    clip.speaker,
                    scores.mouth_lmd,
                    _still(clip, own, use),
                    _still(clip, everybody, use),
                    scores.aperture_correlation,
                    scores.motion_energy,
                    scores.velocity_error,
                    scores.lag_seconds,
                    closures_of(clip, face),
                )
            )
    return rows


def closures_of(clip: TalkingClip, made: Track) -> ClosureScores:
    """Whether the lips of a made face close where they should: for /p b m/ where the phones are known, else where the
    true lips are closed; and nowhere else."""
    true = aperture_track(clip.face)
    level = closed_level(true)
    allowed = closed_runs(true, level)
    wanted = allowed if clip.closures is None else clip.closures
    return closure_scores(aperture_track(made), wanted, level, allowed)


def _still(clip: TalkingClip, face: Array, use: npt.NDArray[np.bool_]) -> float:
    """Error of the lips of a face that does not move."""
    return float(np.linalg.norm((clip.points[use] - face)[:, _LIPS, :2], axis=-1).mean())


def glance(
    made: Mapping[str, Track], clips: Sequence[TalkingClip], rest: Mapping[str, Array], basis: FaceBasis
) -> dict[str, float]:
    """The three figures that a training is watched by, over all frames of all clips together: error of the lips as a
    share of the error of the clips' own mean faces, correlation of the opening, energy of motion."""
    lips, opens = basis.components[:, _LIPS, :2].reshape(basis.size, -1), opening_of(basis.components)
    error = still = made_power = true_power = 0.0
    correlations = []
    for clip in clips:
        weights = np.asarray(made[clip.name].on(clip.cells, "sample", length=clip.length).values, np.float32)
        true = (clip.points - rest[clip.name])[:, _LIPS, :2].reshape(len(weights), -1)
        moved, use = weights @ lips, clip.valid
        error += float(np.abs(_pairs(moved - true)[use]).sum())
        still += float(np.abs(_pairs(true[use].mean(axis=0) - true[use])).sum())
        both = use[1:] & use[:-1]
        made_power += float(np.square(np.diff(moved, axis=0)[both]).sum())
        true_power += float(np.square(np.diff(true, axis=0)[both]).sum())
        opening = np.maximum(opening_of(clip.points), 0)[use]
        told = np.maximum(weights @ opens + opening_of(rest[clip.name]), 0)[use]
        if opening.std() > 0 and told.std() > 0:
            correlations.append(float(np.corrcoef(opening, told)[0, 1]))
    return {
        "mouth_error": error / max(still, 1e-9),
        "correlation": float(np.mean(correlations)) if correlations else 0.0,
        "energy": made_power / max(true_power, 1e-9),
    }


def _pairs(flat: npt.NDArray[Any]) -> npt.NDArray[np.complex128]:
    return np.asarray(flat[:, 0::2] + 1j * flat[:, 1::2])


def fitted_rests(
    made: Mapping[str, Track], clips: Sequence[TalkingClip], basis: FaceBasis
) -> dict[str, Array]:
    """Resting faces of clips with what a talker says of their own sound, by name; see
    :func:`~genlock.models.talker.resting.fitted_rest`."""
    found = {}
    for clip in clips:
        told = made[clip.name].on(clip.cells, "sample", length=clip.length)
        found[clip.name] = fitted_rest(clip.points, told.values, basis, clip.valid & told.valid)
    return found


def own_reaches(
    made: Mapping[str, Track], clips: Sequence[TalkingClip], basis: FaceBasis
) -> dict[str, float]:
    """By what factor each clip's speaker moves the lips further than the talker says, by the name of the clip.

    Of the speaker's *other* clips, each about its own mean; 1 where there is no other one.
    """
    lips = basis.components[:, _LIPS, :2].reshape(basis.size, -1)
    powers: dict[str, tuple[float, float]] = {}
    for clip in clips:
        told = made[clip.name].on(clip.cells, "sample", length=clip.length)
        use = clip.valid & told.valid
        rows = (
            clip.points[use][:, _LIPS, :2].reshape(int(use.sum()), -1),
            np.asarray(told.values, np.float32)[use] @ lips,
        )
        true, said = (float(np.square(each - each.mean(axis=0)).sum()) for each in rows)
        powers[clip.name] = true, said
    found = {}
    for clip in clips:
        others = [powers[c.name] for c in clips if c.speaker == clip.speaker and c is not clip]
        true, said = np.sum(others, axis=0) if others else (1.0, 1.0)
        found[clip.name] = float(np.clip(np.sqrt(true / max(said, 1e-9)), *_REACHES))
    return found


# ---------------------------------------------------------------- the emphasis


def raw_weights(talker: Talker, clips: Sequence[TalkingClip], own: bool = False) -> dict[str, Track]:
    """What a talker says of each clip, by its name, on the talker's clock; ``own``: in the speaker's own manner, where
    it is known."""
    return {
        clip.name: talker.weights(
            clip.heard, clip.speaker if own and clip.speaker in talker.speakers else None
        )
        for clip in clips
    }


def fit_emphasis(
    raw: Mapping[str, Track],
    clips: Sequence[TalkingClip],
    rest: Mapping[str, Array],
    basis: FaceBasis,
    energy: float = 1.0,
    most_sharp: float = 2.0,
) -> Emphasis:
    """The emphasis with which the lips move with ``energy`` of the true energy, and err least; each speaker counts the
    same, and strangers therefore more than with clips alone.

    ``raw`` are weights of a talker without emphasis on clips that it did not learn from.
    """
    lips = basis.components[:, _LIPS, :2]
    true = {clip.name: (clip.points - rest[clip.name])[:, _LIPS, :2] for clip in clips}
    best: tuple[float, Emphasis] | None = None
    for sharp in (s for s in _SHARPS if s <= most_sharp):
        moved = {
            clip.name: _on_frames(raw[clip.name], Emphasis(1.0, sharp), clip) @ lips.reshape(len(lips), -1)
            for clip in clips
        }
        powers: dict[str, list[tuple[float, float]]] = {}
        for clip in clips:
            both = clip.valid[1:] & clip.valid[:-1]
            made, was = (
                float(np.square(np.diff(each[clip.name], axis=0)[both]).sum()) for each in (moved, true)
            )
            powers.setdefault(clip.speaker, []).append((made, was))
        totals = [np.sum(each, axis=0) for each in powers.values()]
        ratio = float(np.mean([made / max(was, 1e-9) for made, was in totals]))
        gain = float(np.clip(np.sqrt(energy / max(ratio, 1e-9)), 0.2, 3.0))
        wrong: dict[str, list[float]] = {}
        for c in clips:
            apart = (gain * moved[c.name]).reshape(true[c.name].shape) - true[c.name]
            error = float(np.linalg.norm(apart, axis=-1)[c.valid].mean())
            wrong.setdefault(c.speaker, []).append(error)
        mean = float(np.mean([np.mean(each) for each in wrong.values()]))
        if best is None or mean < best[0]:
            best = mean, Emphasis(gain, sharp)
    return best[1] if best else Emphasis()


def _on_frames(raw: Track, emphasis: Emphasis, clip: TalkingClip) -> Array:
    found = raw.map(emphasis).on(clip.cells, "sample", length=clip.length)
    return np.asarray(found.values, np.float32)
