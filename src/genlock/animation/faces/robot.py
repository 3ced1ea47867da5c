"""``robot``: a machine with a hinged jaw, lens eyes with shutters, and a lamp that glows while it talks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from genlock.animation.brush import Brush, Points, curve, ellipse, mixed
from genlock.animation.faces.base import FaceFrame, MouthShape, Pixels, mouth_shape, rest_lips
from genlock.animation.faces.mouths import smooth_ring
from genlock.drawing.canvas import Colour

__all__ = ["RobotFace"]

_METALS: tuple[Colour, ...] = ((120, 148, 160), (190, 142, 96), (146, 150, 128))
_LIGHTS: tuple[Colour, ...] = ((92, 240, 214), (255, 190, 84), (150, 220, 255))
_NIGHT: Colour = (26, 30, 42)
_DARK: Colour = (20, 24, 32)
_WHITE: Colour = (250, 252, 252)
_MOUTH = (0.0, 0.9)
_OUTER, _INNER = rest_lips(_MOUTH, 0.42, 0.05, 0.05, smile=0.03)
# The screen of the mouth, and its lamps: columns and rows within it.
_SCREEN = (-0.6, 0.66, 0.6, 1.14)
_LAMPS = (25, 11)


class RobotFace:
    """A machine.

    Parameters
    ----------
    side : pixels of a side of its frames
    seed : of its metal and its light
    """

    title: ClassVar[str] = "a robot with a mouth of lamps, a hinged jaw and shutters"

    def __init__(self, side: int = 512, seed: int = 0) -> None:
        self.size = (side, side)
        self._scale = side / 3.5
        self._origin = (side / 2, 1.5 * self._scale)
        self._metal, self._light = _METALS[seed % len(_METALS)], _LIGHTS[seed % len(_LIGHTS)]
        y, x = np.mgrid[:side, :side] / side - 0.5
        glow = np.clip(1 - np.hypot(x, y + 0.05) / 0.75, 0, 1)[..., None] ** 1.5
        self._ground = np.asarray(np.asarray(_NIGHT) + glow * 0.3 * np.asarray(self._light), np.uint8)
        columns, rows = (
            np.linspace(low, high, count)
            for low, high, count in zip(_SCREEN[:2], _SCREEN[2:], _LAMPS, strict=True)
        )
        self._lamps = np.stack(np.meshgrid(columns[1:-1], rows[1:-1]), axis=-1).reshape(-1, 2)

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [side, side, 3]."""
        image = self._ground.copy()
        brush = Brush(image, self._scale, self._origin, turn=frame.turn)
        mouth = mouth_shape(frame, _OUTER, _INNER, gain=(1.8, 2.6))
        drop = min(0.8 * max(mouth.jaw, 0.45 * mouth.opening), 0.34)
        self._body(brush, frame)
        self._antenna(brush, frame, mouth)
        self._jaw(brush, drop)
        self._skull(brush)
        self._eyes(brush, frame, mouth)
        self._screen(brush, mouth)
        return image

    def _body(self, brush: Brush, frame: FaceFrame) -> None:
        still = brush.straight()
        dark = mixed(self._metal, _DARK, 0.62)
        chest = [(-1.6, 2.7), (-1.5, 2.0), (-1.1, 1.78), (0.0, 1.72), (1.1, 1.78), (1.5, 2.0), (1.6, 2.7)]
        still.fill(curve(chest), dark)
        still.fill(ellipse((0, 2.05), (0.16, 0.16)), mixed(self._light, _DARK, 0.5))
        for k in range(4):
            y = 1.4 + 0.11 * k
            brush.fill(
                _rounded(-0.4 + 0.01 * k, y, 0.4 - 0.01 * k, y + 0.085, 0.04),
                mixed(self._metal, _DARK, 0.45 if k % 2 else 0.6),
                0.5,
            )

    def _antenna(self, brush: Brush, frame: FaceFrame, mouth: MouthShape) -> None:
        bend = 0.9 * frame.turn[2] + 0.05 * np.sin(9 * frame.seconds) * min(mouth.opening, 0.3)
        tip = np.array([0.02 - bend, -1.32])
        brush.stroke(
            curve([(0.0, -0.98), (0.01 - 0.3 * bend, -1.16), (float(tip[0]), float(tip[1]))], closed=False),
            mixed(self._metal, _DARK, 0.4),
            0.05,
            0.3,
            0.2,
        )
        bright = float(np.clip(0.25 + 2.4 * mouth.opening, 0, 1))
        for size, share in ((0.15, 0.16), (0.11, 0.3)):
            brush.fill(
                ellipse(tip, (size * (0.7 + 0.5 * bright), size * (0.7 + 0.5 * bright))),
                mixed(_NIGHT, self._light, share + 0.25 * bright),
                0.3,
            )
        brush.fill(
            ellipse(tip, (0.07, 0.07)), mixed(mixed(self._light, _DARK, 0.5), _WHITE, 0.7 * bright), 0.3
        )

    def _jaw(self, brush: Brush, drop: float) -> None:
        dark = mixed(self._metal, _DARK, 0.5)
        brush.fill(_rounded(-0.7, 0.95, 0.7, 1.36 + 0.6 * drop, 0.12), _DARK, 0.2)
        jaw = [(-0.76, 1.08), (0.76, 1.08), (0.72, 1.3), (0.5, 1.5), (-0.5, 1.5), (-0.72, 1.3)]
        brush.fill(np.add(jaw, [0, drop]), dark, 0.1)
        brush.fill(
            np.add(
                [(-0.7, 1.12), (0.7, 1.12), (0.66, 1.27), (0.46, 1.44), (-0.46, 1.44), (-0.66, 1.27)],
                [0, drop],
            ),
            mixed(self._metal, _DARK, 0.22),
            0.08,
        )
        for side in (-1, 1):
            brush.fill(ellipse((0.56 * side, 1.24 + drop), (0.04, 0.04)), dark, 0.06)

    def _skull(self, brush: Brush) -> None:
        metal = self._metal
        for side in (-1, 1):
            left = min(0.86 * side, 1.06 * side)
            brush.fill(_rounded(left, -0.16, left + 0.2, 0.36, 0.07), mixed(metal, _DARK, 0.5), 0.45)
            brush.fill(ellipse((1.06 * side, 0.1), (0.07, 0.15)), mixed(metal, _DARK, 0.3), 0.42)
        brush.fill(_rounded(-0.95, -1.0, 0.95, 1.22, 0.36), mixed(metal, _DARK, 0.42), 0.2)
        brush.fill(_rounded(-0.92, -0.99, 0.92, 1.17, 0.34), metal, 0.15)
        brush.fill(_rounded(-0.84, -0.94, 0.5, -0.5, 0.2), mixed(metal, _WHITE, 0.16), 0.12)
        brush.line([(-0.9, -0.42), (0.9, -0.42)], mixed(metal, _DARK, 0.3), 0.022, 0.12)
        for x in (-0.78, 0.78):
            for y in (-0.56, 1.02):
                brush.fill(ellipse((x, y), (0.042, 0.042)), mixed(metal, _DARK, 0.35), 0.1)
                brush.line(
                    [(x - 0.022, y - 0.016), (x + 0.022, y + 0.016)], mixed(metal, _DARK, 0.6), 0.012, 0.09
                )
        brush.fill(curve([(0, 0.3), (0.1, 0.5), (0, 0.56), (-0.1, 0.5)]), mixed(metal, _DARK, 0.28), -0.1)

    def _eyes(self, brush: Brush, frame: FaceFrame, mouth: MouthShape) -> None:
        metal = self._metal
        for side in (-1, 1):
            centre = np.array([0.42 * side, 0.02])
            brush.fill(ellipse(centre, (0.3, 0.3)), mixed(metal, _DARK, 0.45), 0.05)
            brush.fill(ellipse(centre, (0.26, 0.26)), _DARK, 0.0)
            lens = brush.within(ellipse(centre, (0.245, 0.245), 40), -0.02)
            if lens is not None:
                look = centre + frame.gaze * [0.08, 0.07]
                for size, share in ((0.2, 0.32), (0.15, 0.68), (0.085, 1.0)):
                    lens.brush.fill(ellipse(look, (size, size)), mixed(_DARK, self._light, share), -0.04)
                lens.brush.fill(ellipse(look, (0.045, 0.045)), _WHITE, -0.05)
                shut = 0.06 + 0.2 * frame.blink
                for way in (-1, 1):
                    y = centre[1] + way * (0.26 - shut)
                    lens.brush.fill(
                        [
                            (centre[0] - 0.3, y),
                            (centre[0] + 0.3, y),
                            (centre[0] + 0.3, y + way * 0.4),
                            (centre[0] - 0.3, y + way * 0.4),
                        ],
                        mixed(metal, _DARK, 0.25),
                        -0.06,
                    )
                    lens.brush.line(
                        [(centre[0] - 0.3, y), (centre[0] + 0.3, y)], mixed(metal, _WHITE, 0.25), 0.018, -0.06
                    )
                lens.done()
            lift = 0.05 * frame.brows + 0.08 * min(mouth.opening, 0.4)
            tilt = 0.04 * side * frame.brows
            brush.fill(
                np.array(
                    [(-0.24, -0.36 + tilt), (0.24, -0.36 - tilt), (0.24, -0.28 - tilt), (-0.24, -0.28 + tilt)]
                )
                + np.array([centre[0], -lift]),
                mixed(metal, _DARK, 0.55),
                -0.02,
            )

    def _screen(self, brush: Brush, mouth: MouthShape) -> None:
        left, top, right, bottom = _SCREEN
        brush.fill(
            _rounded(left - 0.06, top - 0.06, right + 0.06, bottom + 0.06, 0.14),
            mixed(self._metal, _DARK, 0.45),
            0.02,
        )
        brush.fill(_rounded(left, top, right, bottom, 0.1), _DARK, 0.0)
        lit = _inside(self._lamps, mouth)
        places = brush.place(self._lamps, -0.01)
        # Half a pixel more: lamps glow.
        half = 0.34 * self._scale * (right - left) / _LAMPS[0] + 0.5
        off = mixed(_DARK, self._light, 0.13)
        glow = np.rint(self._light + (np.subtract(_WHITE, self._light)) * (0.25 * lit[:, None]))
        brush.dots(places, half, np.rint(off + (glow - off) * lit[:, None]).astype(np.uint8))


