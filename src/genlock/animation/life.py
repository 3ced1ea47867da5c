"""What a face does besides talking: it blinks, looks about and holds its head. Drawn from a seed, told by the instant.

Everything is a function of time alone: any frames, any pieces and any order give the same motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line

__all__ = ["Life", "life_at", "lively_noise"]

Array: TypeAlias = npt.NDArray[np.float64]

_BLINK_SLOT = 3.4  # seconds, of which each holds one blink
_GAZE_SLOT = 1.7  # seconds between two looks elsewhere
_SACCADE = 0.05  # seconds that a look takes to move
# How far the head turns, in radians: yaw, pitch, roll.
_TURNS = np.radians([5.0, 2.6, 2.2])


@dataclass(frozen=True, eq=False)
class Life:
    """Eyes and head at some instants."""

    blink: Array
    """How far the lids are closed, 0...1, [T]."""
    turn: Array
    """Turn of the head in radians, [T, 3]: yaw (to the right as seen), pitch (down) and roll (clockwise as seen)."""
    gaze: Array
    """Where the eyes look, right and down as seen, -1...1, [T, 2]."""
    brows: Array
    """How far the brows are lifted, -1...1, [T]."""

    __repr__ = one_line

    @classmethod
    def none(cls, count: int) -> Life:
        """A head that stays as it is and looks ahead."""
        return cls(np.zeros(count), np.zeros((count, 3)), np.zeros((count, 2)), np.zeros(count))


def life_at(seconds: npt.ArrayLike, seed: int = 0, *, blinks: bool = True, head: bool = True) -> Life:
    """Eyes and head at some instants.

    Parameters
    ----------
    seconds : instants since the face began, [T]
    seed : of what is drawn, not below 0
    blinks : whether it blinks and looks about
    head : whether it moves its head and brows

    Examples
    --------
    >>> whole = life_at(np.arange(0, 60, 0.04), seed=3)
    >>> bool((life_at([30.0], seed=3).turn == whole.turn[750]).all()), bool((whole.blink > 0.9).any())
    (True, True)
    """
    if seed < 0:
        raise OptionError(f"the seed {seed} is below 0")
    times = np.asarray(seconds, np.float64)
    life = Life.none(len(times))
    if blinks:
        gaze = np.stack([_looks(times, seed, 20), 0.5 * _looks(times, seed, 21)], axis=1)
        life = Life(_blinks(times, seed), life.turn, gaze, life.brows)
    if head:
        turn = np.stack([lively_noise(times, 0.28, seed, lane) for lane in (1, 2, 3)], axis=1)
        quick = np.stack([lively_noise(times, 0.9, seed, lane) for lane in (4, 5, 6)], axis=1)
        brows = lively_noise(times, 0.45, seed, 7)
        life = Life(life.blink, (turn + 0.35 * quick) * _TURNS, life.gaze, brows)
    return life


def lively_noise(seconds: Array, rate: float, seed: int, lane: int) -> Array:
    """Smooth noise within -1...1: drawn ``rate`` times a second, cubic between."""
    place = np.asarray(seconds, np.float64) * rate
    cell = np.floor(place).astype(np.int64)
    part = place - cell
    before, a, b, after = (2 * _drawn(seed, lane, cell + k) - 1 for k in (-1, 0, 1, 2))
    # Cubic B-spline: no value is passed through, and none is overshot.
    weights = [
        (1 - part) ** 3,
        3 * part**3 - 6 * part**2 + 4,
        -3 * part**3 + 3 * part**2 + 3 * part + 1,
        part**3,
    ]
    return np.asarray(sum(w * v for w, v in zip(weights, (before, a, b, after), strict=True)) / 6 * 1.6)


def _blinks(times: Array, seed: int) -> Array:
    slot = np.floor(times / _BLINK_SLOT).astype(np.int64)
    shut = np.zeros(len(times))
    for k in (slot - 1, slot):
        start = k * _BLINK_SLOT + (0.15 + 0.7 * _drawn(seed, 10, k)) * _BLINK_SLOT
        shut = np.maximum(shut, _one_blink(times - start))
        # One in six is doubled.
        again = _one_blink(times - start - 0.32) * (_drawn(seed, 11, k) < 1 / 6)
        shut = np.maximum(shut, again)
    return shut


def _one_blink(since: Array) -> Array:
    """Down in 80 ms, shut for 40, up in 160."""
    down, up = _eased(since / 0.08), _eased((since - 0.12) / 0.16)
    return np.where(since < 0, 0.0, down * (1 - up))


def _looks(times: Array, seed: int, lane: int) -> Array:
    slot = np.floor(times / _GAZE_SLOT).astype(np.int64)
    begin = (slot + 0.8 * _drawn(seed, lane + 2, slot)) * _GAZE_SLOT
    last, here = _look(seed, lane, slot - 1), _look(seed, lane, slot)
    part = _eased((times - begin) / _SACCADE)
    return np.asarray(last + (here - last) * part)


def _look(seed: int, lane: int, slot: npt.NDArray[np.int64]) -> Array:
    """Mostly ahead, now and then aside."""
    aside = _drawn(seed, lane + 4, slot) < 0.35
    return np.where(aside, 2 * _drawn(seed, lane, slot) - 1, 0.25 * (2 * _drawn(seed, lane, slot) - 1))


def _eased(part: Array) -> Array:
    inside = np.clip(part, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside))


def _drawn(seed: int, lane: int, index: npt.NDArray[np.int64]) -> Array:
    """A number in 0...1 for each index, the same on every machine (the mixer of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        bits = np.asarray(index, np.int64).astype(np.uint64)
        bits = bits * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
            (seed * 1_000_003 + lane + 1) & 0xFFFFFFFFFFFF
        )
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        bits ^= bits >> np.uint64(31)
    return np.asarray((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)
