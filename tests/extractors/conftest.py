"""Sounds that are hard on a feature: speech-like, with silence, an offset, clicks, loud and very soft
parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

Sound = npt.NDArray[np.float32]


def make_hard_sound(rate: int, seconds: float = 1.7) -> Sound:
    """Harmonics with a moving pitch, noise at -20 to -90 dB, 0.1 s of digital silence, clicks; float32
    [n]."""
    random = np.random.default_rng(3)
    n = int(seconds * rate) + 137
    time = np.arange(n) / rate
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 1.3 * time)) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time))
    noise = random.standard_normal(n) * 10 ** (-(20 + 70 * time / time[-1]) / 20)
    sound = 0.2 * voice + noise + 0.01
    sound[n // 2 : n // 2 + rate // 10] = 0
    sound[[n // 7, n // 3, n - 40]] = 0.9
    return sound.astype(np.float32)


@pytest.fixture(scope="session")
def hard_sound() -> Callable[..., Sound]:
    """The function that makes the sound at a rate."""
    return make_hard_sound


@pytest.fixture(scope="session")
def long_sound() -> Sound:
    """Six seconds of it at 16 kHz."""
    return make_hard_sound(16000, 6.0)
