"""Crops in the published way: upright, of one size, smoothed over a frame and those that follow it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.published_mouth import STABLE, PublishedCrops, default_mean_face, read_mean_face
from genlock.extractors.registry import make_extractor

# The mouth of a planted face, in pixels of the laid face of 256.
MOUTH = np.array([128.0, 170.0])


def _sighting(frame: int, turn: complex, move: complex, opening: float = 0.0, **more: Any) -> Any:
    """A planted face: its five points are the mean face's, turned and moved; a bright square lies on its mouth."""
    points = np.zeros((468, 3), np.float32)

    def placed(at: np.ndarray) -> np.ndarray:
        flat = turn * (at[..., 0] + 1j * at[..., 1]) + move
        return np.stack([flat.real, flat.imag], axis=-1)

    for place, where in zip(STABLE, default_mean_face(), strict=True):
        points[MESH_TO_68[place], :2] = placed(where)
    for place in range(48, 68):
        points[MESH_TO_68[place], :2] = placed(MOUTH + np.array([0, opening]))
    image = np.zeros((400, 400, 3), np.uint8)
    rows, columns = np.mgrid[:400, :400]
    back = ((columns + 1j * rows) - move) / turn
    inside = (np.abs(back.real - MOUTH[0]) < 12) & (np.abs(back.imag - MOUTH[1]) < 6)
    image[inside] = 255
    return SimpleNamespace(face=0, frame=frame, points=points, image=image, fresh=frame == 0, **more)


def _middle(crop: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(crop > 127)
    return np.array([columns.mean(), rows.mean()])


def test_a_turned_face_of_any_size_gives_an_upright_mouth() -> None:
    for turn in (1.0 + 0j, 0.6 * np.exp(0.3j), 1.3 * np.exp(-0.5j)):
        watch = PublishedCrops(96)
        crop = watch(_sighting(0, complex(turn), complex(200, 200) - complex(turn) * complex(128, 150)))
        rows, columns = np.nonzero(crop > 127)
        assert abs(np.ptp(columns) - 23) <= 2
        assert abs(np.ptp(rows) - 11) <= 2
        assert np.abs(_middle(crop) - 48).max() <= 1.5


def test_a_crop_is_smoothed_over_itself_and_the_eleven_that_follow() -> None:
    watch, shifts = PublishedCrops(96), np.linspace(0, 22, 24)
    crops = [watch(_sighting(k, 1 + 0j, complex(60 + s, 60))) for k, s in enumerate(shifts)]
    # Its points are taken 5.5 frames later, but the crop is cut around the mouth of the frame itself.
    for crop in crops:
        assert np.abs(_middle(crop) - 48).max() <= 1.5
    fixed = PublishedCrops(96)
    still = [fixed(_sighting(k, 1 + 0j, complex(60, 60), opening=4.0 * (k == 6))) for k in range(20)]
    assert _middle(still[6])[1] == pytest.approx(_middle(still[5])[1] - 4, abs=1.1)


def test_a_crop_is_drawn_again_when_its_followers_have_come() -> None:
    turn = [np.exp(0.02j * k) for k in range(13)]
    watch = PublishedCrops(96)
    first = watch(_sighting(0, complex(turn[0]), complex(60, 60)))
    before = first.copy()
    for k in range(1, 13):
        watch(_sighting(k, complex(turn[k]), complex(60, 60)))
    assert not np.array_equal(first, before)
    # It was laid upright by the mean of twelve turns, not by its own.
    rows, columns = np.nonzero(first > 127)
    slope = np.polyfit(columns, rows, 1)[0]
    assert np.arctan(slope) == pytest.approx(-0.02 * 5.5, abs=0.04)


def test_the_published_mean_face_is_read_by_path(tmp_path: Path) -> None:
    face = np.arange(136, dtype=np.float64).reshape(68, 2)
    np.save(tmp_path / "mean.npy", face)
    assert np.array_equal(read_mean_face(tmp_path / "mean.npy"), face[list(STABLE)])
    np.save(tmp_path / "small.npy", face[:5])
    with pytest.raises(FormatError, match="68 points"):
        read_mean_face(tmp_path / "small.npy")
    with pytest.raises(InputError, match="cannot read"):
        read_mean_face(tmp_path / "none.npy")
    np.save(tmp_path / "pickled.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(FormatError, match="no array of numbers"):
        read_mean_face(tmp_path / "pickled.npy")


def test_it_is_asked_for_as_every_feature() -> None:
    assert make_extractor("mouth:avhubert/96").name == "mouth:avhubert/96"
    assert make_extractor("mouth:avhubert").value_shape == (96, 96)
    with pytest.raises(OptionError):
        make_extractor("mouth:published/96")
