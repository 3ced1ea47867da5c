"""What a talker hears, on its clock: the one way for training and for use, whole or piece by piece.

A talker's network runs on a uniform clock of the sound. Any Track of sound (bands, cepstra, learnt features) is read
at the true instants of that clock; words or phones, which are Spans, become one channel a label. What the network says
is a Track on the same clock, and frames of any rate read it with ``on()``. So training and use read the same instants
by construction, whatever the frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.models.talker.levels import Leveler, Leveling

__all__ = ["CLOCK_RATE", "Heard", "Listener", "Listening", "hear", "listening_facts", "listening_of"]

Array: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]
#: What a talker is given: features of the sound by name, and words or phones.
Given: TypeAlias = Mapping[str, Track | Spans]
#: What is done with the values of a feature: ``level`` (log bands, see :mod:`genlock.models.talker.levels`),
#: ``standard`` (less a mean, over a spread, both learnt), ``spans`` (one channel a label).
Treatment: TypeAlias = Literal["level", "standard", "spans"]

#: Cells of a talker's clock in a second.
CLOCK_RATE = Fraction(50)


@dataclass(frozen=True)
class Heard:
    """One thing that a talker hears."""

    feature: str
    """As ``genlock features`` takes it, such as ``mel:kaldi``; or the name under which Spans are given."""
    size: int
    """Values in a row: bands, coefficients, labels."""
    treatment: Treatment = "level"
    """What is done with its values."""
    steps: int = 2
    """Instants that are read in each cell of the clock, evenly; at least 1."""
    labels: tuple[str, ...] = ()
    """For spans: labels by channel; what is none of them has no channel."""

    def __post_init__(self) -> None:
        if self.size < 1 or self.steps < 1:
            raise OptionError(f"{self}: size and steps are at least 1")
        if self.treatment == "spans" and len(self.labels) != self.size:
            raise OptionError(f"{self.feature!r}: {len(self.labels)} labels do not fit a size of {self.size}")

    @property
    def width(self) -> int:
        """Channels that it gives."""
        return self.size * self.steps


@dataclass(frozen=True, eq=False)
class Listening:
    """All that a talker hears, and how."""

    heard: tuple[Heard, ...] = (Heard("mel:kaldi", 80),)
    """The features, in the order of their channels."""
    leveling: Leveling = field(default_factory=Leveling)
    """How bands are levelled."""
    mean: Mapping[str, Array] = field(default_factory=dict)
    """By feature: the usual mean of its values (of bands: above the loudness), [D]."""
    spread: Mapping[str, Array] = field(default_factory=dict)
    """By feature: the usual spread, [D]."""

    @property
    def width(self) -> int:
        """Channels in all."""
        return sum(one.width for one in self.heard)

    @property
    def features(self) -> tuple[str, ...]:
        """Features to be extracted from the sound, in the grammar of ``genlock features``."""
        return tuple(one.feature for one in self.heard if one.treatment != "spans")


def hear(tracks: Given, listening: Listening) -> Track:
    """What is heard at each cell of the talker's clock, float32 [N, channels].

    The clock has :data:`CLOCK_RATE` cells a second. It is laid so that the instants it reads are those of the first
    feature's own values where that has as many; it begins a cell before the feature does and ends a cell after it.

    Parameters
    ----------
    tracks : features by name, and Spans; all on one clock; the first feature on a Grid

    Returns
    -------
    Track
        A cell is valid where at least one instant of each Track lies in it. Channels are zero, which is their mean,
        where nothing is known.

    Raises
    ------
    InputError
        If a feature is missing, has rows of another size, or no rows at all.
    ClockError
        If they are on different clocks.

    Examples
    --------
    >>> grid = Grid.of_windows(sample_rate=16000, hop=160, first_center="199.5")
    >>> heard = hear({"mel:kaldi": Track(np.zeros((100, 80), np.float32), grid)}, Listening())
    >>> heard.values.shape, float(heard.grid.center(1))
    ((52, 160), 0.01746875)
    """
    listener = Listener(listening)
    parts = [listener.push(tracks), listener.finish()]
    grid = parts[0].grid
    values, valid = (np.concatenate(rows) for rows in zip(*((p.values, p.valid) for p in parts), strict=True))
    return Track(values, grid, valid, name="heard", support="whole")


class Listener:
    """Hears what comes piece by piece; see :func:`hear`. The result does not depend on the pieces.

    Each :meth:`push` brings the next piece of every feature; Spans are taken from the first piece, whole.
    """

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self._ears: list[_Ear | _Reader] = []
        self._grid: Grid | None = None
        self._given = 0

    def push(self, tracks: Given) -> Track:
        """Take the next piece; gives the cells that are known now, on cells of their own times; maybe none."""
        if self._grid is None:
            self._open(tracks)
        for one, ear in zip(self.listening.heard, self._ears, strict=True):
            if isinstance(ear, _Ear):
                piece = _given(tracks, one)
                assert isinstance(piece, Track)
                ear.push(piece)
        return self._read(last=False)

    def finish(self) -> Track:
        """The cells that are left: nothing follows."""
        for ear in self._ears:
            if isinstance(ear, _Ear):
                ear.finish()
        return self._read(last=True)

    def _open(self, tracks: Given) -> None:
        self._grid = _clock_of(tracks, self.listening)
        for one in self.listening.heard:
            given = _given(tracks, one)
            if isinstance(given, Spans):
                self._ears.append(_Reader(one, given))
            else:
                self._ears.append(_Ear(one, self.listening, given))

    def _read(self, last: bool) -> Track:
        grid = self._grid
        if grid is None:
            raise InputError("nothing was heard")
        tracks = [ear for ear in self._ears if isinstance(ear, _Ear)]
        spoken = [ear for ear in self._ears if isinstance(ear, _Reader)]
        stops = [ear.cells(grid, last) for ear in tracks] or [ear.cells(grid) for ear in spoken]
        # A feature that ends before the first one is silent from there on.
        stop = max(self._given, stops[0] if last or not tracks else min(stops))
        cells = range(self._given, stop)
        part = grid.part(cells)
        rows, valid = [], np.ones(len(cells), bool)
        for ear in self._ears:
            one = ear.one
            fine = Grid(part.rate * one.steps, part.start, part.clock)
            values, there = ear.rows(fine, len(cells) * one.steps)
            rows.append(values.reshape(len(cells), one.width))
            valid &= there.reshape(len(cells), one.steps).any(axis=1)
        self._given = stop
        return Track(np.concatenate(rows, axis=1), part, valid, name="heard", support="whole")


class _Ear:
    """One feature: levelled as it comes, and read at the instants of the clock."""

    def __init__(self, one: Heard, listening: Listening, first: Track) -> None:
        grid = first.grid
        if not isinstance(grid, Grid):
            raise InputError(f"{one.feature!r} is not on a Grid")
        self.one, self._grid = one, grid
        usual = listening.mean.get(one.feature, np.zeros(one.size, np.float32))
        self._usual, self._spread = usual, listening.spread.get(one.feature, np.ones(one.size, np.float32))
        self._leveler = Leveler(listening.leveling, usual) if one.treatment == "level" else None
        self._rows = np.zeros((0, one.size), np.float32)
        self._valid, self._unread = np.zeros(0, bool), np.zeros(0, bool)
        self._first, self._count = 0, 0

    def push(self, piece: Track) -> None:
        one = self.one
        if piece.values.ndim != 2 or piece.values.shape[1] != one.size:
            raise InputError(
                f"{one.feature!r} has rows of shape {list(piece.values.shape[1:])}, not [{one.size}]"
            )
        if piece.grid != self._grid.part(range(self._count, self._count)):
            raise InputError(f"a piece of {one.feature!r} does not follow the one before it")
        self._count += len(piece)
        self._unread = np.concatenate([self._unread, piece.valid])
        if self._leveler:
            self._take(self._leveler.push(piece.values, piece.valid))
        else:
            self._take(np.asarray((piece.values - self._usual) / self._spread, np.float32))

    def finish(self) -> None:
        if self._leveler:
            self._take(self._leveler.finish())

    def _take(self, rows: Array) -> None:
        self._rows = np.concatenate([self._rows, rows])
        self._valid = np.concatenate([self._valid, self._unread[: len(rows)]])
        self._unread = self._unread[len(rows) :]

    def cells(self, clock: Grid, last: bool) -> int:
        """Up to which cell of the clock everything is known: up to the last row's centre; at the end, one more."""
        ready = self._first + len(self._rows)
        if ready == 0:
            return 0
        end = self._grid.center(ready - 1)
        if last:
            return clock.index(end, "floor") + 2
        # The last instant of a cell lies half a step before its end.
        return max(0, clock.index(end + 1 / (2 * clock.rate * self.one.steps), "floor"))

    def rows(self, fine: Grid, count: int) -> tuple[Array, Mask]:
        track = Track(self._rows, self._grid.part(range(self._first, self._first)), self._valid)
        found = track.on(fine, "sample", length=count)
        values = np.array(found.values, np.float32)
        values[~found.valid] = 0.0
        self._forget(fine.edge(count))
        return values, found.valid

    def _forget(self, before: Fraction) -> None:
        keep = min(max(self._grid.index(before, "floor") - 2 - self._first, 0), len(self._rows))
        self._rows, self._valid, self._first = self._rows[keep:], self._valid[keep:], self._first + keep


