"""What a gate is told of a clip, to say whether the picture helps: how sure each way of reading is, how far they agree.

A recogniser that reads from both streams can do worse than from the sound alone, of speakers unlike those it learnt
from, or with a picture of somebody else. It then falls back on the sound, clip by clip: both are read, and the gate
decides.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["GATE_NUMBERS", "gate_numbers"]

FloatArray: TypeAlias = npt.NDArray[np.float32]

#: What each of the numbers is.
GATE_NUMBERS: tuple[str, ...] = (
    "how sure the sound alone is",
    "how sure both are",
    "how sure the lips alone are",
    "how far the sound alone and both agree",
    "how far the lips alone and both agree",
    "how well the best shift fits",
    "how far it stands above the others",
)


def gate_numbers(
    sound: npt.ArrayLike, both: npt.ArrayLike, lips: npt.ArrayLike, shifts: npt.ArrayLike | None = None
) -> FloatArray:
    """The numbers of one clip, float32 [7], in the order of :data:`GATE_NUMBERS`.

    Parameters
    ----------
    sound, both, lips : log-probabilities of the CTC head, read from the sound alone, from both and from the lips alone,
        [T, V] each
    shifts : how well each shift fits, [K], NaN where too little overlaps; None: no alignment was asked, which counts as
        one that fits nowhere

    Raises
    ------
    OptionError
        If the shapes differ.

    >>> sure, unsure = np.log([[0.98, 0.02]] * 4), np.log([[0.5, 0.5]] * 4)
    >>> [round(float(x), 2) for x in gate_numbers(unsure, sure, sure, [0.0, 0.9, 0.0])]
    [-0.69, -0.02, -0.02, 0.8, 1.0, 0.9, 0.9]
    """
    rows = [np.asarray(one, np.float64) for one in (sound, both, lips)]
    if any(one.shape != rows[0].shape or one.ndim != 2 for one in rows):
        raise OptionError(
            f"log-probabilities of shapes {[list(one.shape) for one in rows]} are not of one clip"
        )
    if not len(rows[0]):
        return np.zeros(len(GATE_NUMBERS), np.float32)
    sure = [float(one.max(axis=1).mean()) for one in rows]
    agree = [_agreement(rows[0], rows[1]), _agreement(rows[2], rows[1])]
    return np.array([*sure, *agree, *_peak(shifts)], np.float32)


def _agreement(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Mean overlap of two rows of distributions (Bhattacharyya), 0...1."""
    return float(np.exp((one + other) / 2).sum(axis=1).mean())


def _peak(shifts: npt.ArrayLike | None) -> tuple[float, float]:
    curve = np.asarray([] if shifts is None else shifts, np.float64)
    curve = curve[np.isfinite(curve)]
    if not len(curve):
        return 0.0, 0.0
    return float(curve.max()), float(curve.max() - np.median(curve))
