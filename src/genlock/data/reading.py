"""Read a prepared dataset: clips by split, their outputs checked, crops that are the same instants of every output.

This is the one way from a dataset to training. A :class:`ClipSet` reads what ``genlock prepare`` made, or the tar
shards that ``genlock export --to webdataset`` made of it, and gives the same clips either way. The split of the index
is the only split. Which clips make up which batch says :mod:`genlock.data.batches`; :class:`BatchReader` reads them
ahead with several threads. ``torch.utils.data.DataLoader`` takes a :class:`ClipSet` and :class:`Batches` as they are;
nothing here needs torch.
"""

from __future__ import annotations

import copy
import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.json_forms import read_json_file
from genlock.core.one_line import LONGEST, shortened
from genlock.core.time import Exact, exact, exact_rate, round_fraction
from genlock.core.track import Track
from genlock.data.batches import Batches
from genlock.data.export.webdataset import facts_of_sample, member_of
from genlock.data.index import read_index
from genlock.data.output_files import check_output, read_output, track_of_output, true_cells
from genlock.data.shards import SHARDS, ShardFiles, rows_of_shards, shard_of
from genlock.data.splits import NAMES
from genlock.media.frame_rate import USUAL_RATES, cadence_of, median_step

__all__ = [
    "INDEX",
    "BatchReader",
    "Clip",
    "ClipSet",
    "Word",
    "collate",
    "crop",
    "is_dataset",
    "kinds_of",
    "pad",
]

#: The file that makes a folder a dataset.
INDEX = "index.parquet"
#: A word and its start and end, in seconds.
Word: TypeAlias = tuple[str, float, float]


@dataclass(frozen=True)
class Clip:
    """One clip: what the index says of it, and the outputs that were asked for."""

    name: str
    """Its name in the dataset."""
    row: Mapping[str, Any]
    """Its row of the index: source, split, transcript, words and the rest."""
    tracks: Mapping[str, Track]
    """Output by kind, each on its exact grid; sound as a waveform, -1...1. Empty if the clip was only looked up."""

    def __repr__(self) -> str:
        made = ", ".join(self.tracks) or "no output loaded"
        told = f"{self.name}: {float(self.end - self.start):.3f} s, {self.split}, {made}"
        return f"Clip({shortened(told, LONGEST - len('Clip()'))})"

    @property
    def start(self) -> Fraction:
        """Where it begins, in exact seconds on the media clock of its source."""
        return Fraction(self.row["start"])

    @property
    def end(self) -> Fraction:
        """Where it ends."""
        return Fraction(self.row["end"])

    @property
    def split(self) -> str:
        """``train``, ``valid`` or ``test``."""
        return str(self.row["split"])

    @property
    def speaker(self) -> str:
        """Who speaks; empty if it is not known."""
        return str(self.row["speaker"] or "")

    @property
    def transcript(self) -> str | None:
        """What is said, as the corpus writes it; None if it is not known."""
        return None if self.row["transcript"] is None else str(self.row["transcript"])

    @property
    def words(self) -> tuple[Word, ...]:
        """Words with start and end in seconds on the media clock of the source; empty if they are not known."""
        return tuple(
            (str(word["text"]), float(word["start_seconds"]), float(word["end_seconds"]))
            for word in self.row["words"] or ()
        )

    def output(self, kind: str) -> Mapping[str, Any]:
        """What the index says of an output: path, rate, start, length and the rest.

        Raises InputError if the clip has none.
        """
        for made in self.row["outputs"] or ():
            if made["kind"] == kind:
                return dict(made)
        raise InputError(f"the clip {self.name!r} has no output {kind!r}")


def is_dataset(folder: str | Path) -> bool:
    """Whether a folder is a prepared dataset, or shards of one."""
    return (Path(folder) / INDEX).is_file() or (Path(folder) / SHARDS).is_file()


