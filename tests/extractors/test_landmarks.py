"""Faces on real pictures: found, followed with their identities, lost where they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.extractors.face.landmarks import LIPS, as_68, extract_landmarks, pose_of, without_pose
from genlock.media import Picture, ReadOptions, VideoForm, encode, read_frames
from genlock.testing import example_video
from genlock.weights import registry

pytestmark = pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)


def frames_of(path: Path, size: tuple[int, int] | None = None, count: int = 15) -> list[np.ndarray]:
    found = []
    for cell in read_frames(path, VideoForm(size=size)):
        found.append(cell.pixels)
        if len(found) == count:
            break
    return found


@pytest.fixture(scope="module")
def two_people(shared_data: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Fifteen frames of each of two people, 256 x 256."""
    talking = shared_data / "talking"
    return (
        frames_of(talking / "RD_Radio34_000.mp4", (256, 256)),
        frames_of(talking / "WDA_BobMenendez_000.mp4", (256, 256)),
    )


def film(path: Path, frames: list[np.ndarray]) -> Path:
    encode(path, Picture(frames, rate=25, codec="libx264", options={"crf": "12"}))
    return path


def test_no_face_no_track() -> None:
    assert extract_landmarks(example_video()) == []


@pytest.mark.parametrize("name", ["grid_s1/video/bbaf2n.mpg", "grid_s1/video/bgit6p.mpg"])
def test_a_talking_person_is_seen_in_every_frame(shared_data: Path, name: str) -> None:
    (face,) = extract_landmarks(shared_data / name)
    assert face.first_frame == 0
    assert len(face.points) == 75
    assert face.share == 1.0
    assert face.points.grid.center(3) == pytest.approx(0.14)
    assert as_68(face).values.shape == (75, 68, 3)
    # Mouth under the nose under the eyes, all inside the picture.
    eyes, nose, mouth = (face.select([k]).values[:, 0, 1].mean() for k in (33, 4, 13))
    assert 0 < eyes < nose < mouth < 288


def test_two_people_keep_their_identities(two_people, tmp_path: Path) -> None:
    left, right = two_people
    both = [np.hstack([a, b]) for a, b in zip(left, right, strict=True)]
    faces = extract_landmarks(film(tmp_path / "two.mp4", both))
    assert len(faces) == 2
    middles = sorted(float(face.points.values[..., 0].mean()) for face in faces)
    assert middles[0] < 256 < middles[1]
    for face in faces:  # nobody jumps from one to the other
        assert np.ptp(face.points.values[..., 0].mean(axis=1)) < 40


def test_a_cut_ends_an_identity(two_people, tmp_path: Path) -> None:
    first, second = two_people
    faces = extract_landmarks(film(tmp_path / "cut.mp4", [*first, *second]))
    assert [(face.first_frame, len(face.points)) for face in faces] == [(0, 15), (15, 15)]


def test_a_face_that_is_covered_is_invalid_not_invented(two_people, tmp_path: Path) -> None:
    person, _ = two_people
    blank = [np.full_like(frame, 90) for frame in person[5:10]]
    faces = extract_landmarks(film(tmp_path / "gone.mp4", [*person[:5], *blank, *person[10:]]))
    seen = sorted(face.first_frame + int(k) for face in faces for k in np.flatnonzero(face.points.valid))
    assert seen == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


def test_pose_is_measured_and_removed(two_people, tmp_path: Path) -> None:
    """The same frames, turned and made smaller, have that pose, and the same lips."""
    person, _ = two_people

    def turned() -> Iterator[np.ndarray]:
        matrix = cv2.getRotationMatrix2D((128, 128), -12, 0.8)
        return (
            cv2.warpAffine(frame, matrix, (256, 256), borderMode=cv2.BORDER_REPLICATE) for frame in person
        )

    (plain,) = extract_landmarks(film(tmp_path / "plain.mp4", person))
    (moved,) = extract_landmarks(film(tmp_path / "turned.mp4", list(turned())))
    assert np.degrees(pose_of(moved).rotation - pose_of(plain).rotation).mean() == pytest.approx(12, abs=1.5)
    assert (pose_of(moved).scale / pose_of(plain).scale).mean() == pytest.approx(0.8, abs=0.03)
    lips, lips_moved = without_pose(plain).values.mean(axis=0), without_pose(moved).values.mean(axis=0)
    # Up to one turn of the whole clip, which is no pose of a frame against the others.
    a, b = (shape[:, 0] + 1j * shape[:, 1] for shape in (lips, lips_moved))
    a, b = a - a.mean(), b - b.mean()
    b = b * np.exp(1j * np.angle((b.conj() * a).sum()))
    assert np.abs(a - b).max() < 0.05


def test_only_the_lips_of_a_part(shared_data: Path) -> None:
    video = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    (face,) = extract_landmarks(video, reading=ReadOptions(start=1, end=2), indices=LIPS)
    assert face.points.values.shape[1:] == (40, 3)
    assert float(face.points.start) == pytest.approx(1.0, abs=0.04)
    with pytest.raises(ValueError, match="were not kept"):
        face.select([33])
