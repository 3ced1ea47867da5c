"""Drift and steps: planted in scores, found again; the fast search against every path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.aligners.drift import find_drift, find_steps, straightened
from genlock.core.errors import OptionError

from .slow import find_steps_slowly

LAGS = np.arange(-60, 61) / 100


def scores_of(offsets: np.ndarray, rng: np.random.Generator, spread: float = 0.02) -> np.ndarray:
    """A bell about each row's offset, with some noise on it."""
    away = (LAGS[None] - offsets[:, None]) / spread
    return -0.5 * np.minimum(away**2, 12) + 0.2 * rng.standard_normal((len(offsets), len(LAGS)))


@pytest.mark.parametrize("ppm", [-1000.0, -145.0, 0.0, 50.0, 1000.0])
def test_planted_drift_is_found_and_covered(ppm: float) -> None:
    rng = np.random.default_rng(1)
    times = np.arange(-150.0, 151.0, 5.0)
    found = find_drift(scores_of(0.1 + 1e-6 * ppm * times, rng), LAGS, times)
    assert found is not None
    assert found.ppm == pytest.approx(ppm, abs=25)
    # One interval of 90 % may miss, though by little; how many do is tested below.
    half = (found.interval_ppm[1] - found.interval_ppm[0]) / 2
    assert abs(found.ppm - ppm) < 3 * half
    assert found.gain >= 0


@pytest.mark.parametrize("scatter", [0.012, 0.035])
def test_interval_of_a_drift_holds_as_often_as_it_says(scatter: float) -> None:
    """Rows that state 20 ms and scatter by less, or by more: the interval follows what they do."""
    rng, times, lags = np.random.default_rng(5), np.arange(-90.0, 91.0, 5.0), np.arange(-20, 21) / 100
    held = []
    for _ in range(100):
        offsets = 400e-6 * times + scatter * rng.standard_normal(len(times))
        found = find_drift(-0.5 * ((lags[None] - offsets[:, None]) / 0.02) ** 2, lags, times, 1200.0)
        assert found is not None
        held.append(found.interval_ppm[0] <= 400 <= found.interval_ppm[1])
    assert 0.76 <= np.mean(held) <= 0.97


def test_interval_of_a_drift_holds_where_neighbours_deviate_alike() -> None:
    """Six rows after the other are of one person, whose own offset differs: such scatter is itself seen badly."""
    rng, times, lags = np.random.default_rng(6), np.arange(-300.0, 300.0, 5.0), np.arange(-24, 25) / 100
    held = []
    for _ in range(80):
        own = 0.03 * np.repeat(rng.standard_normal(20), 6)
        offsets = own + 0.015 * rng.standard_normal(len(times))
        found = find_drift(-0.5 * ((lags[None] - offsets[:, None]) / 0.03) ** 2, lags, times, 300.0)
        assert found is not None
        held.append(found.interval_ppm[0] <= 0 <= found.interval_ppm[1])
    assert 0.85 <= np.mean(held) <= 0.97


def test_no_candidate_near_the_best_is_left_out() -> None:
    """Two drifts that fit equally well, as half of the rows have each, both lie in the interval."""
    times, lags = np.arange(-90.0, 91.0, 5.0), np.arange(-50, 51) / 100
    slopes = np.where(np.arange(len(times)) % 2, 1500e-6, -1500e-6)
    away = np.minimum(((lags[None] - (slopes * times)[:, None]) / 0.02) ** 2, 0.5)
    found = find_drift(-0.5 * away, lags, times, 2500.0)
    assert found is not None
    assert found.interval_ppm[0] < -1400
    assert found.interval_ppm[1] > 1400


def test_drift_of_hours_is_grouped_and_still_found() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(-3600.0, 3600.0, 5.0)
    found = find_drift(scores_of(-0.05 + 20e-6 * times, rng), LAGS, times)
    assert found is not None
    assert found.ppm == pytest.approx(20, abs=1.5)


def test_straightened_rows_agree() -> None:
    times = np.array([-100.0, 0.0, 100.0])
    rows = scores_of(0.2 + 500e-6 * times, np.random.default_rng(3))
    straight = straightened(rows, LAGS, times, 500.0)
    np.testing.assert_allclose(LAGS[straight.argmax(axis=1)], 0.2, atol=0.015)


def test_too_little_says_nothing_and_nonsense_is_refused() -> None:
    assert find_drift(np.zeros((2, len(LAGS))), LAGS, np.array([0.0, 1.0])) is None
    with pytest.raises(OptionError, match="finite"):
        find_drift(np.full((3, len(LAGS)), np.nan), LAGS, np.arange(3.0))
    with pytest.raises(OptionError, match="penalty"):
        find_steps(np.zeros((2, 2)), -1.0)
    assert find_steps(np.zeros((0, 4)), 1.0) == []


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([0.0, 1.0, 4.0, 50.0]),
)
def test_steps_are_the_best_of_all_paths(rows: list[list[int]], penalty: float) -> None:
    scores = np.array(rows, np.float64)
    runs = find_steps(scores, penalty)
    total = sum(float(scores[run.start : run.stop, lag].sum()) for run, lag in runs) - penalty * (
        len(runs) - 1
    )
    assert total == pytest.approx(find_steps_slowly(scores, penalty))
    assert [k for run, _ in runs for k in run] == list(range(len(scores)))
