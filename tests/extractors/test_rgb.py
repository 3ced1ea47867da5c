"""The features of TSN: its preprocessing, against the same written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import MissingModel
from genlock.extractors.rgb import FRAME_SIZE, center_crop, tsn_features

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


def test_without_weights_it_is_said_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="--weights"):
        tsn_features(None)
    with pytest.raises(MissingModel, match=r"none\.pth"):
        tsn_features(str(tmp_path / "none.pth"))
