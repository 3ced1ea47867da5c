"""Clips of different lengths in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["padded_to", "stacked"]


def padded_to(values: npt.NDArray[Any], length: int, fill: float = 0) -> npt.NDArray[Any]:
    """Rows [T, ...], and ``fill`` up to a length.

    >>> padded_to(np.array([1, 2]), 4, -1).tolist()
    [1, 2, -1, -1]
    """
    return np.pad(values, ((0, length - len(values)), *((0, 0),) * (values.ndim - 1)), constant_values=fill)


def stacked(rows: Sequence[npt.NDArray[Any]], length: int, fill: float = 0) -> npt.NDArray[Any]:
    """Rows of several clips, each padded to a length, [B, length, ...]."""
    return np.stack([padded_to(row, length, fill) for row in rows])
