"""The similarity of sound and picture over lags, as bytes for a page: of the whole, of each face, and over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.core.time import fraction_text
from genlock.lipsync.measurement import SyncMeasurement

__all__ = ["similarity_rows"]


def similarity_rows(found: SyncMeasurement) -> dict[str, Any] | None:
    """``lags`` (seconds), and values 1...255, 0 where nothing is known: ``whole``, ``faces[]``, ``over_time[]``.

    None if nothing was compared over lags. Curves of other lags than the whole's are left out.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> similarity_rows(SyncMeasurement(Estimate(None, None, None, "none", "no face"), at=Fraction(0))) is None
    True
    """
    whole = found.estimate.curve
    if whole is None:
        return None
    lags = np.asarray(whole.lags_seconds)
    faces = [face for face in found.faces if face.curve is not None and _fits(face.curve, lags)]
    rows = [(start, end, curve) for start, end, curve in found.curves if _fits(curve, lags)]
    stretches = [np.asarray(curve.values, np.float64) for _, _, curve in rows]
    known = np.concatenate(stretches) if stretches else np.zeros(0)
    known = known[np.isfinite(known)]
    limits = (float(np.percentile(known, 2)), float(np.percentile(known, 99.9))) if known.size else (0.0, 1.0)
    return {
        "lags": [float(lag) for lag in lags],
        "whole": _bytes(whole.values, None),
        "faces": [
            {"face": face.face, "speaks": face.speaks, "values": _bytes(face.curve.values, None)}
            for face in faces
            if face.curve is not None
        ],
        "over_time": [
            {"start": fraction_text(start), "end": fraction_text(end), "values": _bytes(values, limits)}
            for (start, end, _), values in zip(rows, stretches, strict=True)
        ],
    }


def _fits(curve: LagCurve, lags: npt.NDArray[np.float64]) -> bool:
    own = np.asarray(curve.lags_seconds)
    return own.shape == lags.shape and bool(np.allclose(own, lags))


def _bytes(values: npt.ArrayLike, limits: tuple[float, float] | None) -> list[int]:
    numbers = np.asarray(values, np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        return [0] * len(numbers)
    low, high = limits or (float(numbers[known].min()), float(numbers[known].max()))
    scaled = 1 + 254 * (np.where(known, numbers, low) - low) / max(high - low, 1e-9)
    made: list[int] = np.where(known, np.clip(np.rint(scaled), 1, 255), 0).astype(int).tolist()
    return made
