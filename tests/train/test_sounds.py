"""Sound to train on: what is read, what is skipped, and that no recording is ever on both sides."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import FormatError, InputError
from genlock.data.batches import Batches, BatchPlan, Item, pack
from genlock.train.speech.augment import Augmentation, change
from genlock.train.speech.masks import draw_negatives, span_mask
from genlock.train.speech.sounds import SoundSet, open_or_prepare, prepare_sounds, split_of, spoken_text
from genlock.train.speech.symbols import (
    frame_targets,
    frames_needed,
    spell,
    symbol_vocabulary,
    symbols_in,
    written,
)
from genlock.train.speech.tensors import hear


def speech(seed: int, seconds: float = 0.5) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(16000 * seconds))).astype(np.float32)


def test_what_cannot_be_used_is_skipped_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "people"
    folder.mkdir(parents=True)
    soundfile.write(folder / "good.wav", speech(0), 16000)
    soundfile.write(folder / "short.wav", speech(1, 0.1), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "noise.flac").write_bytes(b"not a sound" * 99)
    (folder / "notes.pdf").write_bytes(b"no sound, and nobody says it is")
    made = prepare_sounds([folder], tmp_path / "out")
    assert [clip.name for clip in made] == ["people/good"]
    reasons = dict(made.skipped)
    assert set(reasons) == {"people/short", "people/silent", "people/empty", "people/noise"}
    assert reasons["people/short"] == "only 0.10 s long"
    assert all(reasons.values())
    assert SoundSet.open(tmp_path / "out") == made
    written, _ = soundfile.read(folder / "good.wav", dtype="float32")
    assert np.abs(made.samples(made.clips[0]) - written).max() <= 1 / 32768


def test_texts_of_all_kinds(tmp_path: Path) -> None:
    listed, beside, libri, grid = (tmp_path / name for name in ("listed", "beside", "libri", "grid_s9"))
    for number, path in enumerate(
        [listed / "deep/a.wav", beside / "b.wav", libri / "7/8/7-8-0001.wav", grid / "video/bbaf2n.wav"]
    ):
        path.parent.mkdir(parents=True)
        soundfile.write(path, speech(number), 16000)
    (listed / "transcripts.tsv").write_text("deep/a\tPress 1 now!\n")
    (beside / "b.txt").write_text("Hello there.")
    (libri / "7/8/7-8.trans.txt").write_text("7-8-0001 IT IS SO\n")
    (grid / "align").mkdir()
    (grid / "align/bbaf2n.align").write_text("0 2500 sil\n2500 5000 bin\n5000 6250 blue\n6250 9000 sil\n")
    made = prepare_sounds([listed, beside, libri, grid], tmp_path / "out")
    assert {clip.name: clip.text for clip in made} == {
        "listed/deep/a": "press one now",
        "beside/b": "hello there",
        "libri/7/8/7-8-0001": "it is so",
        "grid_s9/video/bbaf2n": "bin blue at f two now",
    }
    assert made.clips[3].words == (("bin", 0.1, 0.2), ("blue", 0.2, 0.25))
    assert [clip.speaker for clip in made] == ["listed/deep", "beside", "libri/7/8", "grid_s9/video"]
    assert spoken_text("(a tone)") is None


def test_a_copy_under_another_name_is_in_the_same_part(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(40):
        soundfile.write(folder / f"a{k}.wav", speech(k), 16000)
        shutil.copy(folder / f"a{k}.wav", folder / f"z{k}.wav")
    made = prepare_sounds([folder], tmp_path / "out")
    parts = {clip.name: split_of(clip) for clip in made}
    assert all(parts[f"in/a{k}"] == parts[f"in/z{k}"] for k in range(40))
    assert set(parts.values()) == {"train", "valid", "test"}
    names = [{clip.name for clip in made.part(part)} for part in ("train", "valid", "test")]
    assert sum(map(len, names)) == len(set.union(*names)) == 80
    assert {split_of(clip, by="speaker") for clip in made} == {split_of(made.clips[0], by="speaker")}


def test_bad_folders(tmp_path: Path, tone_sounds: SoundSet) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no sound could be read"):
        prepare_sounds([tmp_path / "empty"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="there is no folder"):
        prepare_sounds([tmp_path / "nowhere"], tmp_path / "out")
    with pytest.raises(InputError, match="is a prepared folder; give it alone"):
        open_or_prepare([tone_sounds.folder, tmp_path], tmp_path)
    with pytest.raises(InputError, match="the part 'train' .* is empty"):
        tone_sounds.where(lambda clip: split_of(clip) == "test").part("train")
    shutil.copytree(tone_sounds.folder, tmp_path / "cut")
    with (tmp_path / "cut/sounds.s16").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(FormatError, match="cut short"):
        SoundSet.open(tmp_path / "cut")


@given(
    st.lists(st.floats(0.3, 20), min_size=1, max_size=60),
    st.floats(5, 60),
    st.sampled_from([0, 4, 12]),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_every_clip_once_an_epoch(
    seconds: list[float], batch: float, join: float, parts: int, epoch: int
) -> None:
    plan = BatchPlan(batch, join, parts, seed=3)
    batches = pack(seconds, plan, epoch)
    assert sorted(k for items in batches for item in items for k in item.clips) == list(range(len(seconds)))
    assert batches == pack(seconds, plan, epoch)
    for items in batches:
        lengths = [sum(seconds[k] for k in item.clips) for item in items]
        assert len(items) == 1 or max(lengths) * len(items) <= batch * 1.0001
    straight, jumping = Batches(seconds, plan), Batches(seconds, plan)
    steps = [straight.at(k) for k in range(8)]
    assert all(len(step) == parts for step in steps)
    assert [jumping.at(k) for k in (7, 2, 5)] == [steps[k] for k in (7, 2, 5)]


def test_changes_keep_length_by_speed_and_follow_their_seed() -> None:
    sound = speech(0, 2.0)
    one, same, other = (change(sound, Augmentation(), np.random.default_rng(k)) for k in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one[:100], other[:100])
    lengths = {len(change(sound, Augmentation(), np.random.default_rng(k))) for k in range(40)}
    assert min(lengths) == pytest.approx(len(sound) / 1.15, rel=0.01)
    assert max(lengths) == pytest.approx(len(sound) * 1.15, rel=0.01)


def test_joined_clips_keep_their_word_times(tone_sounds: SoundSet) -> None:
    """Where a word is said to be there is sound, and between words there is less, whatever was changed."""
    for seed in range(8):
        heard = hear(tone_sounds, Item((3, 8, 5), seed), Augmentation(noise=0.0, gain_db=0.0))
        inside = np.zeros(len(heard.samples), bool)
        for _, start, end in heard.words:
            inside[round(start * 16000) : round(end * 16000)] = True
        assert heard.text.split() == [word for word, _, _ in heard.words]
        energy = heard.samples**2
        assert energy[~inside].sum() < 0.01 * energy.sum(), seed


def test_frame_targets_leave_out_what_is_not_known(tone_sounds: SoundSet) -> None:
    """Clips with and without word times may be joined: only the frames of the first kind have targets."""
    from genlock.train.options import CtcTraining, LoopOptions
    from genlock.train.speech.ctc import CtcRecipe

    clips = tuple(replace(c, words=()) if k % 2 else c for k, c in enumerate(tone_sounds.clips))
    mixed = SoundSet(tone_sounds.folder, clips)
    recipe = CtcRecipe(mixed, CtcTraining(shape="micro", word_times=1.0, speed=0.0), LoopOptions())
    known = next(k for k, c in enumerate(recipe.learnt.clips) if c.words)
    other = next(k for k, c in enumerate(recipe.learnt.clips) if not c.words)
    batch = recipe.load([Item((known, other, known), 1)])
    assert batch is not None
    targets = batch.tensors["targets"][0].numpy()
    heard = hear(recipe.learnt, Item((known, other, known), 1), recipe.training.augmentation)
    ((start, end),) = heard.unknown
    centers = (np.arange(len(targets)) * 320 + 199.5) / 16000
    assert ((targets == -100) == ((centers >= start) & (centers < end))).all()
    assert end - start == pytest.approx(recipe.learnt.clips[other].seconds)
    assert (targets > 0).any()


def test_frame_targets_spell_the_text() -> None:
    vocabulary = symbol_vocabulary(["three bees"])
    words = [("three", 0.1, 0.6), ("bees", 0.7, 1.1)]
    found = frame_targets(words, np.arange(60) / 50 + 0.0125, vocabulary).tolist()
    collapsed = [c for c, before in zip(found, [-1, *found[:-1]], strict=True) if c != before and c]
    assert collapsed == spell("three bees", vocabulary)
    assert frames_needed(spell("three bees", vocabulary)) == 12


@given(st.integers(0, 400), st.floats(0, 1), st.integers(1, 20), st.integers(0, 10))
def test_masks_and_negatives(frames: int, share: float, length: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = span_mask(frames, share, length, random)
    assert mask.shape == (frames,)
    if frames >= 2 and share > 0:
        assert mask.sum() >= min(length, frames - 1)
    if mask.sum() >= 2:
        found = draw_negatives(np.stack([mask, mask]), 7, random)
        places = np.flatnonzero(mask)
        for row in range(2):
            drawn = found[row, places] - row * frames
            assert np.isin(drawn, places).all()
            assert (drawn != places[:, None]).all()


def test_phones_of_a_text_and_their_frames() -> None:
    vocabulary = symbol_vocabulary([], "phones")
    names = {number: name for name, number in vocabulary.items()}
    assert [names[k] for k in spell("set u two", vocabulary, "phones")] == [
        "S",
        "EH",
        "T",
        "|",
        "Y",
        "UW",
        "|",
        "T",
        "UW",
    ]
    assert symbols_in(written("set two", "phones"), "phones") == ["S", "EH", "T", "|", "T", "UW"]
    assert symbols_in("", "phones") == symbols_in("", "characters") == []
    words = [("set", 0.1, 0.4), ("two", 0.6, 0.8)]
    found = frame_targets(words, np.arange(60) / 50 + 0.0125, vocabulary, "phones").tolist()
    collapsed = [a for a, b in pairwise([*found, -1]) if a != b and a]
    assert collapsed == spell("set two", vocabulary, "phones")
    assert [names[k] for k in found[5:20]] == ["S"] * 5 + ["EH"] * 5 + ["T"] * 5
    with pytest.raises(InputError, match="no English pronunciation is known for '42'"):
        written("42", "phones")
