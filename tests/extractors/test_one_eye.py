"""Pictures for two eyes are noticed, one eye's is handed on in its right shape, and other pictures stay as they are."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from genlock.extractors.face.one_eye import OneEye
from genlock.media import VideoCell, VideoForm
from genlock.media.consumers import Tap

SIZE = (320, 180)


def scene(seed: int, nearer: int = 0) -> np.ndarray:
    """Large soft shapes, as a room has them, [180, 320, 3]; an eye that stands elsewhere sees them moved."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (6, 10, 3)).astype(np.float32)
    picture = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.clip(np.roll(picture, nearer, axis=1), 0, 255).astype(np.uint8)


def squeezed(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def seen(frames: list[np.ndarray]) -> tuple[OneEye, list[np.ndarray]]:
    """What is handed on of some frames."""
    taken: list[np.ndarray] = []
    eye = OneEye(Tap(VideoForm(), lambda cell: taken.append(cell.pixels)))
    for number, pixels in enumerate(frames):
        eye.push(VideoCell(pixels, number, Fraction(number, 25), Fraction(number + 1, 25), "film"))
    eye.finish()
    return eye, taken


@pytest.mark.parametrize("layout", ["side by side", "one above the other"])
def test_one_eyes_picture_is_handed_on_in_its_shape(layout: str) -> None:
    beside = layout == "side by side"
    left, right = scene(1), scene(1, nearer=6)
    size = (160, 180) if beside else (320, 90)
    both = (np.hstack if beside else np.vstack)([squeezed(left, *size), squeezed(right, *size)])
    black = np.zeros_like(both)
    eye, taken = seen([black, *[both] * 8])
    assert eye.layout == layout
    assert layout in eye.note
    assert [picture.shape for picture in taken] == [(180, 320, 3)] * 9
    assert np.abs(taken[-1].astype(int) - left).mean() < 8


def test_two_whole_pictures_side_by_side_are_not_widened() -> None:
    _, taken = seen([np.hstack([scene(2), scene(2, nearer=6)])] * 6)
    assert taken[-1].shape == (180, 320, 3)


def test_other_pictures_stay_as_they_are() -> None:
    sky = np.repeat(np.linspace(255, 0, 180).astype(np.uint8)[:, None, None], 320, axis=1).repeat(3, axis=2)
    split = np.hstack([squeezed(scene(3), 160, 180), squeezed(scene(4), 160, 180)])
    for picture in (scene(5), sky, split, scene(6)):
        eye, taken = seen([picture] * 8)
        assert eye.layout is None
        assert eye.note == ""
        assert all(after is picture for after in taken)
