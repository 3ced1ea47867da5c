"""Read a prepared dataset: clips by split, batches by length, crops that are the same instants in every feature.

The order depends on the seed and the epoch alone, so a training that was stopped goes on with the very next batch.
A :class:`ClipSet` is a sequence, which is all that ``torch.utils.data.DataLoader`` asks of a dataset, and
:class:`LengthBatches` is a batch sampler; neither needs torch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.track import Track
from genlock.data.index import read_index
from genlock.data.output_files import read_output, track_of_output

__all__ = ["Clip", "ClipSet", "LengthBatches", "crop"]


@dataclass(frozen=True)
class Clip:
    """One clip with the outputs that were asked for."""

    name: str
    """Its name in the dataset."""
    row: Mapping[str, Any]
    """Its row of the index: source, split, transcript, words and the rest."""
    tracks: Mapping[str, Track]
    """Output by kind, each on its exact grid; sound as a waveform, -1...1."""

    @property
    def start(self) -> Fraction:
        """Where it begins, in exact seconds on the media clock of its source."""
        return Fraction(self.row["start"])

    @property
    def end(self) -> Fraction:
        """Where it ends."""
        return Fraction(self.row["end"])


class ClipSet(Sequence[Clip]):
    """The clips of one split of a dataset, by name.

    Parameters
    ----------
    dataset : folder that ``genlock prepare`` made
    kinds : outputs to load, as the folders are called; clips that lack one are left out
    split : ``train``, ``valid``, ``test``, or None for all
    check : whether the bytes of each output are checked against the index when it is read
    tails : whether tails are taken too

    Raises
    ------
    FormatError
        If there is no index, or an output is not what the index says it is.
    InputError
        If no clip is left.
    """

    def __init__(
        self,
        dataset: str | Path,
        kinds: Sequence[str],
        split: str | None = None,
        *,
        check: bool = True,
        tails: bool = True,
    ) -> None:
        self.dataset, self.kinds, self.check = Path(dataset), tuple(kinds), check
        rows = read_index(self.dataset / "index.parquet").to_pylist()
        there = sorted({made["kind"] for row in rows for made in row["outputs"] or ()})
        unknown = [kind for kind in self.kinds if kind not in there]
        if unknown:
            raise InputError(
                f"the dataset {str(dataset)!r} has no output {unknown[0]!r}; it has: {', '.join(there)}"
            )
        self.rows = [
            row
            for row in rows
            if row["status"] == "done"
            and split in (None, row["split"])
            and (tails or not row["tail"])
            and set(self.kinds) <= {made["kind"] for made in row["outputs"]}
        ]
        if not self.rows:
            raise InputError(
                f"no clip of the split {split!r} of {str(dataset)!r} has {', '.join(self.kinds)}"
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: Any) -> Any:
        """One clip, read and checked."""
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        row = self.rows[number]
        made = {output["kind"]: output for output in row["outputs"]}
        tracks = {kind: self._load(made[kind], str(row["clock"])) for kind in self.kinds}
        return Clip(str(row["clip"]), row, tracks)

    @property
    def seconds(self) -> list[Fraction]:
        """Exact length of each clip."""
        return [Fraction(row["end"]) - Fraction(row["start"]) for row in self.rows]

    def _load(self, made: Mapping[str, Any], clock: str) -> Track:
        return track_of_output(made, read_output(self.dataset, made, check=self.check), clock)


def crop(clip: Clip, start: Exact, seconds: Exact) -> dict[str, Track]:
    """The same stretch of every output, in whole cells.

    Of each output the cells from the first one whose middle lies at or after ``start``, in number
    ``floor(seconds x rate)``: the number depends on the length alone, never on where the crop begins. Cells that the
    clip does not have are zero and invalid.
    """
    begin, length = exact(start), exact(seconds)
    if length <= 0:
        raise OptionError(f"a crop of {seconds} s is empty")
    return {kind: _cropped(track, begin, length) for kind, track in clip.tracks.items()}


def _cropped(track: Track, begin: Fraction, length: Fraction) -> Track:
    if not isinstance(track.grid, Grid):
        return track.between(begin, begin + length)
    grid = track.grid
    first = grid.cells(begin, begin + length, "centers").start
    count = round_fraction(length * grid.rate, "floor")
    low, high = min(max(first, 0), len(track)), min(max(first + count, 0), len(track))
    values = np.zeros((count, *track.values.shape[1:]), track.values.dtype)
    valid = np.zeros(count, bool)
    values[low - first : high - first] = track.values[low:high]
    valid[low - first : high - first] = track.valid[low:high]
    return Track(values, Grid(grid.rate, grid.edge(first), grid.clock), valid, track.name, track.unit)


@dataclass
class LengthBatches:
    """Batches of clips of similar length, at most so many seconds of padded sound in each; a batch sampler.

    >>> batches = LengthBatches([Fraction(n) for n in (1, 9, 2, 8, 1)], batch_seconds=18, seed=0)
    >>> sorted(sorted(batch) for batch in batches)
    [[0, 2, 4], [1, 3]]
    """

    seconds: Sequence[Fraction]
    """Length of each clip."""
    batch_seconds: Exact
    """Most seconds of a batch, the longest clip times the number; at least the longest clip."""
    seed: int = 0
    """The same seed and epoch give the same order."""
    epoch: int = 0
    """Passes that were finished."""
    position: int = 0
    """Batches of this pass that were given."""
    shuffle: bool = True
    """False: by length, every time alike."""

    def __post_init__(self) -> None:
        longest = max(self.seconds, default=Fraction(0))
        if exact(self.batch_seconds) < longest:
            raise OptionError(
                f"batches of {self.batch_seconds} s cannot hold the longest clip of {float(longest):.3f} s"
            )

    def batches(self, epoch: int) -> list[list[int]]:
        """All batches of a pass."""
        order = list(range(len(self.seconds)))
        chance = random.Random(f"{self.seed}:{epoch}")
        if self.shuffle:
            chance.shuffle(order)  # clips of one length meet others every time
        order.sort(key=lambda k: self.seconds[k])
        found: list[list[int]] = []
        most = exact(self.batch_seconds)
        for k in order:
            # Sorted by length: this one is the longest so far.
            if found and (len(found[-1]) + 1) * self.seconds[k] <= most:
                found[-1].append(k)
            else:
                found.append([k])
        if self.shuffle:
            chance.shuffle(found)
        return found

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of this pass that are left; after the last one the next pass begins."""
        for batch in self.batches(self.epoch)[self.position :]:
            self.position += 1
            yield batch
        self.epoch, self.position = self.epoch + 1, 0

    def __len__(self) -> int:
        return len(self.batches(self.epoch))

    def state_dict(self) -> dict[str, int]:
        """Where it is."""
        return {"epoch": self.epoch, "position": self.position, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there.

        Raises OptionError if it was another seed's.
        """
        if state["seed"] != self.seed:
            raise OptionError(
                f"this order has the seed {self.seed}, the one to go on with had {state['seed']}"
            )
        self.epoch, self.position = state["epoch"], state["position"]
