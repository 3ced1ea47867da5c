"""Events that are planted in a posterior are read off it, also where their instants are not certain."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.models.foley.reading import Reading, read_off


def posterior(places: list[float], spread: float, columns: int = 100) -> np.ndarray:
    rows = np.zeros((columns, 8), np.float32)
    centers = np.arange(columns) + 0.5
    for number, place in enumerate(places):
        share = np.exp(-(((centers - place) / spread) ** 2) / 2)
        share = np.where(share > 0.01, share, 0)
        share *= 0.95 / share.sum()
        rows[:, 0] += share
        mine = share > 0
        rows[mine, 1] = np.clip(place - centers[mine], -2, 2)
        rows[mine, 2] = number
    return rows


@pytest.mark.parametrize("spread", [0.2, 0.6, 1.0])
def test_planted_events_come_back(spread: float) -> None:
    places = [3.3, 14.5, 21.9, 40.0, 77.7]
    found = read_off(posterior(places, spread), 0.5)
    assert found.places == pytest.approx(places, abs=0.25)
    assert (found.probabilities > 0.8).all()
    assert found.rows[:, 2] == pytest.approx(range(5), abs=0.01)


def test_two_events_in_80_ms_are_two() -> None:
    assert len(read_off(posterior([20.5, 24.5], 0.4))) == 2
    assert len(read_off(posterior([20.5], 0.9))) == 1


def test_what_is_unlikely_is_not_told() -> None:
    rows = np.full((200, 6), 0.02, np.float32)
    assert len(read_off(rows, 0.5)) == 0
    assert len(read_off(rows[:0], 0.5)) == 0
    with pytest.raises(OptionError, match=r"0\.\.\.1"):
        Reading(0.0)