def kinds_of(folder: str | Path) -> tuple[str, ...]:
    """The kinds of outputs that a dataset, or shards of one, has.

    Raises FormatError if the list of them is damaged or missing.
    """
    _require_dataset(Path(folder))
    shards = Path(folder) / SHARDS
    listed = read_json_file(shards if shards.is_file() else Path(folder) / "dataset.json")
    return tuple(map(str, listed.get("kinds", ())))


class ClipSet(Sequence[Clip]):
    """The clips of one split of one or several datasets, by name.

    Parameters
    ----------
    dataset : folder that ``genlock prepare`` made, folder of its tar shards, or several of them
    kinds : outputs to load, as the folders are called; clips that lack one are left out
    split : ``train``, ``valid``, ``test``, or None for all
    check : whether the bytes of each output are checked against the index when it is read
    tails : whether tails are taken too

    Notes
    -----
    A clip that is a copy of a held-out one is left out: of ``train`` what is also in ``valid`` or ``test``, of
    ``valid`` what is also in ``test``; in another dataset or under another name, the same source or the same outputs.
    :attr:`left_out` names everything that was left out.

    Raises
    ------
    FormatError
        If there is no index, or an output is not what the index says it is.
    InputError
        If no clip is left.
    """

    def __init__(
        self,
        dataset: str | Path | Sequence[str | Path],
        kinds: Sequence[str],
        split: str | None = None,
        *,
        check: bool = True,
        tails: bool = True,
    ) -> None:
        named = [dataset] if isinstance(dataset, (str, Path)) else list(dataset)
        self.datasets, self.kinds, self.split, self.check = (
            tuple(map(Path, named)),
            tuple(kinds),
            split,
            check,
        )
        self.left_out: tuple[tuple[str, str], ...] = ()
        """(clip, reason) of what this split could have held."""
        self._shards = {folder: ShardFiles(folder) for folder in self.datasets}
        rows = [(folder, row) for folder in self.datasets for row in _rows_of(folder)]
        there = sorted({made["kind"] for _, row in rows for made in row["outputs"] or ()})
        unknown = [kind for kind in self.kinds if kind not in there]
        if unknown:
            raise InputError(
                f"the dataset {self._named} has no output {unknown[0]!r}; it has: {', '.join(there)}"
            )
        self._chosen = self._choose(rows, tails)
        if not self._chosen:
            counts = Counter(str(row["split"]) for _, row in rows)
            if split is not None and split not in counts:
                has = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
                raise InputError(
                    f"the split {split!r} of {self._named} has no clip; it has: {has}. Splits are drawn by "
                    "speaker or file: give more of them, or say which by genlock prepare --split"
                )
            reasons = f" ({self.left_out[0][0]}: {self.left_out[0][1]})" if self.left_out else ""
            raise InputError(
                f"no clip of the split {split!r} of {self._named} has {', '.join(self.kinds)}{reasons}"
            )

    def __repr__(self) -> str:
        count, of = len(self), self.split or "all splits"
        told = f"{count} clip{'' if count == 1 else 's'} of {of}, {self._named}: {', '.join(self.kinds)}"
        return f"ClipSet({shortened(told, LONGEST - len('ClipSet()'))})"

    @property
    def _named(self) -> str:
        return ", ".join(repr(str(folder)) for folder in self.datasets)

    def _choose(self, rows: list[_Placed], tails: bool) -> list[_Placed]:
        """The rows of this split that can be used; says why others cannot."""
        held = _held_out(rows, self.split, self.kinds)
        chosen, left_out = [], []
        for folder, row in rows:
            if self.split not in (None, row["split"]) or (row["tail"] and not tails):
                continue
            lacking = set(self.kinds) - {made["kind"] for made in row["outputs"] or ()}
            if row["status"] != "done":
                left_out.append((str(row["source"]), str(row["reason"])))
            elif lacking:
                left_out.append((str(row["clip"]), f"has no {', '.join(sorted(lacking))}"))
            elif copied := next((held[mark] for mark in _marks(row, self.kinds) if mark in held), None):
                left_out.append((str(row["clip"]), f"is the same as {copied}, which is held out"))
            else:
                chosen.append((folder, row))
        self.left_out = tuple(left_out)
        return sorted(chosen, key=lambda placed: str(placed[1]["clip"]))

    # ------------------------------------------------------------ as a sequence

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, number: int) -> Clip: ...
    @overload
    def __getitem__(self, number: slice) -> list[Clip]: ...
    def __getitem__(self, number: int | slice) -> Clip | list[Clip]:
        """One clip with its outputs, read and checked."""
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        _let_torch_collate()
        known = self.known[number]
        return Clip(known.name, known.row, {kind: self.read(number, kind) for kind in self.kinds})

    def read(self, number: int, kind: str) -> Track:
        """One output of one clip, checked.

        Raises FormatError if it cannot be read or is not what the index says.
        """
        folder, row = self._chosen[number]
        made, shard = self.known[number].output(kind), shard_of(self.known[number].output(kind))
        if shard is None:
            data = read_output(folder, made, check=self.check)
        else:
            origin = f"{made['path']} in {str(folder)!r}"
            offset = int(json.loads(made["more"])["offset"])
            data = self._shards[folder].read(shard, offset, int(made["bytes"]), origin)
            if self.check:
                check_output(made, data, origin, "export again")
        return track_of_output(made, data, str(row["clock"]))

    # ------------------------------------------------------------ what the index knows

    @cached_property
    def known(self) -> tuple[Clip, ...]:
        """The clips as the index knows them, nothing read: without tracks."""
        return tuple(Clip(str(row["clip"]), row, {}) for _, row in self._chosen)

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The rows of the index."""
        return [row for _, row in self._chosen]

    @property
    def seconds(self) -> list[Fraction]:
        """Exact length of each clip."""
        return [clip.end - clip.start for clip in self.known]

    @property
    def shards(self) -> list[int] | None:
        """The number of the shard that each clip lies in; None if they lie in no shards."""
        names = [
            (str(folder), shard_of(row["outputs"][0]) if row["outputs"] else None)
            for folder, row in self._chosen
        ]
        number = {name: k for k, name in enumerate(sorted(names, key=str))}
        return None if any(shard is None for _, shard in names) else [number[name] for name in names]

    def lengths(self, kind: str) -> list[int]:
        """True cells of an output of each clip, padding not counted."""
        return [len(true_cells(clip.output(kind))) for clip in self.known]

    def where(self, keep: Callable[[Clip], bool]) -> ClipSet:
        """The clips for which ``keep`` says True, of clips as :attr:`known` has them; may be none."""
        return self.take([number for number, clip in enumerate(self.known) if keep(clip)])

    def take(self, numbers: Iterable[int]) -> ClipSet:
        """The clips of these numbers."""
        some = copy.copy(self)
        some.__dict__.pop("known", None)
        some._chosen = [self._chosen[number] for number in numbers]
        return some


#: The folder of a dataset, and a row of its index.
_Placed: TypeAlias = tuple[Path, Mapping[str, Any]]


def _require_dataset(folder: Path) -> None:
    if is_dataset(folder):
        return
    if not folder.is_dir():
        raise FormatError(f"there is no folder {str(folder)!r}; check the name")
    raise FormatError(
        f"{str(folder)!r} is no dataset, for it has no {INDEX}: genlock prepare FILMS -o DATASET makes one, "
        "and the same command again ends one that was stopped"
    )


def _rows_of(folder: Path) -> list[Mapping[str, Any]]:
    _require_dataset(folder)
    if not (folder / INDEX).is_file() and (folder / SHARDS).is_file():
        return list(rows_of_shards(folder, facts_of_sample, member_of))
    rows: list[Mapping[str, Any]] = read_index(folder / INDEX).to_pylist()
    return rows


def _held_out(rows: Iterable[_Placed], split: str | None, kinds: Sequence[str]) -> dict[Any, str]:
    """What clips of a split must not be copies of: marks of the clips of the splits behind it."""
    behind = NAMES[NAMES.index(split) + 1 :] if split in NAMES else ()
    return {
        mark: f"{row['clip']} ({row['split']})"
        for _, row in rows
        if row["split"] in behind and row["status"] == "done"
        for mark in _marks(row, kinds)
    }


def _marks(row: Mapping[str, Any], kinds: Sequence[str]) -> list[Any]:
    """What two clips have in common if one is a copy of the other: the place in a source, or all outputs."""
    made = {output["kind"]: output["sha256"] for output in row["outputs"] or ()}
    outputs = tuple(made[kind] for kind in kinds if kind in made)
    source = (row["source_sha256"], row["start"], row["end"])
    return [source, outputs] if outputs else [source]


# ---------------------------------------------------------------- crops


def crop(
    clip: Clip, start: Exact, seconds: Exact, rates: Mapping[str, Exact] | None = None
) -> dict[str, Track]:
    """The same stretch of every output, in whole cells of a uniform Grid.

    Of each output the cells from the first one whose middle lies at or after ``start``, in number
    ``floor(seconds x rate)``: the number depends on the length alone, never on where the crop begins. Cells that the
    clip does not have are zero and invalid.

    Stamps that are a rounding of a uniform row (29.97 in milliseconds) count as that row. Frames at a variable rate are
    put on a Grid of their usual rate that begins at ``start``; each cell takes the frame whose middle is nearest.
    ``rates`` states that rate, for an output of any kind.
    """
    begin, length = exact(start), exact(seconds)
    if length <= 0:
        raise OptionError(f"a crop of {seconds} s is empty")
    stated = {kind: exact_rate(rate) for kind, rate in (rates or {}).items()}
    return {kind: _cropped(track, begin, length, stated.get(kind)) for kind, track in clip.tracks.items()}


def _cropped(track: Track, begin: Fraction, length: Fraction, rate: Fraction | None) -> Track:
    grid, uniform = _grid_of(track.grid) if rate is None else (Grid(rate, 0, track.clock), False)
    count = round_fraction(length * grid.rate, "floor")
    if not uniform:
        target = Grid(grid.rate, begin, grid.clock)
        found = track.on(target, "nearest", length=count)
        values = np.array(found.values)
        values[~found.valid] = 0
        return Track(values, target, found.valid, track.name, track.unit, found.support, track.context)
    first = grid.cells(begin, begin + length, "centers").start
    low, high = min(max(first, 0), len(track)), min(max(first + count, 0), len(track))
    values = np.zeros((count, *track.values.shape[1:]), track.values.dtype)
    valid = np.zeros(count, bool)
    values[low - first : high - first] = track.values[low:high]
    valid[low - first : high - first] = track.valid[low:high]
    own = grid.part(range(first, first + count))
    return Track(values, own, valid, track.name, track.unit, track.support, track.context)


def _grid_of(cells: Cells) -> tuple[Grid, bool]:
    """The uniform row that cells are, and True; or one of their usual rate, and False."""
    if isinstance(cells, Grid):
        return cells, True
    assert isinstance(cells, Ticks)
    found = cadence_of(cells.pts, cells.time_base, cells.last_duration, clock=cells.clock).cells
    if isinstance(found, Grid):
        return found, True
    step = median_step(np.diff(cells.pts)) * cells.time_base if len(cells) > 1 else Fraction(1, 25)
    # Whole ones only: 29.97 and 30 cannot be told apart there, and one film's crops are to have one length.
    usual = min(
        (rate for rate in USUAL_RATES if rate.denominator == 1), key=lambda rate: abs(1 / rate - step)
    )
    return Grid(usual if abs(1 / usual - step) <= cells.time_base else 1 / step, 0, cells.clock), False


# ---------------------------------------------------------------- batches


def pad(clips: Sequence[Clip]) -> dict[str, Any]:
    """Clips of any length as arrays of one length.

    Returns
    -------
    dict
        ``names``, and by kind: ``values`` [B, T, ...] padded with zeros, ``valid`` bool [B, T], ``lengths`` int64 [B].

    >>> one, two = (Clip(n, {}, {"onset": Track(np.ones(k), Grid(100))}) for n, k in (("a", 2), ("b", 3)))
    >>> found = pad([one, two])
    >>> found["values"]["onset"].tolist(), found["lengths"]["onset"].tolist()
    ([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], [2, 3])
    """
    found: dict[str, Any] = {"names": [clip.name for clip in clips], "values": {}, "valid": {}, "lengths": {}}
    for kind in clips[0].tracks if clips else ():
        tracks = [clip.tracks[kind] for clip in clips]
        longest = max(map(len, tracks))
        found["values"][kind] = np.stack([_longer(np.asarray(t.values), longest) for t in tracks])
        found["valid"][kind] = np.stack([_longer(t.valid, longest) for t in tracks])
        found["lengths"][kind] = np.array([len(t) for t in tracks], np.int64)
    return found


def _longer(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    return np.pad(values, ((0, length - len(values)), *((0, 0),) * (values.ndim - 1)))


def collate(clips: Sequence[Clip], *, collate_fn_map: Any = None) -> dict[str, Any]:
    """:func:`pad` in tensors: what ``torch.utils.data.DataLoader`` makes of clips by itself."""
    import torch  # optional, and only whoever has it asks for tensors

    found = pad(clips)
    tensors = {
        part: {kind: torch.from_numpy(array) for kind, array in found[part].items()}
        for part in ("values", "valid", "lengths")
    }
    return {"names": found["names"], **tensors}


def _let_torch_collate() -> None:
    """Tell torch's own ``default_collate`` how clips become a batch, in the way that its documentation describes."""
    theirs = sys.modules.get("torch.utils.data._utils.collate")
    if theirs is not None:
        theirs.default_collate_fn_map.setdefault(Clip, collate)


