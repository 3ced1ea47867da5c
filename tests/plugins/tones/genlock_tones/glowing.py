"""``genlock features --feature glowing``: whether the picture is bright while a tone sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from genlock.core.track import Track
from genlock.extractors import BothFeature


class Glowing(BothFeature):
    """1 where it sounds and glows, -1 where it does only one of both, 0 where it does neither, float32 [T]."""

    name = "glowing"
    parts = ("energy:rms", "brightness")

    def join(self, tracks: Mapping[str, Track]) -> Track:
        """On the cells of the frames; a value is valid where both are known."""
        bright = tracks["brightness"]
        loud = tracks["energy:rms"].on(bright.grid, "mean", length=len(bright))
        sounds, glows = loud.values.reshape(-1) > 0.02, bright.values > 0.4
        values = np.where(sounds & glows, 1, np.where(sounds | glows, -1, 0)).astype(np.float32)
        return replace(bright, values=values, valid=bright.valid & loud.valid, support=loud.support)
