"""A writer learns to write what is told of its own instant; true contacts are told in the form of a posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from tests.train.foley.planted import planted_strikes

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.foley.codec import load_codec
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.reading import read_off
from genlock.models.foley.sampling import Sampling
from genlock.models.foley.writer import load_writer
from genlock.train.foley.preferences import RULES, told_wrongly
from genlock.train.foley.told import ToldClip, true_posterior
from genlock.train.foley.writer import WriterRecipe
from genlock.train.foley.writer_options import WriterTraining
from genlock.train.loop import train
from genlock.train.options import LoopOptions

MATERIALS = ("glass", "wood")
COLUMNS = 100


def planted_clip(seed: int) -> ToldClip:
    """Where something strikes, code 100 (glass) or 200 (wood) is written, then two that die away; else 7."""
    heard = planted_strikes(seed)
    codes = np.full((COLUMNS, 4), 7, np.int64)
    for time, material in zip(heard.times, heard.materials, strict=True):
        first = int(time * 50)
        for later in range(min(3, COLUMNS - first)):
            codes[first + later, :2] = (100 if material == "glass" else 200) + later, 300 + later
    return ToldClip(f"clip-{seed}", codes, heard)


@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_true_contacts_come_back_from_their_posterior(blur: float) -> None:
    heard = planted_strikes(3)
    rows = true_posterior(heard, COLUMNS, MATERIALS, {"impulse": 0.3}, blur, np.random.default_rng(0))
    found = read_off(rows, 0.5)
    assert len(found) == len(heard.times)
    assert found.places / 50 == pytest.approx(heard.times, abs=0.001 if not blur else 0.09)
    named = found.rows[:, len(EVENT_CHANNELS) :].argmax(axis=1)
    assert [MATERIALS[k] for k in named] == list(heard.materials)


@pytest.mark.slow
def test_codes_follow_what_is_told(tmp_path) -> None:
    o = WriterTraining(width=32, layers=1, reach=8, batch=8, columns=64, dropout=0.0, blur=0.0)
    clips, held = [planted_clip(k) for k in range(20)], [planted_clip(k) for k in range(100, 104)]
    recipe = WriterRecipe(clips, held, load_codec(), o)
    loop = LoopOptions(
        steps=90, learning_rate=1e-2, evaluate_every=90, save_every=90, log_every=30, threads=1
    )
    result = train(recipe, loop, tmp_path)
    assert result.figures["shuffled_gap"] > 0.3  # it looks at the picture
    assert result.figures["untold_loss"] > result.figures["code_loss"]
    writer = load_writer(f"{result.model}/model.npz")
    sampling = Sampling(temperature=0.3, guidance=1.0)
    right = [
        np.mean(
            writer.write(Track(recipe.told(clip, COLUMNS), Grid(50)), (0,), sampling).values[:, 0, 0]
            == clip.codes[:, 0]
        )
        for clip in held
    ]
    assert np.mean(right) > 0.9
    assert writer.codec == "foley-codec"


def test_a_gradient_of_preferences_moves_the_writer_to_what_is_told() -> None:
    """One step along it makes each sound likelier as it is told, beside the same told wrongly."""
    o = WriterTraining(
        width=16, layers=1, reach=8, batch=8, columns=32, dropout=0.0, blur=0.0, untold=0.0, preferences=1
    )
    recipe = WriterRecipe([planted_clip(k) for k in range(8)], [], load_codec(), o)
    torch.manual_seed(0)
    network = recipe.model().train()
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    t = batch.tensors
    assert not torch.equal(t["conditions"], t["worse"])

    def gap() -> tuple[torch.Tensor, float]:
        told = network(t["heard"], t["codes"], t["conditions"], t["known"], t["there"], t["classes"])
        prefers, _ = recipe._prefers(network, told, t)
        return prefers, float(recipe.loss(network, batch, 0).figures["preference"][0])

    before, logged = gap()
    before.backward()
    assert logged == pytest.approx(float(before.detach()) * batch.weight, rel=1e-4)
    assert network.into.weight.grad is not None
    assert float(network.into.weight.grad.abs().max()) > 0
    with torch.no_grad():
        for weight in network.parameters():
            if weight.grad is not None:
                weight -= 0.01 * weight.grad
    assert float(gap()[0].detach()) < float(before.detach())


def test_each_rule_tells_something_else_and_keeps_the_rest() -> None:
    heard, other = planted_strikes(1), planted_strikes(2)
    found = {}
    for seed in range(40):
        rule, wrong = told_wrongly(heard, other, MATERIALS, np.random.default_rng(seed))
        found[rule] = wrong
    assert set(found) == set(RULES)
    moved = found["shifted"].times - heard.times
    assert np.ptp(moved) == pytest.approx(0, abs=1e-9)
    assert 0.04 <= abs(moved[0]) <= 0.2
    assert len(found["dropped"].times) == len(heard.times) - 1 == len(found["dropped"].facts["impulse"])
    assert set(found["material"].materials).isdisjoint(heard.materials)
    assert found["material"].times is heard.times
    assert found["swapped"] is other


def test_classes_are_labels() -> None:
    clips = [replace(planted_clip(k), label="hit" if k % 2 else "roll") for k in range(4)]
    recipe = WriterRecipe(clips, [], load_codec(), WriterTraining(classes=True, unnamed=0.0))
    assert recipe.classes == ("hit", "roll")
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    assert set(batch.tensors["classes"].tolist()) == {0, 1}
