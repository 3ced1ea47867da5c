"""A small network that tells from motion alone when something touches: maps of motion in, contacts out, in numpy.

It never sees a picture, only what moves by itself in it (:mod:`genlock.extractors.picture.motion_maps`), so that it
does not matter what things look like. It looks at frames in their order, and is told how many seconds lie between
them. Arrays have the names and the layouts of torch's own layers: :mod:`genlock.train.foley.contact_network` is the
same network where it learns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import OptionError
from genlock.models.foley.reading import Reading
from genlock.models.layers import Array, Arrays, check_shapes, linear, sigmoid, softmax
from genlock.weights.npz_model import arrays_in, model_path, read_model, shape_in, write_model

__all__ = [
    "CONTACTS_NAME",
    "OUTPUTS",
    "ContactModel",
    "ContactRows",
    "ContactShape",
    "along",
    "array_shapes",
    "load_contacts",
    "network_of",
    "prepared_maps",
    "save_contacts",
    "told_of_places",
]

#: Name of the model of our own in the registry.
CONTACTS_NAME = "foley-contacts"
#: What is told of each place: how clearly something touches, when (in frames from this one), and how hard.
OUTPUTS = ("presence", "place", "impulse")
_KIND = "foley contacts"
# By how much each channel of the maps is raised before it is bent: usual values come near 1.
_GAINS = np.array([10, 10, 10, 10, 4, 4, 10, 10, 8, 8, 8], np.float32)
_CAMERA_GAIN = np.float32(4)
_USUAL_SECONDS = np.float32(0.04)
_MOST = 3.0


@dataclass(frozen=True)
class ContactShape:
    """How the network is built."""

    rows: int = 12
    """Rows of the maps; even."""
    columns: int = 16
    """Columns of the maps; even."""
    maps: int = 15
    """Channels of the maps."""
    width: int = 16
    """Channels of the network; at least 1."""
    dilations: tuple[int, ...] = (1, 1, 2, 2)
    """Frames between the taps of each block; at least 1."""
    across: tuple[int, ...] = (1, 0, 1, 0)
    """For each block, how many places further it sees: 1, or 0."""

    def __post_init__(self) -> None:
        if (
            min(self.rows, self.columns, self.maps, self.width, *self.dilations) < 1
            or self.rows % 2
            or self.columns % 2
        ):
            raise OptionError(f"{self}: all are at least 1, rows and columns are even")
        if len(self.across) != len(self.dilations) or not set(self.across) <= {0, 1}:
            raise OptionError(f"{self}: across has 1 or 0 for each of the dilations")

    @property
    def reach(self) -> int:
        """Frames before and after one that its answer depends on."""
        return sum(self.dilations)


def array_shapes(shape: ContactShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> array_shapes(ContactShape())["enter.weight"]
    (16, 135)
    """
    width = shape.width
    wide = {"enter": (9 * shape.maps, width), "out": (width, len(OUTPUTS))}
    for k, far in enumerate(shape.across):
        wide |= {
            f"blocks.{k}.time": (3 * width, width),
            f"blocks.{k}.space": ((9 if far else 1) * width, width),
        }
    found: dict[str, tuple[int, ...]] = {"level": (1,)}
    for name, (inner, outer) in wide.items():
        found |= {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}
    return found


def prepared_maps(maps: Array) -> Array:
    """Maps of motion as the network takes them: bent, so that what is very fast does not outweigh all else.

    >>> prepared_maps(np.zeros((2, 12, 16, 15), np.float32)).shape
    (2, 12, 16, 15)
    """
    count = len(_GAINS)
    out = np.empty(maps.shape, np.float32)
    out[..., :count] = np.arcsinh(maps[..., :count] * _GAINS)
    seconds = np.maximum(maps[..., count : count + 2], 1e-4)
    out[..., count : count + 2] = np.clip(np.log(seconds / _USUAL_SECONDS), -_MOST, _MOST)
    out[..., count + 2 :] = np.clip(np.arcsinh(maps[..., count + 2 :] * _CAMERA_GAIN), -_MOST, _MOST)
    return out


@dataclass(frozen=True, eq=False)
class ContactRows:
    """What is told of frames, each [T]."""

    presence: Array
    """Probability that something touches near the frame: where a contact lies between two frames, each has a share."""
    place: Array
    """When, in frames from this one, -1...1."""
    impulse: Array
    """Logarithm to base 10 of the impulse, N s."""
    x: Array
    """Where in the picture, 0 left ... 1 right."""
    y: Array
    """0 top ... 1 bottom."""


