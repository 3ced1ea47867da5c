"""How far two sets of sounds are apart as distributions: kernel distance, its floor; divergences of classes; Fréchet.

The Fréchet distance that is published for sound depends on how many sounds there are: 86 between two halves of one
distribution at a hundred sounds. The kernel distance (KAD, Chung et al. 2025) is an unbiased MMD: 0 for equal
distributions whatever their number. Figures of different embeddings do not compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line

__all__ = ["KernelDistance", "frechet_distance", "kernel_distance", "mean_divergence"]

Array: TypeAlias = npt.NDArray[np.float64]

# KAD is told in thousandths.
_SCALE = 1000.0
_HALVES = 40
_RESAMPLES = 100


@dataclass(frozen=True)
class KernelDistance:
    """A kernel distance with what it must be read beside."""

    value: float
    """1000 times the unbiased squared MMD; below zero by chance where the sets are equal."""
    low: float
    """Lower end of the 95 % interval, made sounds resampled without repeats (two thirds of them)."""
    high: float
    """Upper end."""
    floor: float
    """95th percentile of the same distance between two random halves of the true sounds."""

    __repr__ = one_line


def kernel_distance(true: npt.ArrayLike, made: npt.ArrayLike, seed: int = 0) -> KernelDistance:
    """The kernel distance of embeddings [N, D] and [M, D]; the kernel is as wide as true sounds are apart.

    >>> draw = np.random.default_rng(0)
    >>> one, two, far = draw.normal(size=(60, 8)), draw.normal(size=(60, 8)), draw.normal(1, 1, (60, 8))
    >>> near = kernel_distance(one, two)
    >>> near.value < near.floor < kernel_distance(one, far).low
    True

    Raises OptionError if a set has fewer than four sounds.
    """
    left, right = np.asarray(true, np.float64), np.asarray(made, np.float64)
    if min(len(left), len(right)) < 4:
        raise OptionError(
            f"a distance of {len(left)} and {len(right)} sounds is none; give at least 4 of each"
        )
    both = np.concatenate([left, right])
    squares = _squares(both)
    own = squares[: len(left), : len(left)]
    wide = float(np.median(own[np.triu_indices(len(left), 1)]))
    kernel = np.exp(-squares / max(wide, 1e-12))
    draw = np.random.default_rng([seed, 3])
    first, second = np.arange(len(left)), len(left) + np.arange(len(right))
    again = []
    for _ in range(_RESAMPLES):
        some = [draw.choice(side, max(3, 2 * len(side) // 3), replace=False) for side in (first, second)]
        again.append(_mmd(kernel, *some))
    halves = [np.array_split(draw.permutation(first), 2) for _ in range(_HALVES)]
    floor = np.percentile([_mmd(kernel, one, two) for one, two in halves], 95)
    low, high = np.percentile(again, [2.5, 97.5])
    return KernelDistance(_mmd(kernel, first, second), float(low), float(high), float(floor))


def _squares(points: Array) -> Array:
    norms = (points**2).sum(axis=1)
    return np.asarray(np.maximum(norms[:, None] + norms[None, :] - 2 * points @ points.T, 0))


def _mmd(kernel: Array, one: npt.NDArray[np.int64], two: npt.NDArray[np.int64]) -> float:
    """1000 times the unbiased estimate: no sound is compared with itself."""

    def own(chosen: npt.NDArray[np.int64]) -> float:
        block = kernel[np.ix_(chosen, chosen)]
        count = len(chosen)
        return float((block.sum() - np.trace(block)) / max(count * (count - 1), 1))

    return _SCALE * (own(one) + own(two) - 2 * float(kernel[np.ix_(one, two)].mean()))


def mean_divergence(one: npt.ArrayLike, two: npt.ArrayLike) -> float:
    """Mean over clips of KL(one || two) of class posteriors [N, C], in nats: the direction is that of the arguments.

    >>> mean_divergence([[0.5, 0.5]], [[0.9, 0.1]]) != mean_divergence([[0.9, 0.1]], [[0.5, 0.5]])
    True
    """
    p, q = (np.maximum(np.asarray(side, np.float64), 1e-6) for side in (one, two))
    return float((p * (np.log(p) - np.log(q))).sum(axis=1).mean())


def frechet_distance(true: npt.ArrayLike, made: npt.ArrayLike) -> float:
    """The Fréchet distance of embeddings [N, D] and [M, D]; it grows as sets get smaller: a legacy.

    >>> draw = np.random.default_rng(0)
    >>> halves = draw.normal(size=(2, 100, 60))
    >>> frechet_distance(*halves) > 5  # of one distribution
    True
    """
    left, right = np.asarray(true, np.float64), np.asarray(made, np.float64)
    gap = float(((left.mean(axis=0) - right.mean(axis=0)) ** 2).sum())
    one, two = np.cov(left.T), np.cov(right.T)
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return gap + float(np.trace(one) + np.trace(two) - 2 * cross)
