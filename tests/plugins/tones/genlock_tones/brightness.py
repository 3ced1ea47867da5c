"""``genlock features --feature brightness``: how bright each frame is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from genlock.extractors import PictureFeature
from genlock.extractors.base import Pixels, Row
from genlock.media import VideoForm


class Brightness(PictureFeature):
    """Mean of the grey picture, float32 [T], 0...1."""

    name = "brightness"
    form = VideoForm((32, 32), "gray")

    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """From frames, uint8 [32, 32] each, to as many values."""
        return lambda frames: [np.array(frame.mean() / 255, np.float32) for frame in frames]
