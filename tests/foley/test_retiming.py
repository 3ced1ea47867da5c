"""Onsets against events: planted shifts, lost and added ones, another rhythm; and what is heard of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.aligners.instants import match_in_order
from genlock.core.errors import InputError
from genlock.foley.events import Event, Events
from genlock.foley.mixing import Mixer
from genlock.foley.moved_sound import moved_pieces
from genlock.foley.onsets import OnsetListener
from genlock.foley.retiming import plan_retiming
from genlock.foley.spool import SpooledSound
from genlock.media import Sound, encode, read

RATE = 48000


def rhythm(seed: int, count: int = 14) -> list[Fraction]:
    gaps = np.random.default_rng(seed).uniform(0.3, 1.1, count)
    return [Fraction(round(t * 1000), 1000) for t in np.cumsum(gaps)]


def seen(instants: list[Fraction]) -> Events:
    return Events([Event(t) for t in instants], 0, instants[-1] + 1)


def test_pairs_in_order_are_those_of_brute_force() -> None:
    draw = np.random.default_rng(7)
    for _ in range(40):
        a, b = np.sort(draw.uniform(0, 2, 5)), np.sort(draw.uniform(0, 2, 4))

        def worth(i: int, j: int, a: np.ndarray = a, b: np.ndarray = b) -> float:
            if i == len(a) or j == len(b):
                return 0.0
            best = max(worth(i + 1, j), worth(i, j + 1))
            apart = abs(a[i] - b[j])
            return max(best, 1 - 0.999 * apart / 0.4 + worth(i + 1, j + 1)) if apart <= 0.4 else best

        pairs = match_in_order(a, b, 0.4)
        assert sum(1 - 0.999 * abs(a[i] - b[j]) / 0.4 for i, j in pairs) == pytest.approx(worth(0, 0))


def test_a_planted_shift_with_jitter_lost_and_added_onsets() -> None:
    truth = rhythm(1)
    draw = np.random.default_rng(2)
    jitter = [Fraction(round(j), 1000) for j in draw.uniform(-60, 60, len(truth))]
    heard = [t + Fraction(7, 4) + j for t, j in zip(truth, jitter, strict=True)]
    lost = heard.pop(5)
    heard.append(heard[8] + Fraction(13, 100))  # one too many
    heard.sort()
    plan = plan_retiming(heard, seen(truth))
    assert len(plan.moves) == 13
    assert plan.left_events == (truth[5],)
    assert len(plan.left_onsets) == 1
    assert lost not in [move.onset for move in plan.moves]
    for move in plan.moves:
        assert abs(float(move.by) + 1.75) <= 0.061
        assert plan.warp(move.onset) == move.event


def test_another_films_sound_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit the picture"):
        plan_retiming(rhythm(3, 14), seen(rhythm(4, 14)))
    with pytest.raises(InputError, match="no onset"):
        plan_retiming([], seen(rhythm(1)))
    with pytest.raises(InputError, match="nothing strikes"):
        plan_retiming(rhythm(1), Events([], 0, 3))


def clicks(path: Path, instants: list[Fraction], seconds: float) -> Path:
    sound = np.zeros(round(seconds * RATE))
    since = np.arange(2400) / RATE
    for number, t in enumerate(instants):
        first = round(t * RATE)
        ring = np.exp(-since / 0.01) * np.cos(2 * np.pi * (900 + 130 * number) * since)
        sound[first : first + 2400] += 0.5 * ring
    encode(path, sound=Sound(sound, RATE))
    return path


def test_onsets_are_heard_when_they_are(tmp_path: Path) -> None:
    truth = [Fraction("0.001"), *(t + Fraction(1, 7777) for t in rhythm(5, 6))]
    listener = OnsetListener()
    read(clicks(tmp_path / "a.wav", truth, float(truth[-1]) + 1), [listener])
    assert len(listener.instants) == len(truth)
    errors = [float(a - b) * 1000 for a, b in zip(listener.instants, truth, strict=True)]
    assert np.abs(errors).max() < 2.0


def test_long_sound_is_heard_piece_by_piece_as_a_whole(tmp_path: Path) -> None:
    truth = [Fraction(k * 3 + 1, 2) for k in range(45)]  # over two borders of pieces
    listener = OnsetListener()
    read(clicks(tmp_path / "a.wav", truth, 69), [listener])
    assert [round(float(t), 2) for t in listener.instants] == [round(float(t), 2) for t in truth]


@pytest.mark.parametrize("by", ["cut", "stretch"])
def test_every_onset_lands_on_its_events_sample(tmp_path: Path, by: str) -> None:
    truth = rhythm(6, 8)
    heard = [t + Fraction(k % 3 - 1, 20) + Fraction(1, 10) for k, t in enumerate(truth)]
    path = clicks(tmp_path / "a.wav", heard, float(heard[-1]) + 1)
    sound = SpooledSound(path, tmp_path / "spool", RATE)
    plan = plan_retiming(heard, seen(truth))
    end = truth[-1] + 1
    pieces = moved_pieces(sound, plan.moves, Fraction(0), end, by)  # type: ignore[arg-type]
    out = np.abs(Mixer(pieces).block(0, round(end * RATE))).max(axis=1)
    for t in truth:
        first = round(t * RATE)
        assert out[first] > 0.3
        assert out[first - 300 : first].max() < 0.02


def test_what_moves_by_nothing_is_left_as_it_was(tmp_path: Path) -> None:
    truth = rhythm(6, 5)
    draw = np.random.default_rng(0)
    noise = (0.2 * draw.standard_normal(round((float(truth[-1]) + 1) * RATE))).astype(np.float32)
    encode(tmp_path / "a.wav", sound=Sound(noise, RATE, codec="pcm_f32le"))
    sound = SpooledSound(tmp_path / "a.wav", tmp_path / "spool", RATE)
    plan = plan_retiming(truth, seen(truth))
    out = Mixer(moved_pieces(sound, plan.moves, Fraction(0), truth[-1] + 1)).block(0, len(noise))
    assert np.abs(out[:, 0] - sound.part(0, len(noise))[:, 0]).max() < 1e-6
