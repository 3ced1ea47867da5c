"""``genlock sync --estimators glow``: how bright the picture is against how loud the sound is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from genlock.aligners.curves import correlate
from genlock.core.time import Exact
from genlock.core.track import Track
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import Cue, Trust, Window
from genlock.lipsync.evidence.base import Evidence


class Glow:
    """Estimator of the offset of films that glow while they sound.

    Parameters
    ----------
    reach_seconds : the largest offset that is looked for, to either side
    """

    name = "glow"
    mouth_side: int | None = None
    trust = Trust(
        Confidence(sharpness=40.0, bias=2.0),
        follows_changes=False,
        remark="by brightness alone",
        foreign="the picture does not glow with the sound",
    )

    def __init__(self, reach_seconds: Exact = Fraction(6, 5)) -> None:
        self.reach_seconds = reach_seconds

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
        """One window, the whole piece."""
        if evidence.luma is None or evidence.loudness is None:
            lacking = "picture" if evidence.luma is None else "sound"
            cue = Cue(self.name, None, reason=f"there is no {lacking}")
        else:
            loud = evidence.loudness.map(lambda db: np.maximum(db, -60))
            cue = Cue(self.name, correlate(_column(loud), _column(evidence.luma), self.reach_seconds))
        return (Window(evidence.start, evidence.end, (cue,)),)


def _column(track: Track) -> Track:
    return track.map(lambda values: np.asarray(values, np.float64).reshape(len(values), 1))
