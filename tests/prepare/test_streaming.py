"""Streaming tar shards: the same clips in the same order, whoever reads and wherever it was stopped."""

from __future__ import annotations

import shutil
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.sources import film

pytest.importorskip("pyarrow")

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.data.batches import Batches, BatchPlan
from genlock.data.export import ExportOptions, export_dataset
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import BatchReader, Clip, ClipSet, crop
from genlock.data.streaming import ShardStream

KINDS = ("sound_16000", "onset")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset of 24 clips, and its shards of some five clips each."""
    folder = tmp_path_factory.mktemp("streaming")
    for k in range(3):
        film(folder / f"s/{k}.mkv", seconds=48, rate=5, events=(0.7, 13.35), seed=k)
    options = PrepareOptions(outputs="sound@16000,onset", clip_seconds="6", split="1/0/0")
    prepare(folder / "s", folder / "d", options)
    export_dataset(folder / "d", folder / "w", ExportOptions(shard_megabytes=1))
    return folder / "d", folder / "w"


def names(batches: object) -> list[list[str]]:
    return [[clip.name for clip in batch] for batch in batches]  # type: ignore[attr-defined]


def same(one: Clip, other: Clip) -> bool:
    return one.name == other.name and all(
        np.array_equal(one.tracks[kind].values, other.tracks[kind].values)
        and one.tracks[kind].grid == other.tracks[kind].grid
        for kind in KINDS
    )


def test_every_clip_comes_once_a_pass_as_the_dataset_has_it(folders: tuple[Path, Path]) -> None:
    dataset, shards = folders
    stream = ShardStream(shards, KINDS, batch=5)
    assert len(set(stream.clips.shards or ())) >= 4
    known = {clip.name: clip for clip in ClipSet(dataset, KINDS)}
    found = [clip for batch in stream for clip in batch]
    assert sorted(clip.name for clip in found) == sorted(known)
    assert all(same(clip, known[clip.name]) for clip in found)
    assert stream.batches.epoch_of(stream.batches.position) == 1
    part = crop(found[0], found[0].start + Fraction(1, 2), 1)
    assert len(part["sound_16000"]) == 16000


def test_order_depends_on_seed_and_pass_alone(folders: tuple[Path, Path]) -> None:
    one, two = (ShardStream(folders[1], KINDS, batch=5, seed=3) for _ in range(2))
    first = names(one)
    assert names(two) == first
    assert names(one) == names(two) != first
    assert names(ShardStream(folders[1], KINDS, batch=5, seed=4)) != first
    plain = ShardStream(folders[1], KINDS, batch=5, shuffle=False)
    assert names(plain) == names(plain)


def test_several_threads_give_the_same_order(folders: tuple[Path, Path]) -> None:
    alone = names(ShardStream(folders[1], KINDS, batch=3, seed=1))
    for workers in (1, 2):
        stream = ShardStream(folders[1], KINDS, batch=3, seed=1)
        assert names(stream.load(workers)) == alone
        assert stream.batches.position == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stopped_stream_goes_on_with_the_next_batch(folders: tuple[Path, Path], workers: int) -> None:
    whole = ShardStream(folders[1], KINDS, batch=4, seed=2)
    order = names(whole) + names(whole)
    first = ShardStream(folders[1], KINDS, batch=4, seed=2)
    begun = first.load(workers)
    taken = names([next(begun) for _ in range(3)])
    second = ShardStream(folders[1], KINDS, batch=4, seed=2)
    second.load_state_dict(first.state_dict())
    assert taken + names(second.load(workers)) + names(second) == order
    with pytest.raises(OptionError, match="seed=3"):
        ShardStream(folders[1], KINDS, batch=4, seed=3).load_state_dict(first.state_dict())


@given(batch=st.integers(1, 5), ranks=st.integers(1, 4), mixed=st.integers(0, 6), epoch=st.integers(0, 3))
def test_ranks_share_a_pass_evenly(
    folders: tuple[Path, Path], batch: int, ranks: int, mixed: int, epoch: int
) -> None:
    clips, plan = ClipSet(folders[1], KINDS, "train"), BatchPlan(clips=batch)
    shares = []
    for rank in range(ranks):
        share = Batches(clips.seconds, plan, shards=clips.shards, mixed_shards=mixed, rank=rank, ranks=ranks)
        for _ in range(epoch):
            list(share)
        shares.append(list(share))
    assert len({len(share) for share in shares}) == 1
    dealt = [number for share in shares for part in share for number in part]
    assert len(dealt) == len(set(dealt))
    assert len(dealt) > 24 - batch * ranks if ranks > 1 else len(dealt) == 24


def test_few_shards_are_mixed_at_a_time(folders: tuple[Path, Path]) -> None:
    stream = ShardStream(folders[1], KINDS, batch=3, seed=5, mixed_shards=1)
    shards = stream.clips.shards
    assert shards is not None
    number = {clip.name: shard for clip, shard in zip(stream.clips.known, shards, strict=True)}
    row = [number[name] for batch in names(stream) for name in batch]
    assert len(set(row)) == 1 + sum(a != b for a, b in pairwise(row)) >= 4


def test_shards_feed_the_batches_of_the_dataset(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The same plan, the same content: also of shards that an older export wrote without an index."""
    older = shutil.copytree(folders[1], tmp_path / "older")
    (older / "index.parquet").unlink()
    sets = [ClipSet(folder, KINDS, "train") for folder in (*folders, older)]
    plan = BatchPlan(seconds=20, seed=4)
    one, *others = (list(BatchReader(clips, Batches(clips.seconds, plan), 2)) for clips in sets)
    for other in others:
        assert names(one) == names(other)
        assert all(same(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))
    stream = ShardStream(folders[1], KINDS, plan=plan)
    assert names(stream) == names(one)
    part = ShardStream(folders[1], KINDS, plan=plan)
    begun = names([next(iter(part))])
    rest = BatchReader(sets[0], Batches(sets[0].seconds, plan))
    rest.load_state_dict(part.state_dict())
    assert begun + names(rest) == names(one)


def test_what_was_damaged_is_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    def broken(change: int, index: bool = False) -> ShardStream:
        for path in folders[1].iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        if not index:
            (tmp_path / "index.parquet").unlink()
        data = bytearray((tmp_path / "train-000000.tar").read_bytes())
        data[change] ^= 1
        (tmp_path / "train-000000.tar").write_bytes(data)
        return ShardStream(tmp_path, KINDS)

    data = (folders[1] / "train-000000.tar").read_bytes()
    for place, words in (
        (data.index(b'"number": ') + 10, "damaged"),  # a fact
        (data.index(b"RIFF") + 5000, "SHA-256"),  # a sample of sound
        (data.index(b"ustar") - 200, "cannot be read|samples"),  # a header
    ):
        with pytest.raises(FormatError, match=words):
            list(broken(place))
    with pytest.raises(FormatError, match="SHA-256"):
        list(broken(data.index(b"RIFF") + 5000, index=True))
    (tmp_path / "train-000000.tar").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="train-000000"):
        list(ShardStream(tmp_path, KINDS))
    with pytest.raises(InputError, match="the split 'valid'"):
        ShardStream(folders[1], KINDS, "valid")
    with pytest.raises(InputError, match="'melody'|melody"):
        ShardStream(folders[1], ("melody",))
    with pytest.raises(OptionError, match="rank"):
        ShardStream(folders[1], KINDS, rank=2, ranks=2)
    with pytest.raises(FormatError):
        ShardStream(folders[0], KINDS)
