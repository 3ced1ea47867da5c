"""Whether something touches, when and where, looked at closely: a few frames around a moment and a place, in numpy.

Maps of motion say where and when to look (:mod:`genlock.models.foley.contacts`); they cannot tell a stick that turns
round above a thing from one that hits it. This network has that one inside, and knows all that it knows of each
place. Beside it, it sees a part of the picture in colour in nine frames, compares them place by place, and answers for
the five in the middle. Arrays have the names and layouts of torch's own layers:
:mod:`genlock.train.foley.touch_network` is the same network where it learns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.foley import contacts
from genlock.models.foley.contacts import (
    OUTPUTS,
    ContactRows,
    ContactShape,
    along,
    network_of,
    told_of_places,
)
from genlock.models.foley.convolution import FOLD, KERNEL, convolved, folded
from genlock.models.foley.glances import ANSWERED, FRAMES, Glances, combined, frames_of, glances_of, parts_of
from genlock.models.foley.reading import Reading
from genlock.models.foley.small_pictures import CELL, HIGH, WIDE, Pixels, greys_of, tints_of
from genlock.models.layers import Array, Arrays, check_shapes, linear
from genlock.weights.npz_model import arrays_in, load_once, shape_in, write_model

__all__ = [
    "GREYS",
    "TINTS",
    "TOLD",
    "TOUCHES_NAME",
    "Motion",
    "TouchModel",
    "TouchShape",
    "array_shapes",
    "larger",
    "load_touches",
    "motion_of",
    "save_touches",
    "shown",
]

#: Name of the model of our own in the registry.
TOUCHES_NAME = "foley-touches"
#: Numbers of each pixel's grey (change before, itself, change after), and of its colour.
GREYS, TINTS = 3, 2
#: Numbers that motion alone tells of a frame.
TOLD = 3
_KIND = "foley touches"
_KNEE = np.float32(0.15)  # change, against the picture's spread, that is told as one half
_LEAST_SPREAD = np.float32(6)  # of grey, 0...255
_NO_TINT, _TINT_SPREAD = np.float32(128), np.float32(32)
_AT_A_TIME = 16  # looks that are told together: a bound of memory


@dataclass(frozen=True)
class TouchShape:
    """How the network is built."""

    motion: ContactShape = field(default_factory=lambda: ContactShape(width=20))
    """The part that sees motion alone; its maps have a place for each 8 x 8 pixels of the pictures."""
    side: int = 8
    """Places across and down of the part that is looked at; even."""
    channels: tuple[int, ...] = (24, 24)
    """Channels of the two convolutions of pictures, each of which halves the map."""
    width: int = 24
    """Numbers of each place while frames are compared; at least 1."""
    dilations: tuple[int, ...] = (1, 1, 2)
    """Frames between the taps of each block that compares them."""

    def __post_init__(self) -> None:
        rows, columns = HIGH // CELL, WIDE // CELL
        if min(self.width, *self.channels, *self.dilations) < 1 or len(self.channels) != 2:
            raise OptionError(f"{self}: all are at least 1, and there are two convolutions")
        if (self.motion.rows, self.motion.columns) != (rows, columns):
            raise OptionError(f"{self}: maps of motion have {rows} rows and {columns} columns")
        if self.side % 2 or not 2 <= self.side <= min(rows, columns):
            raise OptionError(f"{self}: the side is even, and lies in 2...{min(rows, columns)}")

    @property
    def reach(self) -> int:
        """Frames before and after one that its answer depends on."""
        return ANSWERED // 2 + FRAMES // 2 + self.motion.reach


def array_shapes(shape: TouchShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> array_shapes(TouchShape())["enter.weight"]
    (24, 62)
    """
    found = {f"motion.{name}": of for name, of in contacts.array_shapes(shape.motion).items()}
    found["level"] = (1,)
    given, width = GREYS * FOLD**2 + TINTS, shape.width
    for k, channels in enumerate(shape.channels):
        found |= {f"convolutions.{k}.weight": (channels, given, KERNEL, KERNEL)}
        found |= {f"convolutions.{k}.bias": (channels,)}
        given = channels
    plain = {
        "enter": (width, given + shape.motion.maps + TOLD + shape.motion.width),
        "out": (len(OUTPUTS), width),
    }
    for k in range(len(shape.dilations)):
        plain[f"blocks.{k}.time"] = (width, 3 * width)
        found[f"blocks.{k}.space.weight"] = (width, width, KERNEL, KERNEL)
        found[f"blocks.{k}.space.bias"] = (width,)
    for name, sizes in plain.items():
        found |= {f"{name}.weight": sizes, f"{name}.bias": sizes[:1]}
    return found


