"""Grid and Ticks: cells, edges, centres, and back."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core import Grid, Ticks
from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import require_same_clock

from .strategies import DAY, RATES, STARTS, grids, numbers, rationals, ticks

ROUNDINGS = ["floor", "ceil", "nearest"]
SELECTIONS = ["touched", "inside", "centers"]


@given(grids(), numbers)
def test_an_edge_has_its_own_number(grid: Grid, k: int) -> None:
    for rounding in ROUNDINGS:
        assert grid.index(grid.edge(k), rounding) == k  # type: ignore[arg-type]
    assert grid.index(grid.center(k), "floor") == k
    assert grid.index(grid.center(k), "nearest") == k + 1  # a tie goes up
    assert grid.edge(k + 1) - grid.edge(k) == grid.period == 1 / grid.rate


@given(grids(), numbers, st.integers(1, 500))
def test_range_to_span_to_range_is_the_identity(grid: Grid, first: int, count: int) -> None:
    run = range(first, first + count)
    for select in SELECTIONS:
        assert grid.cells(*grid.span(run), select) == run  # type: ignore[arg-type]


@given(grids(), rationals(-1000, 1000, 10**6), rationals(0, 3, 10**6))
def test_selections_are_what_they_are_called(grid: Grid, start: Fraction, length: Fraction) -> None:
    end = start + length
    around = range(grid.index(start, "floor") - 2, grid.index(end, "ceil") + 2)
    touched = [k for k in around if grid.edge(k) < end and grid.edge(k + 1) > start]
    inside = [k for k in around if grid.edge(k) >= start and grid.edge(k + 1) <= end]
    centers = [k for k in around if start <= grid.center(k) < end]
    if length == 0:
        touched = [grid.index(start, "floor")]
    assert list(grid.cells(start, end)) == touched
    assert list(grid.cells(start, end, "inside")) == inside
    assert list(grid.cells(start, end, "centers")) == centers


@given(grids(), numbers, st.integers(0, 50))
def test_floats_of_edges_and_centres_are_the_nearest(grid: Grid, first: int, count: int) -> None:
    assert grid.edges(count, first).tolist() == [float(grid.edge(first + k)) for k in range(count + 1)]
    assert grid.centers(count, first).tolist() == [float(grid.center(first + k)) for k in range(count)]


@given(grids(), st.integers(-DAY * 200, DAY * 200), st.integers(0, 300))
def test_indices_of_edges_count_up(grid: Grid, first: int, count: int) -> None:
    edges = grid.edges(count, first)
    assert grid.indices(edges).tolist() == list(range(first, first + count + 1))
    before = np.nextafter(edges, -np.inf)  # the last float before an edge still lies in the cell before it
    assert grid.indices(before).tolist() == list(range(first - 1, first + count))


@pytest.mark.parametrize("rate", [*RATES, Fraction(48000), Fraction(44100), Fraction(1, 3)])
@pytest.mark.parametrize("start", STARTS)
def test_no_drift_over_a_day(rate: Fraction, start: Fraction) -> None:
    """Edges all over a day are the floats nearest to the exact ones, and are found again."""
    grid = Grid(rate, start)
    last = math.floor(DAY * rate)
    for first in range(0, last, last // 20):
        edges = grid.edges(50, first)
        assert edges.tolist() == [float(grid.edge(first + k)) for k in range(51)]
        assert grid.indices(edges).tolist() == list(range(first, first + 51))


def test_a_day_of_added_durations_does_drift() -> None:
    """What Grid is for: adding 1001/30000 as a float for 24 h, beside counting."""
    frames = math.floor(DAY * Fraction(30000, 1001))
    added = np.cumsum(np.full(frames, 1001 / 30000))[-1]
    true = float(Grid("29.97").edge(frames))
    assert abs(added - true) > 1e-8
    assert Grid("29.97").edges(frames)[-1] == true
    # And what a rounded period costs: 33 ms a frame is more than a quarter of an hour.
    assert true - frames * 0.033 > 850


@given(grids(), st.lists(st.floats(-1e5, 1e5), max_size=20))
def test_indices_agree_with_float_edges(grid: Grid, times: list[float]) -> None:
    for time, k in zip(times, grid.indices(times).tolist(), strict=True):
        assert float(grid.edge(k)) <= time < float(grid.edge(k + 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_indices_refuse_what_is_no_instant(bad: float) -> None:
    with pytest.raises(OptionError):
        Grid(25).indices([0.0, bad])


def test_indices_refuse_floats_that_cannot_tell_cells_apart() -> None:
    with pytest.raises(OptionError, match="too coarse"):
        Grid(48000, 10**15).indices(np.array([1e15 + 7.25]))


def test_numpy_integers_are_cell_numbers_and_floats_are_not() -> None:
    assert Grid(25, "79/32000").edge(np.int64(7)) == Grid(25, "79/32000").edge(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Grid(25).edge(7.0)  # type: ignore[arg-type]


@given(grids(), rationals(-100, 100))
def test_shifted(grid: Grid, by: Fraction) -> None:
    later = grid.shifted(by)
    assert later.edge(5) == grid.edge(5) + by
    assert later.shifted(-by) == grid
    assert later.on_clock("b").edge(3) == later.edge(3)


@pytest.mark.parametrize(
    ("sample_rate", "hop", "first_center", "start"),
    [
        (16000, 320, Fraction(399, 2), Fraction(79, 32000)),  # wav2vec 2.0
        (22050, 256, 0, Fraction(-128, 22050)),  # a centred STFT
        (16000, 160, Fraction(399, 2), Fraction(239, 32000)),  # Kaldi, snip_edges
        (8000, 1, 0, Fraction(-1, 16000)),
    ],  # a waveform
)
def test_windows(sample_rate: int, hop: int, first_center: Fraction, start: Fraction) -> None:
    grid = Grid.of_windows(sample_rate=sample_rate, hop=hop, first_center=first_center)
    assert grid.start == start
    assert [grid.center(k) for k in (0, 1, 999)] == [
        (first_center + hop * k) / Fraction(sample_rate) for k in (0, 1, 999)
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Grid(0),
        lambda: Grid(-25),
        lambda: Grid(25, "x"),
        lambda: Grid(25, clock=""),
        lambda: Grid.of_windows(sample_rate=16000, hop=0, first_center=0),
        lambda: Grid(25).span(range(0)),
        lambda: Grid(25).span(range(0, 6, 2)),
        lambda: Grid(25).cells(1, 0),
        lambda: Grid(25).cells(0, 1, "all"),  # type: ignore[arg-type]
        lambda: Grid(25).index(0, "round"),  # type: ignore[arg-type]
        lambda: Ticks([0, 0], "1/10", 1),
        lambda: Ticks([1, 0], "1/10", 1),
        lambda: Ticks([0.5, 1.5], "1/10", 1),
        lambda: Ticks([[0, 1]], "1/10", 1),
        lambda: Ticks([0, 1], 0, 1),
        lambda: Ticks([0, 1], "1/10", 0),
        lambda: Ticks([0, 1], "1/10", 1.5),  # type: ignore[arg-type]
        lambda: Ticks([0, -(2**63)], "1/10", 1),
        lambda: Ticks([-(2**63), 0], "1/10", 1),
        lambda: Ticks([0, 2**62], "1/10", 1),
        lambda: Ticks([0, 1], "1/10", 2**62),
        lambda: Ticks(np.array([1, 2**63 + 5], np.uint64), "1/10", 1),
        lambda: Ticks([0, 1], "1/10", 1).edge(3),
        lambda: Ticks([0, 1], "1/10", 1).edges(3),
        lambda: Ticks([0, 1], "1/10", 1).part(range(1, 3)),
        lambda: Ticks([0, 1], "1/10", 1).shifted(Fraction(1, 2**70)),
        lambda: Ticks([0, 1], "1/10", 1).indices([np.nan]),
        lambda: Ticks([0, 1], "1/10", 1).index(0, "round"),  # type: ignore[arg-type]
    ],
)
def test_bad_cells_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError):
        make()


def test_clocks_that_differ_are_named() -> None:
    require_same_clock("a", "a", "add")
    with pytest.raises(ClockError, match="cannot add.*'a'.*'b'.*Warp"):
        require_same_clock("a", "b", "add")


# ---------------------------------------------------------------- Ticks


@given(ticks(min_size=1))
def test_ticks_edges_have_their_own_number(cells: Ticks) -> None:
    for k in range(len(cells) + 1):
        for rounding in ROUNDINGS:
            assert cells.index(cells.edge(k), rounding) == k  # type: ignore[arg-type]
    for k in range(len(cells)):
        assert cells.index(cells.center(k), "floor") == k
    assert cells.indices(cells.edges()).tolist() == list(range(len(cells) + 1))
    assert cells.edges().tolist() == [float(cells.edge(k)) for k in range(len(cells) + 1)]
    assert cells.centers().tolist() == [float(cells.center(k)) for k in range(len(cells))]
    assert cells.index(cells.edge(0) - 1) == cells.indices([float(cells.edge(0)) - 1])[0] == -1
    assert cells.index(cells.edge(len(cells)) + 1) == len(cells)


@given(ticks(min_size=1), st.data())
def test_ticks_range_to_span_to_range(cells: Ticks, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(cells) - 1))
    run = range(first, data.draw(st.integers(first + 1, len(cells))))
    for select in SELECTIONS:
        assert cells.cells(*cells.span(run), select) == run  # type: ignore[arg-type]
    part = cells.part(run)
    assert [part.edge(k) for k in range(len(part) + 1)] == [cells.edge(k) for k in [*run, run.stop]]


@given(ticks(), rationals(-2, 2, 500), rationals(0, 2, 500))
def test_ticks_selections(cells: Ticks, start: Fraction, length: Fraction) -> None:
    end, every = start + length, range(len(cells))
    if length:
        wanted = [k for k in every if cells.edge(k) < end and cells.edge(k + 1) > start]
    else:
        wanted = [k for k in every if cells.edge(k) <= start < cells.edge(k + 1)]
    assert list(cells.cells(start, end)) == wanted
    inside = [k for k in every if cells.edge(k) >= start and cells.edge(k + 1) <= end]
    assert list(cells.cells(start, end, "inside")) == inside
    assert list(cells.cells(start, end, "centers")) == [k for k in every if start <= cells.center(k) < end]


@given(ticks(min_size=1), rationals(-3, 3, 500))
def test_ticks_nearest_edge(cells: Ticks, where: Fraction) -> None:
    distances = [abs(cells.edge(k) - where) for k in range(len(cells) + 1)]
    assert distances[cells.index(where, "nearest")] == min(distances)


@given(ticks(), rationals(-100, 100))
def test_ticks_shifted(cells: Ticks, by: Fraction) -> None:
    later = cells.shifted(by)
    count = len(cells) + 1 if len(cells) else 0
    assert [later.edge(k) - by for k in range(count)] == [cells.edge(k) for k in range(count)]
    again = later.shifted(-by)
    assert [again.edge(k) for k in range(count)] == [cells.edge(k) for k in range(count)]


def test_ticks_compare_by_what_they_are() -> None:
    one = Ticks([0, 3, 5], "1/10", 2)
    assert one == Ticks(np.array([0, 3, 5], np.int32), Fraction(1, 10), np.int64(2))  # type: ignore[arg-type]
    assert hash(one) == hash(Ticks([0, 3, 5], "0.1", 2))
    assert one != Ticks([0, 3, 5], "1/10", 3)
    assert one != Ticks([0, 3, 5], "1/10", 2, clock="b")
    with pytest.raises(ValueError, match="read-only"):
        one.pts[0] = 7


# ---------------------------------------------------------------- are these ticks a rounded grid?

NTSC = ["30000/1001", "24000/1001", "60000/1001"]


def rounded(rate: str, base: Fraction, how: str, start: Fraction, count: int = 5000) -> Ticks:
    grid = Grid(rate, start)
    ticks_of = [grid.edge(k) / base for k in range(count)]
    stamps = [math.floor(t + (Fraction(1, 2) if how == "nearest" else 0)) for t in ticks_of]
    return Ticks(stamps, base, math.floor(grid.period / base))


@pytest.mark.parametrize("rate", [*NTSC, "25", "43/2", "60"])
@pytest.mark.parametrize("how", ["nearest", "floor"])
@pytest.mark.parametrize("base", [Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 600)])
def test_a_rounded_grid_is_recognised(rate: str, how: str, base: Fraction) -> None:
    for start in (Fraction(0), 17 * base, Fraction(1, 3)):
        found = rounded(rate, base, how, start).as_grid(rate)
        assert found is not None
        assert found.rate == Fraction(rate)
        assert abs(found.start - start) <= base
        if start != Fraction(1, 3):  # where the start is a tick it is found exactly
            assert found.start == start


@pytest.mark.parametrize(
    ("rate", "wrong"),
    [("30000/1001", "30"), ("24000/1001", "24"), ("25", "30000/1001"), ("30000/1001", "30000/1002")],
)
def test_the_drift_of_a_wrong_rate_is_refused(rate: str, wrong: str) -> None:
    assert rounded(rate, Fraction(1, 1000), "nearest", Fraction(0)).as_grid(wrong) is None


def test_a_truly_variable_rate_is_refused() -> None:
    exact_stamps = rounded("25", Fraction(1, 1000), "nearest", Fraction(0)).pts
    for stamps in (
        np.delete(exact_stamps, 700),  # a dropped frame
        exact_stamps + (np.arange(5000) > 2500) * 3,  # a pause of 3 ms
        exact_stamps + np.arange(5000) % 3,  # a jitter of two ticks
        np.cumsum(np.tile([33, 50], 2500)),
    ):
        cells = Ticks(stamps, "1/1000", 40)
        for rate in ("25", "24", *NTSC):
            assert cells.as_grid(rate) is None
    assert Ticks([], "1/1000", 1).as_grid(25) is None


def test_as_grid_of_absurd_stamps_is_still_exact() -> None:
    base = Fraction(1, 10**15)
    cells = rounded("30000/1001", base, "nearest", Fraction(1000), count=50)
    assert cells.as_grid("30000/1001") == Grid("30000/1001", 1000)
    assert cells.as_grid(30) is None
