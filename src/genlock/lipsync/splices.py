"""Where the sound jumps, between two stretches of a film whose offsets are known.

Offsets are measured over stretches of some seconds, and so is the place of a splice. With both offsets known the place
is that up to which the sound fits the lips better by the first of them, and from which on by the second.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.time import microseconds
from genlock.core.track import Track
from genlock.lipsync.far import FAR_SECONDS, Seeing, side_by_side
from genlock.lipsync.film import KeptFilm, joined, moved
from genlock.lipsync.measurement import Segment, SyncMeasurement

__all__ = ["with_splices_placed"]

Array = npt.NDArray[np.float64]

# How far from the border of two stretches the splice is looked for: stretches last five seconds.
_REACH = Fraction(6)
_RATE = Fraction(25)


def with_splices_placed(found: SyncMeasurement, film: KeptFilm, estimator: Seeing) -> SyncMeasurement:
    """The measurement with the borders of its segments at the instants of the sound where it jumps."""
    segments = list(found.segments)
    for k in range(1, len(segments)):
        before, after = segments[k - 1], segments[k]
        if before.offset_seconds is None or after.offset_seconds is None:
            continue
        at = _jump(before, after, film, estimator, found.estimate.face)
        if at is not None and before.start < at < after.end:
            segments[k - 1], segments[k] = replace(before, end=at), replace(after, start=at)
    return replace(found, segments=tuple(segments))


def _jump(
    before: Segment, after: Segment, film: KeptFilm, estimator: Seeing, face: int | None
) -> Fraction | None:
    """The instant of the sound between two segments at which it jumps; None where nothing is seen near it."""
    offsets = [microseconds(part.offset_seconds or 0.0) for part in (before, after)]
    low = max(after.start - _REACH, before.start) - offsets[0]
    high = min(after.start + _REACH, after.end) - offsets[0]
    seen = _near(film, estimator, face, low + min(offsets), high + max(offsets))
    if seen is None:
        return None
    sound, picture, weights = seen
    cells = picture.grid
    assert isinstance(cells, Grid)
    fits = [_fit(moved(sound, Fraction(1), offset), picture, weights) for offset in offsets]
    # The picture up to s + first offset belongs to the sound before s, from s + second offset on to that after.
    count = len(picture)
    upto = [np.concatenate([[0.0], np.cumsum(fit)]) for fit in fits]
    places = [cells.edge(k) - offsets[0] for k in range(count + 1)]
    second = [min(count, max(0, cells.index(place + offsets[1], "nearest"))) for place in places]
    total = upto[0] + (upto[1][-1] - upto[1][second])
    inside = [k for k, place in enumerate(places) if low <= place <= high]
    return places[max(inside, key=lambda k: total[k])] if inside else None


def _near(
    film: KeptFilm, estimator: Seeing, face: int | None, low: Fraction, high: Fraction
) -> tuple[Track, Track, Array] | None:
    """The channels of the sound and those of a face (None: of any) between two instants, at 25 cells a second."""
    parts = []
    for piece in film.pieces:
        if piece.end < low - FAR_SECONDS or piece.start > high + FAR_SECONDS:
            continue
        views = [each for who, each in estimator.views(piece) if face is None or who.face == face]
        parts += [side_by_side(each) for each in views]
    if not parts:
        return None
    pictures = [picture for _, picture, _ in parts]
    start = max(low, min(picture.start for picture in pictures))
    cells = Grid(_RATE, start, pictures[0].clock)
    count = cells.index(min(high, max(picture.end for picture in pictures)), "ceil")
    if count < 2:
        return None
    seen = joined([picture.on(cells, length=count) for picture in pictures])
    return joined([sound for sound, _, _ in parts]), seen, np.asarray(parts[0][2])


def _fit(sound: Track, picture: Track, weights: Array) -> Array:
    """How well sound and picture go together in each cell of the picture, [T]; 0 where one of them is not known."""
    heard = sound.on(picture.grid, length=len(picture))
    both = heard.valid & picture.valid
    if both.sum() < 2:
        return np.zeros(len(picture))
    products = np.zeros(len(picture))
    one, other = (_scaled(np.asarray(t.values, np.float64)[both]) for t in (heard, picture))
    products[both] = (one * other) @ weights
    return products


def _scaled(values: Array) -> Array:
    spread = values.std(axis=0)
    scaled: Array = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled
