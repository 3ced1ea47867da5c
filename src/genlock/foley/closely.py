"""Where motion says that something may touch, the pictures around that moment and place are looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.one_line import one_line
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.materials import MaterialReader, cut_out, small_grey
from genlock.models.foley.touches import ANSWERED, FRAMES, SCALE, TouchModel
from genlock.models.layers import Array

__all__ = ["REACH", "Looks", "centres_of", "look_around", "look_closely", "rows_of_answers"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Numbers: TypeAlias = npt.NDArray[np.int64]

#: Frames before and after one on which what is told of it depends.
REACH = 6
# Where less than this is likely in a frame and its two neighbours together, nobody looks.
_LEAST = 0.06
_MOVED = 11  # channels of the maps that differ from place to place
_SURE = 1e-4
_EDGE = ANSWERED // 2


@dataclass(frozen=True, eq=False)
class Looks:
    """What is looked at closely in a film, or in a stretch of one."""

    centres: Numbers
    """The frames in the middle, [n]."""
    places: Array
    """Where, across and down as shares of the picture, float32 [n, 2]."""
    parts: Pixels
    """Parts of the grey pictures, [n, FRAMES, side, side]."""
    numbers: Array
    """What is known of each frame by its motion, float32 [n, FRAMES, NUMBERS]."""

    __repr__ = one_line


def centres_of(presence: Array) -> Numbers:
    """Frames around which it is worth while to look: where, of three frames in a row, most is likely.

    >>> centres_of(np.float32([0, 0, 0.2, 0.6, 0.1, 0, 0, 0.01, 0])).tolist()
    [3]
    """
    # Of equal sums that of the likeliest frame.
    sums = np.convolve(np.pad(presence, 2), np.array([1, 1 + _SURE, 1]), "valid")
    here = sums[1:-1]
    return np.flatnonzero((here >= _LEAST) & (here >= sums[:-2]) & (here > sums[2:]))


def look_around(
    rows: ContactRows, maps: Array, pictures: Sequence[Pixels], reader: MaterialReader, side: int
) -> Looks:
    """What is to be looked at in consecutive frames.

    Parameters
    ----------
    rows : what motion tells of them, each [T]
    maps : prepared maps of their motion, [T, rows, columns, channels]
    pictures : the frames, RGB, uint8 [H, W, 3] each
    reader : finds the place where something touches
    side : pixels of the parts
    """
    centres, count = centres_of(rows.presence), len(rows.presence)
    places = _places(rows, centres, pictures, reader)
    parts = np.zeros((len(centres), FRAMES, side, side), np.uint8)
    numbers = np.zeros((len(centres), FRAMES, 0), np.float32)
    around = np.clip(centres[:, None] + np.arange(FRAMES) - FRAMES // 2, 0, max(count - 1, 0))
    greys = {frame: _grey(pictures[frame]) for frame in np.unique(around).tolist()} if len(centres) else {}
    for row, (frames, (x, y)) in enumerate(zip(around.tolist(), places.tolist(), strict=True)):
        for column, frame in enumerate(frames):
            parts[row, column] = cut_out(greys[frame], x, y, side, SCALE)
    if len(centres):
        numbers = np.concatenate([_motion(maps, around, places), _told(rows)[around]], axis=2)
    return Looks(centres, places, parts, numbers)


def _places(rows: ContactRows, centres: Numbers, pictures: Sequence[Pixels], reader: MaterialReader) -> Array:
    """Where something touches: the mean of what the three frames in the middle show, by how likely each is."""
    last = len(rows.presence) - 1
    frames = np.unique(np.clip(centres[:, None] + np.arange(-1, 2), 0, last)) if len(centres) else centres
    if not len(frames):
        return np.zeros((0, 2), np.float32)
    around = np.unique(np.clip(frames[:, None] + np.arange(-1, 2), 0, last))
    small = {int(frame): small_grey(pictures[frame]) for frame in around}
    three = [[small[max(f - 1, 0)], small[f], small[min(f + 1, last)]] for f in frames.tolist()]
    near = np.stack([rows.x[frames], rows.y[frames]], axis=1)
    found = np.zeros((last + 1, 2), np.float32)
    found[frames] = reader.locate(np.array(three, np.uint8), near)
    middle = np.clip(centres[:, None] + np.arange(-1, 2), 0, last)
    weight = rows.presence[middle][..., None] + np.float32(_SURE)
    return np.asarray((found[middle] * weight).sum(axis=1) / weight.sum(axis=1), np.float32)


def _grey(picture: Pixels) -> Pixels:
    # The weights of red, green and blue of television.
    return np.asarray((picture.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)) >> 8, np.uint8)


def _motion(maps: Array, around: Numbers, places: Array) -> Array:
    """Motion at a place and in the eight around it, and what is the same everywhere: [n, FRAMES, 9 * 11 + 4]."""
    high, wide = maps.shape[1:3]
    down = np.clip((places[:, 1] * high).astype(int), 0, high - 1)[:, None]
    across = np.clip((places[:, 0] * wide).astype(int), 0, wide - 1)[:, None]
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    near = [padded[around, down + row, across + column, :_MOVED] for row in range(3) for column in range(3)]
    return np.concatenate([*near, maps[around, 0, 0, _MOVED:]], axis=2)


def _told(rows: ContactRows) -> Array:
    """What motion alone tells of frames, [T, 3]: its certainty as a logit, the place, the impulse."""
    likely = np.clip(rows.presence, 1e-4, 1 - 1e-4)
    return np.stack([np.log(likely / (1 - likely)) / 3, rows.place, rows.impulse], axis=1).astype(np.float32)


def rows_of_answers(rows: ContactRows, looks: Looks, answers: Array) -> ContactRows:
    """What is told of frames after a close look; nothing touches where nobody looked.

    Parameters
    ----------
    rows : what motion told of them
    looks : what was looked at
    answers : what :meth:`genlock.models.foley.touches.TouchModel.told` says, [n, ANSWERED, 3]
    """
    count = len(rows.presence)
    total, weights = np.zeros((count, 5), np.float32), np.zeros(count, np.float32)
    # Where two looks tell of a frame, the nearer one counts more.
    for column, away in enumerate(range(-_EDGE, _EDGE + 1)):
        frames = looks.centres + away
        inside = (frames >= 0) & (frames < count)
        weight = np.float32((_EDGE + 1 - abs(away)) ** 2)
        told = np.concatenate([answers[inside, column], looks.places[inside]], axis=1)
        np.add.at(total, frames[inside], weight * told)
        np.add.at(weights, frames[inside], weight)
    seen = weights > 0
    mean = total / np.maximum(weights, 1)[:, None]
    plain = (rows.place, rows.impulse, rows.x, rows.y)
    return ContactRows(mean[:, 0], *(np.where(seen, mean[:, k + 1], old) for k, old in enumerate(plain)))


def look_closely(
    rows: ContactRows, maps: Array, pictures: Sequence[Pixels], reader: MaterialReader, model: TouchModel
) -> ContactRows:
    """What is told of consecutive frames after a close look at them; see :func:`look_around`."""
    looks = look_around(rows, maps, pictures, reader, model.shape.side)
    return rows_of_answers(rows, looks, model.told(looks.parts, looks.numbers))
