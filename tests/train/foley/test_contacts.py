"""A finder of contacts learns planted ones; what it is asked for is what is true of a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from genlock.core.errors import InputError, OptionError
from genlock.models.foley.contacts import ContactShape, load_contacts, prepared_maps
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.world import make_impacts
from genlock.train.foley.contact_figures import figures_of_contacts, told_by
from genlock.train.foley.contact_options import ContactTraining
from genlock.train.foley.contacts import ContactsRecipe, train_contacts
from genlock.train.foley.motion_films import MotionFilm, targets_of_film
from genlock.train.loop import train
from genlock.train.options import LoopOptions

SHAPE = ContactShape(rows=4, columns=6, width=8, dilations=(1, 1), across=(1, 0))
TRAINING = ContactTraining(network=SHAPE, batch=6, frames=20)


def planted(seed: int, rate: int = 20) -> MotionFilm:
    """Something goes down and is thrown back at each contact; in between it turns slowly."""
    draw = np.random.default_rng(seed)
    times = np.cumsum(draw.uniform(0.4, 0.8, 5))
    instants = np.arange(round(4 * rate)) / rate
    maps = draw.normal(0, 0.005, (len(instants), 4, 6, 15)).astype(np.float32)
    maps[..., 11:13] = 1 / rate
    column = int(draw.integers(6))
    for at in times:
        since = instants - at
        near = np.exp(-np.abs(since) / 0.12)
        into = np.where(since - 0.5 / rate < 0, 0.4, -0.4) * near
        out = np.where(since + 0.5 / rate < 0, 0.4, -0.4) * near
        maps[:, 2, column, 1] += into
        maps[:, 2, column, 3] += out
    places = np.tile([(column + 0.5) / 6, 0.6], (len(times), 1))
    return MotionFilm(
        f"film-{seed}",
        prepared_maps(maps).astype(np.float16),
        instants,
        times,
        np.full(len(times), -1.0),
        places,
        np.zeros((0, 2)),
        4.0,
    )


def test_targets_are_those_of_the_film() -> None:
    film = planted(3)
    targets = targets_of_film(film, 2, 3)
    told = np.flatnonzero(targets.presence)
    assert len(told) == 2 * len(film.times)
    np.testing.assert_allclose(
        film.instants[told] + targets.place[told] / 20, np.repeat(film.times, 2), atol=1e-6
    )
    assert targets.presence.sum() == pytest.approx(len(film.times), abs=1e-5)
    assert set(targets.where[told].tolist()) == {3 + int(film.places[0, 0] * 3)}
    assert targets.asked.all()


def test_planted_contacts_are_learnt(tmp_path: Path) -> None:
    films = [planted(seed) for seed in range(12)]
    recipe = ContactsRecipe(films[:9], films[9:], TRAINING)
    loop = LoopOptions(steps=120, learning_rate=1e-2, ema=0.9, evaluate_every=120, save_every=120, threads=1)
    result = train(recipe, loop, tmp_path / "run")
    model = load_contacts(Path(result.model) / "model.npz")
    figures = figures_of_contacts(told_by(model, [planted(seed) for seed in range(20, 24)]), model.reading)
    assert figures["f_50ms"] > 0.8
    assert figures["f_50ms"] > figures["metronome_f_50ms"] + 0.3
    assert abs(figures["late_ms"]) < 12


def test_too_few_films_and_impossible_options() -> None:
    with pytest.raises(InputError, match="too few"):
        ContactsRecipe([planted(1)], [], TRAINING)
    with pytest.raises(OptionError):
        ContactTraining(frames=4)


@pytest.mark.slow
def test_from_films_to_a_model_in_one_command(tmp_path: Path) -> None:
    make_impacts(tmp_path / "films", ImpactOptions(count=24, seconds=2, sizes=("96x72",), rates=("15",)))
    loop = LoopOptions(steps=4, evaluate_every=4, save_every=4, threads=1)
    result = train_contacts([tmp_path / "films"], tmp_path / "model", ContactTraining(batch=2), loop)
    assert Path(result.model, "MODEL_CARD.md").read_text().startswith("# When something touches")
    assert load_contacts(tmp_path / "model").facts["films"] > 10
    again = ContactTraining(batch=2, start=str(tmp_path / "model"))
    train_contacts([tmp_path / "model" / "dataset"], tmp_path / "more", again, loop)
    assert (tmp_path / "more" / "model.npz").is_file()
