"""From where a scene is seen: metres to pixels through a pinhole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["View"]

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A camera that looks at the point (0, 0, 0.05)."""

    width: int
    """Of the picture, pixels."""
    height: int
    """Of the picture, pixels."""
    distance: float
    """To the point that it looks at, metres."""
    pitch: float
    """How far it looks down, radians: 0 is along the ground."""
    roll: float
    """Turn about the line of sight, radians."""
    span: float
    """Metres that the picture is wide at that distance."""
    look: tuple[float, float, float] = (0.0, 0.0, 0.05)
    """The point."""

    @property
    def focal(self) -> float:
        """Focal length, pixels."""
        return self.width * self.distance / self.span

    def _axes(self) -> tuple[Array, Array, Array]:
        forward = np.array([0.0, np.cos(self.pitch), -np.sin(self.pitch)])
        right, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, np.sin(self.pitch), np.cos(self.pitch)])
        turn, lift = np.cos(self.roll), np.sin(self.roll)
        return forward, turn * right + lift * up, turn * up - lift * right

    def project(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Pixels of points [..., 3] (x to the right, y downwards, [..., 2]) and pixels per metre there, [...].

        >>> view = View(100, 50, distance=2.0, pitch=0.5, roll=0.0, span=1.0)
        >>> pixels, scale = view.project([0, 0, 0.05])
        >>> pixels.tolist(), float(scale)
        ([50.0, 25.0], 100.0)
        """
        forward, right, up = self._axes()
        away = np.asarray(points, np.float64) - (np.array(self.look) - self.distance * forward)
        depth = np.maximum(away @ forward, 0.05)
        scale = self.focal / depth
        pixels = np.stack(
            [self.width / 2 + scale * (away @ right), self.height / 2 - scale * (away @ up)], axis=-1
        )
        return pixels, scale

    def away(self, point: npt.ArrayLike) -> float:
        """Distance of a point from the camera, metres."""
        forward, _, _ = self._axes()
        return float(
            np.linalg.norm(np.asarray(point, np.float64) - (np.array(self.look) - self.distance * forward))
        )
