"""A watcher learns planted contacts; what it should say of a changed film is still true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.train.foley.planted import planted_film

import genlock.train.foley.events as events
from genlock.core.errors import InputError
from genlock.models.foley.watcher import load_watcher
from genlock.models.foley.watcher_network import WatcherShape
from genlock.train.foley.event_figures import Found, controls, figures_of, match, score
from genlock.train.foley.event_options import EventChanges, EventTraining
from genlock.train.foley.event_targets import columns_of, targets_of
from genlock.train.foley.film_changes import glimpse_of, stretch_of
from genlock.train.foley.films import Films
from genlock.train.options import LoopOptions

SMALL = EventTraining(
    network=WatcherShape(side=16, channels=(8, 12), width=24, frame_layers=1, dilations=(1, 2)),
    batch=6,
    frames=24,
    glimpses=6,
    dropout=0.0,
    changes=EventChanges(zoom=0.1, shake=0.3, noise=2.0, grey=0.0, light=0.1, tint=0.0),
)


def test_matching_uses_each_once_and_silence_is_nothing() -> None:
    true = np.array([1.0, 2.0, 3.0])
    assert score([Found(true, true)], 0.05) == 1
    assert score([Found(true[:0], true)], 0.05) == 0
    assert score([Found(np.array([1.0]), true)], 0.05) == pytest.approx(0.5)
    assert score([Found(true + 0.08, true)], 0.05) == 0
    assert match(np.array([1.0, 1.01, 1.02]), np.array([1.04, 1.06]), 0.05).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("seed", range(6))
def test_targets_of_a_changed_film_are_those_of_the_film(seed: int) -> None:
    film, random = planted_film(seed), np.random.default_rng(seed)
    stretch = stretch_of(film, 24, SMALL.changes, random)
    assert stretch.pictures.shape == (24, 16, 16, 3)
    assert (np.diff(stretch.starts) > 0).all()
    zero, one = {"impulse": 0.0, "size": 0.0}, {"impulse": 1.0, "size": 1.0}
    targets = targets_of(film, stretch, ("glass", "wood"), zero, one)
    columns = columns_of(float(stretch.starts[0]), stretch.end)
    at = np.flatnonzero(targets.presence)
    told = columns[at] + targets.facts[at, 0] / 50
    seen = film.times[(film.times >= stretch.starts[0]) & (film.times < stretch.end)]
    np.testing.assert_allclose(told, seen, atol=1e-6)
    spotted = np.flatnonzero(targets.spotted)
    assert 0 < len(spotted) <= 2 * len(seen)
    assert (targets.named[spotted] >= 0).all()
    assert (targets.named >= 0).sum() == len(spotted)
    x = stretch.x(film.facts["x"])[0]
    assert (x > 0.5) == ((film.materials[0] == "glass") != stretch.mirrored)
    assert set(targets.material[at].tolist()) <= {["glass", "wood"].index(film.materials[0])}


@pytest.mark.parametrize("seed", range(4))
def test_a_glimpse_shows_the_contact_where_it_is_said_to_be(seed: int) -> None:
    film, random = planted_film(seed), np.random.default_rng(seed)
    still = replace(SMALL.changes, shake=0.0, noise=0.0, light=0.0)
    frame = int(np.searchsorted(film.starts, film.times[1], "right"))
    shown = glimpse_of(film, frame, still, random)
    assert shown.pictures.shape == (2, 16, 16, 3)
    x, y = shown.x(film.facts["x"])[1], shown.y(film.facts["y"])[1]
    bar = np.abs(np.ptp(shown.pictures[1].astype(int), axis=2)) > 40  # the bar alone has a colour
    down, across = np.nonzero(bar)
    assert (across.mean() + 0.5) / 16 == pytest.approx(x, abs=0.12)
    assert (down.mean() + 0.5) / 16 == pytest.approx(y, abs=0.2)


@pytest.mark.slow
def test_planted_contacts_are_found(tmp_path, monkeypatch) -> None:
    films = Films(
        tuple(planted_film(k) for k in range(24)),
        tuple(planted_film(k) for k in range(100, 104)),
        tuple(planted_film(k) for k in range(200, 206)),
    )
    monkeypatch.setattr(events, "open_films", lambda *_: films)
    loop = LoopOptions(
        steps=80, learning_rate=5e-3, evaluate_every=80, save_every=80, log_every=10, threads=1
    )
    result = events.train_events([], tmp_path, SMALL, loop)
    report = events.report_on(load_watcher(tmp_path), films.reported)
    assert report["f_50ms"] > 0.8
    assert report["f_50ms"] > report["metronome_f_50ms"] + 0.3
    assert report["material_right"] > 0.8
    assert abs(report["late_ms"]) < 8
    assert report["silence_f_50ms"] == 0
    assert result.figures["reported_f_50ms"] == pytest.approx(report["f_50ms"])
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "glass, wood" in card
    assert "F of onsets at 50 ms" in card


def test_nothing_found_is_zero_everywhere() -> None:
    films = [planted_film(k) for k in range(3)]
    found = [Found(np.zeros(0), film.times) for film in films]
    assert figures_of(found, ("wood",))["f_50ms"] == 0
    assert controls(found, films)["another_film_f_50ms"] == 0


def test_too_few_films_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        events.EventsRecipe([planted_film(0)], [], SMALL)
