"""Two rows of instants matched one to one: as many pairs as possible within a distance, or the cheapest in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["match_in_order", "match_within"]


def match_within(first: npt.ArrayLike, second: npt.ArrayLike, within: float) -> list[tuple[int, int]]:
    """As many pairs as possible of instants no further apart than ``within``, each instant in one pair at most.

    Parameters
    ----------
    first, second : seconds, [n] and [m], in order
    within : seconds, not below zero

    Returns
    -------
    list of (index in first, index in second), in order

    >>> match_within([1.0, 2.0, 2.02], [0.98, 2.01], 0.05)
    [(0, 0), (1, 1)]
    """
    if not within >= 0:
        raise OptionError(f"within={within} seconds is below zero")
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    pairs, i, j = [], 0, 0
    # On a line, pairing from the left is never worse.
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= within:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return pairs


def match_in_order(
    first: Sequence[float] | npt.NDArray[np.float64],
    second: Sequence[float] | npt.NDArray[np.float64],
    reach: float,
    weights: Sequence[float] | npt.NDArray[np.float64] | None = None,
) -> list[tuple[int, int]]:
    """Pairs in order that are worth most: a pair is worth its weight less the share of ``reach`` that it lies apart.

    Order is kept, each instant is in one pair at most, and whatever fits nothing is dropped. Dynamic programming over
    the pairs within reach: time grows with their number, not with the square of all.

    Parameters
    ----------
    first, second : seconds, [n] and [m], in order
    reach : seconds beyond which nothing is a pair; above zero
    weights : of each instant of ``second``, 0...1; None: 1

    Returns
    -------
    list of (index in first, index in second), in order

    >>> match_in_order([1.0, 1.3, 2.0], [1.28, 2.1], 0.5)
    [(1, 0), (2, 1)]
    """
    if not reach > 0:
        raise OptionError(f"reach={reach} seconds is not above zero")
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    worth = np.ones(len(b)) if weights is None else np.asarray(weights, np.float64)
    low = np.searchsorted(b, a - reach, "left")
    high = np.searchsorted(b, a + reach, "right")
    chains = _BestBefore(len(b))
    links: list[tuple[int, int, int]] = []
    for i in range(len(a)):
        ends = []
        for j in range(int(low[i]), int(high[i])):
            value, link = chains.best(j)
            ends.append((j, value + worth[j] - 0.999 * abs(a[i] - b[j]) / reach, link))
        for j, value, link in ends:  # after all were asked: an instant is in one pair at most
            links.append((i, j, link))
            chains.put(j, value, len(links) - 1)
    _, link = chains.best(len(b))
    pairs = []
    while link >= 0:
        i, j, link = links[link]
        pairs.append((i, j))
    return pairs[::-1]


class _BestBefore:
    """The best chain that ends before an index: a binary indexed tree of maxima."""

    def __init__(self, count: int) -> None:
        self._tree: list[tuple[float, int]] = [(0.0, -1)] * (count + 1)

    def put(self, index: int, value: float, link: int) -> None:
        """A chain that ends at an index."""
        k = index + 1
        while k < len(self._tree):
            if self._tree[k][0] < value:
                self._tree[k] = (value, link)
            k += k & -k

    def best(self, stop: int) -> tuple[float, int]:
        """Value and link of the best chain that ends before ``stop``; (0, -1): none."""
        found, k = (0.0, -1), stop
        while k > 0:
            if self._tree[k][0] > found[0]:
                found = self._tree[k]
            k -= k & -k
        return found
