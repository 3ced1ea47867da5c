"""Convolutions of pictures in numpy: arrays have the names and layouts of torch's ``Conv2d``."""

from __future__ import annotations

import numpy as np

from genlock.models.layers import Array, Arrays

__all__ = ["FOLD", "KERNEL", "convolved", "folded"]

#: Pixels across and down that are folded into one place before the first convolution.
FOLD = 2
#: Places across and down that a convolution looks at.
KERNEL = 3


def folded(rows: Array) -> Array:
    """Each 2 x 2 pixels as one place, in torch's order: [n, H, W, C] to [n, H / 2, W / 2, 4 C].

    >>> folded(np.zeros((1, 4, 6, 3), np.float32)).shape
    (1, 2, 3, 12)
    """
    count, high, wide, channels = rows.shape
    cells = rows.reshape(count, high // FOLD, FOLD, wide // FOLD, FOLD, channels)
    return cells.transpose(0, 1, 3, 5, 2, 4).reshape(count, high // FOLD, wide // FOLD, -1)


def convolved(
    rows: Array, arrays: Arrays, name: str, step: int = 1, spread: int = 1, least: float = 0.0
) -> Array:
    """A convolution of 3 x 3 places, [n, H, W, C].

    Parameters
    ----------
    step : how many times smaller it makes the map
    spread : places between its taps
    least : what is below is raised to it
    """
    count, high, wide = rows.shape[:3]
    padded = np.pad(rows, ((0, 0), (spread, spread), (spread, spread), (0, 0)))
    kernel = arrays[f"{name}.weight"]
    total = np.zeros((count, -(-high // step), -(-wide // step), len(kernel)), np.float32)
    for down in range(KERNEL):
        for across in range(KERNEL):
            part = padded[:, down * spread :, across * spread :][:, :high:step, :wide:step]
            total += part @ kernel[:, :, down, across].T
    return np.maximum(total + arrays[f"{name}.bias"], np.float32(least))
