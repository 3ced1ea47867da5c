"""Numbers are read exactly, or refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core import exact, exact_rate
from genlock.core.errors import OptionError
from genlock.core.line import Line
from genlock.core.time import round_fraction


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_as_it_is_written(value: float) -> None:
    assert float(exact(value)) == value
    assert exact(value) == exact(repr(value)) == exact(np.float64(value))


def test_short_floats_mean_their_decimal() -> None:
    for value in (0.1, np.float64(0.1), np.float32(0.1), np.float16(0.1), "0.1", " 1/10 "):
        assert exact(value) == Fraction(1, 10)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "", "abc", "1/0", "1:2", True, None, [], np.bool_(True), 1j, "1e999999999"],
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match="finite number"):
        exact(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("nominal", [24, 30, 48, 60, 120, 240])
def test_ntsc_by_every_name(nominal: int) -> None:
    rate = Fraction(1000 * nominal, 1001)
    names = [
        float(rate),
        np.float64(float(rate)),
        f"{1000 * nominal}/1001",
        rate,
        repr(float(rate)),
        f"{float(rate):.2f}",
    ]
    if nominal != 24:  # 23.98 is a nickname too, and tested below
        names += [float(f"{float(rate):.2f}"), np.float64(f"{float(rate):.2f}")]
    assert {exact_rate(name) for name in names} == {rate}


def test_ntsc_nicknames() -> None:
    for name in (23.976, "23.976", 23.98, "23.98", np.float64(23.976), "23.9760"):
        assert exact_rate(name) == Fraction(24000, 1001)
    assert exact_rate("2997/100") == exact_rate(Fraction(2997, 100)) == Fraction(2997, 100)


@pytest.mark.parametrize("rate", [1, 15, 25, 50, 21.5, 12.5, 86.1328125, 1000.0, 44100, 0.5, 29.9, 14.985])
def test_other_rates_are_what_they_say(rate: float) -> None:
    assert exact_rate(rate) == Fraction(str(rate))


@pytest.mark.parametrize("rate", [0, -25, "-30000/1001", float("nan")])
def test_rates_are_above_zero(rate: object) -> None:
    with pytest.raises(OptionError):
        exact_rate(rate)  # type: ignore[arg-type]


@given(st.fractions())
def test_roundings_are_what_they_are_called(value: Fraction) -> None:
    low, near, high = (round_fraction(value, how) for how in ("floor", "nearest", "ceil"))  # type: ignore[arg-type]
    assert low <= value < low + 1
    assert high - 1 < value <= high
    assert -Fraction(1, 2) < near - value <= Fraction(1, 2)
    with pytest.raises(OptionError, match="'round'"):
        round_fraction(value, "round")  # type: ignore[arg-type]


integers = st.lists(st.integers(-(2**61), 2**61) | st.integers(-1000, 1000), max_size=5)


@given(integers, st.fractions(), st.fractions())
def test_a_line_gives_the_nearest_float(n: list[int], scale: Fraction, shift: Fraction) -> None:
    got = Line(scale, shift).floats(np.array(n, np.int64))
    assert got.tolist() == [float(scale * k + shift) for k in n]


@given(integers, st.fractions(-1000, 1000), st.fractions(-1000, 1000))
def test_a_line_splits_exactly(n: list[int], scale: Fraction, shift: Fraction) -> None:
    whole, part = Line(scale, shift).split(np.array(n, np.int64))
    for k, w, p in zip(n, whole.tolist(), part.tolist(), strict=True):
        value = scale * k + shift
        floor = round_fraction(value, "floor")
        assert w == min(max(floor, -(2**62)), 2**62)
        assert 0 <= p < 1
        assert (p == 0) == (value == floor)
        assert p == pytest.approx(float(value - floor), abs=1e-15)
