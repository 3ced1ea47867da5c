"""Many seconds of lags by Fourier transforms: the same values as one lag after the other, and what stands out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.aligners.curves import LagCurve, correlate
from genlock.aligners.far import correlate_far, lead_of
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track


def pair(seed: int, cells: int = 300) -> tuple[Track, Track]:
    draw = np.random.default_rng(seed)
    moves = draw.standard_normal((cells + 40, 3)).cumsum(axis=0)
    seen, heard = draw.random(cells) > 0.2, draw.random(cells) > 0.1
    return Track(moves[20 : 20 + cells], Grid(25), heard), Track(moves[:cells], Grid(25), seen)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_fast_is_the_same_as_slow(seed: int) -> None:
    sound, picture = pair(seed)
    weights = [0.5, 0.2, 0.3]
    fast = correlate_far(sound, picture, 3, weights=weights, least_overlap="0.5")
    slow = correlate(sound, picture, 3, weights=weights, least_overlap="0.5")
    assert np.allclose(fast.lags_seconds, slow.lags_seconds)
    assert np.allclose(fast.overlap_seconds, slow.overlap_seconds, atol=1e-6)
    assert np.allclose(fast.values, slow.values, atol=1e-6, equal_nan=True)


def test_what_overlaps_too_little_has_no_value() -> None:
    sound, picture = pair(1, 100)
    curve = correlate_far(sound, picture, 10)
    assert np.isnan(curve.values[0])
    assert np.isnan(curve.values[-1])
    assert np.isfinite(curve.values[len(curve.values) // 2])


def test_two_grids_are_refused() -> None:
    sound, picture = pair(2)
    with pytest.raises(OptionError, match="one Grid"):
        correlate_far(sound, Track(picture.values, Grid(25, 1)), 1)
    with pytest.raises(OptionError, match="weights"):
        correlate_far(sound, picture, 1, weights=[1, 2])
    with pytest.raises(OptionError, match="holds no lag"):
        correlate_far(sound, picture, "0.01")


def test_nothing_leads_among_unrelated_signals() -> None:
    draw = np.random.default_rng(4)

    def signal(cells: int) -> np.ndarray:
        rough = draw.standard_normal((cells + 4, 4))
        return np.asarray(sum(rough[k : k + cells] for k in range(5)))

    leads = []
    for _ in range(20):
        one, other = (Track(signal(500), Grid(25)) for _ in range(2))
        leads.append(lead_of(correlate_far(one, other, 10))[1])
    assert np.quantile(leads, 0.9) < 1.5
    moves = signal(520)
    lag, lead = lead_of(correlate_far(Track(moves[20:], Grid(25)), Track(moves[:500], Grid(25)), 5))
    assert lag == pytest.approx(0.8)
    assert lead > 2


def test_a_curve_without_values_has_no_lead() -> None:
    lags = np.array([-0.1, 0.0, 0.1])
    with pytest.raises(OptionError):
        lead_of(LagCurve(lags, np.full(3, np.nan), np.zeros(3)))
