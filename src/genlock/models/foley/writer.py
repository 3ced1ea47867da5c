"""A writer: the posterior of events in, codes of sound out, column by column, for as long as the picture lasts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.foley.columns import COLUMN_RATE, EVENT_CHANNELS
from genlock.models.foley.sampling import Sampling, draw
from genlock.models.foley.writer_network import (
    Cache,
    WriterShape,
    array_shapes,
    run_conditions,
    run_history,
    run_step,
    tell_code,
    told_to_layers,
    unknown_conditions,
)
from genlock.models.layers import Array, check_shapes
from genlock.weights.npz_model import arrays_in, load_once, model_beside, model_path, shape_in, write_model

__all__ = ["WRITER_NAME", "Writer", "WriterStream", "load_writer", "save_writer"]

Codes: TypeAlias = npt.NDArray[np.int64]

#: Name of the model of our own in the registry.
WRITER_NAME = "foley-writer"
_KIND = "foley writer"
# Columns whose conditions are read at a time: 20 s.
_PIECE = 1000


@dataclass(frozen=True, eq=False)
class Writer:
    """Events in, codes out.

    Raises
    ------
    FormatError
        If the arrays do not fit.
    """

    shape: WriterShape
    """How its network is built."""
    arrays: Mapping[str, Array]
    """The network's weights."""
    channels: tuple[str, ...]
    """Channels of the posteriors that it reads, by name: those that it learnt with."""
    means: Mapping[str, float] = field(default_factory=dict)
    """Mean logarithms of ``impulse`` and ``size`` where it learnt."""
    spreads: Mapping[str, float] = field(default_factory=dict)
    """Their spreads."""
    classes: tuple[str, ...] = ()
    """Classes of sound that can be asked for."""
    codec: str = ""
    """The codec whose codes it writes: its name, or its file."""
    vocoder: str = ""
    """The vocoder by which it is heard: its name, or its file; empty: the one that comes with Genlock."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_shapes(self.arrays, array_shapes(self.shape), "a writer")
        if self.shape.conditions != len(self.channels) or self.shape.classes != len(self.classes):
            raise OptionError(
                f"a writer of {self.shape.conditions} conditions and {self.shape.classes} classes has "
                f"{len(self.channels)} channels and {len(self.classes)} names of classes"
            )

    @property
    def latency(self) -> Fraction:
        """Seconds of events after a column without which it is not written."""
        return self.shape.lookahead / COLUMN_RATE

    def conditions(self, events: Track) -> Array:
        """What columns are told, float32 [N, D], of a posterior: facts of an event count as much as it is there.

        Raises InputError if the posterior has other channels.
        """
        rows = np.asarray(events.values, np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.channels):
            raise InputError(
                f"events have rows of shape {list(rows.shape[1:])}; this writer reads {len(self.channels)} channels: "
                f"{', '.join(self.channels)}"
            )
        return conditions_of(rows, self.means, self.spreads)

    def write(
        self,
        events: Track,
        seeds: Sequence[int] = (0,),
        sampling: Sampling | None = None,
        class_name: str = "",
        prime: npt.ArrayLike | None = None,
    ) -> Track:
        """Codes of every column, int64 [N, takes, tokens], on the columns of ``events``.

        Parameters
        ----------
        events : posterior on columns, see :data:`genlock.models.foley.columns.EVENT_CHANNELS`
        seeds : one take for each; takes are written side by side, and each is what it would be alone
        sampling : how codes are drawn
        class_name : what kind of sound; empty: whatever fits
        prime : codes [n, tokens] of a sound that stands at the beginning; it is gone on with

        Raises
        ------
        InputError
            If the events have other channels, or the codes to begin with do not fit.
        OptionError
            If there is no such class.
        """
        stream = self.stream(seeds, sampling, class_name, prime)
        parts = [stream.push(events), stream.finish()]
        return Track(
            np.concatenate([part.values for part in parts]), parts[0].grid, name="codes", support="whole"
        )

    def attention(self, events: Track, codes: npt.ArrayLike, class_name: str = "") -> Track:
        """How much each column attends to itself and to those before it, float32 [N, layers, heads, reach].

        The last axis is how many columns before: 0 is the column itself. Each row sums to one. The picture is not
        attended to: each column is told its own instant of it, see :attr:`latency`.

        Parameters
        ----------
        events : posterior on columns, as it was told
        codes : int [N, tokens], what was written

        Raises
        ------
        InputError
            If events and codes do not belong together.
        """
        written = np.asarray(codes, np.int64)
        if len(written) != len(events):
            raise InputError(
                f"{len(written)} columns of codes do not belong to {len(events)} columns of events"
            )
        stream = self.stream((0,), Sampling(guidance=1.0), class_name, written)
        stream.watch()
        stream.push(events)
        stream.finish()
        shape = self.shape
        none = np.zeros((0, shape.layers, shape.heads, shape.reach), np.float32)
        shares = np.stack(stream.watched) if stream.watched else none
        return Track(shares, events.grid, name="attention", support="whole")

    def stream(
        self,
        seeds: Sequence[int] = (0,),
        sampling: Sampling | None = None,
        class_name: str = "",
        prime: npt.ArrayLike | None = None,
        cached: bool = True,
    ) -> WriterStream:
        """For events that come piece by piece, without end; see :meth:`write`.

        ``cached`` False computes everything anew for every column, which gives the same codes: for tests.
        """
        if class_name and class_name not in self.classes:
            raise OptionError(
                f"this writer knows no class {class_name!r}; it knows: {', '.join(self.classes) or 'none'}"
            )
        if not seeds:
            raise OptionError("no seed is given: give one for each take")
        given = np.zeros((0, self.shape.tokens), np.int64) if prime is None else np.asarray(prime, np.int64)
        if given.ndim != 2 or given.shape[1] != self.shape.tokens:
            raise InputError(
                f"codes to begin with have shape {list(given.shape)}, not [n, {self.shape.tokens}]"
            )
        if given.size and not 0 <= given.min() <= given.max() < self.shape.codes:
            raise InputError(f"codes to begin with lie outside 0...{self.shape.codes - 1}")
        which = self.classes.index(class_name) if class_name else len(self.classes)
        return WriterStream(self, tuple(seeds), sampling or Sampling(), which, given, cached)


def conditions_of(rows: Array, means: Mapping[str, float], spreads: Mapping[str, float]) -> Array:
    """What a writer is told of a posterior [N, channels]; see :meth:`Writer.conditions`."""
    found = np.array(rows, np.float32)
    presence, sustained = rows[:, :1], rows[:, 5:6]
    for column, name in ((2, "impulse"), (3, "size")):
        found[:, column] = (rows[:, column] - means.get(name, 0.0)) / spreads.get(name, 1.0)
    found[:, 4] = 2 * rows[:, 4] - 1
    found[:, 1:5] *= presence
    found[:, len(EVENT_CHANNELS) :] *= np.minimum(presence + sustained, 1)
    return found


class WriterStream:
    """Takes of one film, written column by column. The codes do not depend on the pieces."""

    def __init__(
        self,
        writer: Writer,
        seeds: tuple[int, ...],
        sampling: Sampling,
        which: int,
        prime: Codes,
        cached: bool,
    ) -> None:
        self._writer, self._sampling, self._prime = writer, sampling, prime
        #: Codes of a column.
        self.tokens = writer.shape.tokens
        shape, takes = writer.shape, len(seeds)
        self._random = [np.random.default_rng([seed, 0x0F01E7]) for seed in seeds]
        # Guidance compares with what would be written without the picture: the same takes once more.
        self._twice = 2 if sampling.guidance != 1 else 1
        self._classes = np.full(takes * self._twice, which, np.int64)
        self._cache = Cache(shape, takes * self._twice) if cached else None
        #: What each column of the first take attended to, [layers, heads, reach], once :meth:`watch` was called.
        self.watched: list[Array] = []
        self._before = np.full((takes, shape.tokens), shape.codes, np.int64)
        self._history: list[Codes] = []
        self._told_so_far: list[Array] = []
        self._conditions = np.zeros((0, shape.conditions), np.float32)
        self._first, self._given, self._written = 0, 0, 0
        self._grid: Grid | None = None
        # Far from both ends every column of which nothing is known is told the same.
        around = 2 * shape.lookahead + 1
        self._unknown = unknown_conditions(around, writer.arrays, shape)[shape.lookahead]
        self._unknown_in_layers = told_to_layers(self._unknown[None], writer.arrays, shape)[0]

    def watch(self) -> None:
        """From the first column on, keep what each attends to."""
        self._cache = Cache(self._writer.shape, len(self._classes), watched=True)

    def push(self, events: Track) -> Track:
        """Take the next columns of the posterior; gives the codes [n, takes, tokens] that can be written now."""
        if not isinstance(events.grid, Grid) or events.grid.rate != COLUMN_RATE:
            raise InputError(f"events are not on columns: {events.grid}; {COLUMN_RATE} a second are read")
        if self._grid is None:
            self._grid = events.grid
        elif len(events) and events.grid.start != self._grid.edge(self._first + len(self._conditions)):
            raise InputError("a piece of the events does not follow the one before it")
        self._conditions = np.concatenate([self._conditions, self._writer.conditions(events)])
        return self._take(self._first + len(self._conditions) - self._writer.shape.lookahead)

    def finish(self) -> Track:
        """The columns that are left: nothing follows."""
        return self._take(self._first + len(self._conditions))

    def _take(self, stop: int) -> Track:
        grid, reach = self._grid or Grid(COLUMN_RATE), self._writer.shape.lookahead
        start, found = self._given, []
        while self._given < stop:
            upto = min(stop, self._given + _PIECE)
            low = max(self._given - reach, self._first)
            seen = self._conditions[low - self._first : upto + reach - self._first]
            told = run_conditions(seen, self._writer.arrays, self._writer.shape)
            now = told[self._given - low : upto - low]
            in_layers = told_to_layers(now, self._writer.arrays, self._writer.shape)
            found += [self._column(row, each) for row, each in zip(now, in_layers, strict=True)]
            self._given = upto
            drop = max(self._given - reach - self._first, 0)
            self._conditions, self._first = self._conditions[drop:], self._first + drop
        takes, tokens = self._before.shape
        values = np.stack(found) if found else np.zeros((0, takes, tokens), np.int64)
        return Track(values, grid.part(range(start, self._given)), name="codes", support="whole")

    def _column(self, told: Array, in_layers: Array) -> Codes:
        """The codes of the next column, [takes, tokens]."""
        writer, takes = self._writer, len(self._before)
        shape = writer.shape
        both = np.repeat(np.stack([told, self._unknown])[: self._twice], takes, axis=0)
        each = np.repeat(np.stack([in_layers, self._unknown_in_layers])[: self._twice], takes, axis=0)
        state = self._state(both, each)
        chances = np.array([random.random(shape.tokens) for random in self._random])
        number = self._written
        own = np.zeros((takes, 0), np.int64)
        for k in range(shape.tokens):
            if number < len(self._prime):
                drawn = np.full(takes, self._prime[number, k])
            else:
                scores = tell_code(state, np.tile(own, (self._twice, 1)), writer.arrays, shape)
                if self._twice == 2:
                    scores = scores[takes:] + self._sampling.guidance * (scores[:takes] - scores[takes:])
                drawn = draw(scores, chances[:, k], self._sampling)
            own = np.concatenate([own, drawn[:, None]], axis=1)
        self._before = own
        self._written += 1
        if self._cache is None:
            self._history.append(own)
        return own

    def _state(self, told: Array, in_layers: Array) -> Array:
        writer = self._writer
        before = np.tile(self._before, (self._twice, 1))
        if self._cache is not None:
            state = run_step(before, told, in_layers, self._classes, self._cache, writer.arrays, writer.shape)
            if self._cache.shares is not None:
                self.watched.append(self._cache.shares[:, 0].copy())
            return state
        self._told_so_far.append(told)
        none = np.zeros((len(before), 0, writer.shape.tokens), np.int64)
        codes = np.tile(np.stack(self._history, axis=1), (self._twice, 1, 1)) if self._history else none
        all_told = np.stack(self._told_so_far, axis=1)
        return run_history(codes, all_told, self._classes, writer.arrays, writer.shape)[:, -1]


# ---------------------------------------------------------------- the file


def save_writer(writer: Writer, target: str | os.PathLike[str]) -> None:
    """Write it as ``.npz``. Raises OutputError if the target cannot be written.

    Codec and vocoder are to be named as they are found from there, see :func:`genlock.weights.npz_model.put_beside`.
    """
    header = {
        "shape": asdict(writer.shape),
        "channels": list(writer.channels),
        "means": dict(writer.means),
        "spreads": dict(writer.spreads),
        "classes": list(writer.classes),
        "codec": writer.codec,
        "vocoder": writer.vocoder,
        "facts": dict(writer.facts),
    }
    write_model(target, _KIND, header, writer.arrays)


def load_writer(model: str | os.PathLike[str] = WRITER_NAME) -> Writer:
    """A writer: the one that comes with Genlock, another of the registry by its name, or a file or folder.

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    path = model_path(model)
    found = load_once(path, _KIND, "writer of codes", _build)
    return replace(found, codec=model_beside(found.codec, path), vocoder=model_beside(found.vocoder, path))


def _build(header: Mapping[str, Any], found: Mapping[str, Any]) -> Writer:
    # Two rows at a time are multiplied by weights that lie as they are read: a third faster.
    arrays = {name: np.asfortranarray(array) for name, array in arrays_in(found).items()}
    return Writer(
        WriterShape(**shape_in(header)),
        arrays,
        tuple(header["channels"]),
        header["means"],
        header["spreads"],
        tuple(header["classes"]),
        header["codec"],
        header.get("vocoder", ""),
        header["facts"],
    )
