"""Lips against speech by two small networks: one sees the lips, one hears the sound, and both say it in the same terms.

Each *tower* turns its side into a few channels at every instant; what they say is compared over all lags like the
channels of :mod:`genlock.lipsync.estimators.linear`, whose curve this one is added to. The towers were trained by
:mod:`genlock.train.lipsync.tower` to tell the right lag from all others. Here they only run, with numpy alone: a few
matrix products, some tens of microseconds for each frame.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, OptionError
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import LinearOptions, Shapes, lip_context, lip_shapes, sound_bands
from genlock.lipsync.evidence.base import FaceEvidence
from genlock.weights import registry
from genlock.weights.npz_model import read_model, write_model

__all__ = [
    "TOWER_NAME",
    "TowerModel",
    "TowerOptions",
    "default_tower",
    "load_tower",
    "picture_tower",
    "save_tower",
    "sound_tower",
]

Array = npt.NDArray[np.float32]

#: Name of the model of our own in the registry.
TOWER_NAME = "lipsync-tower"
#: Cells of sound that each layer looks at, ``dilation`` apart.
TAPS = 5


@dataclass(frozen=True)
class TowerOptions:
    """What the towers look at, and how wide they are."""

    components: int = 20
    """Principal components of the lips; 1...80."""
    frame_width: int = 64
    """Features of a single frame; at least 1."""
    lip_steps: int = 3
    """Steps of 40 ms of lips to either side; at least 0."""
    lip_width: int = 128
    """Features of the lips in context; at least 1."""
    sound_width: int = 48
    """Features of the sound; at least 1."""
    dilations: tuple[int, ...] = (1, 3, 6)
    """Layers of the sound's tower: how many cells of 10 ms lie between the five that each looks at; at least 1."""
    smooth_cells: int = 1
    """The sound's bands are smoothed over so many cells to either side; at least 0."""
    floor: float = 1e-4
    """Level of the soft noise floor below the loud parts of the sound, as a ratio of powers; above 0."""
    channels: int = 32
    """What the towers say: so many channels; at least 1."""

    def __post_init__(self) -> None:
        widths = (self.frame_width, self.lip_width, self.sound_width, self.channels)
        if not 1 <= self.components <= 80 or min(*widths, *self.dilations) < 1 or not self.dilations:
            raise OptionError(f"{self}: components 1...80, widths and dilations at least 1")
        if min(self.lip_steps, self.smooth_cells) < 0 or not self.floor > 0:
            raise OptionError(f"{self}: steps and smoothing are at least 0, the floor above 0")

    @property
    def look(self) -> LinearOptions:
        """The same for the functions that the towers share with the linear model."""
        return LinearOptions(
            components=self.components,
            speeds=0,
            lip_steps=self.lip_steps,
            smooth_cells=self.smooth_cells,
            floor=self.floor,
        )


@dataclass(frozen=True, eq=False)
class TowerModel:
    """The learnt maps, float32; see :meth:`shapes`."""

    options: TowerOptions
    """What it looks at."""
    arrays: Mapping[str, Array]
    """By name, shaped as :meth:`shapes` has it; ``lips`` are scaled components, ``weights`` what channels count."""
    share: float = 0.5
    """What its curve counts beside the linear model's, 0...1."""
    calibration: Mapping[str, float] = field(default_factory=dict)
    """What :mod:`genlock.lipsync.confidence` knows about the errors of both together."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise OptionError(f"share={self.share} lies outside 0...1")
        for name, shape in self.shapes(self.options).items():
            found = self.arrays[name].shape if name in self.arrays else None
            if found != shape:
                raise FormatError(f"{name} of a tower has shape {found}, not {shape}")

    @staticmethod
    def shapes(options: TowerOptions) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array; matrices are [from, to], a layer of sound [5, from, to]."""
        o = options
        wanted: dict[str, tuple[int, ...]] = {
            "lips": (80, o.components),
            "frame": (o.components, o.frame_width),
            "frame_bias": (o.frame_width,),
            "context": ((2 * o.lip_steps + 1) * o.frame_width, o.lip_width),
            "context_bias": (o.lip_width,),
            "lips_out": (o.lip_width, o.channels),
            "lips_out_bias": (o.channels,),
            "sound_out": (o.sound_width, o.channels),
            "sound_out_bias": (o.channels,),
            "weights": (o.channels,),
        }
        for k in range(len(o.dilations)):
            wanted[f"sound{k}"] = (TAPS, o.sound_width if k else 40, o.sound_width)
            wanted[f"sound{k}_bias"] = (o.sound_width,)
        return wanted