def _inside(lamps: Points, mouth: MouthShape) -> Points:
    """How brightly each lamp shines: those on the lips fully, those between them a little, 0...1."""
    ring = smooth_ring(mouth.outer, 3)
    x = np.clip(lamps[:, 0], ring[:, 0].min(), ring[:, 0].max())
    upper = np.interp(x, mouth.inner[:11, 0], mouth.inner[:11, 1])
    back = np.concatenate([mouth.inner[:1], mouth.inner[19:9:-1]])
    lower = np.interp(x, back[:, 0], back[:, 1])
    beyond = np.abs(lamps[:, 0] - x)
    y = lamps[:, 1]
    apart = np.minimum(np.abs(y - upper + 0.012), np.abs(y - lower - 0.012)) + 2 * beyond
    edge = np.clip(1.25 - apart / 0.035, 0, 1)
    between = ((y > upper) & (y < lower) & (beyond == 0)) * 0.3
    return np.asarray(np.maximum(edge, between))


def _rounded(left: float, top: float, right: float, bottom: float, radius: float) -> Points:
    corners = []
    for x, y, first in (
        (right - radius, top + radius, -90),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
    ):
        angles = np.radians(np.linspace(first, first + 90, 7))
        corners.append(np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)]))
    return np.concatenate(corners)
