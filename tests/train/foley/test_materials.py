"""A reader of materials learns planted ones, and what it learns from lies where films say that they touch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from genlock.core.errors import InputError, OptionError
from genlock.models.foley.materials import ReaderShape, light_of, load_materials
from genlock.synth.impacts.contacts import events_of
from genlock.synth.impacts.films import frames_of, make_impact, render_impact, stage_of
from genlock.synth.impacts.plans import ImpactOptions, plan_one
from genlock.train.foley.drawn_glimpses import draw_glimpses, open_drawn
from genlock.train.foley.glimpses import MARGIN, Glimpse, glimpses_of
from genlock.train.foley.material_options import MaterialTraining
from genlock.train.foley.materials import MaterialsRecipe, material_figures
from genlock.train.loop import train
from genlock.train.options import LoopOptions
from genlock.train.recipe import Exported

SMALL = MaterialTraining(
    network=ReaderShape(side=24, channels=(6, 8, 8), hidden=16, places=(6, 8), spread=(1, 1), changes=True),
    batch=16,
    dropout=0.0,
    apart=1.0,
    place_loss=1.0,
)
COLOURS = {"glass": (90, 200, 230), "wood": (220, 160, 80)}


def planted_glimpse(seed: int) -> Glimpse:
    """Something of a colour of its own, which comes and goes at one place of a grey picture."""
    random = np.random.default_rng(seed)
    name = ("glass", "wood")[seed % 2]
    side = SMALL.network.side + 2 * MARGIN
    part = random.integers(60, 90, (side, side, 3), np.uint8)
    part[side // 2 - 5 : side // 2 + 5, side // 2 - 5 : side // 2 + 5] = COLOURS[name]
    whole = random.integers(60, 90, (60, 80, 3), np.uint8)
    around = random.integers(60, 66, (3, 64, 64), np.uint8)
    beside = np.repeat(part[None, ..., 0], 2, axis=0)
    x, y = random.uniform(0.2, 0.8, 2)
    row, column = int(64 * y), int(64 * x)
    around[1, row - 3 : row + 3, column - 3 : column + 3] = 220
    return Glimpse(
        f"film-{seed}", part, beside, light_of(whole), name, 0.05 if name == "glass" else 0.2, around, x, y
    )


def test_planted_materials_and_places_are_learnt(tmp_path) -> None:
    learnt, held = [planted_glimpse(k) for k in range(40)], [planted_glimpse(k) for k in range(100, 112)]
    loop = LoopOptions(
        steps=60, learning_rate=5e-3, evaluate_every=60, save_every=60, log_every=20, threads=1
    )
    result = train(MaterialsRecipe(learnt, held, SMALL), loop, tmp_path)
    figures = material_figures(load_materials(f"{result.model}/model.npz"), held)
    assert figures["material_right"] > 0.9
    assert figures["most_frequent_right"] == 0.5
    assert figures["size_correlation"] > 0.8
    assert figures["placed"] > 0.8


def test_a_training_begins_with_given_weights_and_materials_of_its_own(tmp_path) -> None:
    clips = [planted_glimpse(k) for k in range(32)]
    first = MaterialsRecipe(clips, [], SMALL)
    torch.manual_seed(0)
    network = first.model()
    with torch.no_grad():
        for even in (*network.evens, *network.levels):
            even.running_mean.normal_()
            even.running_var.uniform_(0.5, 2)
    first.export(Exported(None, network.state_dict()), tmp_path, {})
    old = load_materials(tmp_path)
    bone = [replace(glimpse, material="bone") for glimpse in clips[:4]]
    begun = MaterialsRecipe([*clips, *bone], [], replace(SMALL, start=str(tmp_path)))
    assert begun.materials == ("glass", "wood", "bone")
    assert (begun.size_mean, begun.size_spread) == (old.size_mean, old.size_spread)
    model = begun.model()
    for name, array in model.arrays().items():
        known = np.delete(array, 2, axis=0) if name.startswith("out.") else array
        np.testing.assert_allclose(known, old.arrays[name], atol=2e-3, err_msg=name)
    # Learning or not, it answers as the one that it begins with: nothing is forgotten at the first update.
    tensors = begun.load(begun.parts(1)[0]).tensors
    with torch.no_grad():
        still, learning = (part(tensors["cuts"], tensors["light"]) for part in (model.eval(), model.train()))
    assert float((still - learning).abs().mean()) < 0.3 * float(still.std())
    with pytest.raises(OptionError, match="is built as"):
        MaterialsRecipe(clips, [], replace(SMALL, start="foley-materials"))


def test_glimpses_lie_around_the_contacts_of_a_film(tmp_path) -> None:
    plan = plan_one(ImpactOptions(seconds=2, rates=("15",), scenes=("sticks",), seed=3), 0)
    truth = make_impact(tmp_path, plan)
    seen = [c for c in truth.contacts if c.visible]
    found = glimpses_of(tmp_path / f"{plan.name}.mp4", "one", truth.contacts, 40)
    assert len(seen) <= len(found) <= 2 * len(seen)
    assert {(g.x, g.y, g.material) for g in found} <= {(c.x, c.y, c.material) for c in seen}
    assert found[0].pixels.shape == (40, 40, 3)
    assert found[0].around.shape == (3, 64, 64)


def test_drawn_glimpses_are_those_of_a_film(tmp_path) -> None:
    """What is drawn alone looks as in the film: the same scene, but for the encoder."""
    found = draw_glimpses(4, 1, 40)
    assert len(found) >= 3
    assert len({(g.material, g.size) for g in found}) == len(found)  # each another thing
    assert found[0].pixels.shape == (40, 40, 3)
    kept = open_drawn(tmp_path, 1, 4, 40)
    again = open_drawn(tmp_path, 1, 4, 40)
    assert [g.material for g in kept] == [g.material for g in again]
    assert np.array_equal(kept[0].around, again[0].around)
    plan = plan_one(ImpactOptions(seconds=1, rates=("15",), scenes=("sticks",), difficulty=0.0, seed=5), 0)
    _, every, _ = render_impact(plan)
    contacts = [event.contact for event in events_of(plan)]
    some = frames_of(plan, contacts, [3, 4], stage_of(plan))
    assert all(np.array_equal(a, b) for a, b in zip(list(every)[3:5], some, strict=True))


def test_too_few_contacts_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        MaterialsRecipe([planted_glimpse(0)], [], SMALL)
