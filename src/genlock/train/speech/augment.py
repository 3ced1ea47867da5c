"""Changes to training sound that leave what is said as it is. Everything follows from the generator given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from genlock.core.errors import OptionError

__all__ = ["Augmentation", "change"]

Samples = npt.NDArray[np.float32]
RATE = 16000


@dataclass(frozen=True)
class Augmentation:
    """How much training sound is changed. Zeros leave it alone."""

    speed: float = 0.15
    """Speed and pitch together, by a factor of 1/(1 + speed)...1 + speed; 0...0.5."""
    gain_db: float = 12.0
    """Level, up or down by at most this; dB, at least 0."""
    tilt: float = 0.5
    """Spectral tilt, as from another microphone: a one-tap filter of -tilt...tilt; 0...0.9."""
    noise: float = 0.5
    """Share of items with noise added, 0...1."""
    snr_db: tuple[float, float] = (8.0, 40.0)
    """Signal-to-noise ratio of added noise, drawn evenly; dB."""

    def __post_init__(self) -> None:
        fine = 0 <= self.speed <= 0.5 and self.gain_db >= 0 and 0 <= self.tilt <= 0.9 and 0 <= self.noise <= 1
        if not fine or self.snr_db[0] > self.snr_db[1]:
            raise OptionError(f"{self} is out of range; see the fields of Augmentation")


def change(samples: Samples, how: Augmentation, random: np.random.Generator) -> Samples:
    """Another version of a recording: speed, tilt, noise, level.

    Parameters
    ----------
    samples : float32 [n] at 16 kHz
    how : how much
    random : every choice comes from it

    Returns
    -------
    float32 [m]; m differs from n by the speed

    >>> x = np.ones(1600, np.float32)
    >>> bool((change(x, Augmentation(0, 0, 0, 0), np.random.default_rng(0)) == x).all())
    True
    """
    out = samples
    if how.speed:
        # A handful of ratios: resampling by them is quick, and the range is covered.
        step = int(random.integers(-4, 5)) / 4
        rate = round(RATE * (1 + how.speed) ** step / 100) * 100
        if rate != RATE:
            out = soxr.resample(out, rate, RATE, quality="MQ")
    if how.tilt:
        tap = np.float32(random.uniform(-how.tilt, how.tilt))
        out = np.asarray(out + tap * np.concatenate([out[:1], out[:-1]]), np.float32)
    if how.noise and random.random() < how.noise and len(out):
        out = out + _noise(out, random.uniform(*how.snr_db), random)
    if how.gain_db:
        out = out * np.float32(10 ** (random.uniform(-how.gain_db, how.gain_db) / 20))
    return np.ascontiguousarray(out, np.float32)


def _noise(samples: Samples, snr_db: float, random: np.random.Generator) -> Samples:
    """White noise, or noise that falls by 6 dB an octave, at the given ratio to the sound's own power."""
    noise: Samples = random.standard_normal(len(samples), dtype=np.float32)
    if random.random() < 0.5:
        # Sums of 16 neighbours: low-passed, cheap, near enough to a room's hum and rustle.
        sums = np.cumsum(np.concatenate([np.zeros(16, np.float32), noise]), dtype=np.float32)
        noise = sums[16:] - sums[:-16]
    power = float(np.mean(samples**2)) / 10 ** (snr_db / 10)
    return noise * np.float32(np.sqrt(power / max(float(np.mean(noise**2)), 1e-12)))
