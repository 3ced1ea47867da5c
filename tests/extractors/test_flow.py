"""Optical flow: a picture that is moved by a known amount, with each method; the 8-bit form."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.extractors.picture.flow import FlowOptions, OpticalFlow, pack_flow, unpack_flow


def texture() -> np.ndarray:
    noise = np.random.default_rng(0).random((120, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.mark.parametrize("method", ["dis", "farneback", "tvl1"])
def test_a_planted_movement_is_found_with_its_sign(method: str) -> None:
    picture = texture()
    moved = cv2.warpAffine(
        picture, np.float32([[1, 0, 3], [0, 1, -2]]), (160, 120), borderMode=cv2.BORDER_REFLECT
    )
    flow = OpticalFlow(FlowOptions(method))  # type: ignore[arg-type]
    assert flow(picture) is None
    found = flow(moved)
    assert found is not None
    inner = np.median(found[20:-20, 20:-20].reshape(-1, 2), axis=0)
    assert np.allclose(inner, [3, -2], atol=0.3)


def test_a_new_shot_has_no_flow_from_the_old_one() -> None:
    flow = OpticalFlow()
    flow(texture())
    flow.forget()
    assert flow(texture()) is None
    assert flow(texture()[:60]) is None  # another size


def test_eight_bits_go_there_and_back() -> None:
    values = np.linspace(-20, 20, 1001, dtype=np.float32)
    assert np.abs(unpack_flow(pack_flow(values)) - values).max() <= 20 / 255 + 1e-5
    assert pack_flow(np.float32([0.0])).tolist() == [128]
    assert pack_flow(np.float32([-99, 99]), 5).tolist() == [0, 255]
    assert np.array_equal(pack_flow(unpack_flow(np.arange(256, dtype=np.uint8))), np.arange(256))


def test_options_out_of_range() -> None:
    with pytest.raises(OptionError, match="pwc"):
        FlowOptions("pwc")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="bound"):
        FlowOptions(bound=0)
