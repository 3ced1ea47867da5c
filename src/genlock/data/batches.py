"""Which clips make up which batch: a pure function of the seed and of the number of the batch.

So a run that was stopped goes on with the very next batch, any number of processes does the same work, and a batch
may be read ahead of its turn by any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from threading import RLock
from typing import Any

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

    seconds: float | Fraction = 48.0
    """Length of one batch with its padding (the longest item times their number), all processes and parts together;
    seconds above 0. One item is always taken."""
    join_seconds: float = 0.0
    """Clips are joined to items of up to this length, drawn anew for every batch; 0: every clip by itself."""
    parts: int = 1
    """A batch's items are dealt into so many parts, computed one after the other or by as many processes:
    the sum is the same. At least 1; a multiple of the number of processes."""
    seed: int = 0
    """Seed of the order."""
    clips: int = 0
    """So many clips in each batch, whatever their lengths; 0: as many as ``seconds`` holds."""
    shuffle: bool = True
    """False: in the order of the clips (with ``seconds``: by length), every time alike."""

    def __post_init__(self) -> None:
        if not self.seconds > 0 or self.parts < 1 or self.join_seconds < 0 or self.clips < 0:
            raise OptionError(
                f"{self}: seconds is above 0, parts at least 1, join_seconds and clips are at least 0"
            )


class Batches:
    """The batches of clips of given lengths; also a batch sampler for ``torch.utils.data.DataLoader``.

    Parameters
    ----------
    seconds : length of each clip
    plan : how they become batches
    shards : the shard that each clip lies in, if clips of far-away shards are not to be mixed
    mixed_shards : clips of so many shards are mixed at a time; 0: of all
    rank, ranks : these are the batches of process ``rank`` of ``ranks``, which share each pass: all have equally many,
        and what would leave some of them without is left out

    Examples
    --------
    >>> batches = Batches([1.0, 2.0, 3.0, 2.0], BatchPlan(seconds=4))
    >>> [len(batches.at(step)) for step in range(3)], batches.epoch_of(5) > 0
    ([1, 1, 1], True)
    >>> sorted(k for batch in batches for k in batch), batches.epoch_of(batches.position)
    ([0, 1, 2, 3], 1)

    Raises
    ------
    InputError
        If there is no clip, or not a batch for each process.
    OptionError
        If ``rank`` is none of the ranks, or ``mixed_shards`` below 0.
    """

    def __init__(
        self,
        seconds: Sequence[float | Fraction],
        plan: BatchPlan,
        *,
        shards: Sequence[int] | None = None,
        mixed_shards: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if mixed_shards < 0 or not 0 <= rank < ranks:
            raise OptionError(
                f"mixed_shards={mixed_shards}, rank={rank}, ranks={ranks}: at least 0, and 0 <= rank < ranks"
            )
        if not seconds:
            raise InputError("there is nothing to make batches of: no clip is left; give more")
        self.seconds, self.plan = list(seconds), plan
        self.shards, self.mixed_shards, self.rank, self.ranks = shards, mixed_shards, rank, ranks
        self.position = 0
        """The next batch, counted from the first of all; iterating moves it."""
        self._starts = [0]
        self._epochs: dict[int, list[list[Item]]] = {}
        self._lock = RLock()  # whoever reads ahead asks from several threads

    def at(self, step: int) -> list[list[Item]]:
        """The parts of batch ``step`` (0 is the first), each a list of items; a part may be empty."""
        items = self.items(step)
        return [items[k :: self.plan.parts] for k in range(self.plan.parts)]

    def items(self, step: int) -> list[Item]:
        """All items of batch ``step``."""
        epoch = self.epoch_of(step)
        return self._batches(epoch)[step - self._starts[epoch]]

    def clips_at(self, step: int) -> list[int]:
        """The numbers of the clips of batch ``step``."""
        return [k for item in self.items(step) for k in item.clips]

    def epoch_of(self, step: int) -> int:
        """How often all clips were in a batch before batch ``step``."""
        with self._lock:
            while self._starts[-1] <= step:
                self._starts.append(self._starts[-1] + len(self._batches(len(self._starts) - 1)))
        return int(np.searchsorted(self._starts, step, "right")) - 1

    def end_of_pass(self) -> int:
        """The first batch of the pass after the one that :attr:`position` lies in."""
        epoch = self.epoch_of(self.position)
        return self._starts[epoch] + len(self._batches(epoch))

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of this pass that are left, as numbers of clips; after the last one the next pass begins."""
        for step in range(self.position, self.end_of_pass()):
            found = self.clips_at(step)
            self.position = step + 1
            yield found

    def __len__(self) -> int:
        """How many batches this pass has."""
        return len(self._batches(self.epoch_of(self.position)))

    def state_dict(self, position: int | None = None) -> dict[str, int]:
        """Where it is, for :meth:`load_state_dict`.

        Parameters
        ----------
        position : batches that were really taken, where whoever reads ahead (a DataLoader with workers) asked for
            more of them; None: :attr:`position`
        """
        at = self.position if position is None else position
        return {"position": at, "seed": self.plan.seed, "clips": len(self.seconds), "ranks": self.ranks}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there.

        Raises OptionError if it was the state of another order: another seed, or another number of clips or ranks.
        """
        own = self.state_dict()
        for key in ("seed", "clips", "ranks"):
            if state[key] != own[key]:
                raise OptionError(
                    f"this order has {key}={own[key]}, the one to go on with had {key}={state[key]}"
                )
        self.position = state["position"]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = RLock()

    def _batches(self, epoch: int) -> list[list[Item]]:
        with self._lock:
            if epoch not in self._epochs:
                # Two of them: who reads ahead is in the next one already.
                self._epochs = {k: v for k, v in self._epochs.items() if abs(k - epoch) == 1}
                self._epochs[epoch] = self._packed(epoch)
            return self._epochs[epoch]

    def _packed(self, epoch: int) -> list[list[Item]]:
        found = self._of_all(epoch)
        if self.ranks == 1:
            return found
        whole = [batch for batch in found if len(batch) == self.plan.clips] if self.plan.clips else found
        dealt = whole[: len(whole) // self.ranks * self.ranks][self.rank :: self.ranks]
        if not dealt:
            raise InputError(
                f"{len(whole)} whole batches are too few for {self.ranks} processes; make them smaller"
            )
        return dealt

    def _of_all(self, epoch: int) -> list[list[Item]]:
        """The batches of a pass, of all ranks."""
        if self.shards is None or not self.mixed_shards:
            return pack(self.seconds, self.plan, epoch)
        names = sorted(set(self.shards))
        if self.plan.shuffle:
            drawn = np.random.default_rng([self.plan.seed, epoch, 1]).permutation(len(names))
            names = [names[int(k)] for k in drawn]
        found: list[list[Item]] = []
        plan = replace(self.plan, clips=min(self.plan.clips, 1))
        for first in range(0, len(names), self.mixed_shards):
            near = set(names[first : first + self.mixed_shards])
            inside = [k for k, shard in enumerate(self.shards) if shard in near]
            for batch in pack([self.seconds[k] for k in inside], plan, epoch):
                found.append([Item(tuple(inside[k] for k in item.clips), item.seed) for item in batch])
        if not self.plan.clips:
            return found
        # A batch may begin with the last clips of some shards and end with the first of the next ones.
        row = [item for batch in found for item in batch]
        return [row[k : k + self.plan.clips] for k in range(0, len(row), self.plan.clips)]


def pack(seconds: Sequence[float | Fraction], plan: BatchPlan, epoch: int) -> list[list[Item]]:
    """All batches of one epoch; each clip is in exactly one item, and items of a batch are about equally long.

    >>> plan = BatchPlan(seconds=6, join_seconds=3)
    >>> sorted(k for batch in pack([1.0] * 9, plan, 0) for item in batch for k in item.clips)
    [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """
    random = np.random.default_rng([plan.seed, epoch if plan.shuffle else 0])
    order = [int(k) for k in random.permutation(len(seconds))] if plan.shuffle else list(range(len(seconds)))
    groups: list[list[tuple[int, ...]]]
    if plan.clips:
        groups = [[(k,) for k in order[j : j + plan.clips]] for j in range(0, len(order), plan.clips)]
    elif plan.join_seconds:
        groups = _joined(order, seconds, plan, random)
    else:
        groups = _bucketed(order, seconds, plan, random)
    batches = [[Item(clips, int(random.integers(2**62))) for clips in group] for group in groups]
    return [batches[int(k)] for k in random.permutation(len(batches))] if plan.shuffle else batches


def _bucketed(
    order: list[int], seconds: Sequence[float | Fraction], plan: BatchPlan, random: np.random.Generator
) -> list[list[tuple[int, ...]]]:
    # Some noise on the lengths: neighbours differ from epoch to epoch.
    noise = {k: random.uniform(0.9, 1.1) for k in order} if plan.shuffle else dict.fromkeys(order, 1.0)
    length = {k: float(seconds[k]) * noise[k] for k in order}
    groups: list[list[tuple[int, ...]]] = [[]]
    longest: float | Fraction = 0.0
    for k in sorted(order, key=length.__getitem__):
        longest = max(longest, seconds[k])
        if groups[-1] and longest * (len(groups[-1]) + 1) > plan.seconds:
            groups.append([])
            longest = seconds[k]
        groups[-1].append((k,))
    return groups


def _joined(
    order: list[int], seconds: Sequence[float | Fraction], plan: BatchPlan, random: np.random.Generator
) -> list[list[tuple[int, ...]]]:
    groups: list[list[tuple[int, ...]]] = []
    rest = order[::-1]
    while rest:
        # Even in the logarithm: short items are as frequent as long ones.
        shortest = min(2.0, plan.join_seconds)
        limit = float(np.exp(random.uniform(np.log(shortest), np.log(plan.join_seconds))))
        limit = min(max(limit, float(seconds[rest[-1]])), float(plan.seconds))
        group: list[tuple[int, ...]] = []
        while rest and (not group or (len(group) + 1) * max(limit, seconds[rest[-1]]) <= plan.seconds):
            item = [rest.pop()]
            total = float(seconds[item[0]])
            while rest and total + seconds[rest[-1]] <= limit:
                item.append(rest.pop())
                total += float(seconds[item[-1]])
            group.append(tuple(item))
            limit = max(limit, total)
        groups.append(group)
    return groups
