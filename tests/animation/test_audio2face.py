"""Audio2Face-3D's loading code and clock, on a tiny network of its interface whose answers are known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.animation import standin
from tests.animation.onnx_file import OFFSET, WINDOW, write_audio2face

from genlock.animation.audio2face import Audio2FaceMover
from genlock.core.errors import FormatError, InputError, MissingModel
from genlock.models.audio2face import load_audio2face


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio2face")
    write_audio2face(path)
    return path


def sound(seconds: float = 1.3) -> np.ndarray:
    times = np.arange(round(16000 * seconds)) / 16000
    return (0.5 * np.sin(2 * np.pi * 2.3 * times) * np.sin(2 * np.pi * 61 * times)).astype(np.float32)


def test_answers_are_solved_for_named_shapes(folder: Path) -> None:
    model = load_audio2face(folder / "network.onnx")
    assert model.names == ("eyeBlinkLeft", "jawOpen", "mouthPucker")
    assert (model.window, model.offset, model.emotions) == (WINDOW, OFFSET, 26)
    windows = np.zeros((3, WINDOW), np.float32)
    windows[:, OFFSET] = [0, 0.25, -0.75]
    assert model.answers(windows).shape == (3, 301)
    weights = model.weights(windows)
    np.testing.assert_allclose(weights[:, 1], [0, 0.25, 0.75], atol=1e-4)
    np.testing.assert_allclose(weights[:, 2], 0.5 * 2 * 0.1, atol=1e-4)  # NVIDIA's own factor is 0.5
    np.testing.assert_allclose(weights[:, 0], 0, atol=1e-4)
    with pytest.raises(InputError, match="8320"):
        model.weights(windows[:, :100])


@pytest.mark.parametrize("piece", [10**9, 4000, 137])
def test_each_answer_lies_at_the_sample_that_it_is_for(folder: Path, piece: int) -> None:
    mover = Audio2FaceMover(load_audio2face(folder), standin.face_basis())
    voice, samples = mover.open(Fraction(1, 4), "media"), sound()
    parts = [voice.push(samples[k : k + piece]) for k in range(0, len(samples), piece)]
    parts.append(voice.finish())
    instants = np.concatenate([part.centers for part in parts])
    jaw = np.concatenate([part.values for part in parts])[:, 1]
    at = np.rint((instants - 0.25) * 16000).astype(int)
    assert at[:3].tolist() == [0, 512, 1024]
    inside = at < len(samples)
    np.testing.assert_allclose(jaw[inside], np.abs(samples)[at[inside]], atol=1e-4)
    assert instants[-1] >= 0.25 + len(samples) / 16000, "the end of the sound is covered"
    assert mover.lookahead_seconds == Fraction(4160, 16000)


def test_our_mesh_moves_by_the_shapes_that_both_know(folder: Path) -> None:
    mover = Audio2FaceMover(load_audio2face(folder), standin.face_basis())
    assert mover.known == ("jawOpen", "mouthPucker")
    points = mover.points(np.array([[1.0, 0.5, 0.0]], np.float32))
    np.testing.assert_allclose(
        points[0], standin.NEUTRAL + 0.5 * standin.face_basis().shapes["jawOpen"], atol=1e-6
    )


def test_networks_for_several_windows_at_a_time_do_as_well(tmp_path: Path, folder: Path) -> None:
    write_audio2face(tmp_path, batch=1)
    windows = np.random.default_rng(0).uniform(0, 0.9, (5, WINDOW)).astype(np.float32)
    one, many = load_audio2face(folder), load_audio2face(tmp_path)
    np.testing.assert_allclose(one.weights(windows), many.weights(windows))


def test_what_is_missing_or_damaged_is_said(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(MissingModel, match=r"network_info\.json.*licence"):
        load_audio2face(tmp_path)
    write_audio2face(tmp_path)
    (tmp_path / "network.onnx").write_bytes(b"no network")
    with pytest.raises(FormatError, match="onnxruntime"):
        load_audio2face(tmp_path)
    write_audio2face(tmp_path)
    (tmp_path / "network_info.json").write_text("{}")
    with pytest.raises(FormatError, match="do not fit"):
        load_audio2face(tmp_path)
