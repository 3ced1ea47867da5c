"""The compiled arithmetic of outlines and surfaces, against what it should be by plain numpy."""

from __future__ import annotations

import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from tests.animation import standin

from genlock.animation.brush import curve, ellipse, rotation
from genlock.animation.faces.base import FaceFrame, make_face
from genlock.animation.film import yuv_planes
from genlock.animation.mesh import mesh_normals, shade_triangles, soften_edges
from genlock.animation.outlines import blend, carried_lips, square_dots, widened


def test_rotation_is_roll_after_pitch_after_yaw() -> None:
    yaw, pitch, roll = 0.3, -0.2, 0.5
    apart = rotation([0, 0, roll]) @ rotation([0, pitch, 0]) @ rotation([yaw, 0, 0])
    np.testing.assert_allclose(rotation([yaw, pitch, roll]), apart, atol=1e-12)
    np.testing.assert_allclose(apart @ apart.T, np.eye(3), atol=1e-12)


def test_curves_pass_through_their_points_and_lines_have_their_width() -> None:
    given = np.random.default_rng(0).normal(0, 1, (7, 2))
    np.testing.assert_allclose(curve(given, steps=5)[::5], given)
    np.testing.assert_allclose(curve(given, closed=False, steps=5)[::5], given)
    path = np.column_stack([np.arange(5.0), np.zeros(5)])
    outline = widened(path, 0.5, 0.6)
    np.testing.assert_allclose(np.ptp([outline[2, 1], outline[7, 1]]), 0.5)
    np.testing.assert_allclose(np.ptp([outline[0, 1], outline[9, 1]]), 0.5 * 0.4)


def test_what_lies_over_a_picture_is_mixed_by_its_share() -> None:
    under, part = np.full((1, 3, 3), 100, np.uint8), np.full((1, 3, 3), 200, np.uint8)
    blend(under, part, np.array([[0, 128, 255]], np.uint8))
    assert under[0, :, 0].tolist() == [100, 150, 200]


def test_a_surface_is_shaded_between_its_corners_and_hides_what_is_behind() -> None:
    points = np.array([[0, 0, 1.0], [40, 0, 1.0], [0, 40, 1.0], [0, 0, 2.0], [60, 0, 2.0], [0, 60, 2.0]])
    colours = np.array([[0, 0, 0], [200, 0, 0], [0, 200, 0], *[[9, 9, 9]] * 3], float)
    image, near = np.zeros((64, 64, 3), np.uint8), np.full((64, 64), np.inf, np.float32)
    shade_triangles(image, near, points, colours, np.array([[3, 4, 5], [0, 1, 2]], np.int32))
    y, x = np.mgrid[:64, :64]
    front, behind = x + y <= 40, (x + y > 40) & (x + y <= 60)
    np.testing.assert_allclose(image[front][:, 0], 5 * x[front], atol=1)
    np.testing.assert_allclose(image[front][:, 1], 5 * y[front], atol=1)
    assert (image[behind] == 9).all()
    assert not image[~front & ~behind].any()
    normals = mesh_normals(points, np.array([[0, 1, 2]], np.int32))
    np.testing.assert_allclose(normals[:3], [[0, 0, -1]] * 3, atol=1e-12)


def test_edges_of_a_surface_are_as_soft_as_four_samples_make_them() -> None:
    points = np.array([[3.3, 4.1, 1.0], [41.7, 9.4, 1.0], [12.2, 50.6, 1.0]])
    colours, triangles = np.full((3, 3), 240.0), np.array([[0, 1, 2]], np.int32)
    image, near = np.full((64, 64, 3), 20, np.uint8), np.full((64, 64), np.inf, np.float32)
    under = image.copy()
    shade_triangles(image, near, points, colours, triangles)
    hard = image.copy()
    soften_edges(image, near, under, points, colours, triangles, 0.1)
    # The share of each pixel that is covered, from 16 x 16 samples.
    at = (np.arange(64 * 16) + 0.5) / 16 - 0.5
    x, y = np.meshgrid(at, at)
    sides = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0
        for a, b in zip(points, np.roll(points, -1, axis=0), strict=True)
    ]
    share = np.logical_and.reduce(sides).reshape(64, 16, 64, 16).mean(axis=(1, 3))
    apart = np.abs(image[..., 0] - (20 + 220 * share))
    assert apart.max() < 90
    assert apart.mean() < 0.45 * np.abs(hard[..., 0] - (20 + 220 * share)).mean()


