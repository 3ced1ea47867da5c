"""Cues of faces, stretch by stretch, and faces that are scored beside the sound on all shifts, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.aligners.diagonal import shift_curve
from genlock.core.grid import Grid
from genlock.core.resample import Mask
from genlock.core.time import Exact, exact
from genlock.lipsync.estimators.base import Cue, Window, stretches, why_nothing
from genlock.lipsync.evidence.base import Evidence, FaceEvidence

__all__ = ["FaceShifts", "windows_by_face", "windows_of_shifts"]

# Seconds of a face that must be seen in a stretch.
_LEAST_SECONDS = Fraction(1, 2)


@dataclass(frozen=True, eq=False)
class FaceShifts:
    """One face beside the sound: how well they agree, for each shift and each cell of the face.

    >>> seen = FaceShifts(0, Grid(25), np.eye(31, 100), np.ones((31, 100), bool), np.ones(100, bool))
    >>> len(seen.curve(Fraction(0), Fraction(4)).values), seen.curve(Fraction(0), Fraction(1, 5))
    (31, None)
    """

    face: int
    """Its number."""
    grid: Grid
    """The cells that are compared, on the media clock."""
    scores: npt.NDArray[np.float64]
    """The more the better, [2 reach + 1, N]; 0 where one of both is not there."""
    there: Mask
    """Where both are there, of the same shape."""
    seen: Mask
    """In which cells the face is seen, [N]."""

    def curve(self, start: Fraction, end: Fraction) -> LagCurve | None:
        """The curve of a stretch; None where the face is seen for less than half a second in it."""
        count = self.scores.shape[1]
        first, stop = (min(max(self.grid.index(edge, "nearest"), 0), count) for edge in (start, end))
        if self.seen[first:stop].sum() < _LEAST_SECONDS * self.grid.rate:
            return None
        totals = self.scores[:, first:stop].sum(1)
        pairs = self.there[:, first:stop].sum(1)
        return shift_curve(totals / np.maximum(pairs, 1), pairs, self.grid, self.grid, least_frames=10)


def windows_by_face(
    name: str,
    evidence: Evidence,
    window_seconds: Exact,
    cues_of: Callable[[Fraction, Fraction], Iterable[Cue]],
) -> list[Window]:
    """Cues of stretches of about ``window_seconds`` of a piece, in order.

    Parameters
    ----------
    name : of the estimator
    cues_of : one cue for each face that is seen in a stretch, from its start to its end
    """
    nobody = Cue(name, None, reason="no face is seen for half a second or longer")
    return [
        Window(start, end, tuple(cues_of(start, end)) or (nobody,))
        for start, end in stretches(evidence.start, evidence.end, exact(window_seconds))
    ]


def windows_of_shifts(
    name: str,
    evidence: Evidence,
    window_seconds: Exact,
    shifts_of: Callable[[Evidence, FaceEvidence], FaceShifts | None],
) -> list[Window]:
    """:func:`windows_by_face` for whoever hears the sound itself.

    Parameters
    ----------
    shifts_of : scores a face beside the sound; None: there is nothing of it to compare
    """
    reason = why_nothing(evidence)
    if not reason and evidence.waveform is None:
        reason = "the sound itself was not kept"
    if reason:
        return [Window(evidence.start, evidence.end, (Cue(name, None, reason=reason),))]
    faces = [found for face in evidence.faces if (found := shifts_of(evidence, face)) is not None]
    return windows_by_face(name, evidence, window_seconds, partial(_cues, name, faces))


def _cues(name: str, faces: Sequence[FaceShifts], start: Fraction, end: Fraction) -> Iterator[Cue]:
    """The cue of each face that is seen in a stretch."""
    for face in faces:
        curve = face.curve(start, end)
        if curve is not None and curve.empty:
            yield Cue(name, None, face.face, "sound and picture hardly overlap")
        elif curve is not None:
            yield Cue(name, curve, face.face)
