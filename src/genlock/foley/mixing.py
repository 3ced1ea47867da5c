"""Mixing sounds at stated samples, a block at a time and in bounded memory, with a limiter that looks ahead."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["Limiter", "Mixer", "Placed", "pan_gains"]

Samples: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Placed:
    """A sound that begins at a sample."""

    first: int
    """Number of the output's sample at which its own sample 0 lies."""
    make: Callable[[], Samples]
    """Gives the samples, float32 [n, 2], gains included; called when its time comes."""


def pan_gains(x: float, width: float = 1.0) -> tuple[float, float]:
    """Gains of left and right for a place 0...1 from the left: their squares add up to 1 anywhere.

    >>> [round(g, 4) for g in pan_gains(0.5)], [round(g, 4) for g in pan_gains(0.0)]
    ([0.7071, 0.7071], [1.0, 0.0])
    """
    if not 0 <= width <= 1:
        raise OptionError(f"width={width} of the stereo picture lies in 0...1")
    angle = (0.5 + (min(max(x, 0.0), 1.0) - 0.5) * width) * np.pi / 2
    return float(np.cos(angle)), float(np.sin(angle))


class Mixer:
    """Adds placed sounds up, block after block.

    >>> mixer = Mixer([Placed(3, lambda: np.ones((4, 2), np.float32))])
    >>> mixer.block(0, 5)[:, 0].tolist(), mixer.block(5, 8)[:, 0].tolist()
    ([0.0, 0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0])
    """

    def __init__(self, placed: Iterable[Placed]) -> None:
        ordered = sorted(placed, key=lambda each: each.first)
        self._waiting = [(each.first, number, each) for number, each in enumerate(ordered)]
        heapq.heapify(self._waiting)
        self._sounding: list[tuple[int, Samples]] = []

    def block(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, float32 [n, 2]; blocks are asked for in order."""
        out = np.zeros((stop - first, 2), np.float32)
        while self._waiting and self._waiting[0][0] < stop:
            at, _, each = heapq.heappop(self._waiting)
            self._sounding.append((at, each.make()))
        for at, samples in self._sounding:
            low, high = max(first, at), min(stop, at + len(samples))
            if low < high:
                out[low - first : high - first] += samples[low - at : high - at]
        self._sounding = [(at, s) for at, s in self._sounding if at + len(s) > stop]
        return out


class Limiter:
    """Keeps peaks below a ceiling: the gain falls before a peak comes and rises after it, without a step.

    What goes in comes out ``delay`` samples later; :meth:`finish` gives the rest.

    >>> limiter = Limiter(1000, ceiling=0.5)
    >>> loud = np.zeros((100, 2), np.float32); loud[50] = 2.0
    >>> out = np.concatenate([limiter(loud), limiter.finish()])
    >>> out.shape, round(float(out.max()), 3), limiter.most_db < -11
    ((100, 2), 0.5, True)
    """

    def __init__(self, rate: int, ceiling: float = 0.891, seconds: float = 0.005) -> None:
        self.delay = max(1, round(seconds * rate))
        """Samples by which it looks ahead."""
        self.most_db = 0.0
        """The largest reduction so far, in dB."""
        self._ceiling = ceiling
        self._samples = np.zeros((0, 2), np.float32)
        self._needed = np.ones(2 * self.delay)
        self._skip = 0

    def __call__(self, samples: Samples) -> Samples:
        """Take a block; gives as many samples as can be given by now."""
        peak = np.abs(samples).max(axis=1) if len(samples) else np.zeros(0)
        self._needed = np.concatenate([self._needed, np.minimum(1.0, self._ceiling / np.maximum(peak, 1e-9))])
        self._samples = np.concatenate([self._samples, samples])
        return self._give(len(self._samples) - self.delay)

    def finish(self) -> Samples:
        """What is still held."""
        held = len(self._samples)
        self._needed = np.concatenate([self._needed, np.ones(self.delay)])
        return self._give(held)

    def _give(self, count: int) -> Samples:
        if count <= 0:
            return np.zeros((0, 2), np.float32)
        # The gain of a sample is the mean, over the delay before it, of the least that is needed in the delay after.
        reach = self.delay
        if float(self._needed.min()) >= 1.0:
            gain = np.ones(count)
        else:
            least = np.lib.stride_tricks.sliding_window_view(self._needed, reach + 1).min(axis=1)
            sums = np.cumsum(np.concatenate([[0.0], least]))
            means = (sums[reach + 1 :] - sums[: -reach - 1]) / (reach + 1)
            gain = means[reach : reach + count]
            self.most_db = min(self.most_db, 20 * float(np.log10(max(gain.min(), 1e-6))))
        out = self._samples[:count] * gain[:, None].astype(np.float32)
        self._samples, self._needed = self._samples[count:], self._needed[count:]
        return np.asarray(out, np.float32)
