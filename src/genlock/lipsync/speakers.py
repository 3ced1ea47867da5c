"""Whose mouth speaks: faces that are seen at the same time compete for the sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from genlock.aligners.drift import find_steps
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.course import Stretch, or_none, scores_of
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.measurement import FaceOffset

__all__ = ["Faces", "choose_speakers"]

Array = npt.NDArray[np.float64]

# How near the offset of the film a face has to fit.
_NEAR_SECONDS = 0.06
# By how much another face has to fit better before it is believed to speak now, in units of log likelihood.
_CHANGE = 3.0
# How much better than chance a face has to fit in all to be one that speaks.
_SPEAKS = 2.0


@dataclass
class Faces:
    """The faces of a film, and how long there was a picture."""

    seconds: dict[int, float] = field(default_factory=dict)
    """How long each was seen, by identity."""
    picture_seconds: float = 0.0
    """Length of the picture."""

    def add(self, evidence: Evidence) -> None:
        """Take the next piece."""
        if evidence.frames is not None:
            low, high = evidence.frames.edge(0), evidence.frames.edge(evidence.frames.length or 0)
            self.picture_seconds += max(0.0, float(min(high, evidence.end) - max(low, evidence.start)))
        for face in evidence.faces:
            lips = face.lips.between(evidence.start, evidence.end)
            if len(lips):
                now = float(np.diff(lips.edges)[lips.valid].sum())
                self.seconds[face.face] = self.seconds.get(face.face, 0.0) + now

    def share(self, face: int) -> float:
        """Share of the picture in which a face was seen, 0...1."""
        return min(1.0, self.seconds[face] / max(self.picture_seconds, 1e-9))

    def undecided(self) -> tuple[FaceOffset, ...]:
        """The faces where something else gave the offset."""
        return tuple(
            FaceOffset(face, seconds, self.share(face), None, None, False, "it did not decide")
            for face, seconds in sorted(self.seconds.items())
            if seconds >= 1.0
        )


def choose_speakers(
    stretches: Sequence[Stretch], confidence: Confidence, splice_penalty: float = 6.0
) -> tuple[list[Stretch], set[int | None]]:
    """Stretches with the curve of one face each, and the faces that speak.

    The offset of each stretch is that at which any of its faces fits, as it runs through the film. Faces that are seen
    at the same time then compete in every stretch; who has just spoken is believed to go on, so that a little chance
    does not make a speaker of somebody who listens.
    """
    scores = [_scores_of_faces(stretch, confidence) for stretch in stretches]
    lags = stretches[0].curve.lags_seconds
    mixture = np.stack([np.logaddexp.reduce(list(own.values())) - np.log(len(own)) for own in scores])
    fits: list[dict[int | None, float]] = [{} for _ in stretches]
    for rows, lag in find_steps(or_none(mixture), splice_penalty):
        near = (
            np.zeros(0, int)
            if lag == len(lags)
            else np.flatnonzero(np.abs(lags - lags[lag]) <= _NEAR_SECONDS)
        )
        for k in rows:
            # By how much better than chance each face explains the sound there.
            fits[k] = {
                face: float(score[near].max(initial=-np.log(len(lags)))) + np.log(len(lags))
                for face, score in scores[k].items()
            }
    chosen = _one_after_the_other(fits)
    gains: dict[int | None, float] = {}
    for face, fit in zip(chosen, fits, strict=True):
        gains[face] = gains.get(face, 0.0) + fit[face]
    kept = [
        replace(stretch, curves={face: stretch.curves[face]})
        for stretch, face in zip(stretches, chosen, strict=True)
    ]
    return kept, {face for face, gain in gains.items() if gain > _SPEAKS} or set(chosen)


def _scores_of_faces(stretch: Stretch, confidence: Confidence) -> dict[int | None, Array]:
    rows = scores_of(list(stretch.curves.values()), confidence)
    return dict(zip(stretch.curves, rows, strict=True))


def _one_after_the_other(fits: Sequence[Mapping[int | None, float]]) -> list[int | None]:
    """Who speaks in each stretch: the best course of all, where every change of face costs something (Viterbi).

    >>> turns = [{0: 3.0, 1: 0.0}] * 2 + [{0: 0.0, 1: 3.0}] * 2 + [{0: 1.0, 1: 0.0}]
    >>> _one_after_the_other(turns)
    [0, 0, 1, 1, 1]
    """
    best: dict[int | None, float] = dict(fits[0])
    came: list[dict[int | None, int | None]] = []
    for fit in fits[1:]:
        leader = max(best, key=lambda face: best[face])
        # Where the one who led is seen no more, nobody is preferred.
        jump = best[leader] - (_CHANGE if leader in fit else 0.0)
        before = {face: face if best.get(face, -np.inf) >= jump else leader for face in fit}
        best = {face: fit[face] + max(best.get(face, -np.inf), jump) for face in fit}
        came.append(before)
    path = [max(best, key=lambda face: best[face])]
    for before in reversed(came):
        path.append(before[path[-1]])
    return path[::-1]
