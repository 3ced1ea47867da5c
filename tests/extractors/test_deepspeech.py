"""DeepSpeech logits: the inputs of python_speech_features, the network of TensorFlow, the windows of VOCA
without their shift."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.core.errors import FormatError, MissingModel
from genlock.extractors.sound.framing import deepspeech
from genlock.testing import check_feature

torch = pytest.importorskip("torch", reason="DeepSpeech needs the extra genlock[models]")
pytest.importorskip("safetensors", reason="DeepSpeech needs the extra genlock[models]")

from genlock.extractors.sound.deepspeech import DeepSpeech, DeepSpeechOptions, with_context  # noqa: E402
from genlock.models.deepspeech import (  # noqa: E402
    INPUTS,
    NAMES,
    DeepSpeechModel,
    load_deepspeech,
    random_weights,
    save_weights,
)

RATE = 16000


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deepspeech") / "deepspeech.safetensors"
    save_weights(random_weights(units=16), path)
    return path


@pytest.fixture(scope="module")
def extractor(weights: Path) -> DeepSpeech:
    return DeepSpeech(DeepSpeechOptions(str(weights)))


def noise(count: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def tensorflows_cell(w: dict[str, np.ndarray], side: str, inputs: np.ndarray) -> np.ndarray:
    """BasicLSTMCell as its documentation has it: gates input, candidate, forget, output; forget bias 1."""
    kernel = w[f"bidirectional_rnn/{side}/basic_lstm_cell/kernel"]
    bias = w[f"bidirectional_rnn/{side}/basic_lstm_cell/bias"]
    state = np.zeros((2, len(bias) // 4))
    out = []
    for row in inputs:
        i, j, f, o = np.split(np.concatenate([row, state[1]]) @ kernel + bias, 4)
        cell = sigmoid(f + 1.0) * state[0] + sigmoid(i) * np.tanh(j)
        state = np.stack([cell, sigmoid(o) * np.tanh(cell)])
        out.append(state[1])
    return np.array(out)


def test_the_network_is_that_of_the_graph() -> None:
    tensors = random_weights(units=6, seed=3)
    w = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    frames = np.random.default_rng(1).standard_normal((13, INPUTS)) * 20
    hidden = frames
    for n in (1, 2, 3):
        hidden = np.clip(hidden @ w[f"h{n}"] + w[f"b{n}"], 0, 20)
    assert (hidden == 20).any() or (frames @ w["h1"] > 20).any(), (
        "the clipping must be used for this to test it"
    )
    both = np.concatenate(
        [tensorflows_cell(w, "fw", hidden), tensorflows_cell(w, "bw", hidden[::-1])[::-1]], axis=1
    )
    expected = np.clip(both @ w["h5"] + w["b5"], 0, 20) @ w["h6"] + w["b6"]
    found = DeepSpeechModel(tensors).on_arrays(frames.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_the_shapes_of_the_release() -> None:
    """2048 units, 4096 in the third layer: 123 million weights, the size of the published graph."""
    sizes = {name: tuple(t.shape) for name, t in _meta_weights().items()}
    assert round(sum(int(np.prod(s)) for s in sizes.values()) / 1e6) == 123
    assert sizes["h1"] == (494, 2048)
    assert sizes["h3"] == (2048, 4096)
    assert sizes["bidirectional_rnn/fw/basic_lstm_cell/kernel"] == (6144, 8192)
    assert sizes["h6"] == (2048, 29)


def _meta_weights() -> dict[str, torch.Tensor]:
    small = random_weights(units=2)
    # Every length is 494, 29, or a multiple of the units.
    return {
        name: torch.empty([n if n in (INPUTS, 29) else n * 1024 for n in tensor.shape], device="meta")
        for name, tensor in small.items()
    }


def test_inputs_are_those_of_python_speech_features(extractor: DeepSpeech) -> None:
    psf = pytest.importorskip("python_speech_features", reason="the oracle is in the extra genlock[dev]")
    sound = noise(5 * RATE + 77)
    # As VOCA computes them: 26 cepstra of 16-bit numbers, every second frame, 9 zeros at both ends.
    theirs = psf.mfcc(sound * 32768.0, samplerate=RATE, numcep=26)[::2]
    padded = np.concatenate([np.zeros((9, 26)), theirs, np.zeros((9, 26))])
    windows = np.array([padded[k : k + 19].ravel() for k in range(len(theirs))])
    ours = with_context(extractor.cepstra(sound).values)
    assert ours.shape == windows.shape
    np.testing.assert_allclose(ours, windows, atol=5e-3)
    normal = (windows - windows.mean()) / windows.std()
    expected = extractor.model.on_arrays(normal.astype(np.float32))
    np.testing.assert_allclose(extractor(sound).values, expected, atol=2e-3)


def test_grid_and_count(extractor: DeepSpeech) -> None:
    for count in (0, 1, 399, 400, 401, 560, 561, 720, 61_334):
        track = extractor(noise(count))
        assert len(track) == extractor.count(count) == deepspeech().count(count)
    track = extractor(noise(61_334), origin="1.5")
    assert track.grid.rate == 50
    assert track.grid.center(0) == Fraction(3, 2) + Fraction(399, 2 * RATE)
    assert (track.values.shape[1], track.support) == (29, "whole")
    assert np.isfinite(extractor(np.zeros(RATE, np.float32)).values).all()


def test_the_declared_times_are_true(extractor: DeepSpeech) -> None:
    check_feature(extractor)


def test_windows_of_sixteen_without_the_shift(extractor: DeepSpeech) -> None:
    """VOCA and AD-NeRF: rows [2i - 8, 2i + 8) for video frame i; they lie 17.5 ms before the frame's
    middle."""
    logits = extractor(noise(10 * RATE))
    video = Grid(25)
    windows = logits.on(video, "stack", count=16, min_cover=0, length=250)
    assert windows.values.shape == (250, 16, 29)
    assert windows.valid.all()
    # The instant that each row describes, put through the same door, says where the windows lie.
    instants = Track(logits.grid.centers(len(logits)), logits.grid)
    ours = instants.on(video, "stack", count=16, min_cover=0, length=250).values[10:240].mean(axis=1)
    theirs = np.array([instants.values[2 * i - 8 : 2 * i + 8].mean() for i in range(10, 240)])
    middle = video.centers(250)[10:240]
    assert theirs - middle == pytest.approx(-0.01753, abs=1e-5)
    # Sixteen rows every 20 ms cannot be nearer to every middle than half a row.
    assert np.abs(ours - middle).max() <= 0.01


def test_weights_that_cannot_be_used(weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(MissingModel, match="deepspeech:FILE"):
        DeepSpeech()
    with pytest.raises(MissingModel, match="convert the frozen graph"):
        DeepSpeech(DeepSpeechOptions(str(tmp_path / "none.safetensors")))
    assert load_deepspeech(weights.parent).lstm.hidden_size == 16
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.read_bytes()[:3000])
    with pytest.raises(FormatError, match="damaged"):
        load_deepspeech(broken)
    tensors = random_weights(units=4)
    save_file({k: v for k, v in tensors.items() if k != "h5"}, broken)
    with pytest.raises(FormatError, match="'h5' is missing"):
        load_deepspeech(broken)
    save_file(tensors | {"b1": torch.zeros(5)}, broken)
    with pytest.raises(FormatError, match="'b1' has the shape"):
        load_deepspeech(broken)
    assert len(NAMES) == 14
