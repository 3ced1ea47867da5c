"""The network that sees what sounds, in numpy: pictures at any instants in, rows on columns of 20 ms out.

Three parts. A *trunk* of convolutions looks at each picture and at what changed since the one before, says where in the
picture something touches, and reads off there what it looks like: what sounds is told at the place of the contact, not
by the picture as a whole. A network over
*frames* compares neighbours, and is told how long they are apart. A network over *columns* reads, at each column's own
instant, the four frames around it, and is told where between them that instant lies. So no part counts frames as if
they were time, and a film of any rate, constant or not, is read alike.

Arrays have the names and the layouts of torch's own layers: :mod:`genlock.train.foley.watcher_network` is the same
network where it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array, Arrays, layer_norm, linear, silu

__all__ = [
    "ACROSS",
    "CHANNELS",
    "FIRST_NAME",
    "GAP_FEATURES",
    "MOTION_FEATURES",
    "MOTION_TAPS",
    "PHASE_FEATURES",
    "SLOTS",
    "WHERE_FEATURES",
    "WatcherShape",
    "array_shapes",
    "embed_pictures",
    "gap_features",
    "look",
    "motion_of",
    "phase_features",
    "places_of",
    "run_columns",
    "run_frames",
    "slots_of",
    "stride_of",
    "taps_of",
]

Seconds: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Indices: TypeAlias = npt.NDArray[np.int64]

#: Channels of what the trunk looks at: three of the picture, three of what changed.
CHANNELS = 6
#: Frames around a column's instant that are read: two before it, two after it.
SLOTS = 4
#: Numbers that tell how far a frame's neighbours are, and where between frames a column lies.
GAP_FEATURES, PHASE_FEATURES = 4, 14
#: Numbers that tell how a picture moves: across, down and how much, in 8 x 8 places.
MOTION_PLACES, MOTION_FEATURES = 8, 192
#: Pictures whose motion is compared at each place: a picture and those before it.
MOTION_TAPS = 3
#: Which numbers of a row tell the place across and the materials: a picture itself says both, and columns add to it.
ACROSS, FIRST_NAME = 4, 6
#: Numbers that tell where something touches: across, down, and how clearly.
WHERE_FEATURES = 3

_TAPS = 3
_HALVINGS = 2  # convolutions of the trunk that make the picture smaller
_CLEARLY = np.float32(0.25)  # by how much what is told of clearness is made smaller
_USUAL_GAP = 0.04  # seconds between frames at which the features of gaps are zero
_CONTRAST_FLOOR, _CHANGE_FLOOR = 0.1, 0.05
_KNEE = 0.15  # change, against the picture's contrast, that is told as one half
_MOTION_FLOOR = np.float32(3e-4)  # square of a slope below which it tells nothing
_AT_A_TIME = 16  # pictures that are convolved at a time: they fit a cache


@dataclass(frozen=True)
class WatcherShape:
    """How the network is built."""

    side: int = 64
    """Width and height of the pictures it looks at, in pixels."""
    channels: tuple[int, ...] = (16, 32, 32, 48)
    """Channels of the convolutions of the trunk: the first two halve the picture, the others keep its size."""
    at_contact: bool = True
    """Whether what sounds is read off where something touches. If not, the whole map is read, each place by its own
    weights, and the convolutions make the picture four times and then twice smaller: so were models built that learnt
    instants and no materials; they can be used, not trained."""
    detectors: int = 32
    """What is looked for in how each place moves, alike in all places; at least 1."""
    width: int = 96
    """Channels of the networks over frames and over columns; at least 1."""
    frame_layers: int = 2
    """Layers over frames; each looks one frame further. At least 0."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Columns between the taps of each layer over columns."""

    def __post_init__(self) -> None:
        if (
            min(self.side, self.width, self.detectors, *self.channels, *self.dilations) < 1
            or self.frame_layers < 0
        ):
            raise OptionError(f"{self}: sides, channels, width and dilations are at least 1")
        smallest = 16 if self.at_contact else 2 << len(self.channels)
        if self.side % smallest:
            raise OptionError(f"{self}: the side is no multiple of {smallest}")

    @property
    def frame_reach(self) -> int:
        """Frames before and after a column's instant that its answer depends on, through its own readout."""
        return self.frame_layers + SLOTS // 2

    @property
    def column_reach(self) -> int:
        """Columns before and after one that its answer depends on."""
        return sum(self.dilations) * (_TAPS // 2)

    @property
    def seen(self) -> int:
        """Numbers that the trunk makes of a picture before they are embedded."""
        if self.at_contact:
            return 2 * self.channels[-1] + WHERE_FEATURES
        return self.channels[-1] * (self.side >> (len(self.channels) + 1)) ** 2

    @property
    def places(self) -> int:
        """Width and height of the map of places that the trunk makes, in cells."""
        return self.side >> min(len(self.channels), _HALVINGS)


def array_shapes(shape: WatcherShape, outputs: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of a network with so many outputs.

    >>> array_shapes(WatcherShape(), 17)["trunk.0.weight"]
    (16, 6, 5, 5)
    """
    found: dict[str, tuple[int, ...]] = {}
    given = CHANNELS
    for k, channels in enumerate(shape.channels):
        taps = taps_of(k)
        found |= {f"trunk.{k}.weight": (channels, given, taps, taps), f"trunk.{k}.bias": (channels,)}
        given = channels
    width, found_at = shape.width, shape.detectors
    if shape.at_contact:
        found |= _linear_shapes("where", 1, shape.channels[-1])
        found |= _linear_shapes("named", outputs - FIRST_NAME, shape.channels[-1])
    found |= _linear_shapes("places", found_at, 3 * MOTION_TAPS) | _linear_shapes(
        "detect", found_at, found_at
    )
    found |= _linear_shapes("embed", width, shape.seen + MOTION_FEATURES + shape.detectors) | _linear_shapes(
        "gaps", width, GAP_FEATURES
    )
    found |= _block_shapes("frame", shape.frame_layers, width)
    found |= _linear_shapes("slots", width, SLOTS * width)
    found |= _linear_shapes("phases", width, PHASE_FEATURES) | _linear_shapes("gates", width, PHASE_FEATURES)
    found |= _block_shapes("column", len(shape.dilations), width)
    return {**found, "last.weight": (width,), "last.bias": (width,), **_linear_shapes("out", outputs, width)}


def _linear_shapes(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _block_shapes(name: str, layers: int, width: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for k in range(layers):
        found |= {f"{name}_norms.{k}.weight": (width,), f"{name}_norms.{k}.bias": (width,)}
        found |= {f"{name}_convolutions.{k}.weight": (width, width, _TAPS)}
        found |= {f"{name}_convolutions.{k}.bias": (width,)}
        found |= _linear_shapes(f"{name}_mixes.{k}", width, width)
    return found


def taps_of(layer: int) -> int:
    """Width of the kernels of a convolution of the trunk."""
    return 5 if layer == 0 else 3


def stride_of(layer: int, shape: WatcherShape) -> int:
    """How many times smaller a convolution of the trunk makes the picture."""
    if shape.at_contact:
        return 2 if layer < _HALVINGS else 1
    return 4 if layer == 0 else 2


# ---------------------------------------------------------------- what it is told


def look(pictures: Pixels, before: Pixels | None = None) -> Array:
    """What the trunk looks at, float32 [T, H, W, 6]: pictures, and what changed since the picture before each.

    A picture is told against its own brightness and contrast, so that light and exposure matter little. A change is
    told against the contrast and bent, so that a small one is seen and a large one does not drown the rest.

    Parameters
    ----------
    pictures : uint8 [T, H, W, 3]
    before : the picture before the first, [H, W, 3]; None: there is none, and nothing has changed
    """
    own = np.asarray(pictures, np.float32) / np.float32(255)
    first = own[:1] if before is None else np.asarray(before, np.float32)[None] / np.float32(255)
    changed = np.diff(own, axis=0, prepend=first)
    level = own.mean(axis=(1, 2, 3), keepdims=True)
    contrast = own.std(axis=(1, 2, 3), keepdims=True)
    changed /= contrast + np.float32(_CHANGE_FLOOR)
    changed /= np.abs(changed) + np.float32(_KNEE)
    return np.concatenate([(own - level) / (contrast + np.float32(_CONTRAST_FLOOR)), changed], axis=3)


def motion_of(pictures: Pixels, before: Pixels | None = None) -> Array:
    """How each picture moves against the one before it, float32 [T, 192]: across, down and how much, in 8 x 8 places.

    Lucas and Kanade's least squares on a picture of half the size, less the motion of most places: that of the camera.
    It is told in pixels of the picture of half the size, bent so that what is far too quick does not count for more.

    Parameters
    ----------
    pictures : uint8 [T, H, W, 3], a multiple of 16 pixels wide and high
    before : the picture before the first; None: there is none, and nothing moves
    """
    own = np.asarray(pictures, np.float32).mean(axis=3) / np.float32(255)
    first = own[:1] if before is None else np.asarray(before, np.float32).mean(axis=2)[None] / np.float32(255)
    every = np.concatenate([first, own])
    count, high, wide = every.shape
    small = every.reshape(count, high // 2, 2, wide // 2, 2).mean(axis=(2, 4))
    change, middle = small[1:] - small[:-1], (small[1:] + small[:-1]) / 2
    across, down = np.gradient(middle, axis=2), np.gradient(middle, axis=1)
    products = np.stack(
        [across * across, across * down, down * down, across * change, down * change, np.abs(change)]
    )
    cell_high, cell_wide = high // 2 // MOTION_PLACES, wide // 2 // MOTION_PLACES
    shape = (6, count - 1, MOTION_PLACES, cell_high, MOTION_PLACES, cell_wide)
    cells = np.pad(products.reshape(shape).mean(axis=(3, 5)), ((0, 0), (0, 0), (1, 1), (1, 1)))
    around = cells[:, :, :-2] + 2 * cells[:, :, 1:-1] + cells[:, :, 2:]
    xx, xy, yy, xt, yt, much = (around[..., :-2] + 2 * around[..., 1:-1] + around[..., 2:]) / 16
    determinant = (xx + _MOTION_FLOOR) * (yy + _MOTION_FLOOR) - xy * xy
    moves = np.stack([xy * yt - (yy + _MOTION_FLOOR) * xt, xy * xt - (xx + _MOTION_FLOOR) * yt]) / determinant
    moves = np.tanh(moves - np.median(moves, axis=(2, 3), keepdims=True))
    told = [*moves, np.sqrt(much) * np.float32(4)]
    return np.stack(told, axis=1).reshape(count - 1, MOTION_FEATURES).astype(np.float32)


def gap_features(frames: Seconds) -> Array:
    """How far the neighbours of each frame are, [T, 4]: log times to the one before and after, and whether it is there.

    ``frames`` are their instants in seconds, [T].
    """
    gaps = np.clip(np.log(np.maximum(np.diff(frames), 1e-4) / _USUAL_GAP), -2.5, 2.5)
    found = np.zeros((len(frames), GAP_FEATURES), np.float32)
    found[1:, 0], found[:-1, 1] = gaps, gaps
    found[1:, 2], found[:-1, 3] = 1, 1
    return found


def slots_of(frames: Seconds, columns: Seconds) -> Indices:
    """The frames around each column's instant, [N, 4]: two at or before it, two after it; -1 where there is none."""
    last = np.searchsorted(frames, columns, "right") - 1
    slots = last[:, None] + np.arange(-1, 3)
    return np.where((slots >= 0) & (slots < len(frames)), slots, -1)


def phase_features(frames: Seconds, columns: Seconds, slots: Indices) -> Array:
    """Where between its frames each column lies, float32 [N, 14]."""
    there = slots >= 0
    away = np.where(there, np.abs(frames[np.maximum(slots, 0)] - columns[:, None]), 1.0)
    before, after = away[:, 1], away[:, 2]
    gap = np.maximum(before + after, 1e-4)
    phase = before / gap
    near, far = np.tanh(away[:, 1:3] / 0.02), np.tanh(away / 0.1)
    turn = 2 * np.pi * phase
    told = [phase, np.clip(np.log(gap / _USUAL_GAP), -2.5, 2.5), np.sin(turn), np.cos(turn)]
    return np.concatenate([np.stack(told, axis=1), near, far, there], axis=1).astype(np.float32)


# ---------------------------------------------------------------- what it does


def embed_pictures(seen: Array, motion: Array, arrays: Arrays, shape: WatcherShape) -> Array:
    """What is known of each picture, [T, width], and behind it what it says itself: place across and materials.

    Parameters
    ----------
    seen : what :func:`look` gives, [T, H, W, 6]
    motion : what :func:`motion_of` gives, of two pictures before the first as well (zero where there are none),
        [T + 2, 192]
    """
    rows = [_trunk(seen[k : k + _AT_A_TIME], arrays, shape) for k in range(0, len(seen), _AT_A_TIME)]
    flat = np.concatenate(rows) if rows else np.zeros((0, shape.seen), np.float32)
    own = motion[MOTION_TAPS - 1 :]
    rows_told = linear(np.concatenate([flat, own, _detect(motion, arrays)], axis=1), arrays, "embed")
    if not shape.at_contact:
        return rows_told
    channels = shape.channels[-1]
    across = flat[:, 2 * channels : 2 * channels + 1]
    return np.concatenate([rows_told, across, linear(flat[:, :channels], arrays, "named")], axis=1)


def _detect(motion: Array, arrays: Arrays) -> Array:
    """The strongest of what is found at any place, [T, detectors]: where it happens does not matter."""
    count = len(motion) - MOTION_TAPS + 1
    places = motion.reshape(len(motion), 3, -1).transpose(0, 2, 1)
    told = np.concatenate([places[k : k + count] for k in range(MOTION_TAPS)], axis=2)
    found = np.maximum(linear(told, arrays, "places"), 0)
    return np.asarray(linear(found, arrays, "detect").max(axis=1), np.float32)


def _trunk(rows: Array, arrays: Arrays, shape: WatcherShape) -> Array:
    for k, channels in enumerate(shape.channels):
        taps = taps_of(k)
        pad = taps // 2
        padded = np.pad(rows, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (taps, taps), axis=(1, 2))
        step = stride_of(k, shape)
        windows = windows[:, ::step, ::step]
        count, high, wide, given = windows.shape[:4]
        kernel = arrays[f"trunk.{k}.weight"].reshape(channels, given * taps * taps)
        flat = windows.reshape(count * high * wide, given * taps * taps) @ kernel.T
        rows = np.maximum(flat + arrays[f"trunk.{k}.bias"], 0).reshape(count, high, wide, channels)
    if shape.at_contact:
        return _looked_at(rows, arrays)
    # Torch flattens channels first.
    return rows.transpose(0, 3, 1, 2).reshape(len(rows), -1)


def _looked_at(rows: Array, arrays: Arrays) -> Array:
    """What is seen where something touches, where that is and how clearly, and the strongest of the whole picture."""
    count, high, wide, channels = rows.shape
    cells = rows.reshape(count, high * wide, channels)
    raw = linear(cells, arrays, "where")[..., 0]
    top = raw.max(axis=1, keepdims=True)
    share = np.exp(raw - top)
    whole = share.sum(axis=1, keepdims=True)
    share /= whole
    seen = np.einsum("tn,tnc->tc", share, cells)
    spot = share @ places_of(high, wide)
    clear = (top + np.log(whole / np.float32(high * wide))) * _CLEARLY
    return np.concatenate([seen, cells.max(axis=1), spot, clear], axis=1).astype(np.float32)


def places_of(high: int, wide: int) -> Array:
    """Middles of the cells of a map, row by row: across and down as shares of the picture, float32 [high * wide, 2].

    >>> places_of(1, 2).tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    down, across = np.divmod(np.arange(high * wide), wide)
    return np.stack([(across + 0.5) / wide, (down + 0.5) / high], axis=1).astype(np.float32)


def run_frames(embedded: Array, gaps: Array, arrays: Arrays, shape: WatcherShape) -> Array:
    """Frames that know their neighbours, [T, width]; there is nothing beyond both ends."""
    own, said = embedded[:, : shape.width], embedded[:, shape.width :]
    rows = _convolve(silu(own + linear(gaps, arrays, "gaps")), arrays, "frame", (1,) * shape.frame_layers)
    return np.concatenate([rows, said], axis=1)


def run_columns(
    frames: Array, slots: Indices, phases: Array, arrays: Arrays, shape: WatcherShape
) -> tuple[Array, Array]:
    """What is inside before the answer, [N, width], and the answer, [N, outputs]."""
    read = frames[np.maximum(slots, 0)] * (slots >= 0)[..., None].astype(np.float32)
    rows = linear(read[..., : shape.width].reshape(len(slots), -1), arrays, "slots") + linear(
        phases, arrays, "phases"
    )
    rows = silu(rows) * (1 + linear(phases, arrays, "gates"))
    last = layer_norm(_convolve(rows, arrays, "column", shape.dilations), arrays, "last")
    raw = linear(last, arrays, "out")
    if shape.at_contact:
        # The frames before and after say it themselves.
        said = (
            read[:, 1:3, shape.width :].sum(axis=1) / np.maximum((slots[:, 1:3] >= 0).sum(axis=1), 1)[:, None]
        )
        raw[:, ACROSS] += said[:, 0]
        raw[:, FIRST_NAME:] += said[:, 1:]
    return last, raw.astype(np.float32)


def _convolve(rows: Array, arrays: Arrays, name: str, dilations: tuple[int, ...]) -> Array:
    count = len(rows)
    for k, dilation in enumerate(dilations):
        padded = np.pad(layer_norm(rows, arrays, f"{name}_norms.{k}"), ((dilation, dilation), (0, 0)))
        kernel = arrays[f"{name}_convolutions.{k}.weight"]
        found = np.tile(arrays[f"{name}_convolutions.{k}.bias"], (count, 1))
        for tap in range(_TAPS):
            found += padded[tap * dilation : tap * dilation + count] @ kernel[:, :, tap].T
        rows = rows + linear(silu(found), arrays, f"{name}_mixes.{k}")
    return rows