@dataclass(frozen=True, eq=False)
class ContactModel:
    """Maps of motion in, contacts out.

    Raises FormatError if the arrays do not fit.
    """

    shape: ContactShape
    """How its network is built."""
    arrays: Mapping[str, Array]
    """The network's weights."""
    reading: Reading = field(default_factory=Reading)
    """How contacts are read off."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape), "a finder of contacts")

    def rows(self, maps: Array) -> ContactRows:
        """What is told of consecutive frames of one film, for maps float32 [T, rows, columns, channels].

        The first and the last ``shape.reach`` rows of a stretch are told without what lies beyond it.
        """
        return self.rows_of_prepared(prepared_maps(maps))

    def rows_of_prepared(self, maps: Array) -> ContactRows:
        """The same of :func:`prepared_maps`."""
        raw = linear(network_of(maps, self.arrays, self.shape), self.arrays, "out")
        return told_of_places(raw, self.arrays["level"])


def told_of_places(raw: Array, level: Array) -> ContactRows:
    """What is told of frames by what is told of each of their places.

    Parameters
    ----------
    raw : for each of :data:`OUTPUTS`, float32 [T, rows, columns, 3]
    level : what is added to the certainty of all places together, [1]
    """
    flat = raw.reshape(len(raw), -1, len(OUTPUTS))
    clear = flat[..., 0]
    highest = clear.max(axis=1, keepdims=True)
    whole = np.log(np.exp(clear - highest).sum(axis=1)) + highest[:, 0]
    share = softmax(clear)
    ys, xs = (np.indices(raw.shape[1:3], np.float32) + 0.5).reshape(2, -1)
    return ContactRows(
        sigmoid(whole + level),
        np.clip((flat[..., 1] * share).sum(axis=1), -1, 1),
        (flat[..., 2] * share).sum(axis=1),
        (share * xs).sum(axis=1) / raw.shape[2],
        (share * ys).sum(axis=1) / raw.shape[1],
    )


def network_of(maps: Array, arrays: Arrays, shape: ContactShape) -> Array:
    """What the network knows of each place before it answers, float32 [T, rows/2, columns/2, width]."""
    hidden = linear(_around(maps, 2), arrays, "enter")
    for k, (step, far) in enumerate(zip(shape.dilations, shape.across, strict=True)):
        inner = np.maximum(linear(along(np.maximum(hidden, 0), step), arrays, f"blocks.{k}.time"), 0)
        hidden = hidden + linear(_around(inner, 1) if far else inner, arrays, f"blocks.{k}.space")
    return np.maximum(hidden, 0)


def _around(rows: Array, stride: int) -> Array:
    """Each place, or each second one, with the eight around it: [T, rows/stride, columns/stride, 9 D]."""
    height, width = rows.shape[1] // stride, rows.shape[2] // stride
    padded = np.pad(rows, ((0, 0), (1, 1), (1, 1), (0, 0)))
    parts = [
        padded[:, down : down + stride * height : stride, right : right + stride * width : stride]
        for down in range(3)
        for right in range(3)
    ]
    return np.concatenate(parts, axis=3)


def along(rows: Array, step: int) -> Array:
    """Each frame with those ``step`` before and after it, [T, rows, columns, 3 D]."""
    padded = np.pad(rows, ((step, step), (0, 0), (0, 0), (0, 0)))
    return np.concatenate([padded[tap * step : tap * step + len(rows)] for tap in range(3)], axis=3)


def save_contacts(model: ContactModel, target: str | os.PathLike[str]) -> None:
    """Write a model as ``.npz``.

    Raises OutputError if the target cannot be written.
    """
    header = {"shape": asdict(model.shape), "reading": asdict(model.reading), "facts": dict(model.facts)}
    write_model(target, _KIND, header, model.arrays)


def load_contacts(model: str | os.PathLike[str] = CONTACTS_NAME) -> ContactModel:
    """Read a model that ``genlock train contacts`` made, by name, file or folder; once for each file.

    Raises
    ------
    MissingModel
        If it is not on this machine.
    FormatError
        If it is damaged, or no such model.
    """
    return _cached(model_path(model))


@cache
def _cached(path: Path) -> ContactModel:
    return read_model(path, _KIND, "model of contacts", _built)


def _built(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> ContactModel:
    return ContactModel(
        ContactShape(**shape_in(header)), arrays_in(arrays), Reading(**header["reading"]), header["facts"]
    )
