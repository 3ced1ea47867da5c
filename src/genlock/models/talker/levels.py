"""Log bands of a sound without its level, its microphone and its noise: what a talker hears.

The floor lies below the loud parts of the sound, and each band's mean is taken off. Both are found in a window around a
block of half a second, so that a sound of hours is treated like one of seconds, a piece like the whole, and a live
sound with what was heard so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["Leveler", "Leveling", "level_bands", "over_floor"]

Array: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]
# Statistics look at every so many cells: bands change slowly, and a window holds thousands.
_EVERY = 4
_LOUD = 0.95


@dataclass(frozen=True)
class Leveling:
    """How bands are levelled."""

    block: int = 50
    """Cells that share their statistics; at least 1."""
    past: int = 40
    """Blocks before one that count; at least 1."""
    future: int = 4
    """Blocks from its start on that count, its own among them; 0: live, only what was heard before."""
    floor: float = 1e-4
    """Level of the soft noise floor below the loud parts, as a ratio of powers; above 0."""
    scale: float = 0.35
    """Factor on what is left; above 0."""
    usual_loud: float = 17.0
    """How loud sound usually is, ln power: stands for what is not heard yet."""
    quietest: float = 9.0
    """Sound that is never louder than this, ln power, is silence."""
    usual_weight: float = 12.0
    """How many looks the usual mean stands for beside those at the sound; at least 0."""

    def __post_init__(self) -> None:
        if min(self.block, self.past) < 1 or self.future < 0 or self.usual_weight < 0:
            raise OptionError(f"{self}: block and past are at least 1, future and usual_weight at least 0")
        if not (self.floor > 0 and self.scale > 0):
            raise OptionError(f"{self}: floor and scale are above 0")

    @property
    def lookahead(self) -> int:
        """Cells after one that its value may depend on."""
        # The second half of a block leans on the statistics of the next one.
        return (self.future + 1) * self.block - 1 if self.future else 0


def over_floor(values: Array, floor: npt.ArrayLike) -> Array:
    """Both powers together, ``ln(exp(values) + exp(floor))``, in float32.

    numpy's ``logaddexp`` does the same ten times slower.

    >>> [round(float(x), 4) for x in over_floor(np.float32([0, -90]), np.float32(0))]
    [0.6931, 0.0]
    """
    level = np.asarray(floor, np.float32)
    return np.asarray(np.maximum(values, level) + np.log(1 + np.exp(-np.abs(values - level))), np.float32)


class Leveler:
    """Levels bands that come piece by piece; the result does not depend on the pieces.

    Parameters
    ----------
    usual : the usual mean of each band above the loudness, [D]
    """

    def __init__(self, leveling: Leveling, usual: npt.ArrayLike) -> None:
        self.leveling, self._usual = leveling, np.asarray(usual, np.float32)
        bands = len(self._usual)
        # What was looked at, for statistics; and what waits for them.
        self._seen, self._level = np.zeros((0, bands), np.float32), np.zeros(0, np.float32)
        self._block_of = np.zeros(0, np.int64)
        self._waiting, self._there = np.zeros((0, bands), np.float32), np.zeros(0, bool)
        self._count, self._done = 0, 0
        self._known: dict[int, tuple[np.float32, Array]] = {}

    def push(self, bands: npt.ArrayLike, valid: Mask | None = None) -> Array:
        """Take the next rows, ln of powers [n, D]; gives those that are ready, float32 [m, D]."""
        values = np.asarray(bands, np.float32)
        there = np.ones(len(values), bool) if valid is None else valid
        looks = np.flatnonzero(there & ((self._count + np.arange(len(values))) % _EVERY == 0))
        seen = values[looks]
        top = seen.max(axis=1, initial=-1e3, keepdims=True)
        level = top[:, 0] + np.log(np.exp(seen - top).mean(axis=1))
        self._seen = np.concatenate([self._seen, seen])
        self._level = np.concatenate([self._level, level])
        self._block_of = np.concatenate([self._block_of, (self._count + looks) // self.leveling.block])
        self._waiting = np.concatenate([self._waiting, values])
        self._there = np.concatenate([self._there, there])
        self._count += len(values)
        blocks = self._count // self.leveling.block - self.leveling.future
        ready = self._count if not self.leveling.future else max(0, blocks) * self.leveling.block
        return self._give(ready)

    def finish(self) -> Array:
        """The rows that are left: nothing follows."""
        return self._give(self._count)

    def _give(self, stop: int) -> Array:
        if stop <= self._done:
            return np.zeros((0, len(self._usual)), np.float32)
        o = self.leveling
        cells = np.arange(self._done, stop)
        first = self._done // o.block
        numbers = range(first, (stop - 1) // o.block + (2 if o.future else 1))
        known = [self._statistics(number) for number in numbers]
        loud, mean = np.array([k[0] for k in known]), np.stack([k[1] for k in known])
        block = cells // o.block - first
        share = ((cells % o.block) / o.block)[:, None] if o.future else np.zeros((len(cells), 1))
        share = share.astype(np.float32)
        following = np.minimum(block + 1, len(known) - 1)
        floor = (
            loud[block][:, None] * (1 - share)
            + loud[following][:, None] * share
            + np.float32(np.log(o.floor))
        )
        centre = mean[block] * (1 - share) + mean[following] * share
        values, there = self._waiting[: len(cells)], self._there[: len(cells)]
        found = (over_floor(values, floor) - centre) * np.float32(o.scale)
        found[~there] = 0.0
        self._waiting, self._there, self._done = self._waiting[len(cells) :], self._there[len(cells) :], stop
        self._forget(numbers[-1])
        return np.asarray(found, np.float32)

    def _statistics(self, number: int) -> tuple[np.float32, Array]:
        """Loudness and mean of each band about the start of a block."""
        if number in self._known:
            return self._known[number]
        o = self.leveling
        low, high = np.searchsorted(self._block_of, [number - o.past, number + o.future])
        rows, heard = self._seen[low:high], self._level[low:high]
        if not len(heard):
            heard = np.full(1, o.usual_loud, np.float32)
        loud = np.float32(max(float(np.quantile(heard, _LOUD)), o.quietest))
        total = over_floor(rows, loud + np.log(o.floor)).sum(axis=0) + o.usual_weight * (loud + self._usual)
        weight = len(rows) + o.usual_weight
        self._known[number] = (loud, np.asarray(total / weight if weight else loud + self._usual, np.float32))
        return self._known[number]

    def _forget(self, last: int) -> None:
        """What no later block looks at."""
        self._known = {number: known for number, known in self._known.items() if number >= last - 1}
        low = int(np.searchsorted(self._block_of, last - 1 - self.leveling.past))
        self._seen, self._level, self._block_of = self._seen[low:], self._level[low:], self._block_of[low:]


def level_bands(
    bands: npt.ArrayLike, leveling: Leveling, usual: npt.ArrayLike, valid: Mask | None = None
) -> Array:
    """Levelled bands, float32 [N, D]; zero, the mean, where they are invalid.

    Parameters
    ----------
    bands : ln of powers, [N, D]
    usual : the usual mean of each band above the loudness, [D]
    valid : which cells there are; None: all

    >>> quiet, loud = (level_bands(np.eye(6) + level, Leveling(usual_weight=0), np.zeros(6)) for level in (12, 20))
    >>> bool(np.allclose(quiet, loud, atol=1e-5))
    True
    """
    leveler = Leveler(leveling, usual)
    return np.concatenate([leveler.push(bands, valid), leveler.finish()])
