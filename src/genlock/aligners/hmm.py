"""The best path through a graph of states, exactly: the core of every forced alignment by a hidden Markov
model.

A :class:`StateGraph` has *emitting* states, each of which takes one frame or more and names a column of a
score matrix, and *silent* states, which take no time and only join others (the end of one word and the start
of the next).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.compiled import compiled

__all__ = ["GraphBuilder", "Path", "StateGraph", "best_path"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

#: Stands for impossible; finite, so that sums stay ordered.
IMPOSSIBLE = -1e30


@dataclass(frozen=True, eq=False)
class StateGraph:
    """States and the arcs into each of them.

    Silent states are listed in an order in which every arc between two of them points forward.
    """

    column: Ints
    """Score column of each state, [S]; -1 for a silent state."""
    stay: Floats
    """Log weight of staying one more frame, [S]; unused for silent states."""
    first_arc: Ints
    """Arcs ``first_arc[s]`` up to ``first_arc[s + 1]`` lead into state s, [S + 1]."""
    source: Ints
    """State that each arc leaves, [A]."""
    weight: Floats
    """Log weight of each arc, [A]."""
    start: int
    """The silent state in which every path begins, before the first frame."""
    end: int
    """The silent state in which every path ends, after the last frame."""

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.column)


@dataclass(frozen=True, eq=False)
class Path:
    """The best path.

    ``through`` lists every state passed, silent ones too, in order; ``at`` the frame in which each was
    entered (a silent state: the frame that follows it).
    """

    states: Ints
    """The emitting state of every frame, [T]."""
    score: float
    """Log weight of the whole path."""
    through: tuple[int, ...]
    """All states passed, in order, start and end included."""
    at: tuple[int, ...]
    """For each state passed, the frame at which it was entered, 0...T."""


class GraphBuilder:
    """Collects states and arcs, then makes a :class:`StateGraph`.

    Examples
    --------
    Two states one after the other, found in four frames of planted scores:

    >>> build = GraphBuilder()
    >>> start, a, b, end = build.silent(), build.emitting(0), build.emitting(1), build.silent()
    >>> build.chain([start, a, b, end])
    >>> scores = np.log(np.array([[.9, .1], [.8, .2], [.3, .7], [.1, .9]], np.float32))
    >>> best_path(scores, build.graph(start, end)).states.tolist()
    [1, 1, 2, 2]
    """

    def __init__(self) -> None:
        self._columns: list[int] = []
        self._stay: list[float] = []
        self._into: list[list[tuple[int, float]]] = []

    def silent(self) -> int:
        """Add a state that takes no time; returns its number."""
        return self._add(-1, 0.0)

    def emitting(self, column: int, stay: float = 0.0) -> int:
        """Add a state that takes at least one frame, scored by ``column``; returns its number."""
        if column < 0:
            raise ValueError(f"score column {column} does not exist")
        return self._add(column, stay)

    def _add(self, column: int, stay: float) -> int:
        self._columns.append(column)
        self._stay.append(stay)
        self._into.append([])
        return len(self._columns) - 1

    def arc(self, source: int, target: int, weight: float = 0.0) -> None:
        """Add an arc. Between two silent states it must point to one that was added later."""
        if self._columns[source] < 0 and self._columns[target] < 0 and source >= target:
            raise ValueError(f"the arc from silent state {source} to silent state {target} points backward")
        self._into[target].append((source, weight))

    def chain(self, states: Sequence[int], weight: float = 0.0) -> None:
        """Add arcs from each state to the next one."""
        for source, target in itertools.pairwise(states):
            self.arc(source, target, weight)

    def graph(self, start: int, end: int) -> StateGraph:
        """The finished graph. ``start`` and ``end`` are silent states."""
        if self._columns[start] >= 0 or self._columns[end] >= 0:
            raise ValueError("a path starts and ends in silent states")
        counts = np.array([0, *(len(arcs) for arcs in self._into)])
        flat = [arc for arcs in self._into for arc in arcs]
        return StateGraph(
            column=np.array(self._columns, np.int32),
            stay=np.array(self._stay, np.float32),
            first_arc=np.cumsum(counts).astype(np.int32),
            source=np.array([source for source, _ in flat], np.int32),
            weight=np.array([weight for _, weight in flat], np.float32),
            start=start,
            end=end,
        )


def best_path(scores: Floats, graph: StateGraph) -> Path | None:
    """The path of the highest total weight from start to end through all frames (Viterbi).

    Parameters
    ----------
    scores : float32 [T, C]
        Log weight of each score column in each frame; finite.
    graph : StateGraph

    Returns
    -------
    Path or None
        None if no path takes exactly T frames (fewer frames than emitting states on the shortest way).
        Memory: one or two bytes for each frame and state.
    """
    table = np.ascontiguousarray(scores, dtype=np.float32)
    if table.ndim != 2 or (graph.column.size and graph.column.max() >= max(table.shape[1], 1)):
        raise ValueError(f"scores of shape {table.shape} lack column {graph.column.max()}")
    fan_in = int(np.diff(graph.first_arc).max(initial=0))
    choices = np.zeros((len(table) + 1, graph.states), np.uint8 if fan_in < 255 else np.uint16)
    silent = np.flatnonzero(graph.column < 0).astype(np.int32)
    emitting = np.flatnonzero(graph.column >= 0).astype(np.int32)
    arguments = (
        graph.column,
        graph.stay,
        graph.first_arc,
        graph.source,
        graph.weight,
        silent,
        emitting,
        graph.start,
    )
    values = _forward(table, *arguments, choices)
    score = float(values[graph.end])
    if score <= IMPOSSIBLE / 2:
        return None
    through, at = _trace(choices, graph.column, graph.first_arc, graph.source, graph.start, graph.end)
    return Path(
        _per_frame(through, at, graph.column, len(table)), score, tuple(through.tolist()), tuple(at.tolist())
    )


def _per_frame(through: Ints, at: Ints, column: Ints, frames: int) -> Ints:
    emits = column[through] >= 0
    states, starts = through[emits], at[emits]
    return np.repeat(states, np.diff(np.append(starts, frames))).astype(np.int32)


@compiled
def _forward(
    scores: Any,
    column: Any,
    stay: Any,
    first_arc: Any,
    source: Any,
    weight: Any,
    silent: Any,
    emitting: Any,
    start: int,
    choices: Any,
) -> Any:
    """Fill ``choices`` [T + 1, S]: 0 for staying, else one more than the arc's place among those into the
    state.

    Row t holds how each emitting state was entered in frame t - 1 and each silent state after it.
    """
    impossible = -1e30
    old = np.full(column.size, impossible, np.float64)
    new = np.full(column.size, impossible, np.float64)
    old[start] = 0.0
    for s in silent:
        for a in range(first_arc[s], first_arc[s + 1]):
            value = old[source[a]] + weight[a]
            if value > old[s] and value > impossible / 2:
                old[s] = value
                choices[0, s] = a - first_arc[s] + 1
    for t in range(scores.shape[0]):
        for s in emitting:
            best = old[s] + stay[s]
            choice = 0
            for a in range(first_arc[s], first_arc[s + 1]):
                value = old[source[a]] + weight[a]
                if value > best:
                    best = value
                    choice = a - first_arc[s] + 1
            choices[t + 1, s] = choice
            new[s] = max(best + scores[t, column[s]], impossible)
        for s in silent:
            best = impossible
            choice = 0
            for a in range(first_arc[s], first_arc[s + 1]):
                value = new[source[a]] + weight[a]
                if value > best:
                    best = value
                    choice = a - first_arc[s] + 1
            choices[t + 1, s] = choice
            new[s] = best
        old, new = new, old
    return old


@compiled
def _trace(choices: Any, column: Any, first_arc: Any, source: Any, start: int, end: int) -> Any:
    """Follow the choices back from the end; states in order, and the frame in which each was entered."""
    frames = choices.shape[0] - 1
    room = frames + 1 + column.size * (frames + 1)
    through = [end]
    at = [frames]
    state, row = end, frames
    for _ in range(room):
        if state == start and row == 0:
            break
        choice = choices[row, state]
        if column[state] >= 0:
            row -= 1
            at[-1] = row
            if choice == 0:
                continue
        state = source[first_arc[state] + choice - 1]
        through.append(state)
        at.append(row)
    return np.array(through[::-1], dtype=np.int32), np.array(at[::-1], dtype=np.int32)
