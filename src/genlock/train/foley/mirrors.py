"""Films of contacts in a mirror: what their maps of motion and their places become."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["mirrored", "mirrored_places"]

# Velocities across change their sign.
_ACROSS = (0, 2)


def mirrored(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Maps of motion [T, rows, columns, channels] in a mirror."""
    turned = maps[:, :, ::-1].copy()
    for channel in _ACROSS:
        turned[..., channel] *= -1
    return turned


def mirrored_places(where: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.int64]:
    """Numbers of places in so many columns, row by row, in a mirror; -1 is none.

    >>> mirrored_places(np.array([0, 5, -1]), 4).tolist()
    [3, 6, -1]
    """
    return np.where(where >= 0, where // columns * columns + columns - 1 - where % columns, -1)
