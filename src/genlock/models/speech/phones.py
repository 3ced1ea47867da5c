"""A small network that tells which phone is heard in each frame: mel bands in, probabilities out; numpy alone.

A convolution over three frames, then blocks that each look at some frames around (one filter for each channel) and
then at all channels of one frame (ConvNeXt's order: Liu et al. 2022), each added to what came in. It looks to both
sides, a quarter to half a second far, and has no state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from genlock.core.errors import FormatError, OptionError
from genlock.models.layers import Array, Arrays, check_shapes, layer_norm, linear, silu
from genlock.weights.npz_model import arrays_in, load_once, shape_in, write_model

__all__ = ["PHONES_NAME", "PhoneModel", "PhoneShape", "array_shapes", "load_phones", "save_phones"]

#: Name of the model of our own in the registry.
PHONES_NAME = "speech-phones"
_KIND = "phones"
#: Bands lie within -10...6 or so: the network sees them about within -1.5...2.5.
_MIDDLE, _SPREAD = np.float32(-4.0), np.float32(4.0)
_ENTRY = 3


@dataclass(frozen=True)
class PhoneShape:
    """How the network is built."""

    bands: int = 80
    """Mel bands of a frame."""
    width: int = 128
    """Channels; at least 1."""
    taps: int = 7
    """Frames that a block looks at; odd."""
    dilations: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    """Frames between the taps of each block; at least 1."""

    def __post_init__(self) -> None:
        fine = self.bands >= 1 and self.width >= 1 and self.taps % 2 == 1 and self.taps >= 1
        if not fine or not self.dilations or min(self.dilations) < 1:
            raise OptionError(f"{self}: bands, width and dilations are at least 1, taps are odd")

    @property
    def reach(self) -> int:
        """Frames before and after one that its answer depends on.

        >>> PhoneShape().reach
        43
        """
        return _ENTRY // 2 + self.taps // 2 * sum(self.dilations)


def array_shapes(shape: PhoneShape, classes: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> array_shapes(PhoneShape(), 62)["out.weight"]
    (62, 128)
    """
    width = shape.width
    found: dict[str, tuple[int, ...]] = {
        "enter.weight": (width, _ENTRY * shape.bands),
        "enter.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
        "out.weight": (classes, width),
        "out.bias": (classes,),
        "prior": (classes,),
    }
    for k in range(len(shape.dilations)):
        found |= {
            f"blocks.{k}.along.weight": (shape.taps, width),
            f"blocks.{k}.along.bias": (width,),
            f"blocks.{k}.norm.weight": (width,),
            f"blocks.{k}.norm.bias": (width,),
            f"blocks.{k}.wide.weight": (2 * width, width),
            f"blocks.{k}.wide.bias": (2 * width,),
            f"blocks.{k}.narrow.weight": (width, 2 * width),
            f"blocks.{k}.narrow.bias": (width,),
        }
    return found


@dataclass(frozen=True, eq=False)
class PhoneModel:
    """Mel bands in, log probabilities of phones out.

    Raises FormatError if the arrays do not fit.
    """

    shape: PhoneShape
    """How its network is built."""
    symbols: tuple[str, ...]
    """The phone of each class."""
    arrays: Arrays
    """The network's weights, and ``prior``: ln of each class' share of the frames that were learnt from."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape, len(self.symbols)), "a model of phones")

    @property
    def prior(self) -> Array:
        """ln of each class' share of all frames that it learnt from, [classes]."""
        return self.arrays["prior"]

    def __call__(self, mel: Array) -> Array:
        """ln of the probability of each class in each frame, float32 [T, classes].

        Parameters
        ----------
        mel : float32 [T, bands]: of :func:`genlock.speech.phones.hearing.heard`. What lies beyond both ends counts as
            the frames' own middle, so a piece of sound comes with ``shape.reach`` frames around what is wanted.
        """
        rows = (mel - _MIDDLE) / _SPREAD
        beside = np.pad(rows, ((1, 1), (0, 0)))
        hidden = linear(np.concatenate([beside[:-2], rows, beside[2:]], axis=1), self.arrays, "enter")
        for k, dilation in enumerate(self.shape.dilations):
            name = f"blocks.{k}"
            inner = layer_norm(
                _along(hidden, self.arrays, f"{name}.along", dilation), self.arrays, f"{name}.norm"
            )
            inner = silu(linear(inner, self.arrays, f"{name}.wide"))
            hidden = hidden + linear(inner, self.arrays, f"{name}.narrow")
        logits = linear(layer_norm(hidden, self.arrays, "norm"), self.arrays, "out")
        logits -= logits.max(axis=1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), np.float32)


def _along(rows: Array, arrays: Arrays, name: str, dilation: int) -> Array:
    """One filter over the frames for each channel: ``[T, D]`` to ``[T, D]``, zeros beyond the ends."""
    filters = arrays[f"{name}.weight"]
    side = len(filters) // 2 * dilation
    padded = np.pad(rows, ((side, side), (0, 0)))
    found = np.broadcast_to(arrays[f"{name}.bias"], rows.shape).copy()
    for tap, weights in enumerate(filters):
        found += padded[tap * dilation : tap * dilation + len(rows)] * weights
    return found


def save_phones(model: PhoneModel, target: str | os.PathLike[str]) -> None:
    """Write a model as ``.npz``, its numbers in 16 bits.

    Raises OutputError if the target cannot be written.
    """
    header = {"shape": asdict(model.shape), "symbols": list(model.symbols), "facts": dict(model.facts)}
    write_model(target, _KIND, header, model.arrays, half=True)


def load_phones(model: str | os.PathLike[str] = PHONES_NAME) -> PhoneModel:
    """Read a model that ``genlock train phones`` made, by name, file or folder; once for each file.

    Raises
    ------
    MissingModel
        If it is not on this machine.
    FormatError
        If it is damaged, or no such model.
    """
    return load_once(model, _KIND, "model of phones", _built)


def _built(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> PhoneModel:
    symbols = tuple(header["symbols"])
    if not all(isinstance(symbol, str) for symbol in symbols):
        raise FormatError("the symbols of a model of phones are texts")
    return PhoneModel(PhoneShape(**shape_in(header)), symbols, arrays_in(arrays), header["facts"])