def sound_tower(mel: Track, model: TowerModel) -> Track:
    """What the sound says, float64 [N, channels] on the cells of the mel spectrogram."""
    o, a = model.options, model.arrays
    bands = sound_bands(mel, o.look)
    rows = bands.values.astype(np.float32)
    for k, dilation in enumerate(o.dilations):
        layer = np.maximum(_through(rows, a[f"sound{k}"], dilation) + a[f"sound{k}_bias"], 0)
        rows = rows + layer if k else layer
    said = rows @ a["sound_out"] + a["sound_out_bias"]
    return replace(bands, values=said.astype(np.float64), name="sound, as the towers say it")


def _through(rows: Array, taps: Array, dilation: int) -> Array:
    """Each cell and those ``dilation`` and twice as far off, through their matrices; zero beyond the ends."""
    reach = dilation * (len(taps) // 2)
    padded = np.pad(rows, ((reach, reach), (0, 0)))
    out = np.zeros((len(rows), taps.shape[2]), np.float32)
    for k, matrix in enumerate(taps):
        out += padded[k * dilation : k * dilation + len(rows)] @ matrix
    return out


def picture_tower(face: FaceEvidence, model: TowerModel, seen: Shapes | None = None) -> Track:
    """What the lips say, float64 [T, channels] on the cells of the frames; zero where the face was not seen.

    ``seen`` is what :func:`~genlock.lipsync.estimators.linear.lip_shapes` gave for the face, where it is known already.
    """
    o, a = model.options, model.arrays
    shapes, seconds = seen or lip_shapes(face.lips, o.look)
    frames = np.maximum(shapes.astype(np.float32) @ a["lips"] @ a["frame"] + a["frame_bias"], 0)
    around = lip_context(frames.astype(np.float64), seconds, o.look).astype(np.float32)
    rows = np.maximum(around @ a["context"] + a["context_bias"], 0) @ a["lips_out"] + a["lips_out_bias"]
    values = np.zeros((len(face.lips), o.channels))
    values[face.lips.valid] = rows
    return replace(face.lips, values=values, name="lips, as the towers say it", unit="")


# ---------------------------------------------------------------- the file of a model


def save_tower(model: TowerModel, target: str | os.PathLike[str]) -> None:
    """Write a model as ``.npz``, atomically, byte for byte the same for the same model.

    Raises OutputError if the target cannot be written.
    """
    header = {
        "options": asdict(model.options),
        "share": model.share,
        "calibration": dict(model.calibration),
        "facts": dict(model.facts),
    }
    write_model(
        target, TOWER_NAME, header, {name: model.arrays[name] for name in model.shapes(model.options)}
    )


def load_tower(path: str | os.PathLike[str]) -> TowerModel:
    """Read a model that :func:`save_tower` wrote.

    Raises FormatError if it is not there, damaged, or of another kind.
    """

    def build(header: Mapping[str, Any], found: Mapping[str, npt.NDArray[Any]]) -> TowerModel:
        options = TowerOptions(**{**header["options"], "dilations": tuple(header["options"]["dilations"])})
        arrays = {name: found[name].astype(np.float32) for name in TowerModel.shapes(options)}
        return TowerModel(options, arrays, header["share"], header["calibration"], header["facts"])

    return read_model(path, TOWER_NAME, TOWER_NAME, build)


@cache
def _cached(path: Path) -> TowerModel:
    return load_tower(path)


def default_tower() -> TowerModel:
    """The model that comes with Genlock.

    >>> default_tower().options.channels
    32
    """
    return _cached(registry.require(TOWER_NAME))
