"""Reasons that said what was not so."""

from __future__ import annotations

import numpy as np
from tests.lipsync.planted import talker

from genlock.aligners.curves import LagCurve
from genlock.core.time import Exact
from genlock.lipsync.estimators.base import Cue, Trust, Window
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.fusion import Fusion


class Flat:
    """Compares all of it, and finds it alike at every lag."""

    name, mouth_side = "flat", None
    trust = Trust(follows_changes=False, foreign="no offset stands out")

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
        lags = np.arange(-30, 31) / 25
        curve = LagCurve(lags, 1e-6 * np.cos(lags), np.full(61, 4.0))
        return (Window(evidence.start, evidence.end, (Cue(self.name, curve),)),)


def test_what_was_compared_in_vain_is_not_told_to_be_missing() -> None:
    """An estimator that was asked alone was answered "there is nothing to compare; no offset stands out"."""
    fusion = Fusion(estimators=[Flat()])
    fusion.add(talker(4))
    assert fusion.finish().estimate.reason == "no offset stands out"
