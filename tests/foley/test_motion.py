"""Contacts found from motion alone, at instants between frames, whatever the frame rate and the camera."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest

from genlock.foley.finding import EventOptions
from genlock.foley.motion import MotionFinder
from genlock.media import VideoCell

HITS = (0.613, 1.287, 1.922)
FALL, SPEED = 0.22, 1.5  # seconds, and picture heights a second


def textured(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(60, 200, (height, width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1.5) * 1.6 - 70


def height_at(t: float) -> float:
    """Of a block over the ground, in picture heights: it falls at one speed, is thrown back, comes to rest."""
    after = [h for h in HITS if h > t]
    before = [h for h in HITS if h <= t]
    top = FALL * SPEED
    if after and after[0] - t < FALL:
        return (after[0] - t) * SPEED
    if not before:
        return top
    rest = (after[0] - FALL if after else before[-1] + 0.45) - before[-1]
    return top * (1 - max(0.0, 1 - (t - before[-1]) / rest) ** 2)


def film(cells: list[tuple[Fraction, Fraction]], shake: float) -> list[VideoCell]:
    page, block = textured(1, 140, 180), textured(2, 30, 34) + 40
    made = []
    for number, (start, end) in enumerate(cells):
        t = float(start + (end - start) / 6)
        image = page.copy()
        y = 84 - height_at(t) * 120
        rows = np.float32([[1, 0, 70], [0, 1, y]])
        seen = cv2.warpAffine(block, rows, (180, 140), flags=cv2.INTER_LINEAR)
        mask = cv2.warpAffine(np.ones_like(block), rows, (180, 140), flags=cv2.INTER_LINEAR)
        image = image * (1 - mask) + seen * mask
        moved = np.float32([[1, 0, -10 + shake * np.sin(6 * t)], [0, 1, -10 + shake * np.cos(5 * t)]])
        frame = cv2.warpAffine(image, moved, (160, 120), flags=cv2.INTER_LINEAR)
        made.append(VideoCell(np.clip(frame, 0, 255).astype(np.uint8), number, start, end, "film"))
    return made


def cells_of(rate: int | None) -> list[tuple[Fraction, Fraction]]:
    if rate is not None:
        return [(Fraction(k, rate), Fraction(k + 1, rate)) for k in range(int(2.6 * rate))]
    steps = np.random.default_rng(3).choice([25, 40, 50], 70).tolist()
    edges = [Fraction(int(e), 1000) for e in np.cumsum([0, *steps])]
    return [(a, b) for a, b in pairwise(edges) if b < Fraction(13, 5)]


@pytest.mark.parametrize(("rate", "shake"), [(15, 0.0), (25, 0.0), (25, 3.0), (60, 0.0), (None, 0.0)])
def test_contacts_between_frames(rate: int | None, shake: float) -> None:
    finder = MotionFinder(EventOptions("motion"))
    for cell in film(cells_of(rate), shake):
        finder.push(cell)
    finder.finish()
    likely = [event for event in finder.events() if event.probability >= finder.least_probability]
    nearest = [min(abs(float(event.instant) - hit) for event in likely) for hit in HITS]
    assert max(nearest) < 0.012
    assert len(likely) <= len(HITS) + 1
    first = min(likely, key=lambda event: abs(float(event.instant) - HITS[0]))
    assert abs(first.x - 77 / 160) < 0.12
    assert abs(first.y - 0.73) < 0.2
