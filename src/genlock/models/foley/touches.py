"""Whether something touches, and when, looked at closely: a few frames around one place and one moment, in numpy.

Maps of motion say where and when to look (:mod:`genlock.models.foley.contacts`); they cannot tell a stick that turns
round above a thing from one that hits it. Here nine frames are looked at, each a part of the picture around the
place, beside the motion in the same places and the seconds between the frames; of the five in the middle it is told how
likely something touches near them, and when. Each place is judged by what it and its neighbours show over time, so
that it does not matter where in the part something touches. Arrays have the names and layouts of torch's own layers:
:mod:`genlock.train.foley.touch_network` is the same network where it learns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.foley.convolution import FOLD, KERNEL, convolved, folded
from genlock.models.foley.reading import Reading
from genlock.models.layers import Array, Arrays, check_shapes, linear, sigmoid, softmax
from genlock.weights.npz_model import arrays_in, model_path, read_model, shape_in, write_model

__all__ = [
    "ANSWERED",
    "CELL",
    "FRAMES",
    "MOVED",
    "NUMBERS",
    "OUTPUTS",
    "SCALE",
    "TOUCHES_NAME",
    "TouchModel",
    "TouchShape",
    "array_shapes",
    "load_touches",
    "save_touches",
    "shown",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: Name of the model of our own in the registry.
TOUCHES_NAME = "foley-touches"
#: Frames that are looked at, and those in the middle of them of which something is told.
FRAMES, ANSWERED = 9, 5
#: Pixels of a picture's longer side at the scale of what is looked at.
SCALE = 112
#: Pixels across and down of a place in which something may touch.
CELL = 8
#: Numbers of the motion in each place.
MOVED = 11
#: Numbers beside each part of a picture: four of the whole frame, and what is told of it by motion alone.
NUMBERS = 4 + 3
#: What is told of each frame: presence, place (in frames from it), logarithm of the impulse.
OUTPUTS = 3
_KIND = "foley touches"
_KNEE = np.float32(0.15)  # change, against the picture's spread, that is told as one half
_LEAST_SPREAD = np.float32(6)  # of grey, 0...255


@dataclass(frozen=True)
class TouchShape:
    """How the network is built."""

    side: int = 56
    """Width and height of the parts of pictures, pixels; a multiple of 8."""
    channels: tuple[int, int] = (24, 24)
    """Channels of the convolutions of pictures, each of which halves the map."""
    width: int = 24
    """Numbers of each place while frames are compared; at least 1."""
    dilations: tuple[int, ...] = (1, 1, 2)
    """Frames between the taps of each block that compares them."""

    def __post_init__(self) -> None:
        if min(self.width, *self.channels, *self.dilations) < 1:
            raise OptionError(f"{self}: all are at least 1")
        if len(self.channels) != 2 or self.side < CELL or self.side % CELL:
            raise OptionError(f"{self}: the side is a multiple of {CELL}, and there are two convolutions")

    @property
    def places(self) -> int:
        """Places across and down of a part."""
        return self.side // CELL


def array_shapes(shape: TouchShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> array_shapes(TouchShape())["enter.weight"]
    (24, 42)
    """
    found: dict[str, tuple[int, ...]] = {"level": (1,)}
    given, width = 3 * FOLD**2, shape.width
    for k, channels in enumerate(shape.channels):
        found[f"convolutions.{k}.weight"] = (channels, given, KERNEL, KERNEL)
        found[f"convolutions.{k}.bias"] = (channels,)
        given = channels
    found |= {"enter.weight": (width, given + MOVED + NUMBERS), "enter.bias": (width,)}
    for k in range(len(shape.dilations)):
        found |= {f"blocks.{k}.time.weight": (width, 3 * width), f"blocks.{k}.time.bias": (width,)}
        found |= {
            f"blocks.{k}.space.weight": (width, width, KERNEL, KERNEL),
            f"blocks.{k}.space.bias": (width,),
        }
    return found | {"out.weight": (OUTPUTS, width), "out.bias": (OUTPUTS,)}


def shown(parts: Pixels) -> Array:
    """Parts of grey pictures [n, frames, side, side] as the network looks at them, float32 [n * frames, side, side, 3].

    Change since the frame before, the picture itself, change to the next; all against the spread of grey there, so
    that light and exposure matter little.

    >>> shown(np.zeros((2, 9, 8, 8), np.uint8)).shape
    (18, 8, 8, 3)
    """
    grey = np.asarray(parts, np.float32)
    flat = grey.reshape(len(grey), -1)
    mean, spread = (
        flat.mean(axis=1)[:, None, None, None],
        flat.std(axis=1)[:, None, None, None] + _LEAST_SPREAD,
    )
    change = np.diff(grey, axis=1) / spread
    change /= np.abs(change) + _KNEE
    found = np.zeros((*grey.shape, 3), np.float32)
    found[:, 1:, ..., 0], found[..., 1], found[:, :-1, ..., 2] = change, (grey - mean) / spread, change
    return found.reshape(-1, *grey.shape[2:], 3)


@dataclass(frozen=True, eq=False)
class TouchModel:
    """Parts of pictures and their motion in, what touches out.

    Raises FormatError if the arrays do not fit.
    """

    shape: TouchShape
    """How its network is built."""
    arrays: Arrays
    """The network's weights."""
    reading: Reading = field(default_factory=Reading)
    """How contacts are read off."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape), "a model of touches")

    def told(self, parts: Pixels, moved: Array, numbers: Array) -> Array:
        """Of the five frames in the middle: presence 0...1, place -1...1 in frames, log10 N s; float32 [n, 5, 3].

        Parameters
        ----------
        parts : grey, uint8 [n, 9, side, side]
        moved : motion in each place, float32 [n, 9, places, places, MOVED]
        numbers : of each frame, float32 [n, 9, NUMBERS]
        """
        if not len(parts):
            return np.zeros((0, ANSWERED, OUTPUTS), np.float32)
        raw = self._raw(parts, np.asarray(moved, np.float32), np.asarray(numbers, np.float32))
        flat = raw.reshape(len(parts), ANSWERED, -1, OUTPUTS)
        clear = flat[..., 0]
        highest = clear.max(axis=2, keepdims=True)
        whole = np.log(np.exp(clear - highest).sum(axis=2)) + highest[..., 0]
        share = softmax(clear)[..., None]
        found: Array = (flat * share).sum(axis=2)
        found[..., 0] = sigmoid(whole + self.arrays["level"])
        found[..., 1] = np.clip(found[..., 1], -1, 1)
        return found

    def _raw(self, parts: Pixels, moved: Array, numbers: Array) -> Array:
        """Raw answers of places, [n, ANSWERED, places, places, OUTPUTS]."""
        rows = folded(shown(parts))
        for k in range(len(self.shape.channels)):
            rows = convolved(rows, self.arrays, f"convolutions.{k}", 2)
        seen = rows.reshape(*moved.shape[:4], -1)
        everywhere = np.broadcast_to(numbers[:, :, None, None], (*moved.shape[:4], numbers.shape[2]))
        hidden = linear(np.concatenate([seen, moved, everywhere], axis=4), self.arrays, "enter")
        for k, step in enumerate(self.shape.dilations):
            taps = _along(np.maximum(hidden, 0), step)
            inner = np.maximum(linear(taps, self.arrays, f"blocks.{k}.time"), 0)
            flat = inner.reshape(-1, *inner.shape[2:])
            hidden = hidden + convolved(flat, self.arrays, f"blocks.{k}.space", least=-np.inf).reshape(
                inner.shape
            )
        first = (FRAMES - ANSWERED) // 2
        return linear(np.maximum(hidden[:, first : first + ANSWERED], 0), self.arrays, "out")


def _along(rows: Array, step: int) -> Array:
    """Each frame with those ``step`` before and after it, [n, frames, places, places, 3 D]."""
    padded = np.pad(rows, ((0, 0), (step, step), (0, 0), (0, 0), (0, 0)))
    return np.concatenate([padded[:, tap * step : tap * step + rows.shape[1]] for tap in range(3)], axis=4)


def save_touches(model: TouchModel, target: str | os.PathLike[str]) -> None:
    """Write a model as ``.npz``.

    Raises OutputError if the target cannot be written.
    """
    header = {"shape": asdict(model.shape), "reading": asdict(model.reading), "facts": dict(model.facts)}
    write_model(target, _KIND, header, model.arrays, half=True)


def load_touches(model: str | os.PathLike[str] = TOUCHES_NAME) -> TouchModel:
    """Read a model that ``genlock train touches`` made, by name, file or folder; once for each file.

    Raises
    ------
    MissingModel
        If it is not on this machine.
    FormatError
        If it is damaged, or no such model.
    """
    return _cached(model_path(model))


@cache
def _cached(path: Path) -> TouchModel:
    return read_model(path, _KIND, "model of touches", _built)


def _built(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> TouchModel:
    return TouchModel(
        TouchShape(**shape_in(header)), arrays_in(arrays), Reading(**header["reading"]), header["facts"]
    )