# ---------------------------------------------------------------- what it is shown


@dataclass(frozen=True, eq=False)
class Motion:
    """What motion alone tells of frames."""

    hidden: Array
    """What it knows of each place before it answers, [T, rows / 2, columns / 2, width of the part for motion]."""
    rows: ContactRows
    """What it answers, each [T]."""

    @property
    def told(self) -> Array:
        """The same as numbers: its certainty as a logit, the place, the impulse; float32 [T, 3]."""
        likely = np.clip(self.rows.presence, 1e-4, 1 - 1e-4)
        logits = np.log(likely / (1 - likely)) / 3
        return np.stack([logits, self.rows.place, self.rows.impulse], axis=1).astype(np.float32)


def motion_of(maps: Array, arrays: Arrays, shape: ContactShape) -> Motion:
    """What motion alone tells of prepared maps [T, 12, 16, 15], by the arrays of a model of contacts."""
    hidden = network_of(maps, arrays, shape)
    return Motion(hidden, told_of_places(linear(hidden, arrays, "out"), arrays["level"]))


def larger(rows: Array) -> Array:
    """Each place as 2 x 2: places of motion as those of maps.

    >>> larger(np.zeros((1, 6, 8, 3), np.float32)).shape
    (1, 12, 16, 3)
    """
    return rows.repeat(FOLD, axis=-3).repeat(FOLD, axis=-2)


def shown(grey: npt.NDArray[Any], tints: npt.NDArray[Any]) -> Array:
    """Parts of pictures as the network looks at them, float32 [n * FRAMES, side / 2, side / 2, 14].

    Each 2 x 2 pixels are one place: of each the change since the frame before, the pixel itself, the change to the
    next, all against the spread of grey there, so that light and exposure matter little; then the colour.

    Parameters
    ----------
    grey : [n, FRAMES, side, side]
    tints : [n, FRAMES, 2, side / 2, side / 2]

    Examples
    --------
    >>> shown(np.zeros((2, 9, 64, 64), np.uint8), np.zeros((2, 9, 2, 32, 32), np.uint8)).shape
    (18, 32, 32, 14)
    """
    seen = np.asarray(grey, np.float32)
    flat = seen.reshape(len(seen), -1)
    mean = flat.mean(axis=1)[:, None, None, None]
    spread = flat.std(axis=1)[:, None, None, None] + _LEAST_SPREAD
    change = np.diff(seen, axis=1) / spread
    change /= np.abs(change) + _KNEE
    three = np.zeros((*seen.shape, GREYS), np.float32)
    three[:, 1:, ..., 0], three[..., 1], three[:, :-1, ..., 2] = change, (seen - mean) / spread, change
    colours = (np.asarray(tints, np.float32) - _NO_TINT) / _TINT_SPREAD
    rows = folded(three.reshape(-1, *three.shape[2:]))
    return np.concatenate([rows, colours.reshape(-1, *colours.shape[2:]).transpose(0, 2, 3, 1)], axis=3)


# ---------------------------------------------------------------- what it does


