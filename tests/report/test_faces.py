"""Faces over the picture: where the page draws them, and the lane of the mouth that speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.core import Grid
from genlock.extractors.face.tracking import Sighting
from genlock.models.face_nets import Region
from genlock.report import FaceRows, SeenFaces, make_preview, write_report
from genlock.report.seen_faces import MOST_ROWS

from .browser import console, open_report, settled
from .clips import HEIGHT, WIDTH, Clip
from .contents import content_of
from .test_page import press


def seen_at(frame: int, face: int, left: float, scale: tuple[float, float] = (1.0, 1.0)) -> Sighting:
    """A mesh whose points span 40 x 60 pixels from ``left``, 20."""
    points = np.zeros((468, 3), np.float32)
    points[:, 0] = left + np.linspace(0, 40, 468)
    points[:, 1] = 20 + np.linspace(0, 60, 468)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return Sighting(face, frame, points, 1.0, Region(0.0, 0.0, 1.0, 0.0), image, scale=scale)


def test_boxes_are_shares_of_the_frame_in_order_of_frames() -> None:
    seen = SeenFaces()
    for frame, face in ((5, 1), (4, 0), (5, 0)):
        seen(seen_at(frame, face, 100.0 * face))
    rows = seen.rows((WIDTH, HEIGHT), [1])
    assert rows is not None
    assert list(zip(rows.frames.tolist(), rows.faces.tolist(), strict=True)) == [(4, 0), (5, 1), (5, 0)]
    wanted = np.array([100, 20, 140, 80]) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    assert rows.boxes[1, 0].tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
    assert rows.speaking == (1,)


def test_nobody_seen_is_nothing_to_draw() -> None:
    assert SeenFaces().rows((WIDTH, HEIGHT)) is None


def test_the_lane_is_the_mouth_that_speaks_and_is_not_valid_where_it_is_not_seen() -> None:
    frames, faces = np.array([0, 0, 1, 2, 9]), np.array([0, 1, 0, 0, 1])
    openings = np.array([0.1, 0.5, 0.2, 0.3, 0.6], np.float32)
    rows = FaceRows(frames, faces, np.zeros((5, 2, 4), np.float32), openings, speaking=(1,))
    track = rows.opening(Grid(25), 4)
    assert track is not None
    assert track.values[0] == pytest.approx(0.5)
    assert track.valid.tolist() == [True, False, False, False]
    longest = replace(rows, speaking=()).opening(Grid(25), 4)
    assert longest is not None
    assert longest.valid.tolist() == [True, True, True, False]


def test_of_very_many_rows_every_second_frame_is_kept() -> None:
    count = MOST_ROWS + 10
    rows = FaceRows(
        np.arange(count),
        np.zeros(count, np.int64),
        np.zeros((count, 2, 4), np.float32),
        np.zeros(count, np.float32),
    )
    assert rows.step() == 2
    assert len(rows.data()) == 24 * (count // 2)


def test_the_page_draws_the_faces_of_the_frame_on_screen(
    driver: Any, clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    truth = clip("plain.mp4")
    seen = SeenFaces()
    for frame in range(10, 30):
        seen(seen_at(frame, 0, 4.0 * frame))
    content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), [])
    page = write_report(tmp_path / "f.html", replace(content, faces=seen.rows((WIDTH, HEIGHT), [0]))).path
    open_report(driver, page)
    for frame in (12, 27):
        driver.execute_script("window.genlock.seekFrame(arguments[0])", frame)
        settled(driver)
        face, lips = driver.execute_script(BOXES)
        assert face == pytest.approx([4 * frame, 20, 40, 60], abs=0.02)
        assert face[0] <= lips[0]
        assert lips[0] + lips[2] <= face[0] + face[2] + 0.02
    driver.execute_script("window.genlock.seekFrame(5)")
    settled(driver)
    assert driver.execute_script(BOXES) == []
    press(driver, "f")
    assert driver.execute_script("return document.querySelector('svg.faces').hasAttribute('hidden')")
    assert console(driver) == []


BOXES = """
return [...document.querySelectorAll("svg.faces rect")].map((box) =>
  ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name))));
"""
