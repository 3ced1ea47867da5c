"""Track.on, the one way from one grid to another, against its definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genlock.core import Grid, Ticks, Track, Warp, resample
from genlock.core.errors import ClockError, OptionError

from .reference import reference_on
from .strategies import RATES, rationals, targets, tracks, warps

HOWS = ["sample", "mean", "nearest", "stack"]


def assert_agrees(track: Track, got: Track, wanted: list[object]) -> None:
    assert got.valid.tolist() == [w is not None for w in wanted]
    assert not np.isnan(got.values).any(), "what an invalid cell holds has leaked"
    assert not got.values[~got.valid].any(), "an invalid cell of the result must be zero"
    kind = complex if np.iscomplexobj(track.values) else float
    exact_kind = got.values.dtype.itemsize < (16 if kind is complex else 8)
    for value, want in zip(got.values, wanted, strict=True):
        if want is not None:
            np.testing.assert_allclose(
                value, np.array(want).astype(kind), rtol=1e-5 if exact_kind else 1e-11, atol=1e-11
            )


@settings(max_examples=200)
@given(st.data())
def test_on_agrees_with_its_definition(data: st.DataObject) -> None:
    track = data.draw(tracks())
    grid, length = data.draw(targets(track))
    how = data.draw(st.sampled_from(HOWS))
    count = data.draw(st.integers(1, 5)) if how == "stack" else 1
    cover = data.draw(st.sampled_from([Fraction(0), Fraction(3, 10), Fraction(1, 2), Fraction(1)]))
    warp = data.draw(st.none() | warps())
    got = track.on(grid, how, length=length, count=count, min_cover=cover, warp=warp)
    wanted = reference_on(track, grid, how, count, cover, warp, length=len(got))
    assert_agrees(track, got, wanted)


def test_reference_runs_on_a_case_worked_out_by_hand() -> None:
    """A splice: source 1...3 s is cut out, and target 4...5 s is a gap."""
    track = Track(np.arange(8.0), Grid(1))
    warp = Warp([(0, 0), (1, 1), (3, 1), (6, 4), (6, 5), (8, 7)])
    got = track.on(Grid("2/3"), "mean", min_cover=0, warp=warp)
    # Cells [0, 1.5) [1.5, 3) [3, 4.5) [4.5, 6) [6, 7.5) read
    # source [0, 1)+[3, 3.5), [3.5, 5), [5, 6), [6, 7), [7, 8).
    assert got.values.tolist() == pytest.approx([1.0, (3 * 0.5 + 4) / 1.5, 5.0, 6.0, 7.0])
    covers = track.on(Grid("2/3"), "mean", min_cover=1, warp=warp).valid.tolist()
    assert covers == [True, True, False, False, False]
    sampled = track.on(Grid(1), "nearest", warp=warp)
    assert sampled.values.tolist() == [0, 3, 4, 5, 0, 6, 7]
    assert sampled.valid.tolist() == [True, True, True, True, False, True, True]


@settings(max_examples=150)
@given(st.data())
def test_shifting_both_changes_no_bit(data: st.DataObject) -> None:
    track = data.draw(tracks(min_size=1))
    grid, length = data.draw(targets(track))
    how = data.draw(st.sampled_from(HOWS))
    by = data.draw(rationals(-(10**7), 10**7, 90000))
    here = track.on(grid, how, length=length)
    there = track.shifted(by).on(grid.shifted(by), how, length=length)
    assert here.values.tobytes() == there.values.tobytes()
    assert here.valid.tolist() == there.valid.tolist()


@settings(max_examples=150)
@given(st.data())
def test_a_warp_that_shifts_is_a_shift(data: st.DataObject) -> None:
    track = data.draw(tracks(min_size=1))
    grid, length = data.draw(targets(track))
    how = data.draw(st.sampled_from(HOWS))
    by = data.draw(rationals(-50, 50, 1001))
    warped = track.on(grid.shifted(by), how, length=length, warp=Warp.shift(by))
    assert warped.values.tobytes() == track.on(grid, how, length=length).values.tobytes()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("how", ["sample", "mean", "nearest"])
def test_a_track_on_its_own_grid_is_itself(rate: Fraction, how: str) -> None:
    rng = np.random.default_rng(1)
    valid = rng.random(500) > 0.1
    track = Track(rng.normal(size=(500, 3)), Grid(rate, "79/32000"), valid)
    same = track.on(track.grid, how)  # type: ignore[arg-type]
    assert np.array_equal(same.values, np.where(valid[:, None], track.values, 0))
    assert np.array_equal(same.valid, valid)


@pytest.mark.parametrize("rate", RATES)
def test_a_straight_line_is_sampled_exactly(rate: Fraction) -> None:
    """Values that say their own instant come back saying the target's: no drift, no offset."""
    source = Grid(100, "-0.005")
    track = Track(source.centers(100_000), source)
    got = track.on(Grid(rate, "1/3"))
    # Inside, that is: in the outer half cells the last value holds.
    inner = (got.centers > source.center(0)) & (got.centers < source.center(99_999))
    assert np.abs(got.values - got.centers)[inner].max() < 1e-9


