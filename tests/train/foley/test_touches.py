"""A model of touches learns planted ones: what looks alike to motion, and differs in the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from genlock.core.errors import InputError, OptionError
from genlock.models.foley.contacts import (
    ContactModel,
    ContactShape,
    array_shapes,
    load_contacts,
    save_contacts,
)
from genlock.models.foley.small_pictures import small_picture
from genlock.models.foley.touches import TouchModel, TouchShape, load_touches, save_touches
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.world import make_impacts
from genlock.train.foley.contact_figures import Told, figures_of_contacts, fitted_reading
from genlock.train.foley.motion_films import MotionFilm
from genlock.train.foley.touch_films import TouchFilm, open_touch_films
from genlock.train.foley.touch_options import TouchTraining
from genlock.train.foley.touches import TouchesRecipe, told_by_touches
from genlock.train.loop import train
from genlock.train.options import LoopOptions

SHAPE = TouchShape(
    ContactShape(width=4, dilations=(1,), across=(0,)), channels=(8, 8), width=8, dilations=(1, 1)
)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> TouchTraining:
    """A motion part that takes whatever moves fast for a contact, half as likely as not."""
    arrays = {name: np.zeros(of, np.float32) for name, of in array_shapes(SHAPE.motion).items()}
    arrays["enter.weight"].reshape(4, 3, 3, 15)[0, 1:, 1:, 0] = 1
    arrays["out.weight"][0, 0], arrays["level"][0] = 4, -8
    file = tmp_path_factory.mktemp("motion") / "model.npz"
    save_contacts(ContactModel(SHAPE.motion, arrays), file)
    return TouchTraining(SHAPE, contacts=str(file), batch=16, dropout=0.0)


def planted(seed: int) -> TouchFilm:
    """Four moments at which something moves alike, of which two are contacts: there it is bright in the picture."""
    random = np.random.default_rng(seed)
    count, moments = 48, np.arange(6, 48, 12)
    true = moments[np.sort(random.permutation(len(moments))[:2])]
    maps = np.zeros((count, 12, 16, 15), np.float16)
    pictures = random.integers(80, 90, (count, 96, 128, 3), np.uint8)
    places = []
    for at in moments:
        down, across = int(random.integers(2, 10)), int(random.integers(2, 14))
        maps[at, down, across, 0] = 2
        if at in true:
            pictures[at, 8 * down : 8 * down + 8, 8 * across : 8 * across + 8] = 240
            places.append(((across + 0.5) / 16, (down + 0.5) / 12))
    instants = np.arange(count) / 25
    film = MotionFilm(
        f"film-{seed}",
        maps,
        instants,
        instants[true] + 0.001,
        np.full(2, -1.0),
        np.array(places),
        np.zeros((0, 2)),
        count / 25,
    )
    return TouchFilm(film, np.stack([small_picture(one) for one in pictures]))


def test_planted_touches_are_told_from_what_only_moves_as_they_do(
    tmp_path: Path, training: TouchTraining
) -> None:
    held = [planted(seed) for seed in range(100, 106)]
    alone = load_contacts(training.contacts)
    by_motion = [Told(alone.rows_of_prepared(one.film.maps.astype(np.float32)), one.film) for one in held]
    assert 0.5 < figures_of_contacts(by_motion, fitted_reading(by_motion))["f_50ms"] < 0.75
    loop = LoopOptions(
        steps=60, learning_rate=1e-2, ema=0.9, evaluate_every=60, save_every=60, log_every=20, threads=1
    )
    result = train(TouchesRecipe([planted(seed) for seed in range(8)], held, training), loop, tmp_path)
    model = load_touches(f"{result.model}/model.npz")
    told = told_by_touches(model, held)
    figures = figures_of_contacts(told, model.reading)
    assert figures["f_50ms"] > 0.9
    assert abs(figures["late_ms"]) < 8
    events = [event for event in told[0].events if event.probability >= model.reading.threshold]
    for event, (x, y) in zip(events, held[0].film.places, strict=True):
        assert abs(event.x - x) < 0.1
        assert abs(event.y - y) < 0.13


def test_a_training_begins_with_a_model(tmp_path: Path, training: TouchTraining) -> None:
    films = [planted(seed) for seed in range(4)]
    recipe = TouchesRecipe(films, [], training)
    arrays = {f"motion.{name}": a for name, a in load_contacts(training.contacts).arrays.items()}
    begun = TouchModel(SHAPE, {**arrays, **recipe.model().eval().arrays()})
    save_touches(begun, tmp_path / "model.npz")
    more = TouchesRecipe(films, [], replace(training, start=str(tmp_path)))
    again = more.model().train()
    assert len(again.evens) == 0
    for name, array in again.arrays().items():
        np.testing.assert_allclose(array, begun.arrays[name], atol=1e-3)
    with pytest.raises(OptionError, match="built as"):
        TouchesRecipe(films, [], TouchTraining(contacts=training.contacts))


def test_films_are_read_once(tmp_path: Path) -> None:
    made = ImpactOptions(count=2, seconds=1, sizes=("64x64",), rates=("30",), scenes=("sticks",))
    make_impacts(tmp_path / "films", made)
    films, _ = open_touch_films([tmp_path / "films"], tmp_path / "run", 1.0)
    found = [film for some in films.values() for film in some if film.numbers is None]
    assert len(found) == 2
    assert all(film.small.shape == (len(film.film.instants), 96 * 128 * 3 // 2) for film in found)
    files = sorted((tmp_path / "run" / "pictures").rglob("*.npy"))
    before = [file.stat().st_mtime_ns for file in files]
    again, _ = open_touch_films([tmp_path / "films"], tmp_path / "run", 1.0)
    assert [file.stat().st_mtime_ns for file in files] == before
    assert [len(some) for some in again.values()] == [len(some) for some in films.values()]
    slower = [film for film in films["train"] if film.numbers is not None]
    assert len(slower) == sum(film.numbers is None for film in films["train"]) > 0
    for film in slower:
        assert np.diff(film.film.instants) == pytest.approx(2 / 30, abs=1e-6)
        assert film.pictures(slice(None)).shape == (len(film.film.maps), film.small.shape[1])


def test_too_few_moments_are_refused(training: TouchTraining) -> None:
    with pytest.raises(InputError, match="too few"):
        TouchesRecipe([planted(0)], [], training)
