"""Reading a dataset: the same instants in every crop, the same order for the same seed, nothing damaged passes."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.sources import film

from genlock.core.errors import FormatError, InputError, OptionError

pytest.importorskip("pyarrow")

from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import ClipSet, LengthBatches, crop

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
)
def test_every_clip_is_in_one_batch_and_no_batch_is_too_long(
    lengths: list[int], room: int, seed: int
) -> None:
    batches = LengthBatches([Fraction(n) for n in lengths], room, seed)
    found = list(batches)
    assert sorted(k for batch in found for k in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[k] for k in batch) <= room for batch in found)
    assert batches.epoch == 1


def test_a_stopped_order_goes_on_with_the_next_batch() -> None:
    lengths = [Fraction(n % 7 + 1) for n in range(40)]
    whole = LengthBatches(lengths, 14, seed=3)
    order = [*whole, *whole]
    first = LengthBatches(lengths, 14, seed=3)
    taken = [batch for _, batch in zip(range(5), first, strict=False)]
    second = LengthBatches(lengths, 14, seed=3)
    second.load_state_dict(first.state_dict())
    assert [*taken, *second, *second] == order
    assert order[: len(order) // 2] != order[len(order) // 2 :]
    with pytest.raises(OptionError, match="seed"):
        LengthBatches(lengths, 14, seed=4).load_state_dict(first.state_dict())


def test_torch_takes_both_as_they_are(dataset: Path) -> None:
    data = pytest.importorskip("torch.utils.data")
    clips = ClipSet(dataset, ("onset",))
    batches = LengthBatches(clips.seconds, 6, seed=0)
    loader = data.DataLoader(
        clips, batch_sampler=batches, collate_fn=lambda found: [clip.name for clip in found]
    )
    assert sorted(name for batch in loader for name in batch) == [clip.name for clip in clips]


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