def test_a_sculpture_looks_like_a_larger_one_that_was_shrunk() -> None:
    points = np.asarray(standin.face_basis().neutral)
    open_mouth = points.copy()
    open_mouth[152, 1] += 0.08
    frame = FaceFrame(open_mouth, points, 0.5, turn=np.array([0.1, 0.03, 0.05]))
    small, large = make_face("bust", 256).draw(frame), make_face("bust", 1024).draw(frame)
    shrunk = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    error = np.mean((small.astype(float) - shrunk) ** 2)
    assert 10 * np.log10(255**2 / error) > 36


def test_dots_cover_their_area() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    square_dots(
        image, np.array([[10.3, 12.8], [31.5, 31.5]]), 2.4, np.array([[200, 100, 0], [250, 0, 0]], np.uint8)
    )
    assert abs(image[:24, :24, 0].sum() / 200 - 4.8**2) < 0.1
    assert abs(image[:24, :24, 1].sum() / 100 - 4.8**2) < 0.2
    assert image[31, 31, 0] == 250


def test_ellipses_turn() -> None:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    x, y = 2 * np.cos(angle), np.sin(angle)
    c, s = np.cos(0.4), np.sin(0.4)
    np.testing.assert_allclose(
        ellipse((3, 4), (2, 1), turn=0.4),
        np.stack([3 + c * x - s * y, 4 + s * x + c * y], axis=1),
        atol=1e-12,
    )


def test_lips_that_are_carried_over_never_cross_and_open_as_far_as_the_real_ones() -> None:
    rest = np.column_stack(
        [np.cos(np.linspace(np.pi, -np.pi, 21)[:-1]), -np.sin(np.linspace(np.pi, -np.pi, 21)[:-1])]
    )
    inner = rest * [0.9, 0]
    moved = np.zeros((41, 2))
    moved[21:30, 1], moved[31:40, 1] = 0.02, 0.12
    outer, lips, opening = carried_lips(moved, rest * 0.5, inner, 1.6, 2.0, 0.006)
    assert opening == pytest.approx((0.1 - 0.006) * 2)
    np.testing.assert_allclose(lips[11:][::-1][:9, 1] - lips[1:10, 1], opening)
    moved[21:30, 1] = 0.2
    outer, lips, opening = carried_lips(moved, rest * 0.5, inner, 1.6, 2.0, 0.006)
    assert opening == 0
    assert (lips[11:][::-1][:9, 1] >= lips[1:10, 1]).all()
    assert (outer[1:10, 1] < lips[1:10, 1]).all()


def test_commands_that_draw_nothing_do_not_wait_for_the_compiler() -> None:
    code = "import sys, genlock.cli; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_colours_go_into_a_film_as_ffmpeg_would_turn_them() -> None:
    small = np.random.default_rng(1).integers(0, 256, (8, 12, 3), np.uint8)
    pixels = np.ascontiguousarray(np.repeat(np.repeat(small, 16, axis=0), 16, axis=1))
    theirs = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p").to_ndarray()
    apart = np.abs(yuv_planes(pixels).astype(int) - theirs)
    assert apart[:128].max() <= 1
    # FFmpeg's colours are smooth from one patch to the next: the middles of the patches agree.
    assert apart[128:].reshape(2, 64, 96)[:, 4::8, 4::8].max() <= 1
