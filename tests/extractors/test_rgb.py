"""The features of TSN: its preprocessing, against the same written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import FormatError, MissingModel
from genlock.extractors.picture.rgb import FRAME_SIZE, center_crop, squeeze, tsn_features, tsn_flow_features

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

from genlock.models.bninception import BNInception  # noqa: E402


def test_blue_green_red_and_the_middle(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = BNInception()
    save_file({n: t.contiguous() for n, t in net.state_dict().items()}, str(tmp_path / "w.safetensors"))
    frames = np.random.default_rng(0).integers(0, 256, (2, 256, 340, 3), np.uint8)
    found = tsn_features(str(tmp_path / "w.safetensors"))(frames)
    middle = frames[:, 16:240, 58:282].astype(np.float32) - np.float32([104, 117, 128])
    wanted = net(torch.from_numpy(middle.transpose(0, 3, 1, 2))).numpy()
    assert FRAME_SIZE == (340, 256)
    assert found.shape == (2, 1024)
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert np.array_equal(center_crop(frames), frames[:, 16:240, 58:282])


def saved(path: Path, planes: int, seed: int = 0) -> BNInception:
    torch.manual_seed(seed)
    net = BNInception(planes)
    save_file({n: t.contiguous() for n, t in net.state_dict().items()}, str(path))
    return net


def test_the_whole_picture_as_pillow_scales_it() -> None:
    image = pytest.importorskip("PIL.Image")
    frames = np.random.default_rng(1).integers(0, 256, (2, 256, 340, 3), np.uint8)
    for own, frame in zip(squeeze(frames), frames, strict=True):
        theirs = np.asarray(image.fromarray(frame).resize((224, 224), image.Resampling.BILINEAR))
        assert np.abs(own.astype(int) - theirs).max() <= 1  # Pillow rounds after each of its two passes


def test_regnets_pictures_are_squeezed(tmp_path: Path) -> None:
    net = saved(tmp_path / "w.safetensors", 3)
    frames = np.random.default_rng(0).integers(0, 256, (1, 256, 340, 3), np.uint8)
    found = tsn_features(str(tmp_path / "w.safetensors"), whole=True)(frames)
    seen = squeeze(frames).astype(np.float32) - np.float32([104, 117, 128])
    assert np.allclose(found, net(torch.from_numpy(seen.transpose(0, 3, 1, 2))).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("planes", "stack"), [(2, 1), (3, 1), (10, 5)])
def test_networks_of_flow_say_how_many_flows_they_take(tmp_path: Path, planes: int, stack: int) -> None:
    net = saved(tmp_path / "w.safetensors", planes)
    flow = tsn_flow_features(str(tmp_path / "w.safetensors"))
    assert flow.stack == stack
    stacks = np.random.default_rng(0).integers(0, 256, (1, 256, 340, 2 * stack), np.uint8)
    pictures = torch.from_numpy(
        (squeeze(stacks) if stack == 1 else center_crop(stacks)).transpose(0, 3, 1, 2).astype(np.float32)
        - 128
    )
    if planes == 3:  # its first kernels averaged
        own = net.state_dict()["conv1_7x7_s2.weight"].mean(dim=1)[:, None].repeat(1, 2, 1, 1)
        net.conv1_7x7_s2 = torch.nn.Conv2d(2, 64, 7, 2, 3)
        net.conv1_7x7_s2.weight.data = own
        net.conv1_7x7_s2.bias.data = saved(tmp_path / "again", planes).state_dict()["conv1_7x7_s2.bias"]
    with torch.inference_mode():
        assert np.allclose(flow.run(stacks), net(pictures).numpy(), rtol=1e-4, atol=1e-5)


def test_networks_of_something_else_are_told(tmp_path: Path) -> None:
    saved(tmp_path / "flow.safetensors", 10)
    saved(tmp_path / "odd.safetensors", 5)
    with pytest.raises(FormatError, match="10 planes"):
        tsn_features(str(tmp_path / "flow.safetensors"))
    with pytest.raises(FormatError, match="5 planes"):
        tsn_flow_features(str(tmp_path / "odd.safetensors"))
    with pytest.raises(MissingModel, match="flow-features:FILE"):
        tsn_flow_features(None)


def test_without_weights_it_is_said_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="rgb:FILE"):
        tsn_features(None)
    with pytest.raises(MissingModel, match=r"none\.pth"):
        tsn_features(str(tmp_path / "none.pth"))
