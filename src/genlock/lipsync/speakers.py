"""Whose mouth speaks: faces that are seen at the same time compete for the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genlock.aligners.curves import LagCurve, pool
from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.course import Stretch
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.measurement import FaceOffset

__all__ = ["Faces", "choose_speakers"]


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
    stretches: Sequence[Stretch], confidence: Confidence
) -> tuple[list[Stretch], set[int | None]]:
    """Stretches with the curve of one face each, and the faces that were taken.

    Faces that are seen at the same time compete by how well their own curves stand out over their whole life,
    then by how well they fit the offset that the first choice gives.
    """
    lives: dict[int | None, list[LagCurve]] = {}
    for stretch in stretches:
        for face, curve in stretch.curves.items():
            lives.setdefault(face, []).append(curve)
    pooled = {face: pool(curves) for face, curves in lives.items()}
    strength: dict[int | None, float] = {}
    for face, curve in pooled.items():
        found = judge(curve, confidence)
        strength[face] = -1.0 if found is None else found.belongs
    chosen = [max(stretch.curves, key=lambda face: strength[face]) for stretch in stretches]
    if any(len(stretch.curves) > 1 for stretch in stretches):
        curves = [s.curves[face] for s, face in zip(stretches, chosen, strict=True)]
        first = judge(pool(curves), confidence)
        if first is not None:
            fit = {face: _fit_at(curve, first.peak.lag_seconds) for face, curve in pooled.items()}
            chosen = [max(stretch.curves, key=lambda face: fit[face]) for stretch in stretches]
    kept = [
        replace(stretch, curves={face: stretch.curves[face]})
        for stretch, face in zip(stretches, chosen, strict=True)
    ]
    return kept, set(chosen)


def _fit_at(curve: LagCurve, lag_seconds: float) -> float:
    """Score of a curve near a lag, so that long lives count more."""
    near = np.abs(curve.lags_seconds - lag_seconds) <= 0.06
    values = curve.values[near]
    if not np.isfinite(values).any():
        return -np.inf
    return float(np.nanmax(values) * np.sqrt(curve.overlap_seconds[near].max()))
