"""Mouths: crops that stand upright wherever the face does, and numbers with planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.extractors.face.mouth import (
    CROP_EYE_DISTANCES,
    LIPS,
    MouthOptions,
    MouthWatcher,
    aperture_of,
    mouth_crop,
    width_of,
)
from genlock.extractors.face.pose import CANONICAL_RIGID, RIGID, HeadPose, head_pose
from genlock.extractors.face.tracking import Sighting
from genlock.models.face_nets import MESH_POINTS, Region

MIDDLE = np.array([0.02, 0.83])


def pose(scale: float, tilt: float = 0.0, x: float = 160.0, y: float = 90.0) -> HeadPose:
    return HeadPose(np.array(x + 1j * y), np.array(scale * np.exp(1j * tilt)))


def painted(where: HeadPose, shape: tuple[int, int] = (360, 360)) -> np.ndarray:
    """An image that is a smooth function of the place on the face: two blobs of different size."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    places = where.to_head(np.stack([columns + 0.5, rows + 0.5], axis=-1).reshape(-1, 2).astype(float))
    grey = 40.0 + 0 * places[:, 0]
    for (x, y), size, height in (((0.25, 0.7), 0.08, 150), ((-0.2, 1.0), 0.15, 100)):
        grey += height * np.exp(-((places[:, 0] - x) ** 2 + (places[:, 1] - y) ** 2) / (2 * size**2))
    return np.repeat(np.rint(np.minimum(grey, 255)).astype(np.uint8).reshape(*shape, 1), 3, axis=2)


def expected(side: int) -> np.ndarray:
    """The same function at the middles of the crop's pixels."""
    per_pixel = CROP_EYE_DISTANCES / side
    steps = (np.arange(side) + 0.5) * per_pixel - CROP_EYE_DISTANCES / 2
    upright = HeadPose(np.array(0j), np.array(1 + 0j))
    x, y = np.meshgrid(steps + MIDDLE[0], steps + MIDDLE[1])
    places = upright.to_head(np.stack([x, y], axis=-1).reshape(-1, 2))
    grey = 40.0 + 0 * places[:, 0]
    for (cx, cy), size, height in (((0.25, 0.7), 0.08, 150), ((-0.2, 1.0), 0.15, 100)):
        grey += height * np.exp(-((places[:, 0] - cx) ** 2 + (places[:, 1] - cy) ** 2) / (2 * size**2))
    return np.minimum(grey, 255).reshape(side, side)


@pytest.mark.parametrize("side", [48, 96])
@pytest.mark.parametrize("scale", [40.0, 90.0, 170.0])
@pytest.mark.parametrize("tilt", [0.0, 0.4, -0.7])
def test_a_crop_holds_what_is_at_its_places(side: int, scale: float, tilt: float) -> None:
    where, truth = pose(scale, tilt), expected(side)
    crop = mouth_crop(painted(where), where, MIDDLE, side)
    assert crop.shape == (side, side)
    assert crop.dtype == np.uint8
    assert np.abs(crop - truth).max() < 6
    # What is left is no displacement: the slopes explain less than a twentieth of a pixel of it.
    slopes = np.stack([slope.ravel() for slope in np.gradient(truth)], axis=1)
    moved = np.linalg.lstsq(slopes, (crop - truth).ravel(), rcond=None)[0]
    assert np.abs(moved).max() < 0.05


def test_a_large_face_is_averaged_not_sampled() -> None:
    """Stripes one pixel wide on a face ten times the crop's size become grey, not stripes again."""
    image = np.zeros((900, 900, 3), np.uint8)
    image[:, ::2] = 200
    crop = mouth_crop(image, pose(300.0, 0.05, 450, 100), (0, 1.0), 48)
    assert np.abs(crop.astype(float) - 100).max() < 12


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    image = np.full((60, 60, 3), 77, np.uint8)
    assert (mouth_crop(image, pose(100.0, 0.0, 30, 0), MIDDLE) == 77).all()


