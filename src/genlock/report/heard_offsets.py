"""By how much the page moves the sound when somebody wants to hear it repaired, at every instant of a film."""

from __future__ import annotations

from typing import Any

from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.summary import VERDICT_PROBABILITY

__all__ = ["heard_offsets"]


def heard_offsets(found: SyncMeasurement) -> dict[str, Any]:
    """Offsets over time, positive where the sound is early, for the page.

    ``parts``: ``[start, end, offset]`` of every stretch with an offset of its own, in seconds, in order of time;
    else ``offset`` at the instant ``at`` (seconds), which grows by ``drift`` a second. ``offset`` is None where
    nothing was found that is likelier right than wrong.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> late = Estimate(-0.2, (-0.21, -0.19), 0.97, "lips")
    >>> heard_offsets(SyncMeasurement(late, Fraction(2)))
    {'offset': -0.2, 'at': 2.0, 'drift': 0.0, 'parts': []}
    """
    estimate, within = found.estimate, found.drift_interval_ppm
    sure = (estimate.probability or 0.0) >= VERDICT_PROBABILITY
    drifts = found.drift_ppm is not None and within is not None and not within[0] <= 0 <= within[1]
    known = [part for part in found.segments if part.offset_seconds is not None]
    return {
        "offset": estimate.offset_seconds if sure else None,
        "at": float(found.at),
        "drift": 1e-6 * (found.drift_ppm or 0.0) if drifts else 0.0,
        "parts": [[float(part.start), float(part.end), part.offset_seconds] for part in known]
        if sure and len(found.segments) > 1
        else [],
    }
