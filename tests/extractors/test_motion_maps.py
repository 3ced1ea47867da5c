"""Maps of motion: planted velocities come back, the camera's own movement does not, and rows lie on their frames."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.extractors import make_extractor
from genlock.extractors.picture.motion_maps import CHANNELS, MAP_SHAPE, MotionMapper, MotionMaps
from genlock.media import VideoCell

HEIGHT, WIDTH = 120, 160


def textured(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(60, 200, (height, width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1.5) * 1.6 - 70


PAGE, BLOCK = textured(1, HEIGHT + 40, WIDTH + 40), textured(2, 30, 34) + 40


def frame(x: float, y: float, shake: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """A block over a page, both with texture; the camera is moved by so many pixels."""
    size = (WIDTH + 40, HEIGHT + 40)
    way = np.float32([[1, 0, x + 20], [0, 1, y + 20]])
    seen, mask = (
        cv2.warpAffine(one, way, size, flags=cv2.INTER_LINEAR) for one in (BLOCK, np.ones_like(BLOCK))
    )
    picture = PAGE * (1 - mask) + seen * mask
    moved = np.float32([[1, 0, shake[0] - 20], [0, 1, shake[1] - 20]])
    return np.clip(cv2.warpAffine(picture, moved, (WIDTH, HEIGHT)), 0, 255).astype(np.uint8)


def maps_of(frames: list[np.ndarray], rate: int) -> list[MotionMaps]:
    mapper = MotionMapper()
    found = [mapper.push(Fraction(k, rate), one) for k, one in enumerate(frames)]
    return [one for one in found if one is not None]


def channel(maps: MotionMaps, name: str) -> np.ndarray:
    return maps.maps[..., CHANNELS.index(name)]


@pytest.mark.parametrize("shaken", [False, True])
def test_a_block_that_falls_and_is_thrown_back(shaken: bool) -> None:
    heights = [20, 26, 32, 38, 44, 38, 32, 26]
    frames = [
        frame(60, y, (2.0 * np.sin(1.3 * k), 1.5 * np.cos(k)) if shaken else (0, 0))
        for k, y in enumerate(heights)
    ]
    found = maps_of(frames, 25)
    assert [one.instant for one in found] == [Fraction(k, 25) for k in range(1, 7)]
    for k, one in enumerate(found, 1):
        # 6 pixels of 120 in 1/25 s, where the block moves.
        into = channel(one, "into y").sum() / channel(one, "into area").sum()
        out = channel(one, "out y").sum() / channel(one, "out area").sum()
        assert into == pytest.approx(1.25 if k <= 4 else -1.25, rel=0.5)
        assert out == pytest.approx(1.25 if k < 4 else -1.25, rel=0.5)
        assert abs(channel(one, "into x").sum()) < 0.2 * abs(channel(one, "into y").sum())
        assert channel(one, "seconds before").max() == pytest.approx(0.04)
    # What is thrown back was there before: less changed across than on the way.
    turned = found[3]
    assert channel(turned, "change across").sum() < 0.6 * channel(turned, "change before").sum()


def test_a_camera_alone_is_no_motion() -> None:
    shaken = maps_of([frame(60, 40, (3 * np.sin(k), 2 * np.cos(k))) for k in range(8)], 25)
    moved = maps_of([frame(60, 40 + 3 * k) for k in range(8)], 25)
    still, real = (np.mean([channel(one, "into area").mean() for one in some]) for some in (shaken, moved))
    assert still < 0.1 * real
    assert channel(shaken[3], "camera before").max() > 0.3


def test_rows_lie_on_their_frames_and_frames_too_near_are_passed_over() -> None:
    feature = make_extractor("motion")
    for rate, step in ((25, 1), (120, 3)):
        stream = feature.open()
        for k in range(24):
            picture = frame(60, 15 + 75 * k / rate)
            stream.push(VideoCell(picture, k, Fraction(k, rate), Fraction(k + 1, rate), "film"))
        track = stream.take()
        assert track is not None
        assert track.values.shape == (24, *MAP_SHAPE, len(CHANNELS))
        assert np.flatnonzero(track.valid).tolist() == list(range(step, 24 - step, step))
        k = 12
        assert track.grid.edge(k) == Fraction(k, rate)
        down = track.values[k, ..., CHANNELS.index("into y")]
        # 75 pixels of 120 in a second; the area takes in what the block hides and uncovers.
        assert 0.2 < down.sum() / track.values[k, ..., 4].sum() < 0.8


def test_a_cut_is_no_motion() -> None:
    other = np.full((HEIGHT, WIDTH), 250, np.uint8)
    frames = [frame(60, 40)] * 3 + [other] * 3
    found = maps_of(frames, 25)
    assert [one.instant for one in found] == [Fraction(1, 25), Fraction(4, 25)]
    assert max(float(channel(one, "change after").max()) for one in found) == 0


def test_a_rate_of_its_own_is_refused() -> None:
    for text in ("motion@25", "motion/64", "motion:fast"):
        with pytest.raises(OptionError):
            make_extractor(text)
