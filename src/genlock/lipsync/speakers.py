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

__all__ = ["Faces", "choose_speakers", "fits_at", "lags_of_any", "one_after_the_other", "scores_of_faces"]

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
    scores = [scores_of_faces(stretch, confidence) for stretch in stretches]
    lags = stretches[0].curve.lags_seconds
    fits = [
        fits_at(own, lags, lag)
        for own, lag in zip(scores, lags_of_any(scores, lags, splice_penalty), strict=True)
    ]
    chosen = one_after_the_other(fits)
    gains: dict[int | None, float] = {}
    for face, fit in zip(chosen, fits, strict=True):
        gains[face] = gains.get(face, 0.0) + fit[face]
    kept = [
        replace(stretch, curves={face: stretch.curves[face]})
        for stretch, face in zip(stretches, chosen, strict=True)
    ]
    return kept, {face for face, gain in gains.items() if gain > _SPEAKS} or set(chosen)


def scores_of_faces(stretch: Stretch, confidence: Confidence) -> dict[int | None, Array]:
    """Log likelihood of each lag for each face of a stretch, [L] each."""
    rows = scores_of(list(stretch.curves.values()), confidence)
    return dict(zip(stretch.curves, rows, strict=True))


def lags_of_any(
    scores: Sequence[Mapping[int | None, Array]], lags: Array, splice_penalty: float
) -> list[float | None]:
    """The lag of each stretch at which any of its faces fits, in seconds, as it runs through the film; None: none does.

    Parameters
    ----------
    scores : log likelihood of each lag for each face, of each stretch
    lags : in seconds, [L]
    splice_penalty : by how much another lag must fit better from somewhere on, in units of log likelihood
    """
    mixture = np.stack([np.logaddexp.reduce(list(own.values())) - np.log(len(own)) for own in scores])
    found: list[float | None] = []
    for rows, lag in find_steps(or_none(mixture), splice_penalty):
        found += [None if lag == len(lags) else float(lags[lag])] * len(rows)
    return found


def fits_at(scores: Mapping[int | None, Array], lags: Array, lag: float | None) -> dict[int | None, float]:
    """By how much better than chance each face explains the sound near a lag, in units of log likelihood."""
    near = np.zeros(0, int) if lag is None else np.flatnonzero(np.abs(lags - lag) <= _NEAR_SECONDS)
    chance = np.log(len(lags))
    return {face: float(score[near].max(initial=-chance)) + float(chance) for face, score in scores.items()}


def one_after_the_other(
    fits: Sequence[Mapping[int | None, float]], changes: Sequence[float] | None = None
) -> list[int | None]:
    """Who speaks in each stretch: the best course of all, where every change of face costs something (Viterbi).

    Parameters
    ----------
    fits : of each face that is seen, of each stretch
    changes : what another face than before costs at each stretch; None: 3 everywhere

    >>> turns = [{0: 3.0, 1: 0.0}] * 2 + [{0: 0.0, 1: 3.0}] * 2 + [{0: 1.0, 1: 0.0}]
    >>> one_after_the_other(turns), one_after_the_other(turns, [0.5] * 5)
    ([0, 0, 1, 1, 1], [0, 0, 1, 1, 0])
    """
    costs = [_CHANGE] * len(fits) if changes is None else changes
    best: dict[int | None, float] = dict(fits[0])
    came: list[dict[int | None, int | None]] = []
    for fit, cost in zip(fits[1:], costs[1:], strict=True):
        leader = max(best, key=lambda face: best[face])
        # Where the one who led is seen no more, nobody is preferred.
        jump = best[leader] - (cost if leader in fit else 0.0)
        before = {face: face if best.get(face, -np.inf) >= jump else leader for face in fit}
        best = {face: fit[face] + max(best.get(face, -np.inf), jump) for face in fit}
        came.append(before)
    path = [max(best, key=lambda face: best[face])]
    for before in reversed(came):
        path.append(before[path[-1]])
    return path[::-1]
