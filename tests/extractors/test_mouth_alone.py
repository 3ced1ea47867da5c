"""A mouth that fills the picture is followed as well as in the whole picture; what is no mouth is not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from genlock.extractors.face.mouth_alone import MouthAlone
from genlock.extractors.face.tracking import FaceTracker, Sighting
from genlock.media import ReadOptions, VideoCell, VideoForm, read
from genlock.media.consumers import Tap

CORNERS, OPENING = (61, 291), (13, 14)


def opening(faces: list[Sighting]) -> np.ndarray:
    points = np.stack([face.points[:, :2] for face in faces])
    return np.linalg.norm(points[:, OPENING[0]] - points[:, OPENING[1]], axis=1)


def test_the_crop_of_a_mouth_opens_as_the_mouth_does(shared_data: Path) -> None:
    clip = sorted((shared_data / "grid_s1" / "video").iterdir())[5]
    cells: list[VideoCell] = []
    whole: list[Sighting] = []
    read(
        clip,
        [Tap(VideoForm(pixels="rgb24"), lambda cell: cells.append(replace(cell, pixels=cell.pixels.copy())))],
        ReadOptions(end="1.4"),
    )
    tracker = FaceTracker((whole.append,))
    for cell in cells:
        tracker.push(cell)
    corners = np.stack([face.points[list(CORNERS), :2] for face in whole])
    middle, wide = corners.mean(axis=(0, 1)), np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1).mean()
    scale = 96 / (2 * wide)
    place = np.array([[scale, 0, 48 - scale * middle[0]], [0, scale, 48 - scale * middle[1]]])

    crops: list[Sighting] = []
    beside = FaceTracker()
    mouth = MouthAlone(beside, (crops.append,))
    for cell in cells:
        mouth.push(replace(cell, pixels=cv2.warpAffine(cell.pixels, place, (96, 96))))
    assert mouth.note
    assert [face.frame for face in crops] == [face.frame for face in whole]
    assert {face.face for face in crops} == {0}
    assert beside.frames == len(cells)
    assert np.corrcoef(opening(crops), opening(whole))[0, 1] > 0.9


def test_small_pictures_of_something_else_are_left_to_the_tracker(shared_data: Path) -> None:
    draw = np.random.default_rng(1)
    checks = (np.indices((96, 96)).sum(axis=0) // 12 % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    for pixels in (draw.integers(0, 256, (96, 96, 3), np.uint8), np.full((96, 96, 3), 90, np.uint8), checks):
        seen: list[Sighting] = []
        mouth = MouthAlone(FaceTracker(), (seen.append,))
        for number in range(3):
            mouth.push(VideoCell(pixels, number, Fraction(number, 25), Fraction(number + 1, 25), "film"))
        assert seen == []
        assert mouth.note == ""
