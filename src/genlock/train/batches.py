"""Which clips make up which batch: a pure function of the seed and the update, so that a run goes on exactly
where it stopped, and that any number of processes does the same work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlock.core.errors import InputError, OptionError

__all__ = ["BatchPlan", "Batches", "Item", "pack"]


@dataclass(frozen=True)
class Item:
    """One row of a batch: clips that are joined, and the seed of everything drawn at random for them."""

    clips: tuple[int, ...]
    """Numbers of the clips, in the order in which they are heard."""
    seed: int
    """Seed of its augmentation."""


@dataclass(frozen=True)
class BatchPlan:
    """How clips become batches."""

    seconds: float = 48.0
    """Sound in one update, all processes and parts together; seconds above 0. One item is always taken."""
    join_seconds: float = 0.0
    """Clips are joined to items of up to this length, drawn anew for every batch; 0: every clip by itself."""
    parts: int = 1
    """An update's items are dealt into so many parts, computed one after the other or by as many processes:
    the sum is the same. At least 1; a multiple of the number of processes."""
    seed: int = 0
    """Seed of the order."""

    def __post_init__(self) -> None:
        if not self.seconds > 0 or self.parts < 1 or self.join_seconds < 0:
            raise OptionError(f"{self}: seconds is above 0, parts at least 1, join_seconds at least 0")


class Batches:
    """The batches of a training run.

    Examples
    --------
    >>> batches = Batches([1.0, 2.0, 3.0, 2.0], BatchPlan(seconds=4))
    >>> [len(batches.at(step)) for step in range(3)], batches.epoch_of(5) > 0
    ([1, 1, 1], True)
    """

    def __init__(self, seconds: Sequence[float], plan: BatchPlan) -> None:
        if not seconds:
            raise InputError("there is nothing to train on: no clip is left; give more sound")
        self.seconds, self.plan = list(seconds), plan
        self._starts = [0]
        self._epoch: tuple[int, list[list[Item]]] = (-1, [])

    def at(self, step: int) -> list[list[Item]]:
        """The parts of update ``step`` (0 is the first), each a list of items; a part may be empty."""
        epoch = self.epoch_of(step)
        items = self._batches(epoch)[step - self._starts[epoch]]
        return [items[k :: self.plan.parts] for k in range(self.plan.parts)]

    def epoch_of(self, step: int) -> int:
        """How often all clips were heard before update ``step``."""
        while self._starts[-1] <= step:
            self._starts.append(self._starts[-1] + len(self._batches(len(self._starts) - 1)))
        return int(np.searchsorted(self._starts, step, "right")) - 1

    def _batches(self, epoch: int) -> list[list[Item]]:
        if self._epoch[0] != epoch:
            self._epoch = epoch, pack(self.seconds, self.plan, epoch)
        return self._epoch[1]


def pack(seconds: Sequence[float], plan: BatchPlan, epoch: int) -> list[list[Item]]:
    """All batches of one epoch; each clip is in exactly one item, and items of a batch are about equally long.

    >>> plan = BatchPlan(seconds=6, join_seconds=3)
    >>> sorted(k for batch in pack([1.0] * 9, plan, 0) for item in batch for k in item.clips)
    [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """
    random = np.random.default_rng([plan.seed, epoch])
    order = [int(k) for k in random.permutation(len(seconds))]
    groups = (
        _joined(order, seconds, plan, random)
        if plan.join_seconds
        else _bucketed(order, seconds, plan, random)
    )
    batches = [[Item(clips, int(random.integers(2**62))) for clips in group] for group in groups]
    return [batches[int(k)] for k in random.permutation(len(batches))]


def _bucketed(
    order: list[int], seconds: Sequence[float], plan: BatchPlan, random: np.random.Generator
) -> list[list[tuple[int, ...]]]:
    # Some noise on the lengths: neighbours differ from epoch to epoch.
    length = {k: seconds[k] * random.uniform(0.9, 1.1) for k in order}
    groups: list[list[tuple[int, ...]]] = [[]]
    longest = 0.0
    for k in sorted(order, key=length.__getitem__):
        longest = max(longest, seconds[k])
        if groups[-1] and longest * (len(groups[-1]) + 1) > plan.seconds:
            groups.append([])
            longest = seconds[k]
        groups[-1].append((k,))
    return groups


def _joined(
    order: list[int], seconds: Sequence[float], plan: BatchPlan, random: np.random.Generator
) -> list[list[tuple[int, ...]]]:
    groups: list[list[tuple[int, ...]]] = []
    rest = order[::-1]
    while rest:
        # Even in the logarithm: short items are as frequent as long ones.
        shortest = min(2.0, plan.join_seconds)
        limit = float(np.exp(random.uniform(np.log(shortest), np.log(plan.join_seconds))))
        limit = min(max(limit, seconds[rest[-1]]), plan.seconds)
        group: list[tuple[int, ...]] = []
        while rest and (not group or (len(group) + 1) * max(limit, seconds[rest[-1]]) <= plan.seconds):
            item = [rest.pop()]
            total = seconds[item[0]]
            while rest and total + seconds[rest[-1]] <= limit:
                item.append(rest.pop())
                total += seconds[item[-1]]
            group.append(tuple(item))
            limit = max(limit, total)
        groups.append(group)
    return groups
