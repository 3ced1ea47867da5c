"""A reader of materials: what it cuts out lies where it is said, and it answers as the network that learns."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import FormatError
from genlock.models.foley.materials import (
    MaterialReader,
    ReaderShape,
    array_shapes,
    cut_out,
    light_of,
    load_materials,
    part_of,
    save_materials,
    shown,
    small_grey,
    told,
)

SMALL = ReaderShape(side=24, channels=(4, 5, 6), hidden=7, places=(3, 4, 5), spread=(1, 1, 2), changes=True)
NAMES = ("glass", "wood")


def small_reader(seed: int = 0) -> MaterialReader:
    random = np.random.default_rng(seed)
    arrays = {
        name: (random.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 4))).astype(np.float32)
        for name, shape in array_shapes(SMALL, len(NAMES)).items()
    }
    return MaterialReader(SMALL, arrays, NAMES)


@pytest.mark.parametrize("size", [(120, 160), (96, 128), (240, 320), (128, 72)])
def test_what_is_cut_out_has_the_place_in_its_middle(size: tuple[int, int]) -> None:
    high, wide = size
    picture = np.zeros((high, wide, 3), np.uint8)
    x, y = 0.3, 0.7
    scale = max(high, wide) / 160
    down, across = np.mgrid[0:high, 0:wide] + 0.5
    picture[np.hypot(across - x * wide, down - y * high) < 4 * scale] = 255
    part = cut_out(picture, x, y, 24)[..., 0].astype(float)
    down, across = np.mgrid[0:24, 0:24] + 0.5
    assert (part * across).sum() / part.sum() == pytest.approx(12, abs=0.3)
    assert (part * down).sum() / part.sum() == pytest.approx(12, abs=0.3)
    assert (part > 127).sum() == pytest.approx(np.pi * 16, rel=0.2)


def test_light_and_exposure_matter_little() -> None:
    picture = np.random.default_rng(0).integers(40, 110, (60, 80, 3), np.uint8)
    seen = [
        told(cut_out(p, 0.5, 0.5, 24)[None].astype(np.float32) / 255, light_of(p)[None])
        for p in (picture, 2 * picture)
    ]
    assert np.abs(seen[0] - seen[1]).max() < 1.2
    around = np.stack([small_grey(picture)] * 3)[None]
    assert (shown(around)[:, [0, 2]] == 0).all()  # nothing changes


def test_what_motion_says_counts() -> None:
    reader = small_reader()
    around = np.random.default_rng(1).integers(0, 256, (4, 3, 64, 64), np.uint8)
    near = np.float32([[0.1, 0.1]] * 4)
    assert np.abs(reader.locate(around, near) - near).mean() < np.abs(reader.locate(around) - near).mean()
    assert reader.locate(around[:0]).shape == (0, 2)
    nothing = (
        np.zeros((0, 24, 24, 3), np.uint8),
        np.zeros((0, 6), np.float32),
        np.zeros((0, 2, 24, 24), np.uint8),
    )
    assert reader.read(*nothing)[0].shape == (0, 2)


def test_a_reader_looks_where_it_finds_the_place() -> None:
    reader = small_reader()
    pictures = np.random.default_rng(2).integers(0, 256, (2, 3, 60, 80, 3), np.uint8)
    places, shares, sizes = reader.look(list(map(list, pictures)))
    x, y = places[1].tolist()
    cuts, beside = part_of(pictures[1], x, y, SMALL.side)
    alone = reader.read(cuts[None], light_of(pictures[1, 1])[None], beside[None])
    np.testing.assert_allclose(shares[1], alone[0][0], atol=1e-6)
    np.testing.assert_allclose(sizes[1], alone[1][0], atol=1e-6)


def test_what_changes_is_told() -> None:
    picture = np.random.default_rng(3).integers(40, 110, (60, 80, 3), np.uint8)
    before = picture.copy()
    before[20:40, 30:50] += 60
    cuts, beside = part_of([before, picture, picture], 0.5, 0.5, 24)
    seen = told(cuts[None] / np.float32(255), light_of(picture)[None], beside[None] / np.float32(255))
    assert seen.shape == (1, 24, 24, 5)
    assert seen[0, 12, 12, 3] < -0.5
    assert np.abs(seen[..., 4]).max() < 0.1


def test_file(tmp_path) -> None:
    reader = small_reader()
    save_materials(reader, tmp_path / "model.npz")
    again = load_materials(tmp_path)
    assert (again.shape, again.materials) == (reader.shape, reader.materials)
    with pytest.raises(FormatError, match=r"where\.weight"):
        MaterialReader(SMALL, {k: v for k, v in reader.arrays.items() if k != "where.weight"}, NAMES)


def test_the_network_that_learns_is_the_same() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.material_network import MaterialNetwork

    torch.manual_seed(0)
    network = MaterialNetwork(SMALL, len(NAMES))
    random = np.random.default_rng(0)
    cuts = random.integers(0, 256, (6, 24, 24, 3), np.uint8)
    light = random.uniform(0.2, 0.6, (6, 6)).astype(np.float32)
    around = random.integers(0, 256, (6, 3, 64, 64), np.uint8)
    beside = random.integers(0, 256, (6, 2, 24, 24), np.uint8)
    all_told = told(cuts.astype(np.float32) / 255, light, beside.astype(np.float32) / 255)
    seen = torch.from_numpy(all_told.transpose(0, 3, 1, 2).copy())
    for _ in range(3):  # so that the normalisation has seen something
        network.train()(seen, torch.from_numpy(light))
        network.located(torch.from_numpy(shown(around)))
    arrays = network.eval().arrays()
    assert {name: a.shape for name, a in arrays.items()} == array_shapes(SMALL, len(NAMES))
    reader = MaterialReader(SMALL, arrays, NAMES, 0.0, 1.0)
    with torch.no_grad():
        theirs = network(seen, torch.from_numpy(light))
        heat = network.located(torch.from_numpy(shown(around)))
    shares, sizes = reader.read(cuts, light, beside)
    np.testing.assert_allclose(shares, theirs[:, :-1].softmax(1).numpy(), atol=1e-5)
    np.testing.assert_allclose(sizes, theirs[:, -1].numpy(), atol=1e-4)
    best = heat.argmax(1).numpy()
    cells = np.stack([(best % 16 + 0.5) / 16, (best // 16 + 0.5) / 16], 1)
    assert np.abs(reader.locate(around) - cells).max() <= 1 / 16