@pytest.mark.parametrize("how", HOWS)
def test_a_day_later_nothing_has_drifted(how: str) -> None:
    """The last second of a day at NTSC rate reads what the first second reads."""
    day = 24 * 3600
    wave = np.sin(np.arange(100 * 40) / 7)
    early = Track(wave, Grid(100, "-0.005")).on(Grid("30000/1001"), how, length=900)  # type: ignore[arg-type]
    frames = 30000 * (day // 1001)  # a whole number of both cells
    late_source = Grid(100, Fraction("-0.005") + 1001 * (day // 1001))
    target = Grid("30000/1001", Grid("30000/1001").edge(frames))
    late = Track(wave, late_source).on(target, how, length=900)  # type: ignore[arg-type]
    assert early.values.tobytes() == late.values.tobytes()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("dtype", ["f4", "i2", "?", "c8"])
def test_empty_and_single(how: str, dtype: str) -> None:
    count = 3 if how == "stack" else 1
    empty = Track(np.zeros((0, 2), dtype), Grid(25)).on(Grid(10), how, length=4, count=count)  # type: ignore[arg-type]
    assert empty.values.shape == ((4, 3, 2) if how == "stack" else (4, 2))
    assert not empty.valid.any()
    assert len(Track(np.zeros(0), Grid(25)).on(Grid(10), how)) == 0  # type: ignore[arg-type]
    one = Track(np.ones((1, 2), dtype), Grid(25))
    got = one.on(Grid(100), how, count=count, min_cover=0)  # type: ignore[arg-type]
    assert got.valid.tolist() == [True] * 4
    assert one.on(Ticks([], "1/1000", 1), how, count=count).values.shape[0] == 0  # type: ignore[arg-type]


def test_what_kind_of_number_comes_out() -> None:
    for kind, smooth in (("f4", "f4"), ("f8", "f8"), ("f2", "f8"), ("i2", "f8"), ("?", "f8"), ("c8", "c8")):
        track = Track(np.ones(8, kind), Grid(25))
        for how, wanted in (("sample", smooth), ("mean", smooth), ("nearest", kind), ("stack", kind)):
            assert track.on(Grid(10), how).values.dtype == np.dtype(wanted)  # type: ignore[arg-type]
            assert Track(np.ones(0, kind), Grid(25)).on(Grid(10), how).values.dtype == np.dtype(wanted)  # type: ignore[arg-type]


def test_the_outer_half_cell_holds_and_nothing_is_invented_beyond() -> None:
    track = Track(np.array([1.0, 3.0, 5.0]), Grid(1), np.array([True, True, False]))
    got = track.on(Grid(4, -1))
    assert got.valid.tolist() == [False] * 4 + [True] * 8 + [False] * 4
    assert got.values[4:12].tolist() == [1.0, 1.0, 1.25, 1.75, 2.25, 2.75, 3.0, 3.0]


def test_min_cover() -> None:
    track = Track(np.arange(8.0), Grid(4), np.array([True, True, False, False, True, False, False, False]))
    assert track.on(Grid(1), "mean").valid.tolist() == [True, False]
    assert track.on(Grid(1), "mean", min_cover="1/4").valid.tolist() == [True, True]
    assert track.on(Grid(1), "mean", min_cover="0.51").valid.tolist() == [False, False]
    assert track.on(Grid(1), "mean", min_cover=0).values.tolist() == [0.5, 4.0]
    stacked = track.on(Grid(4), "stack", count=3)
    assert stacked.valid.tolist() == [False] * 8
    assert track.on(Grid(4), "stack", count=3, min_cover="2/3").valid.tolist() == [True, True] + [False] * 6


def test_a_valid_nan_spoils_only_the_cells_that_read_it() -> None:
    track = Track(np.array([0.0, np.nan, 2.0, 3.0]), Grid(2))
    assert np.isnan(track.on(Grid(2)).values).tolist() == [False, True, False, False]
    assert np.isnan(track.on(Grid(1), "mean").values).tolist() == [True, False]


@settings(max_examples=100)
@given(st.data())
def test_nothing_beyond_the_support_matters(data: st.DataObject) -> None:
    """support promises a window around each centre: what lies outside is changed, and no value changes."""
    track = data.draw(tracks(min_size=1).filter(lambda t: t.values.dtype.kind != "b"))
    grid, length = data.draw(targets(track))
    how = data.draw(st.sampled_from(HOWS))
    count = data.draw(st.integers(1, 5)) if how == "stack" else 1
    got = track.on(grid, how, length=length, count=count, min_cover=0)
    for k in range(len(got)):
        middle = grid.center(k)
        near = [abs(track.grid.center(j) - middle) * 2 <= got.support for j in range(len(track))]
        other = Track(
            np.where(np.reshape(near, (-1, *[1] * (track.values.ndim - 1))), track.values, 99),
            track.grid,
            track.valid,
        )
        again = other.on(grid, how, length=length, count=count, min_cover=0)
        assert np.array_equal(got.values[k], again.values[k])


@example(narrow=0).via("always many at once")
@given(st.integers(0, 40))
def test_adding_cells_one_by_one_and_all_at_once_is_the_same(narrow: int) -> None:
    rng = np.random.default_rng(narrow)
    cells = Ticks(np.cumsum(rng.integers(1, 9, 400)), "1/1000", 3) if narrow % 2 else Grid(200, "-1/77")
    valid = rng.random(400) > 0.2
    track = Track(rng.normal(size=(400, 2)), cells, valid)
    usual, limit = track.on(Grid(7), "mean", min_cover=0), resample._NARROW
    try:
        resample._NARROW = narrow
        other = track.on(Grid(7), "mean", min_cover=0)
    finally:
        resample._NARROW = limit
    assert np.array_equal(usual.valid, other.valid)
    np.testing.assert_allclose(usual.values, other.values, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("how", HOWS)
def test_blocks_leave_no_seam(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    track = Track(rng.normal(size=(3000, 4)).astype("f4"), Grid(100, "-0.005"), rng.random(3000) > 0.1)
    warp = Warp([(0, 0), (10, 10), (12, 10), (20, 18), (20, 21), (30, "30.7")])
    whole = track.on(Grid("30000/1001"), how, warp=warp)  # type: ignore[arg-type]
    monkeypatch.setattr(resample, "_BLOCK_BYTES", 256)
    cut = track.on(Grid("30000/1001"), how, warp=warp)  # type: ignore[arg-type]
    assert np.array_equal(whole.valid, cut.valid)
    np.testing.assert_allclose(whole.values, cut.values, rtol=1e-6, atol=1e-7)


def test_memory_beside_the_result_stays_small() -> None:
    import tracemalloc

    track = Track(np.ones((100_000, 40), np.float32), Grid(100))
    for how in ("sample", "mean", "nearest"):
        tracemalloc.start()
        result = track.on(Grid(25), how)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < result.values.nbytes + 10e6  # the source is 16 MB


def test_a_grid_that_names_no_clock_lies_on_the_tracks() -> None:
    """``track.on(Grid(25))`` of a file's track was refused, with the advice to give a Warp."""
    track = Track(np.arange(8.0), Grid(100, clock="media:a.wav#0"), name="mel")
    stacked = track.on(Grid(25), "stack", count=4, min_cover=0)
    assert stacked.clock == "media:a.wav#0"
    assert stacked.values.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_clocks_must_fit() -> None:
    track = Track(np.zeros(5), Grid(25, clock="a"), name="mel")
    with pytest.raises(ClockError, match="'mel'.*'a'.*'b'.*Warp"):
        track.on(Grid(25, clock="b"))
    there = Warp([(0, 0)], source_clock="a", target_clock="b")
    assert track.on(Grid(25, clock="b"), warp=there).clock == "b"
    with pytest.raises(ClockError, match="'a' to 'b'"):
        track.on(Grid(25, clock="a"), warp=there)


@pytest.mark.parametrize(
    "options",
    [
        {"how": "linear"},
        {"count": 3},
        {"how": "stack", "count": 0},
        {"min_cover": 2},
        {"min_cover": -1},
        {"length": -1},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Track(np.zeros(5), Grid(25)).on(Grid(10), **options)  # type: ignore[arg-type]


def test_ticks_have_their_own_length() -> None:
    with pytest.raises(OptionError, match="length=3"):
        Track(np.zeros(5), Grid(25)).on(Ticks([0, 1], "1/10", 1), length=3)


def test_the_length_follows_the_warp() -> None:
    track = Track(np.zeros(50), Grid(25))
    assert len(track.on(Grid(25), warp=Warp.shift(2))) == 100
    assert len(track.on(Grid(25), warp=Warp.shift(-5))) == 0
    # A jump at the track's end leads to no more of it.
    assert len(track.on(Grid(25), warp=Warp([(0, 0), (2, 2), (2, 9)]))) == 50


@pytest.mark.parametrize("cells", [Grid(100, "-1/7"), Ticks(np.arange(8) * 10 + 3, "1/1000", 10)])
def test_a_tie_goes_to_the_earlier_centre(cells: Grid | Ticks) -> None:
    """Half as many cells: each target centre lies just between two source centres."""
    track = Track(np.arange(8), cells)
    half = Grid(50, track.start)
    assert track.on(half, "nearest").values.tolist() == [0, 2, 4, 6]
    stacked = track.on(half, "stack", count=3, min_cover=0)
    assert stacked.values.tolist() == [[0, 0, 1], [1, 2, 3], [3, 4, 5], [5, 6, 7]]
    assert track.on(half, "stack", count=2).values.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    # An even window around a source centre: that centre counts as before the instant.
    assert track.on(track.grid, "stack", count=2, length=None).values[0].tolist() == [0, 1]
    for how, count in (("nearest", 1), ("stack", 3), ("stack", 2)):
        wanted = reference_on(track, half, how, count, Fraction(0), None, 4)
        assert_agrees(track, track.on(half, how, count=count, min_cover=0), wanted)  # type: ignore[arg-type]


def test_the_last_instant_of_a_map_that_ends_is_on_it() -> None:
    track = Track(np.arange(4.0), Grid(2))
    ends = Warp([(0, 0), ("1.25", "1.25")], before=None, after=None)  # at the centre of cell 2
    assert track.on(Grid(2), length=4, warp=ends).valid.tolist() == [True, True, True, False]


@pytest.mark.parametrize("by", ["1/3", "-17/7", "100000/90001"])
@pytest.mark.parametrize("how", HOWS)
def test_stamps_in_a_finer_base_change_no_bit(how: str, by: str) -> None:
    # Stamps in thousandths become stamps in three-thousandths: the same instants in other integers.
    rng = np.random.default_rng(8)
    for _ in range(60):
        stamps = np.cumsum(rng.integers(1, 60, 9)) - 200
        track = Track(rng.normal(size=9), Ticks(stamps, "1/1000", int(rng.integers(1, 60))))
        grid = Grid(Fraction(int(rng.integers(5, 400)), 7), track.start - Fraction(1, 13))
        here, there = track.on(grid, how), track.shifted(by).on(grid.shifted(by), how)
        assert here.values.tobytes() == there.values.tobytes()
        other = Ticks(np.arange(-9, 30) * 11, "1/1001", 11)
        here, there = track.on(other, how), track.shifted(by).on(other.shifted(by), how)
        assert here.values.tobytes() == there.values.tobytes()
