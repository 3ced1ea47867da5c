"""How loud each blow is, set by how hard it is: what sounds from an event on is raised or lowered as a whole.

A codec of few tokens keeps when something sounds and what it is like better than how loud it is. How loud follows from
the impulse by a law that is simple and known (:class:`genlock.models.foley.loudness.LoudnessLaw`): that need not be
written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genlock.models.foley.loudness import HEARD_CELLS, level_of_bands
from genlock.models.layers import Array

__all__ = ["Levelling"]

# In natural logarithms of power: 14 dB. What is farther off is no blow that was written, and is left to the writer.
_MOST = 3.2
# A blow keeps its gain for so many samples (0.6 s); then it falls to none in as many.
_KEPT = 14_400
# The gain is there when the blow begins, which what is written may do some samples early: 8 ms, after 3 ms of change.
_BEFORE, _CHANGE = 192, 72


class Levelling:
    """Samples in, piece by piece with the bands that they are made of; the same samples out, as loud as wanted.

    Parameters
    ----------
    firsts : the sample at which each event begins, in order
    wanted : level of the bands of its first cells, as :func:`genlock.models.foley.loudness.level_of_bands` tells it
    cell : samples of a cell of bands

    Examples
    --------
    >>> bands = np.full((20, 80), -3.0, np.float32)
    >>> levelling = Levelling([2400], [float(level_of_bands(bands[:4])) + 2 * np.log(2)], 240)
    >>> sound = np.ones(4800, np.float32)
    >>> out = np.concatenate([levelling.push(bands, sound), levelling.finish()])
    >>> len(out), out[[0, 2100, 2400, 4799]].round(3).tolist()
    (4800, [1.0, 1.0, 2.0, 2.0])
    """

    def __init__(self, firsts: Sequence[int] = (), wanted: Sequence[float] = (), cell: int = 240) -> None:
        self._cell = cell
        self._waiting = list(zip(firsts, wanted, strict=True))
        self._turns: list[tuple[int, float]] = [(0, 0.0)]  # from which sample on which gain is wanted
        self._bands: Array = np.zeros((0, 1), np.float32)
        self._samples: Array = np.zeros(0, np.float32)
        self._cells, self._given = 0, 0  # what was dropped of the bands, and given of the samples

    @property
    def lookahead(self) -> int:
        """Samples after one without which its gain is not known."""
        return HEARD_CELLS * self._cell + _BEFORE + _CHANGE

    def add(self, first: int, wanted: float) -> None:
        """One more event, after all others, whose bands are still to come."""
        self._waiting.append((first, wanted))

    def push(self, bands: Array, samples: Array) -> Array:
        """Take the next cells and the next samples; neither waits for the other."""
        if len(bands):
            self._bands = np.concatenate([self._bands, bands]) if len(self._bands) else bands
        self._samples = np.concatenate([self._samples, samples])
        known = self._cells + len(self._bands) - HEARD_CELLS
        self._measure(known)
        return self._give(max(known, 0) * self._cell - _BEFORE - _CHANGE)

    def finish(self) -> Array:
        """The samples that are left."""
        self._measure(self._cells + len(self._bands))
        return self._give(self._given + len(self._samples))

    def _measure(self, known: int) -> None:
        """Gains of the events whose cells are all there."""
        while self._waiting and self._waiting[0][0] // self._cell < known:
            first, wanted = self._waiting.pop(0)
            row = first // self._cell - self._cells
            if row >= 0:
                gain = wanted - level_of_bands(self._bands[row : row + HEARD_CELLS])
                self._turns.append((first - _BEFORE, float(np.clip(gain, -_MOST, _MOST))))
        dropped = max(0, known - self._cells)
        self._bands, self._cells = self._bands[dropped:], self._cells + dropped

    def _give(self, upto: int) -> Array:
        count = min(max(upto - self._given, 0), len(self._samples))
        at = self._given + np.arange(count)
        out = self._samples[:count] * np.exp(0.5 * self._gains(at)).astype(np.float32)
        self._samples, self._given = self._samples[count:], self._given + count
        while len(self._turns) > 1 and self._turns[1][0] + _CHANGE < self._given:
            self._turns.pop(0)
        return np.asarray(out, np.float32)

    def _gains(self, at: np.ndarray) -> np.ndarray:
        """Gain at samples, natural logarithms of power."""
        gain = np.zeros(len(at))
        for number, (first, wanted) in enumerate(self._turns):
            fall = np.clip(2 - (at - first) / _KEPT, 0, 1) * wanted
            share = np.clip((at - first) / _CHANGE + 1, 0, 1) if number else np.ones(len(at))
            gain += share * (fall - gain)
        return gain
