"""The frames themselves, at a size and rate of one's own: ``frames@25/96``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from genlock.extractors.base import PictureFeature, Pixels, Row
from genlock.extractors.spec import FeatureSpec
from genlock.media import VideoForm

__all__ = ["Frames"]


class Frames(PictureFeature):
    """Pictures, RGB uint8 [T, H, W, 3]. All are held in memory: 8 GB a minute of full HD at 25 a second."""

    dtype = np.uint8

    def __init__(self, form: VideoForm = VideoForm()) -> None:  # noqa: B008 - frozen
        self.name, self.form = "frames", form

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """``frames[@RATE][/WIDTHxHEIGHT]``."""
        cls.check(spec)
        feature = cls(VideoForm(spec.size, "rgb24", spec.rate))
        feature.name = spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if the spec says more than a rate and a size."""
        spec.require_only("rate", "size")

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """Gives back what it is given."""
        return list
