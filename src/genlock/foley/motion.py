"""Events found from motion alone, with nothing learnt: where something that moves is stopped or thrown back at once.

The velocity that a thing loses is shared between the two frames around the contact, in the proportion of their
distances from it: what is lost at frame k and at frame k + 1 has its centre of mass at the instant of the contact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.time import exact
from genlock.foley.events import Event
from genlock.foley.finding import EventOptions
from genlock.foley.movement import TILES, Slowing, SlowingMeter
from genlock.media import VideoCell, VideoForm

__all__ = ["MotionFinder"]

# Frames nearer together than this are not needed: a thing that moves slowly moves by no pixel from one to the next.
_LEAST_STEP = Fraction(1, 45)
_BEFORE, _AFTER = 3, 3
_APART = Fraction(9, 100)  # seconds within which one event is heard, not two
# Of the velocity that is lost, the share that was there before: half of it where a thing is thrown back as fast.
_STOPPED = 0.3
_TICK = 1_000_000  # instants are rounded to microseconds


@dataclass(frozen=True)
class _Candidate:
    seconds: float
    strength: float
    sudden: float
    x: float
    y: float
    area: float
    downward: float


class MotionFinder:
    """A :class:`genlock.foley.finding.Finder` that knows of motion only: no material, no mass.

    It works at any frame rate; a film of fewer than ten frames a second shows few contacts. The impulse is the velocity
    lost (in picture heights per second) times the share of the picture that loses it.
    """

    form = VideoForm(longest_side=176, pixels="gray")
    name = "motion"
    about = "motion in the picture alone; nothing was learnt, and materials are not known"
    least_probability = 0.55

    def __init__(self, options: EventOptions | None = None) -> None:
        self._where = float(exact((options or EventOptions()).frame_instant))
        self._meter = SlowingMeter()
        self._window: deque[Slowing] = deque(maxlen=_BEFORE + 1 + _AFTER)
        self._candidates: list[_Candidate] = []
        self._last: Fraction | None = None

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        if self._last is not None and cell.start - self._last < _LEAST_STEP:
            return
        self._last = cell.start
        instant = cell.start + exact(self._where) * (cell.end - cell.start)
        slowing = self._meter.push(instant, cell.pixels)
        if slowing is not None:
            self._take(slowing)

    def finish(self) -> None:
        """Look at the last frames."""
        for _ in range(_AFTER):
            if self._window:
                last = self._window[-1]
                nothing = np.zeros_like(last.change)
                later = last.instant + Fraction(1, 25)
                self._take(Slowing(later, nothing, nothing, np.zeros_like(last.area)))

    def events(self) -> list[Event]:
        """What was found; the impulse in heights per second times share of the picture."""
        return _apart([_event(one) for one in self._candidates])

    def notes(self) -> list[str]:
        """What to beware of."""
        return []

    def _take(self, slowing: Slowing) -> None:
        self._window.append(slowing)
        if len(self._window) == self._window.maxlen:
            found = _peak(list(self._window))
            if found is not None:
                self._candidates.append(found)


def _event(one: _Candidate) -> Event:
    # How much is lost, how suddenly, whether downwards: a few constants, set by hand on films of the world of
    # impacts, whose distractors move as much as what sounds.
    score = 0.8 * (np.log(max(one.strength, 1e-9)) + 3.2) + 2.0 * (one.sudden - 0.7) + 0.9 * one.downward
    probability = 1 / (1 + np.exp(-score))
    instant = Fraction(round(one.seconds * _TICK), _TICK)
    return Event(instant, float(probability), float(one.strength), float(np.sqrt(one.area)), one.x, one.y)


def _apart(events: list[Event]) -> list[Event]:
    """Of events that lie together, the likeliest."""
    kept: list[Event] = []
    instants: list[Fraction] = []
    for event in sorted(events, key=lambda e: -e.probability * (0.2 + e.impulse)):
        place = bisect_left(instants, event.instant)
        near = instants[max(0, place - 1) : place + 1]
        if all(abs(event.instant - other) >= _APART for other in near):
            instants.insert(place, event.instant)
            kept.append(event)
    return sorted(kept, key=lambda e: e.instant)


def _peak(window: list[Slowing]) -> _Candidate | None:
    """The event at the middle frame, if more velocity is lost there than at its neighbours."""
    around = _neighbourhoods(np.stack([one.change for one in window]))
    size = np.hypot(around[..., 0], around[..., 1])
    middle = _BEFORE
    tile = int(size[middle].argmax())
    if size[middle, tile] <= 1e-5:
        return None
    axis = around[middle, tile] / size[middle, tile]
    lost = np.maximum(around[:, tile] @ axis, 0)
    if lost[middle] < lost[middle - 1] or lost[middle] <= lost[middle + 1]:
        return None
    incoming = _neighbourhoods(np.stack([one.incoming for one in window]))[:, tile] @ axis
    times = np.array([float(one.instant - window[middle].instant) for one in window])
    near = slice(middle - 1, middle + 2)
    offset = float((lost[near] * times[near]).sum() / lost[near].sum())
    pair = lost[middle] + max(lost[middle - 1], lost[middle + 1])
    # Where the contact lies just before this frame, the velocity before it is that of the frame before.
    fast = float(max(incoming[middle - 1 : middle + 2].max(), 0))
    if fast < _STOPPED * pair:
        return None  # set in motion, not stopped
    before = float(np.maximum(incoming[: middle + 1], 0).max())
    sudden = float(pair / lost.sum()) * min(1.0, fast / max(before, 1e-9))
    x, y, area = _place(window[middle], tile)
    seconds = float(window[middle].instant) + offset
    return _Candidate(seconds, float(pair), sudden, x, y, area, float(axis[1]))


def _neighbourhoods(tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Sums over each tile and those that touch it, [..., tiles, 2]: what moves does not stay in one."""
    rows, columns = TILES
    grid = tiles.reshape(*tiles.shape[:-2], rows, columns, 2).astype(np.float64)
    padded = np.pad(grid, [(0, 0)] * (grid.ndim - 3) + [(1, 1), (1, 1), (0, 0)])
    total = sum(
        padded[..., down : down + rows, right : right + columns, :] for down in range(3) for right in range(3)
    )
    return np.asarray(total).reshape(tiles.shape)


def _place(slowing: Slowing, tile: int) -> tuple[float, float, float]:
    """Where velocity is lost around a tile, and the share of the picture that moves there."""
    rows, columns = TILES
    row, column = divmod(tile, columns)
    weight = np.hypot(slowing.change[:, 0], slowing.change[:, 1]).reshape(rows, columns)
    area = slowing.area.reshape(rows, columns)
    down = slice(max(0, row - 1), min(row + 2, rows))
    right = slice(max(0, column - 1), min(column + 2, columns))
    part = weight[down, right] + 1e-12
    ys, xs = np.mgrid[down, right].astype(np.float64) + 0.5
    x, y = (part * xs).sum() / part.sum() / columns, (part * ys).sum() / part.sum() / rows
    return float(min(max(x, 0), 1)), float(min(max(y, 0), 1)), float(area[down, right].sum())
