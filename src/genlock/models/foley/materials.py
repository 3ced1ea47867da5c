"""What is struck, read off the picture around the place where it is struck: its material and its size, in numpy.

A reader looks at a small part of a picture, at the scale at which the picture's longer side has 160 pixels, with the
contact in its middle. It is told the colours of the whole picture beside: what is seen is told against them, so that
light and exposure matter little. Arrays have the names and layouts of torch's own layers:
:mod:`genlock.train.foley.material_network` is the same network where it learns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array, Arrays, check_shapes, linear, softmax
from genlock.weights.npz_model import arrays_in, model_path, read_model, shape_in, write_model

__all__ = [
    "FOLD",
    "LIGHT",
    "LONGEST_SIDE",
    "MATERIALS_NAME",
    "MaterialReader",
    "ReaderShape",
    "array_shapes",
    "cut_out",
    "light_of",
    "load_materials",
    "save_materials",
    "step_of",
    "told",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: Name of the model of our own in the registry.
MATERIALS_NAME = "foley-materials"
#: Pixels of a picture's longer side at the scale of what is cut out.
LONGEST_SIDE = 160
#: Numbers that tell the light of a whole picture: means and spreads of red, green and blue, 0...1.
LIGHT = 6
#: Pixels across and down that are folded into one place before the first convolution.
FOLD = 2
_KIND = "foley materials"
_KERNEL, _GRID = 3, 3
_CONTRAST_FLOOR = np.float32(0.1)
# The convolutions that make the map smaller.
_HALVING = (1, 2)


@dataclass(frozen=True)
class ReaderShape:
    """How the network is built."""

    side: int = 48
    """Width and height of what is cut out, in pixels; a multiple of 24."""
    channels: tuple[int, ...] = (24, 48, 72, 96)
    """Channels of the convolutions, at least 4 of them; the second and the third halve the map."""
    hidden: int = 96
    """Numbers between what is seen and the answer; at least 1."""

    def __post_init__(self) -> None:
        if min(self.hidden, *self.channels) < 1 or len(self.channels) < 3:
            raise OptionError(f"{self}: three convolutions at least, of one channel at least")
        if self.side < 24 or self.side % 24:
            raise OptionError(f"{self}: the side is no multiple of 24")

    @property
    def seen(self) -> int:
        """Numbers that convolutions make of what is cut out."""
        return (_GRID**2 + 1) * self.channels[-1]


def array_shapes(shape: ReaderShape, materials: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of a reader of so many materials.

    >>> array_shapes(ReaderShape(), 8)["out.weight"]
    (9, 96)
    """
    found: dict[str, tuple[int, ...]] = {}
    given = 3 * FOLD**2
    for k, channels in enumerate(shape.channels):
        found[f"convolutions.{k}.weight"] = (channels, given, _KERNEL, _KERNEL)
        found[f"convolutions.{k}.bias"] = (channels,)
        given = channels
    found |= {"hidden.weight": (shape.hidden, shape.seen + LIGHT), "hidden.bias": (shape.hidden,)}
    return found | {"out.weight": (materials + 1, shape.hidden), "out.bias": (materials + 1,)}


def step_of(layer: int) -> int:
    """How many times smaller a convolution makes the map."""
    return 2 if layer in _HALVING else 1


# ---------------------------------------------------------------- what it is told


def light_of(picture: Pixels) -> Array:
    """Means and spreads of the colours of a whole picture [H, W, 3], float32 [6], 0...1.

    >>> light_of(np.full((4, 6, 3), 51, np.uint8)).round(2).tolist()
    [0.20000000298023224, 0.20000000298023224, 0.20000000298023224, 0.0, 0.0, 0.0]
    """
    means, spreads = cv2.meanStdDev(picture)
    return np.concatenate([means[:, 0], spreads[:, 0]]).astype(np.float32) / np.float32(255)


def cut_out(picture: Pixels, x: float, y: float, side: int) -> Pixels:
    """The part of a picture [H, W, 3] around a place, uint8 [side, side, 3], its edges continued.

    Parameters
    ----------
    picture : RGB
    x, y : where, as shares of its width and height
    side : pixels across and down, of a picture whose longer side has 160

    Examples
    --------
    >>> picture = np.zeros((120, 160, 3), np.uint8)
    >>> picture[60, 40] = 255
    >>> np.argwhere(cut_out(picture, 40.5 / 160, 60.5 / 120, 9)[..., 0] > 100).tolist()
    [[4, 4]]
    """
    high, wide = picture.shape[:2]
    scale = LONGEST_SIDE / max(high, wide)
    # Pixels lie at their middles.
    move = [side / 2 - scale * x * wide + (scale - 1) / 2, side / 2 - scale * y * high + (scale - 1) / 2]
    way = np.array([[scale, 0, move[0]], [0, scale, move[1]]])
    found = cv2.warpAffine(
        picture, way, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.uint8)


