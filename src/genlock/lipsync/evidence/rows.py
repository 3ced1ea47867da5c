"""Rows of values between the instants at which they are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["rows_at"]

Array = npt.NDArray[np.float64]


def rows_at(wanted: Array, seconds: Array, values: Array) -> Array:
    """Values at other instants, linear in between and held beyond the ends, float64 [S, C].

    Parameters
    ----------
    wanted : [S], in seconds
    seconds : rising instants at which the values are known, [V], at least one
    values : [V, C]

    >>> rows_at(np.array([-1.0, 0.25, 9.0]), np.array([0.0, 1.0]), np.array([[2.0], [4.0]])).ravel().tolist()
    [2.0, 2.5, 4.0]
    """
    if len(seconds) == 1:
        return np.repeat(values, len(wanted), axis=0)
    left = np.clip(np.searchsorted(seconds, wanted, side="right") - 1, 0, len(seconds) - 2)
    share = (wanted - seconds[left]) / (seconds[left + 1] - seconds[left])
    share = np.clip(share, 0.0, 1.0)[:, None]
    return np.asarray(values[left] * (1 - share) + values[left + 1] * share)
