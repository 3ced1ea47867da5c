"""Shifts between rows of frames: planted, found again, with what is missing left out, on the clock."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.aligners.curves import find_peak
from genlock.aligners.diagonal import diagonal_means, shift_curve, shift_seconds
from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Grid


def unit_rows(count: int, seed: int, width: int = 16) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(shift=st.integers(-25, 25), seed=st.integers(0, 999), length=st.integers(40, 90))
def test_a_planted_shift_is_found(shift: int, seed: int, length: int) -> None:
    world = unit_rows(length + 60, seed)
    heard, seen = world[30 : 30 + length], world[30 - shift : 30 - shift + length]
    means, pairs = diagonal_means(heard @ seen.T)
    # Sound frame t is picture frame t + shift: the sound is early by so many frames.
    assert int(np.nanargmax(means)) - 25 == shift
    assert pairs.tolist() == [length - abs(k) for k in range(-25, 26)]


@given(seed=st.integers(0, 999), reach=st.integers(1, 12))
def test_masked_means_are_those_of_the_pairs_that_are_there(seed: int, reach: int) -> None:
    chance = np.random.default_rng(seed)
    similarity = chance.standard_normal((15, 11))
    heard, seen = chance.random(15) < 0.7, chance.random(11) < 0.7
    means, pairs = diagonal_means(similarity, reach, heard=heard, seen=seen, least_frames=2)
    for k in range(-reach, reach + 1):
        there = [similarity[t, t + k] for t in range(15) if 0 <= t + k < 11 and heard[t] and seen[t + k]]
        assert pairs[k + reach] == len(there)
        if len(there) < 2:
            assert np.isnan(means[k + reach])
        else:
            assert means[k + reach] == pytest.approx(np.mean(there))


def test_a_shift_in_seconds_and_the_peak_between_frames() -> None:
    assert shift_seconds(-3, Grid(25), Grid(25)) == Fraction(-3, 25)
    assert shift_seconds(0, Grid(25, "0.5"), Grid(25, "0.48")) == Fraction(-1, 50)
    lags = np.arange(-25, 26)
    curve = shift_curve(1 - 0.01 * (lags - 4.3) ** 2, np.full(51, 50), Grid(25), Grid(25))
    peak = find_peak(curve)
    assert peak is not None
    assert peak.lag_seconds == pytest.approx(4.3 / 25)


def test_too_few_pairs_have_no_value() -> None:
    curve = shift_curve(*diagonal_means(np.eye(8), 6), Grid(25), Grid(25), least_frames=5)
    assert np.isfinite(curve.values).tolist() == [False, False, False, *[True] * 7, False, False, False]


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(OptionError, match="similarity"):
        diagonal_means(np.zeros(5))
    with pytest.raises(OptionError, match="heard"):
        diagonal_means(np.zeros((5, 5)), heard=np.ones(4, bool))
    with pytest.raises(OptionError, match="25 and 30"):
        shift_seconds(1, Grid(25), Grid(30))
    with pytest.raises(ClockError):
        shift_seconds(1, Grid(25), Grid(25, clock="other"))
    with pytest.raises(OptionError, match="odd"):
        shift_curve(np.zeros(4), np.zeros(4), Grid(25), Grid(25))
