"""The compiled arithmetic of outlines and surfaces, against what it should be by plain numpy."""

from __future__ import annotations

import av
import numpy as np

from genlock.animation.brush import curve, rotation
from genlock.animation.film import yuv_planes
from genlock.animation.mesh import mesh_normals, shade_triangles
from genlock.animation.outlines import blend, widened


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


def test_colours_go_into_a_film_as_ffmpeg_would_turn_them() -> None:
    small = np.random.default_rng(1).integers(0, 256, (8, 12, 3), np.uint8)
    pixels = np.ascontiguousarray(np.repeat(np.repeat(small, 16, axis=0), 16, axis=1))
    theirs = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p").to_ndarray()
    apart = np.abs(yuv_planes(pixels).astype(int) - theirs)
    assert apart[:128].max() <= 1
    # FFmpeg's colours are smooth from one patch to the next: the middles of the patches agree.
    assert apart[128:].reshape(2, 64, 96)[:, 4::8, 4::8].max() <= 1