@given(st.floats(0, 0.5), st.floats(0.3, 1.0), st.floats(-0.2, 0.2))
def test_opening_and_width_are_those_planted(opening: float, width: float, shift: float) -> None:
    lips = np.zeros((3, 40, 2))
    lips[:, :, 1] = 0.8
    lips[:, [LIPS.index(k) for k in (82, 13, 312)], 1] += shift - opening / 2
    lips[:, [LIPS.index(k) for k in (87, 14, 317)], 1] += shift + opening / 2
    lips[:, LIPS.index(61), 0], lips[:, LIPS.index(291), 0] = -width / 2, width / 2
    assert aperture_of(lips) == pytest.approx([opening] * 3, abs=1e-6)
    assert width_of(lips) == pytest.approx([width] * 3, abs=1e-6)


def test_lips_that_pass_each_other_are_closed() -> None:
    lips = np.zeros((40, 2))
    lips[[LIPS.index(k) for k in (87, 14, 317)], 1] = -0.02
    assert float(aperture_of(lips)) == 0


def mesh(where: HeadPose) -> np.ndarray:
    points = np.zeros((MESH_POINTS, 3), np.float32)
    points[list(RIGID), :2] = where.to_image(CANONICAL_RIGID[:, :2])
    points[list(RIGID), 2] = float(where.scale) * CANONICAL_RIGID[:, 2]
    points[list(LIPS), :2] = where.to_image(np.tile(MIDDLE, (len(LIPS), 1)))
    return points


def watch(frames: list[tuple[int, HeadPose, np.ndarray]]) -> tuple[list[Sighting], list[float | None]]:
    """What is seen, and how the mouth moved."""
    watcher, seen = MouthWatcher(), []
    for number, where, image in frames:
        seen.append(Sighting(0, number, mesh(where), 1.0, Region(0, 0, 1, 0), image))
    return seen, [watcher(face)[1] for face in seen]


def test_motion_is_that_of_the_mouth_not_of_the_head() -> None:
    frames = [(k, pose(80 + k, 0.03 * k, 150 + 2 * k, 80 + k)) for k in range(6)]
    seen, motion = watch([(k, where, painted(where)) for k, where in frames])
    assert motion[0] is None
    assert max(moved for moved in motion[1:] if moved is not None) < 0.006
    assert [float(face.pose.scale) for face in seen] == pytest.approx([80 + k for k in range(6)], rel=1e-4)
    assert np.abs(seen[3].lips - MIDDLE).max() < 1e-5


def test_motion_is_a_share_of_full_scale_and_needs_the_frame_before() -> None:
    where = pose(90)
    black, grey = np.zeros((360, 360, 3), np.uint8), np.full((360, 360, 3), 51, np.uint8)
    _, motion = watch([(3, where, black), (4, where, grey), (6, where, black)])
    assert motion == [None, pytest.approx(0.2), None]


def test_a_face_that_came_back_in_the_next_frame_has_not_moved() -> None:
    """After a cut the same face may stand elsewhere: the change is the camera's."""
    where, watcher = pose(90), MouthWatcher()
    for number, fresh in ((0, True), (1, False), (2, True)):
        image = np.full((360, 360, 3), 50 * number, np.uint8)
        motion = watcher(Sighting(0, number, mesh(where), 1.0, Region(0, 0, 1, 0), image, fresh))[1]
        assert (motion is None) == fresh


def test_a_crop_has_a_sensible_size() -> None:
    with pytest.raises(OptionError, match="8 pixels is outside 16...512"):
        MouthOptions("crop", 8)


def test_the_pose_of_a_sighting_is_that_of_its_rigid_points() -> None:
    where = pose(120.0, 0.2)
    assert complex(head_pose(mesh(where)[list(RIGID)]).turn) == pytest.approx(complex(where.turn), rel=1e-5)
