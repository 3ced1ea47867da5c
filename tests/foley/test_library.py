"""Placing one-shots: on the sample, no repeats, louder when hit harder, where it is seen; in blocks of any size."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.foley.events import Event, Events
from genlock.foley.library import LibrarySounder
from genlock.foley.mixing import Limiter
from genlock.foley.one_shots import Library, open_library
from genlock.media import Sound, encode

RATE = 48000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Four blows on wood of two strengths, two on stone; each with a silence of its own before it."""
    folder = tmp_path_factory.mktemp("library")
    since = np.arange(4800) / RATE
    for number, (name, level) in enumerate(
        (
            ("wood/s1", 0.1),
            ("wood/s2", 0.1),
            ("wood/h1", 0.7),
            ("wood/h2", 0.7),
            ("stone/a", 0.5),
            ("stone/b", 0.5),
        )
    ):
        path = folder / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        ring = level * np.exp(-since / 0.02) * np.cos(2 * np.pi * (500 + 70 * number) * since)
        encode(path, sound=Sound(np.concatenate([np.zeros(500 + 311 * number), ring]), RATE))
    return open_library(folder)


def events_at(instants: list[str], **more: object) -> Events:
    return Events([Event(t, **more) for t in instants], 0, 4)  # type: ignore[arg-type]


def test_every_attack_is_on_its_events_sample(library: Library) -> None:
    instants = ["0.1", "0.5", "0.9001", "4/3", "1.7", "2.1", "2.50001", "2.9", "3.3"]
    take = LibrarySounder(library, RATE).take(events_at(instants, material="wood"), seed=3)
    sound = np.abs(take.block(0, 4 * RATE)).max(axis=1)
    for instant in instants:
        nearest = round(Fraction(instant) * RATE)
        # What is played a little faster rings for some samples before its attack, as resampling does.
        before, after = sound[nearest - 400 : nearest - 12], sound[nearest - 1 : nearest + 2]
        assert after.max() > 0.05
        assert before.max() < 0.02 * after.max()


def test_no_sound_follows_itself_and_seeds_differ(library: Library) -> None:
    many = events_at([str(k / 8) for k in range(1, 30)], material="wood")
    sounder = LibrarySounder(library, RATE)
    takes = [[choice.sound for choice in sounder.take(many, seed).choices] for seed in (1, 1, 2)]
    assert takes[0] == takes[1] != takes[2]
    assert len(set(takes[0])) == 2


def test_harder_is_louder_and_left_is_left(library: Library) -> None:
    hits = [Event(Fraction(k), impulse=0.1 * 2**k, x=k / 4, material="wood") for k in range(1, 4)]
    take = LibrarySounder(library, RATE).take(Events(hits, 0, 5), seed=0)
    sound = take.block(0, 5 * RATE).astype(np.float64)
    power = [(sound[k * RATE : k * RATE + 2400] ** 2).sum(axis=0) for k in range(1, 4)]
    loud = [10 * np.log10(p.sum()) for p in power]
    assert [b - a for a, b in pairwise(loud)] == pytest.approx([4.5, 4.5], abs=1.0)
    assert power[0][0] > 1.2 * power[0][1]
    assert power[1][0] == pytest.approx(power[1][1], rel=1e-4)
    assert power[2][1] > 1.2 * power[2][0]


def test_of_two_films_the_one_that_is_struck_harder_or_nearer_is_louder(library: Library) -> None:
    def level(**known: float) -> float:
        film = Events([Event(1, material="wood", **known)], 0, 2)  # type: ignore[arg-type]
        sound = LibrarySounder(library, RATE).take(film, seed=0).block(0, 2 * RATE).astype(np.float64)
        return float(10 * np.log10((sound[RATE : RATE + 2400] ** 2).sum()))

    usual = level(impulse=0.2, distance=1)
    assert level(impulse=0.1, distance=1) == pytest.approx(usual - 4.5, abs=1.0)
    assert level(impulse=0.2, distance=2) == pytest.approx(usual - 6.0, abs=1.0)
    # Where nothing is known but ratios, one blow is as loud as any.
    assert level(impulse=0.1) == level(impulse=0.2)


def test_what_is_known_to_be_small_sounds_higher(library: Library) -> None:
    def hertz(size: float) -> float:
        film = Events([Event(1, material="wood", impulse=0.3, size=size, distance=1)], 0, 2)
        sound = LibrarySounder(library, RATE).take(film, seed=0).block(RATE, RATE + 4800)[:, 0]
        return float(np.abs(np.fft.rfft(sound)).argmax() * RATE / 4800)

    assert hertz(0.06) > 1.3 * hertz(0.2)


def test_materials_choose_classes_and_what_is_missing_is_said(library: Library) -> None:
    events = Events([Event(1, material="stone"), Event(2, material="glass"), Event(3)], 0, 4)
    take = LibrarySounder(library, RATE, "wood").take(events, 0)
    assert [Path(choice.sound).parent.name for choice in take.choices] == ["stone", "wood", "wood"]
    assert "no class for glass" in take.notes[0]
    take = LibrarySounder(library, RATE, same_as={"glass": "stone"}).take(events[1:2], 0)  # type: ignore[arg-type]
    assert Path(take.choices[0].sound).parent.name == "stone"
    with pytest.raises(OptionError, match="no class 'wod'; did you mean 'wood'"):
        LibrarySounder(library, RATE, "wod")


def test_blocks_of_any_size_are_one_sound(library: Library) -> None:
    events = events_at(["0.1", "0.13", "0.2", "0.9"], material="stone")
    whole = LibrarySounder(library, RATE).take(events, 0).block(0, RATE)
    take = LibrarySounder(library, RATE).take(events, 0)
    edges = [0, 1, 4799, 4800, 4801, 20000, RATE]
    parts = np.concatenate([take.block(a, b) for a, b in pairwise(edges)])
    assert np.array_equal(parts, whole)


def test_a_limiter_leaves_quiet_sound_alone_and_keeps_loud_sound_below(library: Library) -> None:
    draw = np.random.default_rng(0)
    quiet = (0.3 * draw.uniform(-1, 1, (10000, 2))).astype(np.float32)
    limiter = Limiter(RATE)
    parts = [limiter(quiet[:3333]), limiter(quiet[3333:3340]), limiter(quiet[3340:]), limiter.finish()]
    assert np.array_equal(np.concatenate(parts), quiet)
    loud = quiet * 8
    limiter = Limiter(RATE)
    parts = [limiter(loud[:3333]), limiter(loud[3333:]), limiter.finish()]
    assert len(np.concatenate(parts)) == len(loud)
    assert np.abs(np.concatenate(parts)).max() <= 0.8911
    assert limiter.most_db < -6
