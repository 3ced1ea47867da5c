"""What TSN and RegNet see in a frame, and in its flow: BN-Inception's 1024 numbers, with their preprocessing.

Frames are scaled to 340 x 256; blue, green and red stay in this order and in 0...255, and the means of the training
set are taken off. TSN (Wang et al. 2016) looks at the middle 224 x 224; RegNet's code (Chen et al. 2020) squeezes the
whole picture into 224 x 224. Flow is packed in 8 bits and 128 is taken off. TSN's network for flow sees five flows in a
row; RegNet's sees one, and is the network for pictures with the three planes of its first kernels averaged.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, MissingModel, OptionError
from genlock.extractors.base import PictureFeature, Pixels, Row
from genlock.extractors.picture.flow import FLOW_METHODS, FRAME_SIZE, Flow, FlowOptions
from genlock.extractors.spec import FeatureSpec
from genlock.media import VideoForm

if TYPE_CHECKING:
    from genlock.models.bninception import BNInception

__all__ = [
    "CROP",
    "FlowFeatures",
    "FlowNet",
    "Rgb",
    "center_crop",
    "squeeze",
    "tsn_features",
    "tsn_flow_features",
]

#: From frames uint8 [N, H, W, C] to features float32 [N, width].
Net: TypeAlias = Callable[[Pixels], npt.NDArray[np.float32]]
#: Side of the square that the network sees.
CROP = 224


class Rgb(PictureFeature):
    """What a network sees in each frame, float32 [T, width].

    ``rgb:FILE`` is TSN's BN-Inception with its preprocessing, ``rgb:regnet:FILE`` RegNet's;
    ``rgb:package.module:name`` is any network of frames: an object that, called, gives a function of
    frames, RGB uint8 [N, H, W, 3], to features [N, width].
    """

    batch = 16

    def __init__(self, net: Net, form: VideoForm) -> None:
        self.name, self.net, self.form = "rgb", net, form

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """Weights and their manner, or an import path; a rate, and for a network of yours a size.

        Raises MissingModel if no weights are named or they are not here, OptionError if nothing can be imported.
        """
        cls.check(spec)
        first, _, rest = spec.variant.partition(":")
        if rest and first != "regnet":
            feature = cls(load_net(spec.variant)(), VideoForm(spec.size, "rgb24", spec.rate))
        else:
            net = _tsn_of(cls.weights_of(spec), whole=first == "regnet")
            feature = cls(net, VideoForm(FRAME_SIZE, "bgr24", spec.rate))
        feature.name = spec.text
        return feature

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The file of BN-Inception's weights; of a network of yours nothing is known."""
        first, _, rest = spec.variant.partition(":")
        return (rest if first == "regnet" else "" if rest else first) or None

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if a size is given to a network that says how large its pictures are."""
        first, _, rest = spec.variant.partition(":")
        spec.require_only("variant", "rate", *(("size",) if rest and first != "regnet" else ()))

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """A function from frames to rows."""
        return lambda frames: list(self.net(np.stack(frames)))


class FlowFeatures(Flow):
    """What a network says of the flow at each frame, float32 [T, width]: ``flow-features[:METHOD]:FILE[@RATE]``.

    Row k is of the flow between frame k - 1 and frame k, and of as many before and after as the network takes; beyond
    the clip's ends the outermost flow stands for those that are not there.
    """

    presets: ClassVar[Mapping[str, FlowOptions]] = MappingProxyType({})
    rest, dtype, value_shape = 0, np.float32, None  # type: ignore[assignment]
    stacks = 16

    def __init__(
        self,
        net: FlowNet,
        options: FlowOptions = FLOW_METHODS["dis"],
        form: VideoForm = VideoForm(FRAME_SIZE, "gray"),  # noqa: B008
    ) -> None:
        super().__init__(options, form)
        self.net, self.name, self.unit = net, "flow-features", ""
        self.facts = {**self.facts, "stack": net.stack}

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """Weights, a method of flow before them, and a rate; its network says how large its pictures are.

        Raises MissingModel if no weights are named or they are not here.
        """
        cls.check(spec)
        first = spec.variant.partition(":")[0]
        method = first if first in FLOW_METHODS else "dis"
        feature = cls(
            _tsn_flow_of(cls.weights_of(spec)), FLOW_METHODS[method], VideoForm(FRAME_SIZE, "gray", spec.rate)
        )
        feature.name = spec.text
        return feature

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The file of the network's weights."""
        first, _, rest = spec.variant.partition(":")
        return (rest if first in FLOW_METHODS else spec.variant) or None

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if a size is given: its network says how large its pictures are."""
        spec.require_only("variant", "rate")

    def whole(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The network's answer for each flow of a clip."""
        flows = [k for k, row in enumerate(rows) if row is not None]
        if not flows:
            return rows
        low, high, reach = flows[0], flows[-1], self.net.stack // 2

        def flow_at(k: int) -> Any:
            row = rows[min(max(k, low), high)]
            assert row is not None  # only the first one of a film, or of a new size, has none
            return row

        answers: dict[int, Row] = {}
        for first in range(0, len(flows), self.stacks):
            some = flows[first : first + self.stacks]
            shown = [
                np.concatenate([flow_at(j) for j in range(k - reach, k + reach + 1)], axis=2) for k in some
            ]
            answers.update(zip(some, self.net.run(np.stack(shown)), strict=True))
        return [answers.get(k) for k in range(len(rows))]


def load_net(path: str) -> Any:
    """The object that ``package.module:name`` means.

    Raises OptionError if it cannot be imported.
    """
    module, colon, name = path.partition(":")
    if not colon:
        raise OptionError(f"{path!r} is no import path; give package.module:name")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise OptionError(f"{path!r} cannot be imported: {error}") from error


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
            "the feature rgb needs the weights of TSN's or RegNet's BN-Inception: name the file, as rgb:FILE or "
            "rgb:regnet:FILE"
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
            "flow-features needs the weights of TSN's or RegNet's BN-Inception for flow: name the file, as "
            "flow-features:FILE or flow-features:tvl1:FILE"
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


# Made once in a worker, not for each source: reading weights takes longer than using them on a clip.
_tsn_of = lru_cache(maxsize=2)(tsn_features)
_tsn_flow_of = lru_cache(maxsize=2)(tsn_flow_features)
