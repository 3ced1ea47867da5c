"""Beeps and room noise."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.synth.signals.sounds import beep, room_noise


@given(
    st.sampled_from([8000, 11025, 44100, 48000]),
    st.fractions(0, "0.1", max_denominator=10**6),
    st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(-7, 25)]),
)
def test_a_beep_starts_at_its_instant_between_samples(rate: int, instant: Fraction, origin: Fraction) -> None:
    sound = beep(rate // 4, rate, origin + instant, origin=origin, seconds=0.05, level=1.0)
    first = int(np.flatnonzero(sound)[0])
    after = float(Fraction(first, rate) - instant)
    assert 0 < after <= 1.0001 / rate  # the sample on the instant itself is zero
    assert sound[first] == pytest.approx(np.sin(2 * np.pi * 1000 * after), abs=1e-6)


def test_a_beep_outside_is_cut_off_and_a_bad_one_refused() -> None:
    assert not beep(100, 8000, 5).any()
    assert beep(100, 8000, "-0.001").any()
    with pytest.raises(OptionError, match="not possible"):
        beep(100, 8000, 0, frequency_hz=5000)


def test_room_noise_has_its_level_and_slope() -> None:
    noise = room_noise(48000, 48000, -50, seed=1)
    assert 20 * np.log10(noise.std()) == pytest.approx(-50, abs=0.01)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octave = 10 * np.log10(power[2000:4000].mean() / power[4000:8000].mean())
    assert octave == pytest.approx(6, abs=0.7)
    np.testing.assert_array_equal(noise, room_noise(48000, 48000, -50, seed=1))
    assert len(room_noise(0, 8000, -50, seed=1)) == 0
