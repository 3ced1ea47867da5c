"""What TSN and RegNet see in a frame, and in its flow: BN-Inception's 1024 numbers, with their preprocessing.

Frames are scaled to 340 x 256; blue, green and red stay in this order and in 0...255, and the means of the training
set are taken off. TSN (Wang et al. 2016) looks at the middle 224 x 224; RegNet's code (Chen et al. 2020) squeezes the
whole picture into 224 x 224. Flow is packed in 8 bits and 128 is taken off. TSN's network for flow sees five flows in a
row; RegNet's sees one, and is the network for pictures with the three planes of its first kernels averaged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, MissingModel

if TYPE_CHECKING:
    from genlock.models.bninception import BNInception

__all__ = ["CROP", "FRAME_SIZE", "FlowNet", "center_crop", "squeeze", "tsn_features", "tsn_flow_features"]

#: Width and height to which frames are scaled.
FRAME_SIZE = (340, 256)
#: Side of the square that the network sees.
CROP = 224


def center_crop(frames: npt.NDArray[np.uint8], side: int = CROP) -> npt.NDArray[np.uint8]:
    """The middle of frames [N, H, W, C], [N, side, side, C].

    >>> center_crop(np.zeros((2, 256, 340, 3), np.uint8)).shape
    (2, 224, 224, 3)
    """
    top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
    return frames[:, top : top + side, left : left + side]


def squeeze(frames: npt.NDArray[np.uint8], side: int = CROP) -> npt.NDArray[np.uint8]:
    """Whole frames [N, H, W, C] as [N, side, side, C], by the triangle filter that Pillow calls bilinear.

    >>> squeeze(np.full((1, 256, 340, 2), 7, np.uint8)).shape
    (1, 224, 224, 2)
    """
    down, across = _triangles(frames.shape[1], side), _triangles(frames.shape[2], side)
    tall = np.einsum("yh,nhwc->nywc", down, frames.astype(np.float32), optimize=True)
    small = np.einsum("xw,nywc->nyxc", across, tall, optimize=True)
    return np.asarray(np.floor(small + 0.5).clip(0, 255), dtype=np.uint8)


def _triangles(size: int, side: int) -> npt.NDArray[np.float32]:
    """How much each of ``size`` pixels gives to each of ``side``: a triangle as wide as two of the larger pixels."""
    step = size / side
    middles = (np.arange(side) + 0.5) * step
    far = np.abs(np.arange(size) + 0.5 - middles[:, None]) / max(step, 1.0)
    weights = np.maximum(0.0, 1 - far)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def tsn_features(
    weights: str | None, *, whole: bool = False
) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """A function of frames, BGR uint8 [N, 256, 340, 3], to features float32 [N, 1024].

    Parameters
    ----------
    whole : squeeze the whole picture as RegNet does; False: TSN's middle

    Raises MissingModel if no weights are named or they are not here, MissingDependency without torch.
    """
    if weights is None:
        raise MissingModel(
            "the feature rgb needs the weights of TSN's or RegNet's BN-Inception: name the file with --weights"
        )
    # torch is an optional package: only who asks for this feature waits for it.
    import torch

    from genlock.models.bninception import BGR_MEANS, load_bninception

    net = load_bninception(weights)
    _require_planes(net.planes == 3, weights, f"{net.planes} planes, not the 3 of pictures")
    means = torch.tensor(BGR_MEANS)[:, None, None]
    seen = squeeze if whole else center_crop

    def features(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        pictures = torch.from_numpy(seen(frames).transpose(0, 3, 1, 2).astype(np.float32)) - means
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = net(pictures).numpy()
        return found

    return features


@dataclass(frozen=True)
class FlowNet:
    """What a network sees in stacks of packed flow."""

    stack: int
    """Flows that it takes at once: 1 for RegNet's, 5 for TSN's; odd."""
    run: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
    """Stacks [N, 256, 340, 2 * stack], x and y in turn, to features float32 [N, 1024]."""


def tsn_flow_features(weights: str | None) -> FlowNet:
    """BN-Inception for packed flow; its weights say how many flows it takes.

    Parameters
    ----------
    weights : file of a network for flow, or of one for pictures, which is made into one for flow as RegNet does

    Raises MissingModel if no weights are named or they are not here, MissingDependency without torch, FormatError if
    they are of another network.
    """
    if weights is None:
        raise MissingModel(
            "flow-features needs the weights of TSN's or RegNet's BN-Inception for flow: name the file with "
            "--flow-weights"
        )
    import torch

    from genlock.models.bninception import load_bninception

    net = load_bninception(weights)
    if net.planes == 3:
        net = _for_flow(net)
    stack = net.planes // 2
    _require_planes(
        net.planes % 2 == 0 and stack % 2 == 1,
        weights,
        f"{net.planes} planes, not x and y of an odd number of flows",
    )
    seen = squeeze if stack == 1 else center_crop

    def run(stacks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        planes = torch.from_numpy(seen(stacks).transpose(0, 3, 1, 2).astype(np.float32)) - 128.0
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = net(planes).numpy()
        return found

    return FlowNet(stack, run)


def _for_flow(net: BNInception) -> BNInception:
    """The network for single flows that RegNet makes of one for pictures."""
    from genlock.models.bninception import BNInception

    state = dict(net.state_dict())
    state["conv1_7x7_s2.weight"] = (
        state["conv1_7x7_s2.weight"].mean(dim=1, keepdim=True).expand(-1, 2, -1, -1)
    )
    flow = BNInception(2)
    flow.load_state_dict(state)
    return flow


def _require_planes(right: bool, weights: str, what: str) -> None:
    if not right:
        raise FormatError(f"the network in {str(weights)!r} takes {what}; name the other one of the two")
