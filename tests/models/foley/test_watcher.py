"""A watcher answers alike whole and in pieces, at the stated latency, and as the network that learns."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import FormatError, InputError
from genlock.core.grid import Grid, Ticks
from genlock.models.foley.watcher import EVENT_CHANNELS, Watcher, load_watcher, save_watcher
from genlock.models.foley.watcher_network import (
    WatcherShape,
    array_shapes,
    gap_features,
    look,
    motion_of,
    phase_features,
    slots_of,
)

SMALL = WatcherShape(side=16, channels=(4, 6), width=8, frame_layers=2, dilations=(1, 2))
MATERIALS = ("wood", "glass")


def small_watcher(seed: int = 0) -> Watcher:
    random = np.random.default_rng(seed)
    shapes = array_shapes(SMALL, len(EVENT_CHANNELS) + len(MATERIALS))
    arrays = {
        name: (random.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 4))).astype(np.float32)
        for name, shape in shapes.items()
    }
    return Watcher(SMALL, arrays, MATERIALS, {"impulse": -1.0}, {"impulse": 0.5})


def film(frames: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, 16, 16, 3), np.uint8)


VARIABLE = Ticks(np.cumsum([0, 3, 5, 2, 2, 7, 4, 4, 1, 3, 3, 3, 2, 6, 5, 5, 4, 4, 3, 3]), "1/90", 3)


@pytest.mark.parametrize("cells", [Grid(15, "1/7"), Grid("30000/1001", 2), VARIABLE], ids=str)
def test_pieces_give_the_whole(cells) -> None:
    watcher, pictures = small_watcher(), film(20)
    whole = watcher.posterior(pictures, cells)
    assert whole.grid == Grid(50, cells.edge(0))
    assert len(whole) == whole.grid.index(cells.edge(20), "ceil")
    stream, parts = watcher.stream(cells.edge(0)), []
    for first, stop in ((0, 1), (1, 1), (1, 9), (9, 10), (10, 20)):
        parts.append(
            stream.push(
                pictures[first:stop], [(cells.edge(k), cells.edge(k + 1)) for k in range(first, stop)]
            )
        )
    parts.append(stream.finish())
    assert all(a.grid.edge(len(a)) == b.grid.start for a, b in itertools.pairwise(parts))
    np.testing.assert_allclose(np.concatenate([p.values for p in parts]), whole.values, atol=2e-5)


def test_nothing_later_than_the_latency_matters() -> None:
    watcher, pictures, cells = small_watcher(), film(40), Grid(20)
    changed = pictures.copy()
    changed[30:] = film(10, 2)
    before, after = (watcher.posterior(film, cells).values for film in (pictures, changed))
    frames, seconds = watcher.latency
    final = Grid(50).index(cells.edge(30 - frames) - seconds, "floor")
    np.testing.assert_allclose(before[:final], after[:final], atol=1e-6)
    assert np.abs(before - after).max() > 1e-3


def test_answers_mean_something_whatever_the_weights() -> None:
    rows = small_watcher().posterior(film(30), Grid(25)).values
    assert ((rows[:, [0, 4, 5]] >= 0) & (rows[:, [0, 4, 5]] <= 1)).all()
    np.testing.assert_allclose(rows[:, len(EVENT_CHANNELS) :].sum(1), 1, atol=1e-5)


def test_what_pictures_say_of_place_and_material_reaches_the_columns() -> None:
    watcher, pictures = small_watcher(), film(12)
    before = watcher.posterior(pictures, Grid(25)).values
    named = watcher.arrays["named.bias"] + np.array([0, 50], np.float32)
    after = replace(watcher, arrays={**watcher.arrays, "named.bias": named}).posterior(pictures, Grid(25))
    assert (after.values[:, -1] > 0.99).all()
    assert not (before[:, -1] > 0.99).all()
    np.testing.assert_array_equal(after.values[:, :6], before[:, :6])


def test_light_matters_little_and_change_is_seen() -> None:
    pictures = np.random.default_rng(0).integers(40, 120, (3, 16, 16, 3), np.uint8)
    bright = (pictures.astype(int) * 2).astype(np.uint8)
    assert np.abs(look(pictures) - look(bright)).max() < 1.0
    assert (look(pictures[:1])[..., 3:] == 0).all()
    np.testing.assert_array_equal(look(pictures)[2:], look(pictures[2:], pictures[1]))


def test_motion_is_that_of_things_not_of_the_camera() -> None:
    random = np.random.default_rng(0)
    blurred = np.kron(random.integers(60, 200, (14, 14, 3)), np.ones((8, 8, 1)))[:100, :100]
    ground = sum(np.roll(blurred, (i, k), (0, 1)) for i in range(5) for k in range(5)) / 25
    still, moved = ground[10:74, 10:74], ground[11:75, 10:74].copy()  # the camera goes down by a pixel
    alone = still.copy()
    alone[0:32, 0:32] = ground[8:40, 10:42]  # and a quarter of the picture moves down by two
    for shown, down in ((moved, 0.0), (alone, 0.5)):
        places = motion_of(np.stack([still, shown]).astype(np.uint8))[1].reshape(3, 8, 8)
        assert places[1, :3, :3].mean() == pytest.approx(down, abs=0.3)
        assert abs(places[:2, 5:, 5:].mean()) < 0.15
    assert (motion_of(np.stack([still]).astype(np.uint8)) == 0).all()


def test_slots_are_the_frames_around_an_instant() -> None:
    frames, columns = np.array([0.0, 0.1, 0.25, 0.3]), np.array([-0.1, 0.0, 0.12, 0.9])
    slots = slots_of(frames, columns)
    assert slots.tolist() == [[-1, -1, 0, 1], [-1, 0, 1, 2], [0, 1, 2, 3], [2, 3, -1, -1]]
    phases = phase_features(frames, columns, slots)
    assert phases[2, 0] == pytest.approx(0.02 / 0.15)
    assert gap_features(frames)[:, 2:].tolist() == [[0, 1], [1, 1], [1, 1], [1, 0]]


def test_no_frame_and_one_frame() -> None:
    watcher = small_watcher()
    assert watcher.posterior(film(0), Grid(25)).values.shape == (0, 8)
    assert len(watcher.posterior(film(1), Grid(25))) == 2
    with pytest.raises(InputError, match="16, 16, 3"):
        watcher.posterior(np.zeros((2, 8, 8, 3), np.uint8), Grid(25))
    stream = watcher.stream(0)
    stream.push(film(1), [(Fraction(1), Fraction(2))])
    with pytest.raises(InputError, match="do not follow"):
        stream.push(film(1), [(Fraction(1), Fraction(2))])


def test_file(tmp_path) -> None:
    watcher = small_watcher()
    save_watcher(watcher, tmp_path / "model.npz")
    again = load_watcher(tmp_path)
    assert (again.shape, again.materials, again.reading) == (
        watcher.shape,
        watcher.materials,
        watcher.reading,
    )
    np.testing.assert_array_equal(
        again.posterior(film(9), Grid(25)).values, watcher.posterior(film(9), Grid(25)).values
    )
    with pytest.raises(FormatError, match=r"slots\.weight"):
        Watcher(SMALL, {k: v for k, v in watcher.arrays.items() if k != "slots.weight"}, MATERIALS)


def test_the_network_that_learns_is_the_same() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.watcher_network import WatcherNetwork

    torch.manual_seed(0)
    outputs = len(EVENT_CHANNELS) + len(MATERIALS)
    network = WatcherNetwork(SMALL, outputs, len(MATERIALS))
    pictures, cells = film(20), VARIABLE
    columns = Grid(50).centers(30)
    times = cells.edges(20)[:20]
    slots = slots_of(times, columns)
    seen = torch.from_numpy(look(pictures)).permute(0, 3, 1, 2)[None]
    given = [
        motion_of(pictures),
        gap_features(times),
        slots,
        phase_features(times, columns, slots),
        np.ones(30, bool),
    ]
    tensors = [torch.from_numpy(array)[None] for array in given]
    for _ in range(3):  # so that the normalisation has seen something
        network.train()(seen, *tensors)
    with torch.no_grad():
        network.gates.weight.normal_()
        theirs = network.eval()(seen, *tensors).columns[0].numpy()
    arrays = network.arrays()
    assert {name: a.shape for name, a in arrays.items()} == array_shapes(SMALL, outputs)
    watcher = Watcher(SMALL, arrays, MATERIALS)
    ours = watcher.posterior(pictures, cells).values
    count = min(len(ours), 30)
    np.testing.assert_allclose(ours[: count - 8], watcher.answer(theirs)[: count - 8], atol=1e-4)
