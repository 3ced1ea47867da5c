"""Bugs of the first core, each found by a test of properties: numbers, edges and rates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.core import Grid, Ticks, Timecode, exact, exact_rate
from genlock.core.errors import OptionError


def test_edges_just_below_zero_lost_their_last_digits() -> None:
    """Whole seconds were split off downward: -1/32000 became -1 + 0.99996875, right to 1e-16 only."""
    grid = Grid.of_samples(48000)
    assert grid.edges(1).tolist() == [float(Fraction(-1, 96000)), float(Fraction(1, 96000))]


def test_a_numpy_29_97_was_not_ntsc() -> None:
    """repr(np.float64(29.97)) is not '29.97'; and 30000/1001 worked out by the caller is a decimal too."""
    assert exact_rate(np.float64(29.97)) == exact_rate(30000 / 1001) == Fraction(30000, 1001)


def test_a_float32_tenth_was_not_a_tenth() -> None:
    assert exact(np.float32(0.1)) == Fraction(1, 10)


def test_a_number_of_nine_characters_filled_the_memory() -> None:
    with pytest.raises(OptionError):
        exact("1e99999999")


def test_a_cell_number_with_a_fraction_gave_float_seconds() -> None:
    with pytest.raises(TypeError):
        Grid(25).edge(7.5)  # type: ignore[arg-type]


def test_an_instant_far_away_had_a_random_cell() -> None:
    with pytest.raises(OptionError):
        Grid(25).indices([1e300])


def test_an_event_on_an_edge_touched_no_cell() -> None:
    """But the same event a moment later touched one."""
    assert Grid(25).cells("0.04", "0.04") == range(1, 2)
    assert Grid(25).cells("0.05", "0.05") == range(1, 2)


def test_the_seconds_of_large_time_stamps_wrapped_around() -> None:
    """1001 times the stamp left 64 bits."""
    ticks = Ticks([0, 2**55], "1001/30000", 1)
    assert ticks.edges()[1] == float(ticks.edge(1))


def test_half_a_tick_was_cut_off_the_last_duration() -> None:
    with pytest.raises(OptionError, match=r"1\.5"):
        Ticks([0], "1/10", 1.5)  # type: ignore[arg-type]


def test_a_timecode_at_a_rate_of_25_gave_float_seconds() -> None:
    assert Timecode(10, 25).seconds == Fraction(2, 5)  # type: ignore[arg-type]
    assert isinstance(Timecode(10, 25).seconds, Fraction)  # type: ignore[arg-type]


def test_a_timecode_below_one_frame_a_second_divided_by_zero() -> None:
    with pytest.raises(OptionError, match="whole frames"):
        str(Timecode(3, Fraction(2, 5)))