class BatchReader:
    """The batches of clips, read ahead by several threads; the same batches in the same order for any number.

    Parameters
    ----------
    clips : what to read
    batches : which of them make up which batch
    workers : batches that are read ahead, each by a thread; 0: none

    Examples
    --------
    >>> from genlock.data.batches import BatchPlan
    >>> reader = BatchReader("abcd", Batches([1.0] * 4, BatchPlan(clips=2, shuffle=False)), workers=2)
    >>> next(iter(reader)), reader.state_dict()["position"], list(reader)
    (['a', 'b'], 1, [['c', 'd']])
    """

    def __init__(self, clips: Sequence[Any], batches: Batches, workers: int = 0) -> None:
        if workers < 0:
            raise OptionError(f"workers={workers} is below 0")
        self.clips, self.batches, self.workers = clips, batches, workers

    def __len__(self) -> int:
        """Batches of a pass."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[Any]]:
        """The batches of this pass that are left; after the last one the next pass begins."""
        steps = range(self.batches.position, self.batches.end_of_pass())
        for step, batch in zip(steps, self._read(steps), strict=True):
            # Counted when it is handed over, so that a state saved afterwards begins behind it.
            self.batches.position = step + 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Where it is; see :meth:`genlock.data.batches.Batches.state_dict`."""
        return self.batches.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there; see :meth:`genlock.data.batches.Batches.load_state_dict`."""
        self.batches.load_state_dict(state)

    def _batch(self, step: int) -> list[Any]:
        return [self.clips[k] for k in self.batches.clips_at(step)]

    def _read(self, steps: range) -> Iterator[list[Any]]:
        if not self.workers:
            yield from map(self._batch, steps)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            coming: deque[Future[list[Any]]] = deque()
            try:
                for step in steps:
                    coming.append(pool.submit(self._batch, step))
                    if len(coming) > self.workers:
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:  # also when nobody wants the rest
                for future in coming:
                    future.cancel()
