"""Sound as another person, in another room, would have made it: what a talker must not lean on is changed at random.

All of it happens on log bands, which is a hundred times cheaper than on samples, and on the Grid, for speed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.talker.levels import over_floor

__all__ = ["Changes", "changed_bands", "sped"]

Bands: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Changes:
    """How sound is changed; shares are of clips."""

    warp: tuple[float, float] = (0.82, 1.22)
    """The vocal tract, and the voice with it, is longer or shorter by a factor out of this range."""
    warp_share: float = 0.8
    """Share with another vocal tract, 0...1."""
    speed: float = 0.15
    """Speech is slower or faster by up to this share; 0...0.5."""
    noise_share: float = 0.5
    """Share with noise, 0...1."""
    noise_db: tuple[float, float] = (8.0, 40.0)
    """Noise lies so far below the loud parts."""
    room_share: float = 0.3
    """Share in a room with echo, 0...1."""
    tilt_db: float = 8.0
    """The microphone weighs bands up to so much differently; at least 0."""
    limit_share: float = 0.25
    """Share without the highest or lowest bands, 0...1."""
    mask_share: float = 0.4
    """Share with bands left out, 0...1."""

    def __post_init__(self) -> None:
        shares = (self.warp_share, self.noise_share, self.room_share, self.limit_share, self.mask_share)
        if not all(0 <= share <= 1 for share in shares) or not 0 <= self.speed <= 0.5 or self.tilt_db < 0:
            raise OptionError(f"{self}: shares lie in 0...1, speed in 0...0.5, tilt_db is at least 0")
        if not 0 < self.warp[0] <= self.warp[1] or not 0 <= self.noise_db[0] <= self.noise_db[1]:
            raise OptionError(f"{self}: warp is a rising range above 0, noise_db one from 0 on")


#: Nothing is changed.
UNCHANGED = Changes((1.0, 1.0), 0, 0, 0, (0, 0), 0, 0, 0, 0)


def sped(track: Track, speed: Fraction, start: Fraction) -> Track:
    """The same values ``speed`` times as fast, about the instant ``start``: only the Grid changes."""
    grid = track.grid
    assert isinstance(grid, Grid)
    return replace(track, grid=Grid(grid.rate * speed, start + (grid.start - start) / speed, grid.clock))


def changed_bands(
    bands: npt.ArrayLike, changes: Changes, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Log bands (ln power, [N, D]) of another voice, room and microphone."""
    values = np.asarray(bands, np.float32)
    count = values.shape[1]
    if random.random() < changes.warp_share:
        values = _warped(values, random.uniform(*changes.warp))
    if random.random() < changes.room_share:
        values = _in_room(values, random.uniform(0.15, 0.6), random.uniform(0.03, 0.3))
    values = values + _smooth_curve(count, changes.tilt_db, random)
    if random.random() < changes.noise_share:
        values = _with_noise(values, random.uniform(*changes.noise_db), random)
    if random.random() < changes.limit_share:
        values = _limited(values, random)
    if random.random() < changes.mask_share:
        first, width = (
            int(random.integers(0, count - count // 8)),
            int(random.integers(1, max(count // 8, 2))),
        )
        values[:, first : first + width] = values[:, first : first + width].mean(axis=0)
    return np.asarray(values, np.float32)


def _warped(values: Bands, factor: float) -> Bands:
    """The axis of frequency stretched by ``factor``, for bands even on Kaldi's mel scale from 20 to 8000 Hz."""
    low, high = 1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700)
    mel = np.linspace(low, high, values.shape[1] + 2)[1:-1].astype(np.float32)
    hz = 700 * np.expm1(mel / 1127) / factor
    place = np.interp(1127 * np.log1p(hz / 700), mel, np.arange(len(mel)))
    left = np.minimum(place.astype(int), len(mel) - 2)
    share = (place - left).astype(np.float32)
    return np.asarray(values[:, left] * (1 - share) + values[:, left + 1] * share)


def _in_room(values: Bands, seconds: float, strength: float) -> Bands:
    """Echo that falls by 60 dB within ``seconds``; cells are 10 ms apart."""
    keep = float(np.exp(-13.8 * 0.01 / seconds))
    # Further back than this, what is left of a sound is below a thousandth.
    reach = max(1, int(np.ceil(np.log(1e-3) / np.log(keep))))
    power = np.exp(values)
    padded = np.pad(power, ((reach, 0), (0, 0)))
    found = power.copy()
    for back in range(1, reach + 1):
        found += (
            np.float32(8 * strength * (1 - keep) * keep ** (back - 1))
            * padded[reach - back : len(padded) - back]
        )
    return np.log(found + np.float32(1e-12))


def _smooth_curve(count: int, most_db: float, random: np.random.Generator) -> Bands:
    knots = random.uniform(-1, 1, 6) * most_db * np.log(10) / 10
    return np.asarray(np.interp(np.linspace(0, 5, count), np.arange(6), knots), np.float32)


def _with_noise(values: Bands, below_db: float, random: np.random.Generator) -> Bands:
    loud = np.quantile(values.max(axis=1), 0.95) - 1.5
    colour = _smooth_curve(values.shape[1], 10.0, random)
    # About the spread that powers of noise have in a band.
    noise = (
        loud - below_db * np.log(10) / 10 + colour + 0.5 * random.standard_normal(values.shape, np.float32)
    )
    return over_floor(values, noise)


def _limited(values: Bands, random: np.random.Generator) -> Bands:
    """Without what a telephone or a cheap microphone does not pass."""
    count, found = values.shape[1], values.copy()
    if random.random() < 0.7:
        found[:, int(random.uniform(0.68, 0.97) * count) :] -= 9.0
    else:
        found[:, : int(random.uniform(0.02, 0.14) * count)] -= 9.0
    return found
