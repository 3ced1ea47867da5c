"""Onsets: matched as mir_eval matches them, found to the sample in planted sounds; every control as it should be."""

import mir_eval
import numpy as np
import pytest

from genlock.bench.sound_clips import SoundClip, controls, wanted_of
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.metrics.onsets import (
    WINDOWS,
    OnsetScores,
    Wanted,
    find_onsets,
    match_onsets,
    offset_seconds,
    pooled_f,
    score_onsets,
)
from genlock.synth.impacts.materials import SEEN, material_of
from genlock.synth.impacts.sound import add_struck, first_sample, late_by, struck
from genlock.synth.impacts.truth import Contact, ImpactTruth

RATE = 24000


def planted(seed):
    """A clip of 4 s with hits at drawn instants, and its truth."""
    draw = np.random.default_rng(seed)
    sound, contacts, at = np.zeros(4 * RATE), [], 0.3
    while at < 3.7:
        name = SEEN[int(draw.integers(len(SEEN)))]
        contact = Contact(
            Grid(10**6).edge(round(at * 10**6)), "strike", name, float(draw.uniform(0.05, 0.4)),
            0.05, 2.0, 0.1, 1.0, 0.5, 0.5,
        )  # fmt: skip
        hit = struck(
            material_of(name),
            0.1,
            seed,
            contact.impulse,
            2.0,
            rate=RATE,
            late=late_by(contact.time, RATE),
            longest=0.5,
        )
        add_struck(sound, RATE, contact.time, hit)
        contacts.append(contact)
        at += float(draw.uniform(0.25, 0.9))
    sound += draw.normal(0, 1e-4, len(sound))
    truth = ImpactTruth(tuple(contacts), Grid(25), 100, RATE, Grid(1).edge(4), 0.3, seed)
    return SoundClip(str(seed), None, truth, wanted_of(truth), sound, np.zeros(0))


@pytest.fixture(scope="module")
def clips():
    return [planted(seed) for seed in range(6)]


def found(sound):
    return find_onsets(Track(sound, Grid.of_samples(RATE))).seconds.tolist()


def test_matching_is_that_of_mir_eval():
    draw = np.random.default_rng(3)
    for _ in range(60):
        true, made = (np.sort(draw.uniform(0, 3, draw.integers(1, 25))) for _ in range(2))
        for number, window in enumerate(WINDOWS):
            f, precision, recall = mir_eval.onset.f_measure(true, made, window=window)
            scores = score_onsets(Wanted(tuple(true)), made)
            assert scores.f(number) == pytest.approx(f)
            assert scores.hits[number] / len(true) == pytest.approx(recall)
            assert scores.hits[number] / len(made) == pytest.approx(precision)


def test_a_window_includes_its_edge():
    assert match_onsets([1], [1.05], 0.06) == [(0, 0)]
    assert match_onsets([1], [1.25], 0.25) == [(0, 0)]
    assert match_onsets([1], [1.25], 0.2) == []


def test_the_first_sample_of_each_planted_hit_is_found(clips):
    for clip in clips:
        pairs = match_onsets(clip.wanted.seconds, found(clip.sound), 0.01)
        assert len(pairs) >= 0.9 * len(clip.wanted.seconds)
    gaps = [gap for clip in clips for gap in score_onsets(clip.wanted, found(clip.sound)).offsets]
    assert abs(np.median(gaps)) < 0.0005
    assert first_sample(clips[0].truth.contacts[0].time, RATE) > 0


def test_the_table_of_controls_comes_out_as_it_should(clips):
    made = controls(clips)
    scores = {
        name: [score_onsets(clip.wanted, found(sound)) for clip, sound in zip(clips, sounds, strict=True)]
        for name, sounds in made.items()
    }
    f50 = {name: pooled_f(each) for name, each in scores.items()}
    f100 = {name: pooled_f(each, 2) for name, each in scores.items()}
    offset = {name: offset_seconds(each) for name, each in scores.items()}
    assert f50["truth"] > 0.95
    assert pooled_f(scores["truth"], 0) > 0.95
    assert abs(offset["truth"]) < 0.001
    assert f50["silence"] == 0
    assert np.isnan(offset["silence"])
    # One right hit of about seven is one of seven, not a full score.
    assert 0.1 < f50["one hit"] < 0.4
    assert f50["truth + 80 ms"] < 0.1 < 0.9 < f100["truth + 80 ms"]
    assert offset["truth + 80 ms"] == pytest.approx(0.08, abs=0.002)
    assert f50["truth + 200 ms"] < 0.3
    assert f100["truth + 200 ms"] < 0.5
    for name in ("shuffled clips", "metronome", "mean rate"):
        assert f50[name] < 0.4


def test_what_is_allowed_is_neither_right_nor_wrong():
    scores = score_onsets(Wanted((1.0,), ((2.0, 3.0),)), [1.0, 2.5])
    assert scores.f() == 1
    assert score_onsets(Wanted((1.0,)), [1.0, 2.5]).f() == pytest.approx(2 / 3)


def test_nothing_found_is_nothing():
    assert score_onsets(Wanted((1.0,)), []).f() == 0
    assert pooled_f([OnsetScores(0, (0, 0, 0), (0, 0, 0))]) == 0
    assert found(np.zeros(RATE)) == []
