"""Where something is struck, and what: its material and its size, read off the picture around that place, in numpy.

A reader first looks for the place in three small grey pictures that follow each other. Then it looks at a small part of
the middle one, at the scale at which the picture's longer side has 160 pixels, with the contact in its middle, and at
what changes there from the picture before and to the one after: so it knows what moves and what is struck. It is told
the colours of the whole picture beside: what is seen is told against them, so that light and exposure matter little.
Arrays have the names and layouts of torch's own layers:
:mod:`genlock.train.foley.material_network` is the same network where it learns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.drawing.opencv import cv2
from genlock.models.foley.convolution import FOLD, KERNEL, convolved, folded
from genlock.models.layers import Array, Arrays, check_shapes, linear, softmax
from genlock.weights.npz_model import arrays_in, load_once, shape_in, write_model

__all__ = [
    "LIGHT",
    "LONGEST_SIDE",
    "MATERIALS_NAME",
    "PLACES_SHOWN",
    "PLACES_SIDE",
    "MaterialReader",
    "ReaderShape",
    "array_shapes",
    "cells_of",
    "cut_out",
    "light_of",
    "load_materials",
    "part_of",
    "save_materials",
    "shown",
    "small_grey",
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
#: Grey pictures in which the place is looked for, and pixels across and down in each.
PLACES_SHOWN, PLACES_SIDE = 3, 64
_KIND = "foley materials"
_GRID = 3
_KNEE = np.float32(0.15)  # change, against the picture's spread, that is told as one half
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_NEAR = 0.2  # how far places lie from where motion says, as a share of the picture
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
    places: tuple[int, ...] = (24, 48, 48, 48)
    """Channels of the convolutions that look for the place; the second halves the map."""
    spread: tuple[int, ...] = (1, 1, 2, 4)
    """Places between the taps of each of them."""
    changes: bool = False
    """Whether it is told what changes from the picture before and to the one after."""

    def __post_init__(self) -> None:
        if min(self.hidden, *self.channels) < 1 or len(self.channels) < 3:
            raise OptionError(f"{self}: three convolutions at least, of one channel at least")
        if (
            len(self.places) != len(self.spread)
            or len(self.places) < 2
            or min(*self.places, *self.spread) < 1
        ):
            raise OptionError(f"{self}: places has two convolutions at least, and spread as many")
        if self.side < 24 or self.side % 24:
            raise OptionError(f"{self}: the side is no multiple of 24")

    @property
    def given(self) -> int:
        """Numbers of each pixel that it is told."""
        return 5 if self.changes else 3

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
    given = shape.given * FOLD**2
    for k, channels in enumerate(shape.channels):
        found[f"convolutions.{k}.weight"] = (channels, given, KERNEL, KERNEL)
        found[f"convolutions.{k}.bias"] = (channels,)
        given = channels
    given = PLACES_SHOWN * FOLD**2
    for k, channels in enumerate(shape.places):
        found[f"places.{k}.weight"] = (channels, given, KERNEL, KERNEL)
        found[f"places.{k}.bias"] = (channels,)
        given = channels
    found |= {"where.weight": (1, given), "where.bias": (1,)}
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


def cut_out(picture: Pixels, x: float, y: float, side: int, longest: int = LONGEST_SIDE) -> Pixels:
    """The part of a picture [H, W, 3] or [H, W] around a place, uint8 [side, side, 3] or [side, side].

    Beyond the picture its edges are continued.

    Parameters
    ----------
    picture : RGB, or grey [H, W]
    x, y : where, as shares of its width and height
    side : pixels across and down
    longest : pixels of the longer side of a picture at the scale of what is cut out

    Examples
    --------
    >>> picture = np.zeros((120, 160, 3), np.uint8)
    >>> picture[60, 40] = 255
    >>> np.argwhere(cut_out(picture, 40.5 / 160, 60.5 / 120, 9)[..., 0] > 100).tolist()
    [[4, 4]]
    """
    high, wide = picture.shape[:2]
    scale = longest / max(high, wide)
    # Pixels lie at their middles.
    move = [side / 2 - scale * x * wide + (scale - 1) / 2, side / 2 - scale * y * high + (scale - 1) / 2]
    way = np.array([[scale, 0, move[0]], [0, scale, move[1]]])
    found = cv2.warpAffine(
        picture, way, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.uint8)


def part_of(three: Sequence[Pixels], x: float, y: float, side: int) -> tuple[Pixels, Pixels]:
    """What a reader is shown of a picture, the one before and the one after around a place.

    Parameters
    ----------
    three : RGB [H, W, 3], in the order of time; the middle one is read
    x, y : where, as shares of width and height
    side : pixels across and down

    Returns
    -------
    The part of the middle one, uint8 [side, side, 3], and that of the other two in grey, uint8 [2, side, side].

    Examples
    --------
    >>> middle, beside = part_of([np.zeros((48, 64, 3), np.uint8)] * 3, 0.5, 0.5, 24)
    >>> middle.shape, beside.shape
    ((24, 24, 3), (2, 24, 24))
    """
    beside = [cv2.cvtColor(cut_out(picture, x, y, side), cv2.COLOR_RGB2GRAY) for picture in three[::2]]
    return cut_out(three[1], x, y, side), np.asarray(np.stack(beside), np.uint8)


def small_grey(picture: Pixels) -> Pixels:
    """A picture [H, W, 3] as :meth:`MaterialReader.locate` looks at it: grey, uint8 [64, 64]."""
    small = cv2.resize(picture, (PLACES_SIDE, PLACES_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def shown(around: npt.NDArray[Any]) -> Array:
    """Three grey pictures [n, 3, 64, 64] as changes before, the middle one, and changes after: float32, the same shape.

    All are told against the spread of the middle one, so that light and exposure matter little.
    """
    grey = np.asarray(around, np.float32)
    middle = grey[:, 1:2]
    spread = middle.std(axis=(2, 3), keepdims=True) + np.float32(4)
    changes = np.concatenate([middle - grey[:, :1], grey[:, 2:] - middle], axis=1) / spread
    changes /= np.abs(changes) + np.float32(_KNEE)
    still = (middle - middle.mean(axis=(2, 3), keepdims=True)) / spread
    return np.concatenate([changes[:, :1], still, changes[:, 1:]], axis=1)


def told(cuts: Array, light: Array, beside: Array | None = None) -> Array:
    """What the network looks at, [n, side, side, 3 or 5]: what is cut out against the colours of the whole picture.

    Parameters
    ----------
    cuts : 0...1, [n, side, side, 3]
    light : what :func:`light_of` gives of each picture, [n, 6]
    beside : the same part in grey in the picture before and the one after, 0...1, [n, 2, side, side]: their changes
        are told too
    """
    spread = (light[:, 3:].mean(axis=1) + _CONTRAST_FLOOR)[:, None, None, None]
    seen = (cuts - light[:, None, None, :3]) / spread
    if beside is None:
        return np.asarray(seen, np.float32)
    grey = cuts @ _GREY
    changes = np.stack([grey - beside[:, 0], beside[:, 1] - grey], axis=3) / spread
    changes /= np.abs(changes) + _KNEE
    return np.concatenate([seen, changes], axis=3).astype(np.float32)


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

    def locate(self, around: Pixels, near: Array | None = None) -> Array:
        """Where something touches in the middle picture, across and down as shares of it, float32 [n, 2].

        Parameters
        ----------
        around : what :func:`small_grey` gives of a picture, the one before and the one after, uint8 [n, 3, 64, 64]
        near : where motion says that it is, [n, 2]: what is far from it is less likely; None: nobody says
        """
        if not len(around):
            return np.zeros((0, 2), np.float32)
        rows = folded(shown(around).transpose(0, 2, 3, 1))
        for k, spread in enumerate(self.shape.spread):
            rows = convolved(rows, self.arrays, f"places.{k}", 2 if k == 1 else 1, spread)
        count, high, wide, _ = rows.shape
        heat = linear(rows, self.arrays, "where").reshape(count, high * wide)
        cells = cells_of(high, wide)
        if near is not None:
            apart = ((cells - near[:, None]) ** 2).sum(axis=2)
            heat = heat - (apart / np.float32(2 * _NEAR**2)).astype(np.float32)
        # The mean of the likeliest cell and those that touch it.
        share = softmax(heat)
        best = cells[share.argmax(axis=1)]
        close = share * (np.abs(cells - best[:, None]).max(axis=2) < 1.5 / wide)
        return np.asarray((close @ cells) / close.sum(axis=1, keepdims=True), np.float32)

    def look(
        self, pictures: Sequence[Sequence[Pixels]], near: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Where something touches in pictures, of what it is and how large: :meth:`locate`, then :meth:`read` there.

        Parameters
        ----------
        pictures : of each the one before, itself, and the one after, RGB [H, W, 3]
        near : where motion says that it is, [n, 2]; None: nobody says

        Returns
        -------
        Places [n, 2], how likely each material is [n, materials], and logarithms to base 10 of sizes in metres [n].
        """
        places = self.locate(np.stack([[small_grey(one) for one in three] for three in pictures]), near)
        parts = [
            part_of(three, float(x), float(y), self.shape.side)
            for three, (x, y) in zip(pictures, places, strict=True)
        ]
        cuts, beside = (np.stack(each) for each in zip(*parts, strict=True))
        light = np.stack([light_of(three[1]) for three in pictures])
        return places, *self.read(cuts, light, beside)

    def read(self, cuts: Pixels, light: Array, beside: Pixels) -> tuple[Array, Array]:
        """How likely each material is, float32 [n, materials], and the logarithms to base 10 of sizes in metres, [n].

        Parameters
        ----------
        cuts, beside : what :func:`part_of` gives, uint8 [n, side, side, 3] and [n, 2, side, side]
        light : what :func:`light_of` gives of the whole picture of each, [n, 6]
        """
        if not len(cuts):
            return np.zeros((0, len(self.materials)), np.float32), np.zeros(0, np.float32)
        moved = np.asarray(beside, np.float32) / np.float32(255) if self.shape.changes else None
        rows = folded(told(np.asarray(cuts, np.float32) / np.float32(255), light, moved))
        for k in range(len(self.shape.channels)):
            rows = convolved(rows, self.arrays, f"convolutions.{k}", step_of(k))
        count, high, wide, channels = rows.shape
        part = rows.reshape(count, _GRID, high // _GRID, _GRID, wide // _GRID, channels).mean(axis=(2, 4))
        # Torch flattens channels first.
        seen = [part.transpose(0, 3, 1, 2).reshape(count, -1), rows.mean(axis=(1, 2)), light]
        hidden = np.maximum(linear(np.concatenate(seen, axis=1), self.arrays, "hidden"), 0)
        raw = linear(hidden, self.arrays, "out")
        return softmax(raw[:, :-1]), raw[:, -1] * np.float32(self.size_spread) + np.float32(self.size_mean)


def cells_of(high: int, wide: int) -> Array:
    """Middles of the cells of a map, row by row: across and down as shares of the picture, float32 [high * wide, 2].

    >>> cells_of(1, 2).tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    down, across = np.divmod(np.arange(high * wide), wide)
    return np.stack([(across + 0.5) / wide, (down + 0.5) / high], axis=1).astype(np.float32)


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
    return load_once(model, _KIND, "reader of materials", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, Any]) -> MaterialReader:
    return MaterialReader(
        ReaderShape(**shape_in(header)),
        arrays_in(found),
        tuple(header["materials"]),
        float(header["size"][0]),
        float(header["size"][1]),
        header["facts"],
    )
