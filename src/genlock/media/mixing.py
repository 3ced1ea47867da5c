"""From the channels of a stream to those that are asked for: weights by their names, and channels that cancel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.media.notes import NoteCounter

__all__ = ["Mixer", "mix"]

Samples = npt.NDArray[np.float32]

# Two channels whose sum is quieter than their difference by this much are one sound, wired the wrong way round in one
# of them: nothing that is meant to be heard through one loudspeaker is made so.
_CANCEL_DB = 25.0
# How long they are remembered, in blocks: a pause decides nothing.
_KEEP = 0.97
_SILENT = 1e-9  # power, full scale 1


_LOW_FREQUENCY = frozenset({"LFE", "LFE2"})
_FRONT = frozenset({"FL", "FR", "FC", "FLC", "FRC", "DL", "DR"})


def mix(samples: Samples, names: tuple[str, ...], channels: int | None) -> Samples:
    """Other numbers of channels, by weights that add up to one.

    To mono: the mean of all channels of mono and stereo; of surround sound, front channels at weight 1,
    others at 1/2, the low-frequency channel not at all. To stereo: the same, each side from its own channels
    and the centre ones; mono is doubled.

    >>> mix(np.array([[1, 0]], np.float32), ("FL", "FR"), 1).tolist()
    [[0.5]]
    """
    count = samples.shape[1]
    if channels is None or channels == count:
        return samples
    sides = ("",) if channels == 1 else ("L", "R")
    weights = np.stack([_weights(names, side) for side in sides])
    return np.asarray(samples @ weights.T.astype(np.float32), dtype=np.float32)


def _weights(names: tuple[str, ...], side: str) -> npt.NDArray[np.float64]:
    """Weights of the channels for one side ("L", "R") or for all (""); those of the other side are zero."""
    other = {"L": "R", "R": "L"}.get(side, "no channel ends so")
    weight = np.array(
        [
            0.0
            if name in _LOW_FREQUENCY or name.removesuffix("C").endswith(other)
            else (1.0 if name in _FRONT else 0.5)
            for name in names
        ]
    )
    if not weight.any():
        weight = np.ones(len(names))
    return np.asarray(weight / weight.sum(), dtype=np.float64)


class Mixer:
    """Mixes the blocks of one stream, one after the other.

    Two channels of which one is the other's negative would be silence together: then their half difference is taken,
    and a note says so.

    Parameters
    ----------
    names : of the channels
    channels : how many are asked for; None: those that there are
    noted : told where channels cancel
    """

    def __init__(self, names: tuple[str, ...], channels: int | None, noted: NoteCounter) -> None:
        self._names, self._channels, self._noted = names, channels, noted
        self._sum = self._difference = 0.0

    def mix(self, samples: Samples) -> Samples:
        """The next samples ``[n, C]``, as ``[n, channels]``."""
        if self._channels == 1 and samples.shape[1] == 2 and self._cancel(samples):
            if not self._noted.how_often("inverted"):
                self._noted.count(
                    "inverted", "one channel of the sound is the other's negative: their difference is taken"
                )
            return np.asarray((samples[:, :1] - samples[:, 1:]) / 2, np.float32)
        return mix(samples, self._names, self._channels)

    def _cancel(self, samples: Samples) -> bool:
        left, right = samples[:, 0], samples[:, 1]
        self._sum = _KEEP * self._sum + float(np.mean((left + right) ** 2, dtype=np.float64))
        self._difference = _KEEP * self._difference + float(np.mean((left - right) ** 2, dtype=np.float64))
        return self._difference > _SILENT and self._sum < self._difference * 10 ** (-_CANCEL_DB / 10)
