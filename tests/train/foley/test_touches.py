"""A model of touches learns planted ones: what looks alike to motion, and differs in the picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from genlock.core.errors import InputError
from genlock.foley.closely import Glances
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.touches import FRAMES, MOVED, NUMBERS, TouchShape, load_touches
from genlock.train.foley.contact_figures import Told, figures_of_contacts, fitted_reading
from genlock.train.foley.motion_films import MotionFilm
from genlock.train.foley.touch_films import MARGIN, TouchFilm
from genlock.train.foley.touch_options import TouchTraining
from genlock.train.foley.touches import TouchesRecipe, told_closely
from genlock.train.loop import train
from genlock.train.options import LoopOptions

SMALL = TouchTraining(
    network=TouchShape(side=16, channels=(6, 8), width=8, dilations=(1, 2)), batch=16, dropout=0.0
)
SIDE = 16 + 2 * MARGIN


def planted(seed: int) -> TouchFilm:
    """Eight moments that motion takes for contacts, of which half are: there something bright is in the picture."""
    random = np.random.default_rng(seed)
    instants, centres = np.arange(100) / 25, np.arange(6, 100, 12)
    true = centres[random.permutation(len(centres)) < 4]
    presence = np.zeros(100, np.float32)
    presence[centres] = 0.6
    zeros = np.zeros(100, np.float32)
    parts = random.integers(60, 90, (len(centres), FRAMES, SIDE, SIDE), np.uint8)
    for row, centre in enumerate(centres):
        if centre in true:
            parts[row, FRAMES // 2, SIDE // 2 - 4 : SIDE // 2 + 4, SIDE // 2 - 4 : SIDE // 2 + 4] = 240
    places = np.full((len(centres), 2), 0.5, np.float32)
    looks = Glances(
        centres,
        places,
        parts,
        np.zeros((len(centres), FRAMES, 2, 2, MOVED), np.float16),
        np.zeros((len(centres), FRAMES, NUMBERS), np.float32),
        (84.0, 112.0),
    )
    film = MotionFilm(
        f"film-{seed}",
        np.zeros((0, 12, 16, 15), np.float16),
        instants,
        np.sort(instants[true] + 0.001),
        np.full(4, -1.0),
        np.full((4, 2), 0.5),
        np.zeros((0, 2)),
        4.0,
    )
    return TouchFilm(film, ContactRows(presence, zeros, zeros, zeros + 0.5, zeros + 0.5), looks)


def test_planted_touches_are_told_from_what_only_moves_as_they_do(tmp_path) -> None:
    held = [planted(seed) for seed in range(100, 106)]
    loop = LoopOptions(
        steps=120, learning_rate=1e-2, ema=0.9, evaluate_every=120, save_every=120, log_every=40, threads=1
    )
    result = train(TouchesRecipe([planted(seed) for seed in range(12)], held, SMALL), loop, tmp_path)
    model = load_touches(f"{result.model}/model.npz")
    by_motion = [Told(film.rows, film.film) for film in held]
    assert figures_of_contacts(by_motion, fitted_reading(by_motion))["f_50ms"] < 0.7
    figures = figures_of_contacts(told_closely(model, held), model.reading)
    assert figures["f_50ms"] > 0.9
    assert abs(figures["late_ms"]) < 8


def test_too_few_moments_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        TouchesRecipe([planted(0)], [], SMALL)
