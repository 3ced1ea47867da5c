"""The outline of a waveform, gathered while the sound streams by."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Grid
from genlock.core.time import Exact, exact
from genlock.core.track import Track

__all__ = ["Envelope"]


class Envelope:
    """Lowest and highest sample in each of at most ``max_bins`` cells, for sound of any length.

    The cells are as fine as fits: one sample each at first, and twice as long whenever there are too many.

    Parameters
    ----------
    rate : samples per second
    origin : instant of sample 0, in seconds
    max_bins : most cells in the result, an even number, at least 2

    Examples
    --------
    >>> envelope = Envelope(8000, max_bins=4)
    >>> envelope.push(np.arange(5) / 4)
    >>> envelope.push(-np.ones(2))
    >>> track = envelope.finish()
    >>> track.values.tolist(), track.grid.rate
    ([[0.0, 0.25], [0.5, 0.75], [-1.0, 1.0], [-1.0, -1.0]], Fraction(4000, 1))
    """

    def __init__(
        self, rate: int, origin: Exact = 0, clock: str = DEFAULT_CLOCK, *, max_bins: int = 400_000
    ) -> None:
        if rate < 1 or max_bins < 2 or max_bins % 2:
            raise OptionError(f"rate={rate} must be at least 1 and max_bins={max_bins} even and at least 2")
        self.rate, self.origin, self.clock, self.max_bins = rate, exact(origin), clock, max_bins
        self._bin = 1  # samples per cell
        self._pairs: list[npt.NDArray[np.float32]] = []
        self._count = 0
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: npt.ArrayLike) -> None:
        """Take the next samples, float [n] or [n, channels]; the outline is that of all channels together."""
        block = np.asarray(samples, np.float32)
        if block.ndim == 2:
            pairs = np.stack([block.min(axis=1), block.max(axis=1)], axis=1)
        else:
            pairs = np.stack([block, block], axis=1)
        self._rest = pairs if not len(self._rest) else np.concatenate([self._rest, pairs])
        self._settle(len(self._rest) // self._bin * self._bin)

    def finish(self) -> Track:
        """The outline as a Track ``[T, 2]``; a last cell that is not full is made of what there is."""
        while len(self._rest):  # again if the last cell was one too many: it comes back as the rest
            missing = -len(self._rest) % self._bin
            self._rest = np.concatenate([self._rest, np.repeat(self._rest[-1:], missing, axis=0)])
            self._settle(len(self._rest))
        values = np.concatenate(self._pairs) if self._pairs else np.zeros((0, 2), np.float32)
        # Cell k holds samples kB...kB+B-1, whose centre is sample kB + (B-1)/2.
        grid = Grid.of_windows(
            sample_rate=self.rate,
            hop=self._bin,
            first_center=Fraction(self._bin - 1, 2),
            origin=self.origin,
            clock=self.clock,
        )
        return Track(values, grid, name="waveform", support=Fraction(self._bin, self.rate))

    def _settle(self, samples: int) -> None:
        if samples:
            self._pairs.append(_reduced(self._rest[:samples], self._bin))
            self._count += len(self._pairs[-1])
            self._rest = self._rest[samples:]
        while self._count > self.max_bins:
            self._coarsen()

    def _coarsen(self) -> None:
        """Cells twice as long. An odd one out goes back to the rest, as samples that stand for it."""
        values = np.concatenate(self._pairs)
        whole = len(values) // 2 * 2
        if whole < len(values):
            self._rest = np.concatenate([np.repeat(values[whole:], self._bin, axis=0), self._rest])
        self._pairs = [_reduced(values[:whole], 2)]
        self._count = whole // 2
        self._bin *= 2


def _reduced(pairs: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    groups = pairs.reshape(-1, count, 2)
    return np.stack([groups[:, :, 0].min(axis=1), groups[:, :, 1].max(axis=1)], axis=1)