class _Reader:
    """Spans: one channel a label."""

    def __init__(self, one: Heard, spans: Spans) -> None:
        if one.treatment != "spans":
            raise InputError(f"{one.feature!r} was given as Spans, but this talker hears it as a Track")
        self.one, self._spans = one, spans
        channel = {label: k for k, label in enumerate(one.labels)}
        self._named = np.array([channel.get(span.label, -1) for span in spans] + [-1], np.int64)

    def cells(self, clock: Grid) -> int:
        return clock.index(self._spans[-1].end, "ceil") + 1

    def rows(self, fine: Grid, count: int) -> tuple[Array, Mask]:
        found = self._named[self._spans.on(fine, count)]
        rows = np.zeros((count, self.one.size), np.float32)
        rows[np.flatnonzero(found >= 0), found[found >= 0]] = 1.0
        return rows, np.ones(count, bool)


def _given(tracks: Given, one: Heard) -> Track | Spans:
    given = tracks.get(one.feature)
    if given is None:
        raise InputError(
            f"the talker hears {one.feature!r}, which is not among: {', '.join(tracks) or 'nothing'}"
        )
    return given


def _clock_of(tracks: Given, listening: Listening) -> Grid:
    """The clock, laid by the first feature, or from zero where there are only spans."""
    for one in listening.heard:
        track = _given(tracks, one)
        if isinstance(track, Track):
            if not isinstance(track.grid, Grid) or not len(track):
                raise InputError(
                    f"{one.feature!r} is not a row of values on a Grid: there is nothing to hear"
                )
            start = track.grid.center(0) - 1 / (2 * CLOCK_RATE * one.steps) - 1 / CLOCK_RATE
            return Grid(CLOCK_RATE, start, track.clock)
    spans = next(given for given in tracks.values() if isinstance(given, Spans))
    if not len(spans):
        raise InputError(f"there are no {spans.name or 'spans'} to speak")
    return Grid(CLOCK_RATE, 0, spans.clock)


def listening_facts(listening: Listening) -> dict[str, Any]:
    """What a file's header holds of it."""
    return {"heard": [asdict(one) for one in listening.heard], "leveling": asdict(listening.leveling)}


def listening_of(
    facts: Mapping[str, Any], mean: Mapping[str, Array], spread: Mapping[str, Array]
) -> Listening:
    """From :func:`listening_facts` and the statistics by feature."""
    heard: Sequence[Heard] = [Heard(**{**one, "labels": tuple(one["labels"])}) for one in facts["heard"]]
    return Listening(tuple(heard), Leveling(**facts["leveling"]), mean, spread)
