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
from genlock.models.foley.touches import ANSWERED, CELL, FRAMES, MOVED, NUMBERS, SCALE, TouchModel
from genlock.models.layers import Array

__all__ = [
    "REACH",
    "Glances",
    "centres_of",
    "look_around",
    "look_closely",
    "motion_around",
    "rows_of_answers",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Numbers: TypeAlias = npt.NDArray[np.int64]

#: Frames before and after one on which what is told of it depends.
REACH = 6
# Where less than this is likely in a frame and its two neighbours together, nobody looks.
_LEAST = 0.06
_SURE = 1e-4
_EDGE = ANSWERED // 2


@dataclass(frozen=True, eq=False)
class Glances:
    """What is looked at closely in a film, or in a stretch of one."""

    centres: Numbers
    """The frames in the middle, [n]."""
    places: Array
    """Where, across and down as shares of the picture, float32 [n, 2]."""
    parts: Pixels
    """Parts of the grey pictures, [n, FRAMES, side, side]."""
    moved: Array
    """Motion in each place of the parts, float32 [n, FRAMES, places, places, MOVED]."""
    numbers: Array
    """What is known of each frame by its motion, float32 [n, FRAMES, NUMBERS]."""
    extent: tuple[float, float]
    """Height and width of the whole pictures at the scale of the parts, pixels."""

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
    rows: ContactRows,
    maps: Array,
    pictures: Sequence[Pixels],
    reader: MaterialReader,
    side: int,
    margin: int = 0,
) -> Glances:
    """What is to be looked at in consecutive frames.

    Parameters
    ----------
    rows : what motion tells of them, each [T]
    maps : prepared maps of their motion, [T, rows, columns, channels]
    pictures : the frames, RGB, uint8 [H, W, 3] each
    reader : finds the place where something touches
    side : pixels of the parts
    margin : so many more on each side
    """
    centres, count = centres_of(rows.presence), len(rows.presence)
    high, wide = pictures[0].shape[:2] if count else (1, 1)
    extent = (high * SCALE / max(high, wide), wide * SCALE / max(high, wide))
    places = _places(rows, centres, pictures, reader)
    wide_side = side + 2 * margin
    parts = np.zeros((len(centres), FRAMES, wide_side, wide_side), np.uint8)
    around = np.clip(centres[:, None] + np.arange(FRAMES) - FRAMES // 2, 0, max(count - 1, 0))
    greys = {frame: _grey(pictures[frame]) for frame in np.unique(around).tolist()} if len(centres) else {}
    for row, (frames, (x, y)) in enumerate(zip(around.tolist(), places.tolist(), strict=True)):
        for column, frame in enumerate(frames):
            parts[row, column] = cut_out(greys[frame], x, y, wide_side, SCALE)
    moved = motion_around(maps, around, places, extent, side // CELL)
    everywhere = (
        maps[around, 0, 0, MOVED:] if len(centres) else np.zeros((0, FRAMES, NUMBERS - 3), np.float32)
    )
    numbers = np.concatenate([everywhere, _told(rows)[around]], axis=2)
    return Glances(centres, places, parts, moved, numbers, extent)


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


def motion_around(
    maps: Array, around: Numbers, places: Array, extent: tuple[float, float], count: int
) -> Array:
    """The motion in so many places across and down around a place, [n, FRAMES, count, count, MOVED]; 0 off screen.

    Parameters
    ----------
    maps : prepared maps, [T, rows, columns, channels]
    around : numbers of the frames, [n, FRAMES]
    places : across and down as shares of the picture, [n, 2]
    extent : height and width of the picture in pixels, of which a place has :data:`CELL`
    """
    high, wide = maps.shape[1:3]
    away = (np.arange(count) - (count - 1) / 2) * CELL
    down = np.floor((places[:, 1, None] + away / extent[0]) * high).astype(int)
    across = np.floor((places[:, 0, None] + away / extent[1]) * wide).astype(int)
    inside = ((down >= 0) & (down < high))[:, :, None] & ((across >= 0) & (across < wide))[:, None, :]
    rows, columns = np.clip(down, 0, high - 1), np.clip(across, 0, wide - 1)
    found = maps[around[:, :, None, None], rows[:, None, :, None], columns[:, None, None, :], :MOVED]
    return np.asarray(found * inside[:, None, :, :, None], np.float32)


def _told(rows: ContactRows) -> Array:
    """What motion alone tells of frames, [T, 3]: its certainty as a logit, the place, the impulse."""
    likely = np.clip(rows.presence, 1e-4, 1 - 1e-4)
    return np.stack([np.log(likely / (1 - likely)) / 3, rows.place, rows.impulse], axis=1).astype(np.float32)


def rows_of_answers(rows: ContactRows, looks: Glances, answers: Array) -> ContactRows:
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
    return ContactRows(
        mean[:, 0].astype(np.float32), *(np.where(seen, mean[:, k + 1], old) for k, old in enumerate(plain))
    )


def look_closely(
    rows: ContactRows, maps: Array, pictures: Sequence[Pixels], reader: MaterialReader, model: TouchModel
) -> ContactRows:
    """What is told of consecutive frames after a close look at them; see :func:`look_around`."""
    looks = look_around(rows, maps, pictures, reader, model.shape.side)
    return rows_of_answers(rows, looks, model.told(looks.parts, looks.moved, looks.numbers))
