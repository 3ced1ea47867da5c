"""A watcher: the pictures of a film in, what sounds in them out; whole, or piece by piece with a stated latency."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import DEFAULT_CLOCK, Cells, Grid
from genlock.core.track import Track
from genlock.models.foley.reading import Reading
from genlock.models.foley.watcher_network import (
    MOTION_FEATURES,
    MOTION_TAPS,
    SLOTS,
    WatcherShape,
    array_shapes,
    embed_pictures,
    gap_features,
    look,
    motion_of,
    phase_features,
    run_columns,
    run_frames,
    slots_of,
)
from genlock.models.layers import Array, check_shapes, sigmoid, softmax
from genlock.weights.npz_model import arrays_in, model_path, read_model, shape_in, write_model

__all__ = [
    "COLUMN_RATE",
    "EVENT_CHANNELS",
    "WATCHER_NAME",
    "Watcher",
    "WatcherStream",
    "load_watcher",
    "save_watcher",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Seconds: TypeAlias = npt.NDArray[np.float64]

#: Columns a second.
COLUMN_RATE = Fraction(50)
#: What the first channels of a posterior are; one channel for each material follows. ``presence``: the probability
#: that a contact begins in the column; ``place``: where it lies from the column's centre, in columns; ``impulse`` and
#: ``size``: their logarithms to base 10 (N s, m); ``x``: where in the picture, 0 left, 1 right; ``sustained``: the
#: probability that something scrapes or rolls.
EVENT_CHANNELS = ("presence", "place", "impulse", "size", "x", "sustained")
#: Name of the model of our own in the registry.
WATCHER_NAME = "foley-events"
_KIND = "foley events"


@dataclass(frozen=True, eq=False)
class Watcher:
    """Pictures in, the posterior of events out.

    Raises
    ------
    FormatError
        If the arrays do not fit.
    """

    shape: WatcherShape
    """How its network is built."""
    arrays: Mapping[str, Array]
    """The network's weights."""
    materials: tuple[str, ...]
    """What it tells apart."""
    means: Mapping[str, float] = field(default_factory=dict)
    """Mean logarithms of ``impulse`` and ``size`` where it learnt."""
    spreads: Mapping[str, float] = field(default_factory=dict)
    """Their spreads."""
    reading: Reading = field(default_factory=Reading)
    """How events are read off."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape, len(self.channels)), "a watcher of events")

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of a posterior."""
        return (*EVENT_CHANNELS, *self.materials)

    @property
    def latency(self) -> tuple[int, Fraction]:
        """Frames and seconds after an instant without which its answer is not final.

        The first number counts frames of the film, whatever their rate; the seconds come on top.
        """
        # One frame more: how far the next frame is, is told to every frame.
        return self.shape.frame_reach + 1, self.shape.column_reach / COLUMN_RATE

    def posterior(self, pictures: Pixels, cells: Cells) -> Track:
        """What sounds when, float32 [N, 6 + materials] on columns that begin with the film.

        Parameters
        ----------
        pictures : uint8 [T, side, side, 3], the whole frame scaled to a square
        cells : when each is shown

        Raises
        ------
        InputError
            If the pictures have another size.

        Examples
        --------
        >>> film = np.zeros((12, 64, 64, 3), np.uint8)
        >>> load_watcher().posterior(film, Grid(15)).values.shape[0]
        40
        """
        stream = self.stream(cells.edge(0) if len(pictures) else 0, cells.clock)
        spans = [(cells.edge(k), cells.edge(k + 1)) for k in range(len(pictures))]
        parts = [stream.push(pictures, spans), stream.finish()]
        return Track(
            np.concatenate([part.values for part in parts]), parts[0].grid, name="events", support="whole"
        )

    def stream(self, start: Fraction | int, clock: str = DEFAULT_CLOCK) -> WatcherStream:
        """For a film that comes piece by piece and begins at ``start``; memory stays bounded."""
        return WatcherStream(self, Fraction(start), clock)

    def answer(self, raw: Array) -> Array:
        """What the network's numbers mean, [N, channels]."""
        found = np.array(raw, np.float32)
        found[:, 0], found[:, 5] = sigmoid(raw[:, 0]), sigmoid(raw[:, 5])
        found[:, 1] = np.clip(raw[:, 1], -2, 2)
        for column, name in ((2, "impulse"), (3, "size")):
            found[:, column] = raw[:, column] * self.spreads.get(name, 1.0) + self.means.get(name, 0.0)
        found[:, 4] = np.clip(raw[:, 4], 0, 1)
        if self.materials:
            found[:, len(EVENT_CHANNELS) :] = softmax(raw[:, len(EVENT_CHANNELS) :])
        return found