@dataclass(frozen=True, eq=False)
class TouchModel:
    """Pictures and the motion in them in, what touches out.

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

    @property
    def motion_arrays(self) -> dict[str, Array]:
        """The weights of the part that sees motion alone."""
        start = "motion."
        return {name.removeprefix(start): a for name, a in self.arrays.items() if name.startswith(start)}

    def rows(self, small: Pixels, maps: Array) -> ContactRows:
        """What is told of consecutive frames of one film; nothing touches where nobody looked.

        The first and the last ``shape.reach`` rows of a stretch are told without what lies beyond it.

        Parameters
        ----------
        small : of :func:`genlock.models.foley.small_pictures.small_picture`, uint8 [T, 18432]; at least one frame
        maps : of their motion, of :func:`genlock.models.foley.contacts.prepared_maps`, float32 [T, 12, 16, 15]
        """
        own = self.motion_arrays
        motion = motion_of(maps, own, self.shape.motion)
        glances = glances_of(motion.rows, self.shape.side)
        answers = [np.zeros((0, ANSWERED, 5), np.float32)]
        for first in range(0, len(glances.centres), _AT_A_TIME):
            some = glances.some(slice(first, first + _AT_A_TIME))
            answers.append(self.answers(small, maps, motion, some))
        return combined(motion.rows, glances, np.concatenate(answers))

    def answers(self, small: Pixels, maps: Array, motion: Motion, looks: Glances) -> Array:
        """Of the five frames in the middle of each look: presence 0...1, place -1...1, log10 N s, x, y; [n, 5, 5]."""
        side, count = self.shape.side, len(looks.centres)
        grey, tints = (parts_of(planes(small), looks, side * of) for planes, of in _PLANES)
        moved, hidden = (
            parts_of(rows.transpose(0, 3, 1, 2), looks, side).transpose(0, 1, 3, 4, 2)
            for rows in (maps, larger(motion.hidden))
        )
        told = motion.told[frames_of(looks.centres, len(maps))][:, :, None, None]
        rows = shown(grey[:, :, 0], tints)
        for k in range(len(self.shape.channels)):
            rows = convolved(rows, self.arrays, f"convolutions.{k}", 2)
        rows = rows.reshape(count, FRAMES, side, side, -1)
        told = np.broadcast_to(told, (*rows.shape[:4], TOLD))
        known = linear(np.concatenate([rows, moved, told, hidden], axis=4), self.arrays, "enter")
        for k, step in enumerate(self.shape.dilations):
            taps = np.stack([along(one, step) for one in np.maximum(known, 0)])
            inner = np.maximum(linear(taps, self.arrays, f"blocks.{k}.time"), 0)
            space = convolved(
                inner.reshape(-1, *inner.shape[2:]), self.arrays, f"blocks.{k}.space", least=-np.inf
            )
            known = known + space.reshape(known.shape)
        first = (FRAMES - ANSWERED) // 2
        middle = slice(first, first + ANSWERED)
        raw = linear(np.maximum(known[:, middle], 0), self.arrays, "out")
        found = told_of_places(raw.reshape(-1, side, side, len(OUTPUTS)), self.arrays["level"])
        x, y = (
            (part.reshape(count, ANSWERED) * side + looks.corners[:, k, None]) * CELL / whole
            for k, (part, whole) in enumerate(((found.x, WIDE), (found.y, HIGH)))
        )
        plain = (found.presence, found.place, found.impulse)
        return np.stack([*(part.reshape(count, ANSWERED) for part in plain), x, y], axis=2).astype(np.float32)


# Planes of small pictures, and how many of their pixels across lie in a place.
_PLANES = ((greys_of, CELL), (tints_of, CELL // FOLD))


# ---------------------------------------------------------------- the file


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
    return load_once(model, _KIND, "model of touches", _built)


def _built(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> TouchModel:
    known = shape_in(header)
    motion = ContactShape(**shape_in({"shape": known.pop("motion")}))
    return TouchModel(
        TouchShape(motion, **known), arrays_in(arrays), Reading(**header["reading"]), header["facts"]
    )
