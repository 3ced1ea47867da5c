"""How much moves in the picture: the mean length of the optical flow, one number for each two frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from genlock.extractors.base import PictureFeature, Pixels, Row
from genlock.extractors.picture.flow import FlowArray, FlowOptions, OpticalFlow
from genlock.extractors.spec import FeatureSpec
from genlock.media import VideoForm

__all__ = ["FlowEnergy"]

_SIZE = (160, 120)


class FlowEnergy(PictureFeature):
    """Mean length of the flow from frame k - 1 to frame k, in shares of the picture's width, float32 [T].

    >>> energy = FlowEnergy().kernel()
    >>> still = np.zeros((120, 160), np.uint8)
    >>> [row if row is None else float(row) for row in energy([still, still])]
    [None, 0.0]
    """

    name = "flow-energy"
    between = True
    unit = "of the width"
    value_shape = ()
    presets: ClassVar[dict[str, Any]] = {}

    def __init__(self, form: VideoForm = VideoForm(_SIZE, "gray")) -> None:  # noqa: B008
        self.form = form

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """The feature, on the frames or at a rate."""
        cls.check(spec)
        feature = cls(VideoForm(_SIZE, "gray", spec.rate))
        feature.name = spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError for a spec with more than a rate."""
        spec.require_only("rate")

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """A function from consecutive grey frames to how much moved since the one before."""
        measure = OpticalFlow(FlowOptions("dis"))

        def energies(frames: list[Pixels]) -> list[Row]:
            return [None if flow is None else _mean_length(flow) for flow in map(measure, frames)]

        return energies


def _mean_length(flow: FlowArray) -> Row:
    return np.asarray(np.hypot(flow[..., 0], flow[..., 1]).mean() / _SIZE[0], np.float32)
