"""Noises: their level against the speech is what was asked, a seed says all, and a babble is of its voices."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.synth.noises import KINDS, NoiseKind, mean_power, mixed, noise

RATE = 16000


def _voices(count: int = 3) -> list[np.ndarray]:
    draw = np.random.default_rng(5)
    return [draw.standard_normal(RATE + 100 * k) * (k + 1) for k in range(count)]


def _drawn(kind: NoiseKind, seed: list[int]) -> np.ndarray:
    return noise(kind, 8000, RATE, np.random.default_rng(seed), _voices())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("snr", [10.0, 0.0, -5.0])
def test_the_ratio_of_powers_is_the_one_that_was_asked(kind: NoiseKind, snr: float) -> None:
    speech = 0.1 * np.sin(np.arange(2 * RATE) / 11)
    made = noise(kind, len(speech), RATE, np.random.default_rng(4), _voices())
    both = mixed(speech, made, snr)
    assert 10 * np.log10(mean_power(speech) / mean_power(both - speech)) == pytest.approx(snr, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_says_all_and_another_one_says_something_else(kind: NoiseKind) -> None:
    one, same, other = (_drawn(kind, seed) for seed in ([7, 1], [7, 1], [7, 2]))
    assert np.array_equal(one, same)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5


def test_every_voice_of_a_babble_is_equally_loud() -> None:
    # Orthogonal tones of very different levels: each has its share of the power.
    n = np.arange(RATE)
    tones = [
        level * np.sin(2 * np.pi * hertz * n / RATE) for level, hertz in ((1, 400), (0.01, 700), (9, 1000))
    ]
    crowd = np.abs(np.fft.rfft(noise("babble", RATE, RATE, np.random.default_rng(0), tones))) ** 2
    parts = crowd[[400, 700, 1000]] / crowd.sum()
    assert parts == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_a_babble_of_nobody_and_a_ratio_to_silence_are_refused() -> None:
    with pytest.raises(OptionError, match="voices"):
        noise("babble", 100, RATE, np.random.default_rng(0), [np.zeros(50)])
    with pytest.raises(OptionError, match="the speech is silent"):
        mixed(np.zeros(10), np.ones(10), 0)
    with pytest.raises(OptionError, match="10 samples"):
        mixed(np.ones(9), np.ones(10), 0)
    with pytest.raises(OptionError, match="there is no noise 'pink'"):
        noise("pink", 10, RATE, np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_noise_without_samples_is_empty() -> None:
    draw = np.random.default_rng(0)
    assert len(noise("white", 0, RATE, draw)) == 0 == len(noise("music", 0, RATE, draw))
