"""Which code is drawn of scores: temperature, the most likely few, and one random number that decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array, softmax

__all__ = ["Sampling", "draw"]


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn."""

    temperature: float = 0.8
    """Below 1: the likely ones more often; 0: always the likeliest. At least 0."""
    top_k: int = 64
    """Only so many of the likeliest are drawn; 0: all."""
    top_p: float = 0.95
    """Only the likeliest that together have this probability are drawn; above 0, at most 1."""
    guidance: float = 1.5
    """How much more the picture counts than the sound so far: 1 as learnt; above 1 takes a second pass without the
    picture in each column. At least 0."""

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1 or self.guidance < 0:
            raise OptionError(
                f"{self}: temperature, top_k and guidance are at least 0; top_p lies above 0, and at most at 1"
            )


def draw(scores: Array, chances: npt.NDArray[np.float64], sampling: Sampling) -> npt.NDArray[np.int64]:
    """One code for each row of scores [B, codes], decided by ``chances`` [B], 0...1.

    >>> draw(np.float32([[0, 5, 1]]), np.array([0.5]), Sampling(temperature=0)).tolist()
    [1]
    """
    if sampling.temperature == 0:
        return np.asarray(np.argmax(scores, axis=1), np.int64)
    order = np.argsort(-scores, axis=1, kind="stable")
    shares = softmax(np.take_along_axis(scores, order, axis=1) / np.float32(sampling.temperature))
    before = np.cumsum(shares, axis=1, dtype=np.float64) - shares
    kept = before < sampling.top_p
    if sampling.top_k:
        kept[:, sampling.top_k :] = False
    # The likeliest is kept in any case: its sum begins at zero.
    upto = np.cumsum(np.where(kept, shares, 0), axis=1, dtype=np.float64)
    rank = (upto <= chances[:, None] * upto[:, -1:]).sum(axis=1)
    rank = np.minimum(rank, kept.sum(axis=1) - 1)
    return np.asarray(np.take_along_axis(order, rank[:, None], axis=1)[:, 0], np.int64)
