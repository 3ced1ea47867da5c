"""A close look: where it is taken, what is shown of the pictures there, and how answers become rows of frames."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.foley.closely import REACH, Glances, centres_of, look_around, rows_of_answers
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.materials import load_materials
from genlock.models.foley.touches import ANSWERED, FRAMES, MOVED, NUMBERS

HIGH, WIDE = 96, 128


def rows_of(presence: np.ndarray) -> ContactRows:
    half = np.full(len(presence), 0.5, np.float32)
    return ContactRows(presence, 0 * half, -half, half, half)


def test_looks_are_taken_around_what_is_likely() -> None:
    presence = np.zeros(30, np.float32)
    presence[[4, 5, 17, 29]] = 0.3, 0.5, 0.08, 0.4
    assert [int(k) for k in centres_of(presence)] == [5, 17, 29]
    assert len(centres_of(np.zeros(5, np.float32))) == 0


def test_what_is_looked_at_lies_around_the_place() -> None:
    reader = load_materials()
    presence = np.zeros(20, np.float32)
    presence[10] = 0.9
    pictures = [np.full((HIGH, WIDE, 3), 90, np.uint8) for _ in presence]
    for k, picture in enumerate(pictures):  # something bright jumps into the middle
        picture[40:56, 56:72] = 230 if k == 10 else 90
    maps = np.zeros((20, 12, 16, 15), np.float32)
    maps[10, 6:8, 8:10, 4] = 2.0  # places of parts are a little larger than those of maps
    looks = look_around(rows_of(presence), maps, pictures, reader, 56)
    assert looks.centres.tolist() == [10]
    assert np.abs(looks.places[0] - 0.5).max() < 0.15
    assert looks.parts.shape == (1, FRAMES, 56, 56)
    assert looks.numbers.shape == (1, FRAMES, NUMBERS)
    bright = (looks.parts[0] > 200).sum(axis=(1, 2))
    assert bright[FRAMES // 2] == pytest.approx((16 * 112 / 128) ** 2, rel=0.2)
    assert bright.sum() == bright[FRAMES // 2]
    assert looks.moved.shape == (1, FRAMES, 7, 7, MOVED)
    down, across = np.argwhere(looks.moved[0, FRAMES // 2, ..., 4] == 2.0).mean(axis=0)
    # The map's place with motion lies a little right of and below the middle of the picture.
    assert abs((across - 3) * 8 - (0.5625 - looks.places[0, 0]) * 112) < 8
    assert abs((down - 3) * 8 - (0.583 - looks.places[0, 1]) * 84) < 8


def test_two_looks_at_a_frame_are_put_together_and_the_nearer_one_counts_more() -> None:
    rows = rows_of(np.zeros(12, np.float32))
    looks = Glances(
        np.array([4, 7]),
        np.float32([[0.2, 0.2], [0.8, 0.8]]),
        np.zeros((2, FRAMES, 8, 8), np.uint8),
        np.zeros((2, FRAMES, 1, 1, MOVED), np.float32),
        np.zeros((2, FRAMES, NUMBERS), np.float32),
        (84.0, 112.0),
    )
    answers = np.zeros((2, ANSWERED, 3), np.float32)
    answers[0, :, 0], answers[1, :, 0] = 1.0, 0.0
    found = rows_of_answers(rows, looks, answers)
    assert found.presence[[2, 3, 4]].tolist() == [1, 1, 1]
    assert found.presence[5] == pytest.approx(4 / 5)  # one frame from the one, two from the other
    assert found.presence[6] == pytest.approx(1 / 5)
    assert found.presence[[0, 1, 10, 11]].tolist() == [0, 0, 0, 0]  # nobody looked
    assert found.x[5] == pytest.approx(0.8 * 0.2 + 0.2 * 0.8)
    assert found.impulse[0] == rows.impulse[0]


def test_what_is_told_depends_on_no_frame_out_of_reach() -> None:
    random = np.random.default_rng(3)
    presence = random.uniform(0, 0.3, 60).astype(np.float32)
    whole = centres_of(presence)
    for first in (0, 7, 20):
        part = centres_of(presence[first : first + 30]) + first
        inner = (part >= first + REACH - 2) & (part < first + 30 - REACH + 2)
        assert set(part[inner]) == {k for k in whole if first + REACH - 2 <= k < first + 30 - REACH + 2}
