"""Where it is worth while to look closely: moments and parts of the picture in which motion may be a contact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.one_line import one_line
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.small_pictures import CELL, HIGH, WIDE
from genlock.models.layers import Array

__all__ = [
    "ANSWERED",
    "FRAMES",
    "Glances",
    "centres_of",
    "combined",
    "corners_of",
    "frames_of",
    "glances_of",
    "parts_of",
]

Numbers: TypeAlias = npt.NDArray[np.int64]

#: Frames that are looked at, and those in the middle of them of which something is told.
FRAMES, ANSWERED = 9, 5
_EDGE = ANSWERED // 2
# Where less than this is likely in a frame and its two neighbours together, nobody looks.
_LEAST = 0.03
_SURE = 1e-4
_ROWS, _COLUMNS = HIGH // CELL, WIDE // CELL


@dataclass(frozen=True, eq=False)
class Glances:
    """What is looked at closely in a film, or in a stretch of one."""

    centres: Numbers
    """The frames in the middle, [n]."""
    places: Array
    """Where motion says that it is, across and down as shares of the picture, float32 [n, 2]."""
    corners: Numbers
    """The upper left place of the part that is looked at, across and down, [n, 2]."""

    __repr__ = one_line

    def some(self, which: Any) -> Glances:
        """Some of them."""
        return replace(self, **{name: value[which] for name, value in vars(self).items()})


def centres_of(presence: Array) -> Numbers:
    """Frames around which it is worth while to look: where, of three frames in a row, most is likely.

    >>> centres_of(np.float32([0, 0, 0.2, 0.6, 0.1, 0, 0, 0.01, 0])).tolist()
    [3]
    """
    # Of equal sums that of the likeliest frame.
    sums = np.convolve(np.pad(presence, 2), np.array([1, 1 + _SURE, 1]), "valid")
    here = sums[1:-1]
    return np.flatnonzero((here >= _LEAST) & (here >= sums[:-2]) & (here > sums[2:]))


def glances_of(rows: ContactRows, side: int) -> Glances:
    """What is to be looked at in consecutive frames, by what motion tells of them; parts have so many places a side."""
    centres, last = centres_of(rows.presence), len(rows.presence) - 1
    near = np.clip(centres[:, None] + np.arange(-1, 2), 0, max(last, 0))
    if not len(centres):
        nothing = np.zeros((0, 2))
        return Glances(centres, nothing.astype(np.float32), nothing.astype(np.int64))
    weight = rows.presence[near] + np.float32(_SURE)
    total = weight.sum(axis=1)
    places = np.stack([(part[near] * weight).sum(axis=1) / total for part in (rows.x, rows.y)], axis=1)
    return Glances(centres, places.astype(np.float32), corners_of(places, side))


def corners_of(places: npt.NDArray[Any], side: int) -> Numbers:
    """The upper left places of parts around places in the picture [n, 2], [n, 2]; parts lie within the picture.

    >>> corners_of(np.array([[0.5, 0.5], [0.0, 1.0]]), 8).tolist()
    [[4, 2], [0, 4]]
    """
    size = np.array([_COLUMNS, _ROWS])
    corners: Numbers = np.clip(np.floor(places * size - side / 2 + 0.5).astype(np.int64), 0, size - side)
    return corners


def frames_of(centres: Numbers, count: int) -> Numbers:
    """The frames that are looked at around each, [n, FRAMES]: at the ends of ``count`` frames the last one again."""
    frames: Numbers = np.clip(centres[:, None] + np.arange(FRAMES) - FRAMES // 2, 0, count - 1)
    return frames


def parts_of(planes: npt.NDArray[Any], looks: Glances, side: int) -> npt.NDArray[Any]:
    """The parts of frames that are looked at, [n, FRAMES, planes, side, side].

    Parameters
    ----------
    planes : of each frame, [T, planes, H, W], the whole picture
    looks : what is looked at
    side : so many of their pixels across and down
    """
    around = frames_of(looks.centres, len(planes))
    pixels = planes.shape[3] // _COLUMNS
    found = np.empty((len(around), FRAMES, planes.shape[1], side, side), planes.dtype)
    for row, frames, (x, y) in zip(found, around, (pixels * looks.corners).tolist(), strict=True):
        row[:] = planes[frames, :, y : y + side, x : x + side]
    return found


def combined(rows: ContactRows, looks: Glances, answers: Array) -> ContactRows:
    """What is told of frames after a close look; nothing touches where nobody looked.

    Parameters
    ----------
    rows : what motion told of them
    looks : what was looked at
    answers : presence, place, impulse, x and y, float32 [n, ANSWERED, 5]
    """
    count = len(rows.presence)
    total, weights = np.zeros((count, 5), np.float32), np.zeros(count, np.float32)
    # Where two looks tell of a frame, the nearer one counts more.
    for column, away in enumerate(range(-_EDGE, _EDGE + 1)):
        frames = looks.centres + away
        inside = (frames >= 0) & (frames < count)
        weight = np.float32((_EDGE + 1 - abs(away)) ** 2)
        np.add.at(total, frames[inside], weight * answers[inside, column])
        np.add.at(weights, frames[inside], weight)
    seen = weights > 0
    mean = (total / np.maximum(weights, 1)[:, None]).astype(np.float32)
    plain = (rows.place, rows.impulse, rows.x, rows.y)
    return ContactRows(
        mean[:, 0], *(np.where(seen, mean[:, k + 1], old).astype(np.float32) for k, old in enumerate(plain))
    )
