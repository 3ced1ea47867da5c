"""Curves over lags: the fast kernel against the slow one, planted lags found, nothing invented beyond the ends."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.aligners.curves import LagCurve, combine, correlate, find_peak, pool, weighted
from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.track import Track

from .slow import correlate_slowly


def smooth(rng: np.random.Generator, count: int, channels: int = 2, width: int = 9) -> np.ndarray:
    noise = rng.standard_normal((count + width, channels))
    kernel = np.hanning(width)
    return np.stack([np.convolve(c, kernel, "same") for c in noise.T], axis=1)[:count]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Track, Track, Fraction]:
    """Sound on a grid and picture on cells of any rate, both with holes and any starts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels = draw(st.integers(1, 3))
    sound_count, picture_count = draw(st.integers(3, 60)), draw(st.integers(3, 25))
    sound = Track(
        rng.standard_normal((sound_count, channels)),
        Grid(50, draw(st.fractions(-1, 1, max_denominator=30))),
        rng.random(sound_count) > draw(st.sampled_from([0.0, 0.3])),
    )
    values = rng.standard_normal((picture_count, channels))
    valid = rng.random(picture_count) > draw(st.sampled_from([0.0, 0.3]))
    if draw(st.booleans()):
        rate = draw(st.sampled_from(["25", "24000/1001", "50", "30"]))
        cells: Grid | Ticks = Grid(rate, draw(st.fractions(-1, 1, max_denominator=30)))
    else:
        steps = rng.integers(1, 9, picture_count)
        cells = Ticks(np.cumsum(steps) - 20, Fraction(1, 100), last_duration=3)
    return sound, Track(values, cells, valid), draw(st.sampled_from([Fraction(1, 10), Fraction(1, 2)]))


@settings(max_examples=60, deadline=None)
@given(pairs(), st.sampled_from([Fraction(0), Fraction(1, 5)]))
def test_fast_and_slow_agree(case: tuple[Track, Track, Fraction], least: Fraction) -> None:
    sound, picture, reach = case
    weights = np.linspace(1, 2, sound.values.shape[1])
    slow = correlate_slowly(sound, picture, reach, weights=weights, least_overlap=least)
    fast = correlate(sound, picture, reach, weights=weights, least_overlap=least)
    np.testing.assert_allclose(fast.lags_seconds, slow.lags_seconds, atol=1e-12)
    np.testing.assert_allclose(fast.overlap_seconds, slow.overlap_seconds, atol=1e-9)
    np.testing.assert_allclose(fast.values, slow.values, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(pairs())
def test_nothing_outside_matters(case: tuple[Track, Track, Fraction]) -> None:
    """What invalid cells hold is not looked at, and the curve is the same on a clock that began hours ago."""
    sound, picture, reach = case
    curve = correlate(sound, picture, reach)
    poison = [replace(t, values=np.where(t.valid[:, None], t.values, 1e6)) for t in (sound, picture)]
    np.testing.assert_array_equal(correlate(*poison, reach).values, curve.values)
    hours = Fraction(36000)
    later = correlate(sound.shifted(hours), picture.shifted(hours), reach)
    np.testing.assert_allclose(later.values, curve.values, atol=1e-5)


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "50", "60"])
@pytest.mark.parametrize("offset", ["-0.4137", "-0.02", "0", "0.0333", "0.555"])
def test_planted_lag_is_found_between_steps(rate: str, offset: str) -> None:
    """Positive where the sound is early: what the sound does at t, the picture does at t + offset."""
    rng = np.random.default_rng(3)
    fine = smooth(rng, 4000, width=180)

    def state(seconds: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(seconds, np.arange(4000) / 1000, c) for c in fine.T], axis=1)

    sound = Track(state(Grid(100).centers(400)), Grid(100))
    cells = Grid(rate)
    count = cells.index(4)
    picture = Track(state(cells.centers(count) - float(Fraction(offset))), cells)
    peak = find_peak(correlate(sound, picture, "0.8"))
    assert peak is not None
    assert peak.lag_seconds == pytest.approx(float(Fraction(offset)), abs=0.002)
    assert peak.value > 0.99


def test_lags_out_of_range_are_masked_not_padded() -> None:
    """Zeros beyond the ends pull the best lag to the extremes; masked cells do not (docs/sync-protocols.md, P1)."""
    rng = np.random.default_rng(5)
    best = []
    for _ in range(200):
        sound = Track(smooth(rng, 200) + 3.0, Grid(100))
        picture = Track(smooth(rng, 50) - 3.0, Grid(25))
        peak = find_peak(weighted(correlate(sound, picture, "0.8")))
        assert peak is not None
        best.append(abs(peak.lag_seconds))
    assert np.mean(np.array(best) > 0.75) < 0.15


def test_lags_without_overlap_have_no_value() -> None:
    sound, picture = Track(np.arange(50.0), Grid(50)), Track(np.arange(25.0), Grid(25))
    curve = correlate(sound, picture, 2, least_overlap="0.3")
    assert np.isnan(curve.values[curve.overlap_seconds < 0.3 - 1e-6]).all()
    assert np.isfinite(curve.values[curve.overlap_seconds > 0.3 + 1e-6]).all()
    assert curve.overlap_seconds[0] == 0


def test_still_channels_count_as_nothing_and_still_pictures_have_no_curve() -> None:
    rng = np.random.default_rng(1)
    moving = smooth(rng, 100, 1)
    sound = Track(np.hstack([moving, moving]), Grid(25))
    half = correlate(sound, Track(np.hstack([moving, np.ones((100, 1))]), Grid(25)), "0.2")
    assert half.values[len(half.values) // 2] == pytest.approx(0.5)
    assert correlate(sound, Track(np.ones((100, 2)), Grid(25)), "0.2").empty
    assert find_peak(correlate(sound, Track(np.ones((100, 2)), Grid(25)), "0.2")) is None


def test_a_peak_at_the_end_of_the_search_says_so() -> None:
    lags = np.arange(-10, 11) / 100
    peak = find_peak(LagCurve(lags, lags.copy(), np.ones(21)), apart_seconds=0.05)
    assert peak is not None
    assert peak.at_edge
    assert peak.lag_seconds == pytest.approx(0.1)
    assert peak.prominence == pytest.approx(0.06)


def test_what_does_not_fit_is_refused() -> None:
    track = Track(np.arange(20.0), Grid(50))
    with pytest.raises(OptionError, match="on a Grid"):
        correlate(Track(np.arange(2.0), Ticks([0, 1], 1, 1)), track, 1)
    with pytest.raises(ClockError):
        correlate(track, Track(np.arange(20.0), Grid(50, clock="other")), 1)
    with pytest.raises(OptionError, match="channels"):
        correlate(track, Track(np.zeros((20, 2)), Grid(50)), 1)
    with pytest.raises(OptionError, match="holds no lag"):
        correlate(track, track, "0.001")
    with pytest.raises(OptionError, match="weights"):
        correlate(track, track, 1, weights=[-1.0])
    lags = np.arange(3) / 10
    with pytest.raises(OptionError, match="different lags"):
        combine([LagCurve(lags, lags, lags), LagCurve(lags + 1, lags, lags)])
    with pytest.raises(OptionError, match="no curve"):
        pool([])
    with pytest.raises(OptionError, match="rise"):
        LagCurve(lags[::-1], lags, lags)
