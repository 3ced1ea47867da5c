"""Reading a dataset: the same instants in every crop, the same order for the same seed, nothing damaged passes."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.sources import film

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.track import Track

pytest.importorskip("pyarrow")

from genlock.data.batches import Batches, BatchPlan
from genlock.data.index import read_index, write_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import BatchReader, Clip, ClipSet, crop
from genlock.media import Picture, Sound, encode, read_audio

KINDS = ("sound_16000", "onset", "mel-specvqgan")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    for k in range(4):
        film(folder / f"s/{k}.mkv", seconds=3, events=(0.7, 2.35), seed=k)
    outputs = "sound@16000,onset,mel:specvqgan"
    prepare(
        folder / "s", folder / "d", PrepareOptions(outputs=outputs, clip_seconds="3", split="0.5/0.25/0.25")
    )
    return folder / "d"


def test_splits_part_the_clips(dataset: Path) -> None:
    everything = ClipSet(dataset, KINDS)
    assert len(everything) == 4
    parts = []
    for split in ("train", "valid", "test"):
        try:
            parts += [clip.name for clip in ClipSet(dataset, ("onset",), split)]
        except InputError:
            continue  # four films need not fall into every split
    assert sorted(parts) == [clip.name for clip in everything]


def test_an_empty_split_says_where_the_clips_are(tmp_path: Path) -> None:
    """Of one recording `train` said that no clip of it has sound_16000."""
    film(tmp_path / "s/only.mkv", seconds=3, events=(0.7,), seed=0)
    prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs="sound@16000", split="0/0/1"))
    with pytest.raises(InputError, match=r"the split 'train' of .* has no clip; it has: test 1\. Splits"):
        ClipSet(tmp_path / "d", ["sound_16000"], "train")


def test_a_set_and_a_clip_say_what_they_are(dataset: Path) -> None:
    clips = ClipSet(dataset, ("onset",))
    assert repr(clips).startswith("ClipSet(4 clips of all splits, ")
    assert repr(clips[0]).startswith(f"Clip({clips[0].name}: 3.000 s, ")
    assert repr(clips[0]).endswith(", onset)")


@given(start=st.fractions(0, 2), seconds=st.fractions(Fraction(1, 10), 2))
def test_a_crop_has_the_length_that_its_seconds_say_wherever_it_begins(
    dataset: Path, start: Fraction, seconds: Fraction
) -> None:
    clip = ClipSet(dataset, ("onset", "sound_16000"), check=False)[0]
    found = crop(clip, start, seconds)
    for kind, track in found.items():
        whole = clip.tracks[kind]
        assert len(track) == seconds * whole.grid.rate // 1
        if track.valid.any():
            middle = int(np.flatnonzero(track.valid)[0])
            instant = track.grid.center(middle)
            there = whole.grid.index(instant, "floor")
            assert whole.grid.center(there) == instant
            assert np.array_equal(track.values[middle], whole.values[there])


def test_a_click_lies_at_its_instant_in_a_crop(dataset: Path) -> None:
    clip = ClipSet(dataset, KINDS)[2]
    found = crop(clip, "2.1", "0.5")
    sound = found["sound_16000"]
    assert abs(sound.centers[np.abs(sound.values).argmax()] - 2.35) < 1 / 16000
    onset = found["onset"]
    assert abs(onset.centers[onset.values.argmax()] - 2.35) < 4e-3


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=60),
    room=st.integers(20, 60),
    seed=st.integers(0, 5),
    shuffle=st.booleans(),
)
def test_every_clip_is_in_one_batch_and_no_batch_is_too_long(
    lengths: list[int], room: int, seed: int, shuffle: bool
) -> None:
    batches = Batches([Fraction(n) for n in lengths], BatchPlan(room, seed=seed, shuffle=shuffle))
    count = len(batches)
    found = list(batches)
    assert len(found) == count == batches.position
    assert sorted(k for batch in found for k in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[k] for k in batch) <= room for batch in found)
    assert batches.epoch_of(batches.position) == 1
    assert (list(batches) == found) or shuffle


def test_a_stopped_order_goes_on_with_the_next_batch() -> None:
    lengths, plan = [Fraction(n % 7 + 1) for n in range(40)], BatchPlan(14, seed=3)
    whole = Batches(lengths, plan)
    order = [*whole, *whole]
    first = Batches(lengths, plan)
    taken = [batch for _, batch in zip(range(5), first, strict=False)]
    second = Batches(lengths, plan)
    second.load_state_dict(first.state_dict())
    assert [*taken, *second, *second] == order
    assert order[: len(order) // 2] != order[len(order) // 2 :]
    with pytest.raises(OptionError, match="seed"):
        Batches(lengths, replace(plan, seed=4)).load_state_dict(first.state_dict())


def test_batches_are_the_same_from_several_threads() -> None:
    """Whoever reads ahead asks for many batches at once, also over the end of a pass."""
    plan = BatchPlan(8, seed=1)
    alone = Batches([float(n % 5 + 1) for n in range(60)], plan)
    expected = [alone.at(step) for step in range(200)]
    shared = Batches(alone.seconds, plan)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(shared.at, range(200))) == expected


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_reader_gives_the_same_batches_for_any_number_of_threads(dataset: Path, workers: int) -> None:
    clips, plan = ClipSet(dataset, KINDS), BatchPlan(6, seed=2)

    def names(reader: BatchReader) -> list[list[str]]:
        return [[clip.name for clip in batch] for batch in reader]

    alone = BatchReader(clips, Batches(clips.seconds, plan))
    order = names(alone) + names(alone)
    first = BatchReader(clips, Batches(clips.seconds, plan), workers)
    taken = [[clip.name for clip in next(iter(first))]]
    second = BatchReader(clips, Batches(clips.seconds, plan), workers)
    second.load_state_dict(first.state_dict())
    assert taken + names(second) + names(second) == order


def test_torch_takes_both_as_they_are(dataset: Path) -> None:
    data = pytest.importorskip("torch.utils.data")
    clips = ClipSet(dataset, ("onset", "sound_16000"))
    everything = {clip.name: clip for clip in clips}
    for workers in (0, 2):
        batches = Batches(clips.seconds, BatchPlan(6))
        loader = data.DataLoader(clips, batch_sampler=batches, num_workers=workers)
        found = list(loader)
        assert sorted(name for batch in found for name in batch["names"]) == sorted(everything)
        for batch in found:
            for row, name in enumerate(batch["names"]):
                for kind, track in everything[name].tracks.items():
                    length = int(batch["lengths"][kind][row])
                    assert length == len(track)
                    assert np.array_equal(batch["values"][kind][row, :length].numpy(), track.values)
                    assert not batch["values"][kind][row, length:].any()
                    assert int(batch["valid"][kind][row].sum()) == track.valid.sum()
    own = data.DataLoader(clips, batch_size=2, collate_fn=lambda found: [clip.name for clip in found])
    assert sorted(name for batch in own for name in batch) == sorted(everything)


@pytest.mark.parametrize("rate", ["30000/1001", "25", "variable"])
def test_crops_of_stamped_frames_have_one_length_also_beyond_the_ends(rate: str) -> None:
    """Milliseconds cannot say 1/29.97 s: 29 or 30 stamps lie in a second, which is no reason for 29 or 30 rows."""
    if rate == "variable":
        steps = np.random.default_rng(0).choice([33, 34, 66, 100], 80, p=[0.4, 0.4, 0.1, 0.1])
        pts = np.concatenate([[0], np.cumsum(steps)])[:80]
    else:
        pts = np.array([round(1000 * k / Fraction(rate)) for k in range(80)])
    cells = Ticks(pts, "1/1000", 40 if rate == "25" else 33)
    track = Track(np.arange(80, dtype=np.uint8) + 1, cells)
    clip = Clip("c", {}, {"mouth": track})
    lengths = set()
    for start in [Fraction(k, 60) for k in range(-70, 230)]:
        found = crop(clip, start, 1)["mouth"]
        lengths.add(len(found))
        assert found.start <= start + Fraction(1, 20)
        assert found.valid.sum() == (found.values > 0).sum()
        for value, center in zip(found.values[found.valid], found.centers[found.valid], strict=True):
            off = float(cells.center(int(value) - 1)) - center
            assert abs(off) <= (0.051 if rate == "variable" else 0.001)
        if Fraction(0) <= start <= Fraction(1):
            assert found.valid.all()
    assert lengths == {{"30000/1001": 29, "25": 25, "variable": 30}[rate]}
    stated = crop(clip, "0.3", 1, rates={"mouth": "12.5"})["mouth"]
    assert (len(stated), stated.grid) == (12, Grid("12.5", "0.3"))


def test_a_copy_of_a_held_out_clip_is_left_out(dataset: Path, tmp_path: Path) -> None:
    rows = read_index(dataset / "index.parquet").to_pylist()

    def written(*splits: str) -> Path:
        copied = shutil.copytree(dataset, tmp_path / "-".join(splits))
        for row, split in zip(rows, splits, strict=True):
            row["split"] = split
        write_index(rows, copied / "index.parquet", {})
        return copied

    one, other = written("train", "train", "valid", "test"), written("test", "train", "train", "train")
    names = [row["clip"] for row in rows]
    assert [clip.name for clip in ClipSet(one, ("onset",), "train").known] == names[:2]
    both = ClipSet([one, other], ("onset",), "train")
    # The first is a test clip in the other dataset, the last two are held out in the first.
    assert [clip.name for clip in both.known] == [names[1], names[1]]
    assert {name for name, _ in both.left_out} == {names[0], names[2], names[3]}
    assert all("held out" in reason for _, reason in both.left_out)


def test_sound_that_fills_up_a_clip_is_not_valid(tmp_path: Path) -> None:
    """The sound of a film may end before its picture: the zeros behind it are no sound."""
    film(tmp_path / "s/a.mkv", seconds=2, sound=True)
    samples = read_audio(tmp_path / "s/a.mkv", 16000).values.reshape(-1)[:20000]
    encode(
        tmp_path / "s/a.mkv",
        Picture([np.zeros((48, 64, 3), np.uint8)] * 50, rate=25, codec="libx264"),
        Sound(samples, 16000, codec="flac"),
    )
    prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs="sound@16000", clip_seconds="whole"))
    clips = ClipSet(tmp_path / "d", ("sound_16000",))
    track = clips[0].tracks["sound_16000"]
    assert (len(track), clips.lengths("sound_16000")) == (32000, [20000])
    assert np.flatnonzero(track.valid).tolist() == list(range(20000))


def test_what_was_damaged_is_told(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "d"
    shutil.copytree(dataset, copy)
    path = sorted(copy.glob("onset/??/*"))[0]
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)
    clips = ClipSet(copy, ("onset",))
    number = next(k for k, row in enumerate(clips.rows) if row["clip"] == path.stem)
    with pytest.raises(FormatError, match="SHA-256"):
        clips[number]
    with pytest.raises(InputError, match="no output 'melody'"):
        ClipSet(copy, ("melody",))
    (copy / "index.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FormatError, match="run genlock prepare again"):
        ClipSet(copy, ("onset",))
