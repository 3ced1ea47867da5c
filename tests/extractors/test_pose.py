"""Pose: a planted position, size and tilt is found, and removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.extractors.face.pose import CANONICAL_RIGID, RIGID, head_pose

SHAPE = CANONICAL_RIGID[:, 0] + 1j * CANONICAL_RIGID[:, 1]


def planted(scale: float, tilt: float, x: float, y: float, shape: np.ndarray = SHAPE) -> np.ndarray:
    flat = shape * scale * np.exp(1j * tilt) + x + 1j * y
    return np.stack([flat.real, flat.imag], axis=-1)


@given(st.floats(5, 2000), st.floats(-3, 3), st.floats(-4000, 4000), st.floats(-4000, 4000))
def test_a_planted_pose_is_found(scale: float, tilt: float, x: float, y: float) -> None:
    pose = head_pose(planted(scale, tilt, x, y))
    assert float(pose.scale) == pytest.approx(scale)
    assert np.exp(1j * float(pose.rotation)) == pytest.approx(np.exp(1j * tilt))
    assert complex(pose.origin) == pytest.approx(x + 1j * y, abs=1e-6)


@given(st.floats(5, 2000), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_what_pose_does_not_explain_stays(scale: float, tilt: float, seed: int) -> None:
    """Points on a face come out the same however the face stands, also where its own shape is another."""
    random = np.random.default_rng(seed)
    person = SHAPE + 0.05 * (random.standard_normal(16) + 1j * random.standard_normal(16))
    lips = random.standard_normal(40) + 1j * random.standard_normal(40)
    plain, moved = (head_pose(planted(*where, person)) for where in ((1, 0, 0, 0), (scale, tilt, 40, -7)))
    expected = plain.to_head(planted(1, 0, 0, 0, lips))
    found = moved.to_head(planted(scale, tilt, 40, -7, lips))
    assert np.abs(found - expected).max() < 1e-6


def test_there_and_back_for_many_frames() -> None:
    random = np.random.default_rng(1)
    rigid = np.stack([planted(*row) for row in random.uniform([20, -1, 0, 0], [300, 1, 640, 480], (50, 4))])
    pose = head_pose(rigid)
    places = random.standard_normal((50, 7, 2))
    assert pose.scale.shape == (50,)
    assert np.abs(pose.to_head(pose.to_image(places)) - places).max() < 1e-9
    one = head_pose(rigid[3])
    assert np.allclose(one.to_head(rigid[3]), pose.to_head(rigid)[3])


def test_points_that_fall_together_have_no_pose_but_numbers() -> None:
    assert np.isfinite(head_pose(np.full((16, 2), 7.0)).to_head(np.full((3, 2), 7.0))).all()


def test_the_shape_is_that_of_a_face() -> None:
    place = dict(zip(RIGID, CANONICAL_RIGID, strict=True))
    assert np.abs(CANONICAL_RIGID.mean(axis=0)).max() < 1e-12
    assert place[263][0] - place[33][0] == pytest.approx(1)
    mirrored = {33: 263, 133: 362, 127: 356, 162: 389}
    for right, left in mirrored.items():
        assert place[right] * [-1, 1, 1] == pytest.approx(place[left])
    assert place[10][1] < place[168][1] < place[5][1]  # forehead above the bridge above the tip
    assert place[5][2] < place[33][2] < place[127][2]  # the nose is nearest, the temples farthest
