"""A network with a finite reach, run on rows that come piece by piece: what is final so far comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.talker.networks import NetworkShape, run_network

__all__ = ["NetworkPieces"]

Array: TypeAlias = npt.NDArray[np.float32]


class NetworkPieces:
    """The rows of a network, piece by piece, as of the whole to the rounding of float32; memory stays bounded.

    Parameters
    ----------
    arrays, shape : the network, see :mod:`genlock.models.talker.networks`; of a kind with a reach
    inputs, outputs : its channels
    piece : rows that are computed at a time

    Raises OptionError if the network needs all rows at once.
    """

    def __init__(
        self, arrays: Mapping[str, Array], shape: NetworkShape, inputs: int, outputs: int, piece: int = 1000
    ) -> None:
        back, ahead = shape.lookback, shape.lookahead
        if back is None or ahead is None:
            raise OptionError(f"a network of the kind {shape.kind!r} has no reach; take a convolution")
        self._arrays, self._shape, self._outputs, self._piece = arrays, shape, outputs, piece
        self._back, self._ahead = back, ahead
        self._rows = np.zeros((0, inputs), np.float32)
        self._first, self._given = 0, 0

    def push(self, rows: npt.ArrayLike) -> Array:
        """Take the next rows, [n, inputs]; gives those that are final now, [m, outputs]."""
        self._rows = np.concatenate([self._rows, np.asarray(rows, np.float32)])
        return self._final(self._first + len(self._rows) - self._ahead)

    def finish(self) -> Array:
        """The rows that are left: nothing follows."""
        return self._final(self._first + len(self._rows))

    def _final(self, stop: int) -> Array:
        found = [np.zeros((0, self._outputs), np.float32)]
        end = self._first + len(self._rows)
        while self._given < stop:
            upto = min(stop, self._given + self._piece)
            low = max(self._given - self._back, self._first)
            seen = self._rows[low - self._first : min(upto + self._ahead, end) - self._first]
            found.append(run_network(seen, self._arrays, self._shape)[self._given - low : upto - low])
            self._given = upto
        drop = max(self._given - self._back - self._first, 0)
        self._rows, self._first = self._rows[drop:], self._first + drop
        return np.concatenate(found)
