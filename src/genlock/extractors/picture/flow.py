"""Optical flow: how far each pixel moved between two frames, and the 8-bit form that TSN and RegNet are trained on.

Flow belongs *between* two frames. Row k is the flow from frame k-1 to frame k, and lies on a cell from the middle of
frame k-1 to the middle of frame k; N frames give N rows, of which row 0 of a source is invalid, because nothing
comes before its first frame. (Chains of programs give N-1 files, or N with the last one doubled, and place them
half a frame early or late.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.drawing.opencv import cv2
from genlock.extractors.base import PictureFeature, Pixels, Row
from genlock.extractors.spec import FeatureSpec
from genlock.media import VideoForm

__all__ = ["FLOW_METHODS", "Flow", "FlowArray", "FlowOptions", "OpticalFlow", "pack_flow", "unpack_flow"]

Grey: TypeAlias = npt.NDArray[np.uint8]
FlowArray: TypeAlias = npt.NDArray[np.float32]

# Farneback's window and pyramid as OpenCV's own examples have them; they suit pictures of some 300 pixels.
_FARNEBACK: dict[str, Any] = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}


@dataclass(frozen=True)
class FlowOptions:
    """How optical flow is measured and packed."""

    method: Literal["dis", "farneback", "tvl1"] = "dis"
    """``dis`` (Kroeger et al. 2016, medium preset), ``farneback`` (2003), ``tvl1`` (Zach et al. 2007): what TSN and
    RegNet used, about a hundred times slower than ``dis``."""
    bound: float = 20.0
    """Pixels that the 8-bit form can say, both ways; above zero. What is faster is clipped."""

    def __post_init__(self) -> None:
        if self.method not in ("dis", "farneback", "tvl1"):
            raise OptionError(f"the flow {self.method!r} is unknown; use 'dis', 'farneback' or 'tvl1'")
        if not self.bound > 0:
            raise OptionError(f"a flow bound of {self.bound} pixels is not above zero")


class OpticalFlow:
    """Measures the flow from each frame to the next.

    >>> flow = OpticalFlow()
    >>> still = np.zeros((48, 64), np.uint8)
    >>> flow(still) is None, flow(still).shape
    (True, (48, 64, 2))
    """

    def __init__(self, options: FlowOptions | None = None) -> None:
        self.options = options or FlowOptions()
        self._measure = _measure(self.options.method)
        self._before: Grey | None = None

    def __call__(self, frame: Grey) -> FlowArray | None:
        """The flow from the frame before to this one, float32 [H, W, 2], x to the right and y down, in pixels.

        None for the first frame, and where the picture changed its size.
        """
        before, self._before = self._before, np.ascontiguousarray(frame)
        if before is None or before.shape != frame.shape:
            return None
        return self.between(before, self._before)

    def between(self, before: Grey, after: Grey) -> FlowArray:
        """The flow from one frame to another of its size, in this order or back, float32 [H, W, 2]."""
        return np.asarray(self._measure(before, after), dtype=np.float32)

    def forget(self) -> None:
        """The next frame is the first one of another shot."""
        self._before = None


FLOW_METHODS: Mapping[str, FlowOptions] = MappingProxyType(
    {method: FlowOptions(method) for method in ("dis", "farneback", "tvl1")}
)
#: Width and height to which frames are scaled unless another size is asked for, as TSN and RegNet do.
FRAME_SIZE = (340, 256)


class Flow(PictureFeature):
    """Optical flow in 8 bits, uint8 [T, H, W, 2]: ``flow[:METHOD][@RATE][/WIDTHxHEIGHT]``, of 340 x 256 by default.

    Row k is the flow from frame k - 1 to frame k and lies between them; before the first frame there is none.
    """

    presets: ClassVar[Mapping[str, FlowOptions]] = FLOW_METHODS
    between, rest, dtype = True, 128, np.uint8
    value_shape = (1, 1, 2)

    def __init__(
        self,
        options: FlowOptions = FLOW_METHODS["dis"],
        form: VideoForm = VideoForm(FRAME_SIZE, "gray"),  # noqa: B008
    ) -> None:
        self.name, self.options, self.form = "flow", options, form
        self.unit = f"{options.bound:g} pixels / 127.5"
        self.facts = {"bound": options.bound}

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """A method of flow, a rate and a size."""
        cls.check(spec)
        feature = cls(cls.preset(spec), VideoForm(spec.size or FRAME_SIZE, "gray", spec.rate))
        feature.name = spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError for another method."""
        spec.require_only("variant", "rate", "size")
        cls.preset(spec)

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """A function from consecutive grey frames to the packed flow from the one before to each."""
        measure = OpticalFlow(self.options)

        def packed(frames: list[Pixels]) -> list[Row]:
            flows = [measure(frame) for frame in frames]
            return [None if flow is None else pack_flow(flow, self.options.bound) for flow in flows]

        return packed


def _measure(method: str) -> Callable[[Grey, Grey], Any]:
    if method == "farneback":
        return lambda before, after: cv2.calcOpticalFlowFarneback(before, after, None, **_FARNEBACK)  # type: ignore[call-overload]
    made: Any = (
        cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
        if method == "dis"
        else cv2.optflow.DualTVL1OpticalFlow_create()  # type: ignore[attr-defined]
    )
    return lambda before, after: made.calc(before, after, None)


def pack_flow(flow: FlowArray, bound: float = 20.0) -> npt.NDArray[np.uint8]:
    """Flow as 8 bits, as TSN's and RegNet's tools write it: -bound is 0, +bound 255, what is beyond is clipped.

    Rest is 127.5, which the rounding of C++ makes 128: the 128 that their networks take off.

    >>> pack_flow(np.array([-25.0, -20.0, 0.0, 20.0], np.float32)).tolist()
    [0, 0, 128, 255]
    """
    scaled = (np.clip(flow, -bound, bound) + bound) * (255.0 / (2 * bound))
    return np.asarray(np.floor(scaled + 0.5), np.uint8)


def unpack_flow(packed: npt.NDArray[np.uint8], bound: float = 20.0) -> FlowArray:
    """Pixels again, to half a step of ``bound / 127.5``.

    >>> bool(np.abs(unpack_flow(pack_flow(np.float32([3.3]))) - 3.3).max() < 0.08)
    True
    """
    return np.asarray(packed.astype(np.float32) * (2 * bound / 255.0) - bound, dtype=np.float32)
