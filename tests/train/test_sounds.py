"""Sound to train on: what is read, what is skipped, and that no recording is ever on both sides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import InputError
from genlock.data.batches import Batches, BatchPlan, Item, pack
from genlock.data.prepare import PrepareOptions, prepare
from genlock.train.speech.augment import Augmentation, change
from genlock.train.speech.masks import draw_negatives, span_mask
from genlock.train.speech.spoken import spoken_text
from genlock.train.speech.symbols import (
    frame_targets,
    frames_needed,
    spell,
    symbol_vocabulary,
    symbols_in,
    written,
)
from genlock.train.speech.tensors import hear
from genlock.train.speech.utterances import Speech, Utterances


def speech(seed: int, seconds: float = 0.5) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(16000 * seconds))).astype(np.float32)


def test_what_cannot_be_used_is_left_out_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "people"
    folder.mkdir(parents=True)
    soundfile.write(folder / "good.wav", speech(0), 16000)
    soundfile.write(folder / "short.wav", speech(1, 0.1), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "noise.flac").write_bytes(b"not a sound" * 99)
    how = PrepareOptions(recipe="speech", outputs="sound@16000", split="1/0/0")
    prepare(folder, tmp_path / "out", how)
    made = Utterances.open([tmp_path / "out"], "train")
    assert len(made) == 1
    reasons = dict(made.left_out)
    assert len(reasons) == 4
    assert sorted(name[:5] for name in reasons) == ["empty", "noise", "short", "silen"]
    assert {"its sound is shorter than 0.25 s", "its sound is silent"} <= set(reasons.values())
    written, _ = soundfile.read(folder / "good.wav", dtype="float32")
    assert np.abs(made.samples(0) - written).max() <= 1 / 32768


def test_texts_of_all_kinds(tmp_path: Path) -> None:
    for number, path in enumerate(["deep/a.wav", "b.wav", "7/8/7-8-0001.wav", "s9/video/bbaf2n.wav"]):
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "in" / path, speech(number), 16000)
    (tmp_path / "in/transcripts.tsv").write_text("deep/a\tPress 1 now!\n")
    (tmp_path / "in/b.txt").write_text("Hello there.")
    (tmp_path / "in/7/8/7-8.trans.txt").write_text("7-8-0001 IT IS SO\n")
    (tmp_path / "in/s9/align").mkdir()
    align = "0 2500 sil\n2500 5000 bin\n5000 6250 blue\n6250 9000 sil\n"
    (tmp_path / "in/s9/align/bbaf2n.align").write_text(align)
    prepare(
        tmp_path / "in",
        tmp_path / "out",
        PrepareOptions(recipe="speech", outputs="sound@16000", split="1/0/0", group="source"),
    )
    made = Utterances.open([tmp_path / "out"], "train")
    assert set(made.texts) == {"press one now", "hello there", "it is so", "bin blue"}
    ((bin_, blue),) = (
        words for text, words in zip(made.texts, made.words, strict=True) if text == "bin blue"
    )
    assert bin_ == ("bin", pytest.approx(0.1), pytest.approx(0.2))
    assert blue == ("blue", pytest.approx(0.2), pytest.approx(0.25))
    assert spoken_text("(a tone)") is None


def test_so_many_minutes_are_chosen_by_content(tone_speech: Speech) -> None:
    some = tone_speech.train.first_minutes(0.2)
    assert 12 <= some.total_seconds < 12 + max(some.seconds)
    more = tone_speech.train.first_minutes(0.4)
    assert set(some.names) < set(more.names)
    assert some.names == tuple(name for name in tone_speech.train.names if name in some.names)
    shuffled = tone_speech.train.take(range(len(tone_speech.train))[::-1]).first_minutes(0.2)
    assert set(shuffled.names) == set(some.names)


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


def test_joined_clips_keep_their_word_times(tone_speech: Speech) -> None:
    """Where a word is said to be there is sound, and between words there is less, whatever was changed."""
    for seed in range(8):
        heard = hear(tone_speech.train, Item((3, 8, 5), seed), Augmentation(noise=0.0, gain_db=0.0))
        inside = np.zeros(len(heard.samples), bool)
        for _, start, end in heard.words:
            inside[round(start * 16000) : round(end * 16000)] = True
        assert heard.text.split() == [word for word, _, _ in heard.words]
        energy = heard.samples**2
        assert energy[~inside].sum() < 0.01 * energy.sum(), seed


def test_frame_targets_leave_out_what_is_not_known(tone_speech: Speech) -> None:
    """Clips with and without word times may be joined: only the frames of the first kind have targets."""
    from genlock.train.options import CtcTraining, LoopOptions
    from genlock.train.speech.ctc import CtcRecipe

    train = tone_speech.train
    words = tuple(() if k % 2 else found for k, found in enumerate(train.words))
    mixed = replace(tone_speech, train=replace(train, words=words))
    recipe = CtcRecipe(mixed, CtcTraining(shape="micro", word_times=1.0, speed=0.0), LoopOptions())
    known, other = 0, 1
    batch = recipe.load([Item((known, other, known), 1)])
    assert batch is not None
    targets = batch.tensors["targets"][0].numpy()
    heard = hear(recipe.learnt, Item((known, other, known), 1), recipe.training.augmentation)
    ((start, end),) = heard.unknown
    centers = (np.arange(len(targets)) * 320 + 199.5) / 16000
    assert ((targets == -100) == ((centers >= start) & (centers < end))).all()
    assert end - start == pytest.approx(recipe.learnt.seconds[other])
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