def told(cuts: Array, light: Array) -> Array:
    """What the network looks at: what is cut out against the colours of the whole picture, [n, side, side, 3].

    Parameters
    ----------
    cuts : 0...1, [n, side, side, 3]
    light : what :func:`light_of` gives of each picture, [n, 6]
    """
    spread = light[:, 3:].mean(axis=1) + _CONTRAST_FLOOR
    return np.asarray((cuts - light[:, None, None, :3]) / spread[:, None, None, None], np.float32)


# ---------------------------------------------------------------- what it does


@dataclass(frozen=True, eq=False)
class MaterialReader:
    """Parts of pictures in; materials and sizes out.

    Raises FormatError if the arrays do not fit.
    """

    shape: ReaderShape
    """How its network is built."""
    arrays: Arrays
    """The network's weights."""
    materials: tuple[str, ...]
    """What it tells apart."""
    size_mean: float = -1.0
    """Mean of the logarithms to base 10 of sizes, metres, where it learnt."""
    size_spread: float = 0.2
    """Their spread."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape, len(self.materials)), "a reader of materials")

    def read(self, cuts: Pixels, light: Array) -> tuple[Array, Array]:
        """How likely each material is, float32 [n, materials], and the logarithms to base 10 of sizes in metres, [n].

        Parameters
        ----------
        cuts : what :func:`cut_out` gives, uint8 [n, side, side, 3]
        light : what :func:`light_of` gives of the whole picture of each, [n, 6]
        """
        if not len(cuts):
            return np.zeros((0, len(self.materials)), np.float32), np.zeros(0, np.float32)
        rows = _folded(told(np.asarray(cuts, np.float32) / np.float32(255), light))
        for k in range(len(self.shape.channels)):
            rows = _convolved(rows, self.arrays, k)
        count, high, wide, channels = rows.shape
        part = rows.reshape(count, _GRID, high // _GRID, _GRID, wide // _GRID, channels).mean(axis=(2, 4))
        # Torch flattens channels first.
        seen = [part.transpose(0, 3, 1, 2).reshape(count, -1), rows.mean(axis=(1, 2)), light]
        hidden = np.maximum(linear(np.concatenate(seen, axis=1), self.arrays, "hidden"), 0)
        raw = linear(hidden, self.arrays, "out")
        return softmax(raw[:, :-1]), raw[:, -1] * np.float32(self.size_spread) + np.float32(self.size_mean)


def _folded(rows: Array) -> Array:
    """Each 2 x 2 pixels as one place, in torch's order: [n, H, W, 3] to [n, H / 2, W / 2, 12]."""
    count, high, wide, channels = rows.shape
    cells = rows.reshape(count, high // FOLD, FOLD, wide // FOLD, FOLD, channels)
    return cells.transpose(0, 1, 3, 5, 2, 4).reshape(count, high // FOLD, wide // FOLD, -1)


def _convolved(rows: Array, arrays: Arrays, layer: int) -> Array:
    pad, step = _KERNEL // 2, step_of(layer)
    padded = np.pad(rows, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_KERNEL, _KERNEL), axis=(1, 2))
    windows = windows[:, ::step, ::step]
    count, high, wide, given = windows.shape[:4]
    kernel = arrays[f"convolutions.{layer}.weight"].reshape(-1, given * _KERNEL**2)
    flat = windows.reshape(count * high * wide, given * _KERNEL**2) @ kernel.T
    found = np.maximum(flat + arrays[f"convolutions.{layer}.bias"], 0)
    return np.asarray(found.reshape(count, high, wide, -1), np.float32)


# ---------------------------------------------------------------- the file


def save_materials(reader: MaterialReader, target: str | os.PathLike[str]) -> None:
    """Write it as ``.npz``. Raises OutputError if the target cannot be written."""
    header = {
        "shape": asdict(reader.shape),
        "materials": list(reader.materials),
        "size": [reader.size_mean, reader.size_spread],
        "facts": dict(reader.facts),
    }
    write_model(target, _KIND, header, reader.arrays, half=True)


def load_materials(model: str | os.PathLike[str] = MATERIALS_NAME) -> MaterialReader:
    """A reader: the one that comes with Genlock, another of the registry by its name, or a file or folder.

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    return _cached(model_path(model))


@cache
def _cached(path: Path) -> MaterialReader:
    return read_model(path, _KIND, "reader of materials", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, Any]) -> MaterialReader:
    return MaterialReader(
        ReaderShape(**shape_in(header)),
        arrays_in(found),
        tuple(header["materials"]),
        float(header["size"][0]),
        float(header["size"][1]),
        header["facts"],
    )
