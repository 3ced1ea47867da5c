"""The search against brute force, and on planted truths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.aligners.hmm import GraphBuilder, StateGraph, best_path


def brute_force(scores: np.ndarray, graph: StateGraph) -> float:
    """The best weight over all sequences of emitting states, with silent states closed by repeated
    relaxation."""
    arcs = [
        (int(graph.source[a]), target, float(graph.weight[a]))
        for target in range(graph.states)
        for a in range(graph.first_arc[target], graph.first_arc[target + 1])
    ]
    between: dict[int, dict[int, float]] = {}
    for first in range(graph.states):
        reach: dict[int, float] = {}
        for _ in range(graph.states):
            for source, target, weight in arcs:
                so_far = (
                    0.0
                    if source == first
                    else reach.get(source, -np.inf)
                    if graph.column[source] < 0
                    else -np.inf
                )
                reach[target] = max(reach.get(target, -np.inf), so_far + weight)
        between[first] = reach
    emitting = [s for s in range(graph.states) if graph.column[s] >= 0]
    best = -np.inf
    for row in itertools.product(emitting, repeat=len(scores)):
        total = between[graph.start].get(row[0], -np.inf)
        for t, state in enumerate(row):
            total += scores[t, graph.column[state]]
            if t + 1 < len(row):
                onward = between[state].get(row[t + 1], -np.inf)
                total += max(onward, graph.stay[state]) if row[t + 1] == state else onward
        best = max(best, total + between[row[-1]].get(graph.end, -np.inf))
    return best


@given(st.integers(0, 10_000))
def test_the_best_weight_is_the_one_of_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    build = GraphBuilder()
    start = build.silent()
    states = [
        build.emitting(int(c), float(w))
        for c, w in zip(random.integers(0, 4, 3), random.normal(size=3), strict=True)
    ]
    middle = build.silent()
    end = build.silent()
    for source, target in itertools.product([start, *states, middle], [*states, middle, end]):
        forward = source not in (start, middle) or target in states or source < target
        if source != target and forward and random.random() < 0.5:
            build.arc(source, target, float(random.normal()))
    graph = build.graph(start, end)
    scores = random.normal(size=(4, 4)).astype(np.float32)
    path = best_path(scores, graph)
    expected = brute_force(scores, graph)
    if path is None:
        assert expected == -np.inf
    else:
        assert path.score == pytest.approx(expected, abs=1e-4)
        assert len(path.states) == 4
        assert path.through[0] == start
        assert path.through[-1] == end
        assert list(path.at) == sorted(path.at)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 1000))
def test_planted_durations_come_back(durations: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(durations)), durations)
    scores = random.normal(0, 0.1, (len(truth), len(durations))).astype(np.float32)
    scores[np.arange(len(truth)), truth] += 5
    build = GraphBuilder()
    start = build.silent()
    row = [build.emitting(column) for column in range(len(durations))]
    end = build.silent()
    build.chain([start, *row, end])
    path = best_path(scores, build.graph(start, end))
    assert path is not None
    assert [row.index(s) for s in path.states] == truth.tolist()


def test_too_few_frames_have_no_path() -> None:
    build = GraphBuilder()
    start, a, b, end = build.silent(), build.emitting(0), build.emitting(0), build.silent()
    build.chain([start, a, b, end])
    graph = build.graph(start, end)
    assert best_path(np.zeros((1, 1), np.float32), graph) is None
    assert best_path(np.zeros((0, 1), np.float32), graph) is None
    assert best_path(np.zeros((2, 1), np.float32), graph) is not None


def test_an_hour_of_frames_keeps_its_precision() -> None:
    """Sums of hundreds of thousands must not swallow what decides between two paths."""
    frames = 360_000
    scores = np.full((frames, 2), -100.0, np.float32)
    scores[frames // 2 :, 0] -= np.float32(0.01)
    scores[: frames // 2, 1] -= np.float32(0.01)
    build = GraphBuilder()
    start, a, b, end = build.silent(), build.emitting(0), build.emitting(1), build.silent()
    build.chain([start, a, b, end])
    path = best_path(scores, build.graph(start, end))
    assert path is not None
    assert path.at == (0, 0, frames // 2, frames)


def test_mistakes_in_a_graph_are_refused() -> None:
    build = GraphBuilder()
    first, second = build.silent(), build.silent()
    with pytest.raises(ValueError, match="backward"):
        build.arc(second, first)
    with pytest.raises(ValueError, match="column"):
        build.emitting(-1)
    state = build.emitting(3)
    build.chain([first, state])
    with pytest.raises(ValueError, match="silent"):
        build.graph(first, state)
    with pytest.raises(ValueError, match="column 3"):
        best_path(np.zeros((2, 2), np.float32), build.graph(first, second))
