"""Stream tar shards that ``genlock export --to webdataset`` wrote, for one of several training processes.

The same plan gives the same batches as the dataset itself: shards are another place for the same clips. Where they
are far away or on slow disks, ``mixed_shards`` keeps the clips of a batch within a few shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from genlock.core.errors import FormatError, OptionError
from genlock.data.batches import Batches, BatchPlan
from genlock.data.reading import BatchReader, Clip, ClipSet
from genlock.data.shards import SHARDS

__all__ = ["ShardStream"]


class ShardStream(BatchReader):
    """The clips of one split in batches, from tar shards; see :class:`genlock.data.reading.BatchReader`.

    Parameters
    ----------
    folder : folder of an export to WebDataset
    kinds : outputs to load, as the folders of the dataset are called; clips that lack one are left out
    split : ``train``, ``valid`` or ``test``
    batch : clips of a batch, at least 1
    seed : the same seed and pass give the same order
    shuffle : False: in the order of the clips' names, every time alike
    mixed_shards : the clips of so many shards are mixed; 0: of all
    rank, ranks : this is training process ``rank`` of ``ranks``: each has its own batches, all of them equally many
    check : whether members are compared with their SHA-256
    plan : how clips become batches, in place of ``batch``, ``seed`` and ``shuffle``

    Raises
    ------
    FormatError
        If the list of shards is missing or damaged, or a shard is not what it says.
    InputError
        If there is no such split or output.
    OptionError
        If a number is out of range.
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
        mixed_shards: int = 0,
        rank: int = 0,
        ranks: int = 1,
        check: bool = True,
        plan: BatchPlan | None = None,
    ) -> None:
        if batch < 1:
            raise OptionError(f"batch={batch}: a batch has at least 1 clip")
        if not (Path(folder) / SHARDS).is_file():
            raise FormatError(
                f"{str(folder)!r} has no {SHARDS}: it is no export of genlock export --to webdataset"
            )
        clips = ClipSet(folder, kinds, split, check=check)
        how = plan or BatchPlan(clips=batch, seed=seed, shuffle=shuffle)
        order = Batches(
            clips.seconds, how, shards=clips.shards, mixed_shards=mixed_shards, rank=rank, ranks=ranks
        )
        super().__init__(clips, order)

    def load(self, workers: int = 0) -> Iterator[list[Clip]]:
        """The batches of this pass that are left, read ahead by so many threads; the same ones in the same order."""
        return iter(BatchReader(self.clips, self.batches, workers))
