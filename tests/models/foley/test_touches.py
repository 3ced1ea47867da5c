"""A model of touches: it answers as the network that learns, in any light, and its file holds all of it."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import FormatError, OptionError
from genlock.models.foley.reading import Reading
from genlock.models.foley.touches import (
    ANSWERED,
    FRAMES,
    MOVED,
    NUMBERS,
    TouchModel,
    TouchShape,
    array_shapes,
    load_touches,
    save_touches,
    shown,
)

SMALL = TouchShape(side=16, channels=(4, 5), width=7)


def small_model(seed: int = 0) -> TouchModel:
    random = np.random.default_rng(seed)
    arrays = {
        name: (random.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 4))).astype(np.float32)
        for name, shape in array_shapes(SMALL).items()
    }
    return TouchModel(SMALL, arrays, Reading(0.4, 0.003))


def looks(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    parts = random.integers(0, 256, (5, FRAMES, 16, 16), np.uint8)
    moved = random.normal(size=(5, FRAMES, 2, 2, MOVED)).astype(np.float32)
    return parts, moved, random.normal(size=(5, FRAMES, NUMBERS)).astype(np.float32)


def test_the_network_that_learns_is_the_same() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.touch_network import TouchNetwork

    torch.manual_seed(0)
    network = TouchNetwork(SMALL)
    parts, moved, numbers = looks(0)
    seen = torch.from_numpy(shown(parts).transpose(0, 3, 1, 2).copy())
    for _ in range(3):  # so that the normalisation has seen something
        network.train()(seen, torch.from_numpy(moved), torch.from_numpy(numbers))
    arrays = network.eval().arrays()
    assert {name: a.shape for name, a in arrays.items()} == array_shapes(SMALL)
    with torch.no_grad():
        theirs = network(seen, torch.from_numpy(moved), torch.from_numpy(numbers))
    ours = TouchModel(SMALL, arrays).told(parts, moved, numbers)
    assert ours.shape == (5, ANSWERED, 3)
    np.testing.assert_allclose(ours[..., 0], theirs.presence.sigmoid().numpy(), atol=1e-5)
    np.testing.assert_allclose(ours[..., 1], theirs.place.clip(-1, 1).numpy(), atol=1e-5)
    np.testing.assert_allclose(ours[..., 2], theirs.impulse.numpy(), atol=1e-5)


def test_light_and_exposure_matter_little() -> None:
    parts = np.random.default_rng(0).integers(30, 120, (2, FRAMES, 16, 16), np.uint8)
    assert np.abs(shown(parts) - shown(2 * parts)).max() < 0.5
    still = np.repeat(parts[:, :1], FRAMES, axis=1)
    assert (shown(still)[..., [0, 2]] == 0).all()  # nothing changes


def test_nothing_to_look_at() -> None:
    parts, moved, numbers = looks(1)
    assert small_model().told(parts[:0], moved[:0], numbers[:0]).shape == (0, ANSWERED, 3)


def test_file(tmp_path) -> None:
    model = small_model()
    save_touches(model, tmp_path / "model.npz")
    again = load_touches(tmp_path)
    assert (again.shape, again.reading) == (model.shape, model.reading)
    np.testing.assert_allclose(
        again.told(*looks(2)), model.told(*looks(2)), atol=0.02
    )  # kept in half the bits
    with pytest.raises(FormatError, match=r"enter\.weight"):
        TouchModel(SMALL, {k: v for k, v in model.arrays.items() if k != "enter.weight"})
    with pytest.raises(OptionError, match="multiple of 8"):
        TouchShape(side=20)
