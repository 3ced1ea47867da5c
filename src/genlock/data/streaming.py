"""Read tar shards that ``genlock export --to webdataset`` wrote: in batches, in an order that can be taken up anywhere.

The order of a pass depends on the seed and its number alone: not on how many processes read, nor on where a training
was stopped. Shards are shuffled, and so are the samples of a few neighbouring shards; whatever processes there are
take the batches in turn. Every member is checked against its SHA-256.
"""

from __future__ import annotations

import random
import tarfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError, MissingDependency, OptionError
from genlock.core.json_forms import read_json_file
from genlock.data.export.webdataset import SHARDS, facts_of_sample, member_of
from genlock.data.output_files import check_output, track_of_output
from genlock.data.reading import Clip

__all__ = ["ShardStream"]

# How many shards a process keeps open.
_OPEN = 8


class ShardStream:
    """The clips of one split in batches, from tar shards.

    Parameters
    ----------
    folder : folder of an export to WebDataset
    kinds : outputs to load, as the folders of the dataset are called; clips that lack one are left out of their batch
    split : ``train``, ``valid`` or ``test``
    batch : clips of a batch, at least 1
    seed : the same seed and pass give the same order
    shuffle : False: the order of the shards, every time alike
    mixed_shards : the samples of so many shards are mixed; at least 1
    rank, ranks : this is training process ``rank`` of ``ranks``: each has its own batches, all of them equally many
    check : whether members are compared with their SHA-256

    Raises
    ------
    FormatError
        If the list of shards is missing or damaged, or a shard is not what it says.
    InputError
        If there is no such split or output.
    """

    def __init__(
        self,
        folder: str | Path,
        kinds: Sequence[str],
        split: str = "train",
        *,
        batch: int = 1,
        seed: int = 0,
        shuffle: bool = True,
        mixed_shards: int = 4,
        rank: int = 0,
        ranks: int = 1,
        check: bool = True,
    ) -> None:
        if batch < 1 or mixed_shards < 1 or not 0 <= rank < ranks:
            raise OptionError(
                f"batch={batch}, mixed_shards={mixed_shards}, rank={rank}, ranks={ranks}: batches and shards are at "
                "least 1, and 0 <= rank < ranks"
            )
        self.folder, self.kinds, self.split = Path(folder), tuple(kinds), split
        listed = read_json_file(self.folder / SHARDS)
        unknown = [kind for kind in self.kinds if kind not in listed["kinds"]]
        if unknown or split not in listed["splits"]:
            raise InputError(
                f"the shards of {str(folder)!r} have no {unknown[0] if unknown else split!r}; there are the outputs "
                f"{', '.join(listed['kinds'])} and the splits {', '.join(listed['splits'])}"
            )
        self.shards: list[Mapping[str, Any]] = listed["splits"][split]
        self.batch, self.seed, self.shuffle, self.mixed_shards = batch, seed, shuffle, mixed_shards
        self.rank, self.ranks, self.check = rank, ranks, check
        self.epoch = 0
        self.position = 0

    @property
    def samples(self) -> int:
        """Clips of the split, of all ranks."""
        return sum(int(shard["samples"]) for shard in self.shards)

    def order(self, epoch: int) -> list[tuple[int, int]]:
        """(shard, number within it) of every sample of a pass, before it is dealt to ranks."""
        chance = random.Random(f"{self.seed}:{epoch}")
        shards = list(range(len(self.shards)))
        if self.shuffle:
            chance.shuffle(shards)
        found = []
        for first in range(0, len(shards), self.mixed_shards):
            near = shards[first : first + self.mixed_shards]
            mixed = [
                (shard, number) for shard in near for number in range(int(self.shards[shard]["samples"]))
            ]
            if self.shuffle:
                chance.shuffle(mixed)
            found += mixed
        return found

    def batches(self, epoch: int) -> list[list[tuple[int, int]]]:
        """The batches of this rank in a pass. With several ranks, what would leave some of them without is left out."""
        order = self.order(epoch)
        found = [order[k : k + self.batch] for k in range(0, len(order), self.batch)]
        if self.ranks > 1:
            whole = [batch for batch in found if len(batch) == self.batch]
            found = whole[: len(whole) // self.ranks * self.ranks][self.rank :: self.ranks]
        return found

    def __len__(self) -> int:
        """Batches of a pass of this rank."""
        return len(self.batches(self.epoch))

    def __iter__(self) -> Iterator[list[Clip]]:
        """The batches of this pass that are left, read by this process; after the last one the next pass begins."""
        return self.load()

    def load(self, workers: int = 0) -> Iterator[list[Clip]]:
        """The batches of this pass that are left, read by so many processes; the same ones in the same order.

        Raises MissingDependency if processes are wanted and torch is not installed.
        """
        left = self.batches(self.epoch)[self.position :]
        source: Iterator[list[Clip]] = (
            self._read(left, 0, 1) if workers == 0 else iter(_torch_loader(self, left, workers))
        )
        for batch in source:
            # Counted when it is handed over, so that a state saved afterwards begins behind it.
            self.position += 1
            yield batch
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """Where it is."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "seed": self.seed,
            "batch": self.batch,
            "ranks": self.ranks,
            "samples": self.samples,
        }

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there.

        Raises OptionError if it was of another order: another seed, batch, number of ranks or of samples.
        """
        own = self.state_dict()
        other = [key for key in ("seed", "batch", "ranks", "samples") if state[key] != own[key]]
        if other:
            raise OptionError(
                f"this order has {other[0]}={own[other[0]]}, the one to go on with had {state[other[0]]}"
            )
        self.epoch, self.position = state["epoch"], state["position"]

    def _read(
        self, batches: Sequence[Sequence[tuple[int, int]]], worker: int, workers: int
    ) -> Iterator[list[Clip]]:
        """Every ``workers``-th batch from ``worker`` on."""
        opened: OrderedDict[int, _Shard] = OrderedDict()
        try:
            for places in batches[worker::workers]:
                found = (self._clip(opened, *place) for place in places)
                yield [clip for clip in found if clip is not None]
        finally:
            for shard in opened.values():
                shard.close()

    def _clip(self, opened: OrderedDict[int, _Shard], shard: int, number: int) -> Clip | None:
        if shard not in opened:
            listed = self.shards[shard]
            opened[shard] = _Shard(self.folder / str(listed["name"]), int(listed["samples"]))
            if len(opened) > max(_OPEN, self.mixed_shards + 1):
                opened.popitem(last=False)[1].close()
        opened.move_to_end(shard)
        return opened[shard].clip(number, self.kinds, self.check)


class _Shard:
    """One tar file, open: where each sample's members lie."""

    def __init__(self, path: Path, samples: int) -> None:
        self.path = path
        try:
            self._file = tarfile.open(path, "r:")  # noqa: SIM115 - closed by whoever opened it
            self._samples: dict[str, dict[str, tarfile.TarInfo]] = {}
            for member in self._file:
                key, _, ending = member.name.partition(".")
                self._samples.setdefault(key, {})[ending] = member
        except (OSError, tarfile.TarError) as error:
            raise FormatError(f"the shard {str(path)!r} cannot be read ({error}); export again") from error
        if len(self._samples) != samples:
            raise FormatError(
                f"the shard {str(path)!r} has {len(self._samples)} samples, not {samples}; export again"
            )
        self._keys = list(self._samples)

    def close(self) -> None:
        self._file.close()

    def clip(self, number: int, kinds: Sequence[str], check: bool) -> Clip | None:
        """One clip; None if it lacks an output."""
        key = self._keys[number]
        facts = facts_of_sample(self._bytes(key, "json"), self._origin(key, "json"))
        made = {output["kind"]: output for output in facts["outputs"]}
        if not set(kinds) <= set(made):
            return None
        tracks = {}
        for kind in kinds:
            ending = member_of(made[kind])
            data = self._bytes(key, ending)
            if check:
                check_output(made[kind], data, self._origin(key, ending), "export again")
            tracks[kind] = track_of_output(made[kind], data, str(facts["clock"]))
        return Clip(str(facts["clip"]), facts, tracks)

    def _origin(self, key: str, ending: str) -> str:
        return f"{key}.{ending} in {str(self.path)!r}"

    def _bytes(self, key: str, ending: str) -> bytes:
        member = self._samples[key].get(ending)
        try:
            file = None if member is None else self._file.extractfile(member)
            data = b"" if file is None else file.read()
        except (OSError, tarfile.TarError) as error:
            raise FormatError(
                f"{self._origin(key, ending)} cannot be read ({error}); export again"
            ) from error
        if member is None or len(data) != member.size:
            raise FormatError(f"{self._origin(key, ending)} is missing or cut short; export again")
        return data


def _torch_loader(stream: ShardStream, batches: Sequence[Sequence[tuple[int, int]]], workers: int) -> Any:
    """torch's loader takes a batch from each process in turn: the order of the batches is theirs."""
    try:
        from torch.utils.data import DataLoader, IterableDataset, get_worker_info
    except ImportError as error:
        raise MissingDependency(
            f"reading in several processes needs torch ({error}); install it: pip install 'genlock[models]'"
        ) from error

    class Shares(IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[list[Clip]]:
            info = get_worker_info()
            assert info is not None  # there is at least one worker
            return stream._read(batches, info.id, info.num_workers)

    keep: Callable[[Any], Any] = _as_it_is
    return DataLoader(Shares(), batch_size=None, num_workers=workers, collate_fn=keep)


def _as_it_is(batch: Any) -> Any:
    return batch
