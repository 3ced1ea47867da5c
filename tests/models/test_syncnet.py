"""SyncNet gives the numbers of the public code, and takes its weights by name and shape or says what is wrong."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")  # the rule of made weights lies beside AV-HuBERT

import torch
from safetensors.torch import save_file
from tests.models.avhubert.planted import weight

from genlock.core.errors import FormatError, MissingModel, OptionError
from genlock.models.state import shapes_of
from genlock.models.syncnet.load import load_syncnet
from genlock.models.syncnet.towers import SyncNet

VECTORS = Path(__file__).parents[1] / "data" / "syncnet"
NAMES: dict[str, list[int]] = json.loads((VECTORS / "names.json").read_text())
#: The smallest entry that has a shape worth changing.
ONE = "netcnnaud.0.weight"


@pytest.fixture(scope="module")
def made() -> dict[str, torch.Tensor]:
    """The state dict of made weights; counters are zero."""
    counters = {n for n in NAMES if n.endswith("num_batches_tracked")}
    return {
        name: torch.tensor(0)
        if name in counters
        else torch.from_numpy(np.asarray(weight(name, tuple(shape))))
        for name, shape in NAMES.items()
    }


@pytest.fixture(scope="module")
def net(made: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> SyncNet:
    """The towers, out of a file as the public one is: a plain state dict in the older form of torch.save."""
    file = tmp_path_factory.mktemp("syncnet") / "syncnet_v2.model"
    torch.save(made, file, _use_new_zipfile_serialization=False)
    return load_syncnet(file)


def _chance(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"input {name}".encode()))


def test_names_and_shapes_are_the_public_ones() -> None:
    with torch.device("meta"):
        found = shapes_of(SyncNet().state_dict())
    assert found == {name: tuple(shape) for name, shape in NAMES.items()}


@pytest.mark.parametrize("tower", ["sound", "lips"])
def test_the_towers_give_the_public_numbers(net: SyncNet, tower: str) -> None:
    known = np.load(VECTORS / "outputs.npz")[tower]
    if tower == "sound":
        given = _chance("sound mfcc").standard_normal((2, 1, 13, 20)).astype(np.float32) * 10
        found = net.hear_windows(np.ascontiguousarray(given[:, 0].transpose(0, 2, 1)))
    else:
        # BGR planes first, as the public network takes them; ours takes RGB pictures.
        frames = _chance("lip frames").integers(0, 256, (2, 3, 5, 224, 224)).astype(np.uint8)
        pictures = frames.transpose(0, 2, 3, 4, 1)[..., ::-1]
        found = np.concatenate([net.see_windows(each) for each in pictures])
    assert np.abs(found - known).max() <= 1e-4 * np.abs(known).max()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
def test_other_forms_are_read_and_what_is_wrong_is_named(
    made: dict[str, torch.Tensor], tmp_path: Path, suffix: str
) -> None:
    def written(state: dict[str, torch.Tensor]) -> Path:
        file = tmp_path / f"weights{suffix}"
        if suffix == ".safetensors":
            save_file(state, file)
        elif suffix == ".npz":
            np.savez(file, **{name: value.numpy() for name, value in state.items()})
        else:
            torch.save(state, file)
        return file

    lacking = {name: value for name, value in made.items() if name != ONE}
    with pytest.raises(FormatError, match=f"'{ONE}' is missing"):
        load_syncnet(written(lacking))
    with pytest.raises(FormatError, match="'more' is unknown"):
        load_syncnet(written({**made, "more": torch.zeros(1)}))
    with pytest.raises(
        FormatError, match=rf"'{ONE}' has the shape \[64, 1, 3, 2\] instead of \[64, 1, 3, 3\]"
    ):
        load_syncnet(written({**made, ONE: made[ONE][..., :2].contiguous()}))
    # A file from before batch norm had counters.
    old = {name: value for name, value in made.items() if not name.endswith("num_batches_tracked")}
    assert torch.equal(load_syncnet(written(old)).netcnnaud[0].weight, made[ONE])


def test_a_file_that_is_none_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="docs/syncnet.md"):
        load_syncnet(tmp_path / "nowhere.model")
    (tmp_path / "text.model").write_text("no weights")
    with pytest.raises(FormatError, match="no checkpoint"):
        load_syncnet(tmp_path / "text.model")
    (tmp_path / "text.npz").write_text("no weights")
    with pytest.raises(FormatError, match="damaged"):
        load_syncnet(tmp_path / "text.npz")
    torch.save({"epoch": 3, ONE: torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(FormatError, match="'epoch' is no tensor"):
        load_syncnet(tmp_path / "other.pt")


def test_windows_of_another_shape_are_refused(net: SyncNet) -> None:
    with pytest.raises(OptionError, match=r"\[N, 20, 13\]"):
        net.hear_windows(np.zeros((1, 13, 20), np.float32))
    with pytest.raises(OptionError, match=r"\[T, 224, 224, 3\]"):
        net.see_windows(np.zeros((5, 96, 96, 3), np.uint8))
    assert net.see_windows(np.zeros((4, 224, 224, 3), np.uint8)).shape == (0, 1024)
