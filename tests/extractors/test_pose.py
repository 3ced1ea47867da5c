"""Pose: a planted position, size and tilt is found, and removed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.extractors.face.pose import CANONICAL_RIGID, RIGID, head_pose, turned_pose
from genlock.extractors.face.tracking import FaceTracker, Sighting
from genlock.media import VideoCell
from genlock.synth.talkers.face import Camera
from genlock.synth.talkers.looks import Look
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.render import FaceRenderer
from genlock.synth.talkers.speakers import Speaker

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


def turned_about(aside: float, up: float, tilt: float) -> np.ndarray:
    """A rotation [3, 3]: tilted, then nodding, then turned to the side (positive: to the right as seen)."""
    c, s = np.cos(aside), np.sin(aside)
    about_y = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    c, s = np.cos(up), np.sin(up)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(tilt), np.sin(tilt)
    return np.asarray(about_y @ about_x @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))


@given(st.floats(-1.2, 1.2), st.floats(-0.8, 0.8), st.floats(-3, 3), st.floats(5, 2000))
def test_a_planted_turn_is_found_and_taken_out(aside: float, up: float, tilt: float, scale: float) -> None:
    """A known head is turned, nods and tilts: its lips lie where they lay."""
    random = np.random.default_rng(0)
    lips = random.normal(0, 0.3, (40, 3))
    person = CANONICAL_RIGID + random.normal(0, 0.03, (16, 3))
    rotation = turned_about(aside, up, tilt)
    pose = turned_pose(scale * CANONICAL_RIGID @ rotation.T + [300, 200, 7])
    assert np.abs(pose.rotation - rotation).max() < 1e-9
    assert float(pose.scale) == pytest.approx(scale)
    ahead = turned_pose(person).to_head(lips)
    seen = turned_pose(scale * person @ rotation.T + [300, 200, 7]).to_head(
        scale * lips @ rotation.T + [300, 200, 7]
    )
    assert np.abs(seen - ahead).max() < 1e-6


def test_turns_of_many_frames_and_points_that_fall_together() -> None:
    rotations = np.stack([turned_about(aside, 0.1, 0.2) for aside in np.linspace(-1, 1, 9)])
    rigid = np.einsum("tij,pj->tpi", rotations, 80 * CANONICAL_RIGID)
    many = turned_pose(rigid)
    assert np.allclose(many.rotation[3], turned_pose(rigid[3]).rotation)
    assert many.to_head(rigid).shape == (9, 16, 3)
    assert np.abs(many.to_head(rigid) - CANONICAL_RIGID).max() < 1e-9
    assert np.isfinite(turned_pose(np.full((16, 3), 7.0)).to_head(np.full((3, 3), 7.0))).all()


@pytest.mark.slow
def test_lips_of_a_drawn_head_hardly_move_as_it_turns() -> None:
    """A talker whose mouth stands still turns by 40 degrees to either side; its lips come from the tracker's mesh."""
    renderer = FaceRenderer(Speaker(), Look(), Camera(256, 256, 64.0), finer=1)
    seen: list[Sighting] = []
    tracker = FaceTracker((seen.append,))
    for number, degrees in enumerate([*range(0, 41, 4), *range(36, -41, -4)]):
        state = np.zeros(len(STATE))
        state[STATE.index("jaw")], state[STATE.index("yaw")] = 0.25, np.deg2rad(degrees)
        pixels = renderer.draw(state)
        tracker.push(VideoCell(pixels, number, Fraction(number, 25), Fraction(number + 1, 25), "drawn"))
    assert len(seen) == 31
    in_space, in_plane = (
        np.stack([getattr(face, name) for face in seen]) for name in ("lips", "lips_in_plane")
    )
    moved = [
        float(np.sqrt(((lips - lips.mean(axis=0)) ** 2).sum(axis=-1).mean())) for lips in (in_space, in_plane)
    ]
    assert moved[0] < 0.05
    assert moved[0] < moved[1] / 2
