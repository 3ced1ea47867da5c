"""Mistakes of published sync evaluations, and of our own first versions."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from genlock.aligners.curves import LagCurve, correlate, find_peak, weighted
from genlock.aligners.drift import find_drift, straightened
from genlock.core.errors import FormatError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import load_model


def test_padding_with_zeros_pulls_to_the_extremes_and_masking_does_not() -> None:
    """Zero-padded candidates outside the clip win in most published tables of offsets (docs/sync-protocols.md, P1)."""
    rng = np.random.default_rng(3)
    kernel = np.hanning(9)
    masked, padded = [], []
    for _ in range(120):
        sound = np.convolve(rng.standard_normal(100), kernel, "same") + 2.0
        picture = np.convolve(rng.standard_normal(100), kernel, "same") - 2.0
        peak = find_peak(weighted(correlate(Track(sound, Grid(25)), Track(picture, Grid(25)), "0.6")))
        assert peak is not None
        masked.append(abs(peak.lag_seconds) > 0.55)
        room = np.concatenate([np.zeros(15), sound, np.zeros(15)])
        plain = [float((room[15 - lag : 115 - lag] * picture).mean()) for lag in range(-15, 16)]
        padded.append(abs(int(np.argmax(plain)) - 15) >= 14)
    assert np.mean(padded) > 0.3
    assert np.mean(masked) < 0.25


def test_straight_lines_between_lags_favoured_a_drift_of_zero() -> None:
    """Linear interpolation cuts the tops of curves off between lags: drifts of tens of ppm were seen as none."""
    lags, times = np.arange(-30, 31) / 100, np.arange(-150.0, 151.0, 5.0)
    truth = 0.1 + 50e-6 * times
    scores = -0.5 * np.minimum(((lags[None] - truth[:, None]) / 0.02) ** 2, 12)
    found = find_drift(scores, lags, times)
    assert found is not None
    assert found.ppm == pytest.approx(50, abs=8)
    half = straightened(np.array([-((lags / 0.05) ** 2)]), lags, np.array([5.0]), 1000.0)[0]
    assert half.max() == pytest.approx(-0.01, abs=0.002)  # at lags -0.01 and 0: half a step from the top


def test_a_damaged_member_of_a_model_file_is_a_format_error(tmp_path: Path) -> None:
    """numpy gives bytes instead of an array for a member that is no array."""
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"not an array")
    with pytest.raises(FormatError, match="train it again"):
        load_model(path)


def test_a_peak_at_the_end_of_the_search_is_marked() -> None:
    """An offset beyond the search was answered with its end."""
    lags = np.arange(-50, 51) / 100
    peak = find_peak(LagCurve(lags, -np.abs(lags - 0.9), np.ones(101)))
    assert peak is not None
    assert peak.at_edge