class WatcherStream:
    """One film, seen piece by piece: what is final so far comes out. The answer does not depend on the pieces."""

    def __init__(self, watcher: Watcher, start: Fraction, clock: str) -> None:
        self._watcher, self._start, self._clock = watcher, start, clock
        self._before: Pixels | None = None
        self._motion = np.zeros((MOTION_TAPS - 1, MOTION_FEATURES), np.float32)
        said = 1 + len(watcher.materials) if watcher.shape.at_contact else 0
        self._rows = np.zeros((0, watcher.shape.width + said), np.float32)
        self._times = np.zeros(0)  # of the same frames, seconds from the start
        self._first_kept = True  # whether the first of them is the first of the film
        self._end = start
        self._given = 0

    def push(self, pictures: Pixels, spans: Sequence[tuple[Fraction, Fraction]]) -> Track:
        """Take the next frames and when each is shown, from ... to; gives the columns that are final now.

        Raises InputError if the pictures have another size, or do not follow each other.
        """
        shape = self._watcher.shape
        if len(pictures):
            wanted = (len(spans), shape.side, shape.side, 3)
            if pictures.shape != wanted or pictures.dtype != np.uint8:
                raise InputError(
                    f"pictures are {pictures.dtype} {list(pictures.shape)}, not uint8 {list(wanted)}"
                )
            # What a camera shows of a cell is there from its first instant on.
            times = np.array([float(start - self._start) for start, _ in spans])
            if (np.diff(np.concatenate([self._times[-1:], times])) <= 0).any():
                raise InputError("frames do not follow each other in time")
            seen, motion = look(pictures, self._before), motion_of(pictures, self._before)
            motion = np.concatenate([self._motion, motion])
            embedded = embed_pictures(seen, motion, self._watcher.arrays, shape)
            self._motion = motion[1 - MOTION_TAPS :]
            self._before, self._end = pictures[-1], spans[-1][1]
            self._rows = np.concatenate([self._rows, embedded])
            self._times = np.concatenate([self._times, times])
        return self._read(last=False)

    def finish(self) -> Track:
        """The columns that are left: nothing follows."""
        return self._read(last=True)

    def _grid(self) -> Grid:
        return Grid(COLUMN_RATE, self._start + self._given / COLUMN_RATE, self._clock)

    def _stop(self, last: bool) -> tuple[int, int]:
        """Up to which column the answer is final, and up to which the network over columns has its rows."""
        shape = self._watcher.shape
        if last:
            count = Grid(COLUMN_RATE, self._start).index(self._end, "ceil") if len(self._times) else 0
            return count, count
        # The last frame that is final, and before which column the two frames after it are.
        final = len(self._times) - 2 - shape.frame_layers
        if final < 1:
            return self._given, self._given
        readable = _columns_before(float(self._times[final - 1]))
        return max(readable - shape.column_reach, self._given), readable

    def _read(self, last: bool) -> Track:
        watcher, grid = self._watcher, self._grid()
        shape = watcher.shape
        stop, readable = self._stop(last)
        if stop <= self._given:
            return Track(
                np.zeros((0, len(watcher.channels)), np.float32), grid, name="events", support="whole"
            )
        first = max(self._given - shape.column_reach, 0)
        columns = _centers(first, readable)
        gaps = gap_features(self._times)
        frames = run_frames(self._rows, gaps, watcher.arrays, shape)
        slots = slots_of(self._times, columns)
        phases = phase_features(self._times, columns, slots)
        _, raw = run_columns(frames, slots, phases, watcher.arrays, shape)
        values = watcher.answer(raw[self._given - first : stop - first])
        self._given = stop
        self._forget()
        return Track(values, grid, name="events", support="whole")

    def _forget(self) -> None:
        """Frames that no column to come depends on."""
        shape = self._watcher.shape
        column = max(self._given - shape.column_reach, 0)
        needed = int(np.searchsorted(self._times, _centers(column, column + 1)[0], "right"))
        # Slots before it, the reach of the layers, and one more whose distance is told.
        keep = max(needed - SLOTS // 2 - shape.frame_layers - 1, 0)
        self._rows, self._times = self._rows[keep:], self._times[keep:]


def _columns_before(seconds: float) -> int:
    """How many columns' instants lie before so many seconds from the start."""
    near = max(int(seconds * float(COLUMN_RATE)) - 1, 0)
    return near + int(np.searchsorted(_centers(near, near + 3), seconds))


def _centers(first: int, stop: int) -> Seconds:
    return Grid(COLUMN_RATE).centers(max(stop - first, 0), first)


# ---------------------------------------------------------------- the file


def save_watcher(watcher: Watcher, target: str | os.PathLike[str]) -> None:
    """Write it as ``.npz``. Raises OutputError if the target cannot be written."""
    header = {
        "shape": asdict(watcher.shape),
        "materials": list(watcher.materials),
        "means": dict(watcher.means),
        "spreads": dict(watcher.spreads),
        "reading": asdict(watcher.reading),
        "facts": dict(watcher.facts),
    }
    write_model(target, _KIND, header, watcher.arrays)


def load_watcher(model: str | os.PathLike[str] = WATCHER_NAME) -> Watcher:
    """A watcher: the one that comes with Genlock, another of the registry by its name, or a file or folder.

    >>> load_watcher().channels[:2]
    ('presence', 'place')

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    return _cached(model_path(model))


@cache
def _cached(path: Path) -> Watcher:
    return read_model(path, _KIND, "watcher of events", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, Any]) -> Watcher:
    return Watcher(
        # Files made before it could be said read the whole picture.
        WatcherShape(**{"at_contact": False, **shape_in(header)}),
        arrays_in(found),
        tuple(header["materials"]),
        header["means"],
        header["spreads"],
        Reading(**header["reading"]),
        header["facts"],
    )
