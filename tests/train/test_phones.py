"""The recipe of phones: from a prepared dataset to a model that finds words, in rounds that go on from each other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genlock.core.errors import OptionError
from genlock.models.speech.phones import PhoneModel, PhoneShape, load_phones, save_phones
from genlock.speech.phones.symbols import phone_table
from genlock.train.options import LoopOptions
from genlock.train.speech.phone_clips import PhoneClip, align_again, open_phone_clips, shown_unheard
from genlock.train.speech.phone_network import PhoneNetwork
from genlock.train.speech.phone_options import PhonesTraining
from genlock.train.speech.phones import PhonesRecipe, train_phones

SHAPE = PhoneShape(width=24, taps=5, dilations=(1, 2))
CLASSES = len(phone_table().symbols)


def small_model(seed: int = 0) -> PhoneModel:
    torch.manual_seed(seed)
    network = PhoneNetwork(SHAPE, CLASSES)
    with torch.no_grad():
        for block in network.blocks:
            block.along.bias.normal_()
    arrays = {**network.arrays(), "prior": np.full(CLASSES, -np.log(CLASSES), np.float32)}
    return PhoneModel(SHAPE, phone_table().symbols, arrays)


def test_numpy_hears_what_torch_hears() -> None:
    model = small_model()
    network = PhoneNetwork(SHAPE, CLASSES)
    network.begin_with(model.arrays)
    mel = np.random.default_rng(1).normal(1, 3, (57, 80)).astype(np.float32)
    with torch.no_grad():
        theirs = torch.log_softmax(network.eval()(torch.from_numpy(mel)[None])[0], -1).numpy()
    assert np.abs(model(mel) - theirs).max() < 1e-4


def test_a_frame_depends_on_what_is_within_reach_alone() -> None:
    model, mel = small_model(), np.random.default_rng(1).normal(1, 3, (60, 80)).astype(np.float32)
    moved = mel.copy()
    moved[30] += 1
    changed = np.flatnonzero(np.abs(model(moved) - model(mel)).max(axis=1) > 0)
    assert changed[0] == 30 - SHAPE.reach
    assert changed[-1] == 30 + SHAPE.reach


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    model = replace(small_model(), facts={"clips": 3})
    save_phones(model, tmp_path / "model.npz")
    again = load_phones(tmp_path)
    mel = np.ones((20, 80), np.float32)
    assert again.symbols == model.symbols
    assert again.facts == {"clips": 3}
    assert np.abs(again(mel) - model(mel)).max() < 0.02  # 16 bits


def test_what_was_never_heard_is_taken_for_what_it_is_like() -> None:
    table = phone_table()
    chances = np.full((1, CLASSES), -9, np.float32)
    chances[0, table.symbols.index("i")] = -0.1
    heard_of = np.ones(CLASSES, np.bool_)
    heard_of[table.symbols.index("y")] = False
    assert shown_unheard(chances, heard_of)[0, table.symbols.index("y")] == pytest.approx(-0.2)
    assert (shown_unheard(chances, np.ones(CLASSES, np.bool_)) == chances).all()


def test_aligned_again_words_keep_their_known_times() -> None:
    frames = np.random.default_rng(0).normal(1, 3, (40, 80)).astype(np.float16)
    clip = PhoneClip("a", "s", "en", frames, (((2, 3, 4),), ((5,), (6, 7))), ((0.05, 0.2), (0.2, 0.31)))
    targets = align_again(clip, small_model(), np.ones(CLASSES, np.bool_), -4.0)
    assert targets is not None
    assert np.flatnonzero(targets).tolist() == list(range(5, 31))
    assert set(targets[5:20]) == {2, 3, 4}
    assert set(targets[20:31]) <= {5, 6, 7}


def test_languages_are_one_or_one_for_each(tone_dataset: Path) -> None:
    with pytest.raises(OptionError, match="2 languages for 1 datasets"):
        open_phone_clips([tone_dataset], ("en", "fr"))


@pytest.mark.slow
def test_two_rounds_learn_where_words_are(tone_dataset: Path, tmp_path: Path) -> None:
    training = PhonesTraining(
        network=SHAPE,
        rounds=2,
        rise=1,
        batch=8,
        seconds=1.6,
        dropout=0,
        noise=0,
        echo=0,
        masks=0,
        data="tones",
    )
    loop = LoopOptions(
        steps=60, learning_rate=1e-2, warmup=0.1, save_every=60, evaluate_every=60, log_every=20, threads=1
    )
    result = train_phones([tone_dataset], tmp_path / "run", training, loop)
    assert result.figures["frames_right"] > 0.3
    assert result.figures["start_ms"] < 80
    model = load_phones(tmp_path / "run")
    assert model.facts["report"]["start_ms"] == result.figures["start_ms"]
    assert "Data: tones." in (tmp_path / "run" / "MODEL_CARD.md").read_text()
    again = train_phones([tone_dataset], tmp_path / "run", training, loop)
    assert again.figures == result.figures


def test_every_change_follows_from_the_seed(tone_dataset: Path) -> None:
    learnt, _, _ = open_phone_clips([tone_dataset], ("en",))
    clips = [(clip, np.zeros(len(clip.frames), np.int64)) for clip in learnt]
    first, again = (PhonesRecipe(clips, (), PhonesTraining(batch=3), 5) for _ in range(2))
    one, two = (recipe.load(recipe.parts(4)[0]) for recipe in (first, again))
    assert one is not None
    assert two is not None
    assert torch.equal(one.tensors["mel"], two.tensors["mel"])
    assert one.tensors["mel"].shape == (3, 256, 80)
    assert bool(torch.isfinite(one.tensors["mel"]).all())
