"""The picture of the card, before any codec."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.synth.card.barcode import HIGHEST_NUMBER, draw_number, read_number, strip_box
from genlock.synth.card.picture import Card, CardState

SIZES = [(160, 120), (176, 144), (320, 180), (360, 640), (640, 360), (854, 480), (1920, 1080)]


@given(st.integers(0, HIGHEST_NUMBER), st.sampled_from(SIZES[:4]), st.booleans())
def test_a_number_is_read_back_at_any_size(number: int, size: tuple[int, int], grey: bool) -> None:
    width, height = size
    image = np.full((height, width) if grey else (height, width, 3), 90, np.uint8)
    draw_number(image, number)
    assert read_number(image) == number


@given(st.integers(0, HIGHEST_NUMBER), st.integers(0, 27))
def test_a_wrong_bar_is_noticed(number: int, bar: int) -> None:
    image = np.zeros((180, 320), np.uint8)
    draw_number(image, number)
    left, top, right, bottom = strip_box(320, 180)
    wide = (right - left) // 28
    stripe = image[top:bottom, left + bar * wide : left + (bar + 1) * wide]
    stripe[:] = 251 - stripe
    assert read_number(image) is None


def test_numbers_out_of_range_and_frames_without_a_strip() -> None:
    image = np.zeros((180, 320, 3), np.uint8)
    assert read_number(image) is None
    with pytest.raises(OptionError, match="does not fit"):
        draw_number(image, HIGHEST_NUMBER + 1)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_can_be_drawn_and_read(size: tuple[int, int]) -> None:
    card = Card(*size, "caption")
    frame = card.draw(CardState(1234, "00:00:41;04", 0.25, 0.7, 0.5, True, "word"))
    assert frame.shape == (size[1], size[0], 3)
    assert frame.dtype == np.uint8
    assert read_number(frame) == 1234


@pytest.mark.parametrize("size", [(161, 120), (100, 100), (160, 80), (9000, 90)])
def test_sizes_that_cannot_be(size: tuple[int, int]) -> None:
    with pytest.raises(OptionError, match="not possible"):
        Card(*size)


def test_a_state_changes_only_its_own_part() -> None:
    card = Card(640, 360)
    rest = card.draw(CardState(5, "00:00:00:05", 0.0))
    boxes = {
        "mouth": (CardState(5, "00:00:00:05", 0.0, aperture=0.8), (280, 150, 360, 215)),
        "flash": (CardState(5, "00:00:00:05", 0.0, flash=True), (470, 45, 610, 185)),
        "hand": (CardState(5, "00:00:00:05", 0.3), (30, 48, 170, 186)),
        "word": (CardState(5, "00:00:00:05", 0.0, word="clock"), (200, 270, 440, 303)),
        "eyes": (CardState(5, "00:00:00:05", 0.0, eyes=0.0), (260, 90, 380, 150)),
    }
    for name, (state, (left, top, right, bottom)) in boxes.items():
        ys, xs = np.nonzero((card.draw(state) != rest).any(axis=2))
        assert len(xs), name
        assert left <= xs.min() <= xs.max() <= right, name
        assert top <= ys.min() <= ys.max() <= bottom, name
    np.testing.assert_array_equal(card.draw(CardState(5, "00:00:00:05", 0.0)), rest)
