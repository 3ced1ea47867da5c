"""Layers of small networks in numpy: arrays have the names and layouts of torch's own layers.

All take rows ``[..., N, D]``, float32, and find their weights in a mapping as ``NAME.weight`` and ``NAME.bias``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError

__all__ = ["Array", "Arrays", "check_shapes", "layer_norm", "linear", "sigmoid", "silu", "softmax"]

Array: TypeAlias = npt.NDArray[np.float32]
#: Weights of a network by name.
Arrays: TypeAlias = Mapping[str, Array]

_NORM_FLOOR = 1e-5


def linear(rows: Array, arrays: Arrays, name: str) -> Array:
    """``rows @ weight.T + bias``: torch's ``Linear``."""
    return np.asarray(rows @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"], np.float32)


def layer_norm(rows: Array, arrays: Arrays, name: str) -> Array:
    """Torch's ``LayerNorm`` over the last axis."""
    # Means by hand: for few rows numpy's own takes longer to be called than to compute.
    share = np.float32(rows.shape[-1])
    centred = rows - np.add.reduce(rows, axis=-1, keepdims=True) / share
    spread = np.sqrt(
        np.add.reduce(centred * centred, axis=-1, keepdims=True) / share + np.float32(_NORM_FLOOR)
    )
    return np.asarray(centred / spread * arrays[f"{name}.weight"] + arrays[f"{name}.bias"], np.float32)


def sigmoid(values: Array) -> Array:
    """Without overflow.

    >>> sigmoid(np.float32([-1000, 0, 1000])).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5, np.float32)


def silu(values: Array) -> Array:
    """``values * sigmoid(values)``."""
    return values * sigmoid(values)


def softmax(values: Array) -> Array:
    """Over the last axis.

    >>> softmax(np.float32([1000, 1000])).tolist()
    [0.5, 0.5]
    """
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def check_shapes(arrays: Arrays, wanted: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Raise FormatError if an array of ``what``, such as ``a talker``, is missing or has another shape."""
    for name, shape in wanted.items():
        found = arrays[name].shape if name in arrays else None
        if found != shape:
            raise FormatError(f"{name} of {what} has shape {found}, not {shape}")
