"""``genlock features --feature tilt``: how far each head is tilted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genlock.extractors import FaceFeature
from genlock.extractors.base import Row
from genlock.extractors.face.tracking import Sighting


class Tilt(FaceFeature):
    """Tilt of the head, clockwise as seen, float32 [T], degrees."""

    name = "tilt"
    unit = "degrees"

    def open(self) -> Callable[[Sighting], Row]:
        """Nothing is remembered from frame to frame."""
        return lambda face: np.degrees(face.pose.rotation).astype(np.float32)
