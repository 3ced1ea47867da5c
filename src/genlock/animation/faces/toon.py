"""``toon``: a friendly cartoon in flat colours, with large eyes. The seed chooses its skin, hair and jersey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genlock.animation.brush import Brush, Points, curve, ellipse, mixed
from genlock.animation.faces.base import FaceFrame, MouthShape, Pixels, mouth_shape, rest_lips
from genlock.animation.faces.mouths import MouthColours, draw_mouth
from genlock.drawing.canvas import Colour

__all__ = ["ToonFace"]

_WHITE: Colour = (253, 252, 250)
_INK: Colour = (52, 36, 42)


@dataclass(frozen=True)
class _Palette:
    """The colours of one character."""

    skin: Colour
    hair: Colour
    iris: Colour
    jersey: Colour
    ground: Colour
    lip: Colour


_PALETTES = (
    _Palette((247, 205, 172), (92, 52, 40), (70, 118, 86), (226, 92, 74), (196, 224, 222), (204, 94, 92)),
    _Palette((141, 88, 62), (34, 26, 32), (70, 42, 30), (244, 184, 66), (206, 196, 232), (150, 70, 68)),
    _Palette((232, 178, 134), (38, 34, 48), (78, 54, 40), (66, 134, 160), (250, 222, 190), (190, 84, 84)),
    _Palette(
        (252, 220, 198), (214, 128, 62), (66, 124, 168), (92, 138, 86), (226, 206, 214), (214, 108, 104)
    ),
)
_MOUTH = (0.0, 0.87)
_OUTER, _INNER = rest_lips(_MOUTH, 0.32, 0.042, 0.062, smile=0.06)
_ACROSS = np.linspace(-1, 1, 9)
# Half of the head from the crown to the chin, as seen on the right.
_HEAD = np.array(
    [
        (0, -0.98),
        (0.42, -0.9),
        (0.74, -0.62),
        (0.86, -0.2),
        (0.86, 0.24),
        (0.8, 0.66),
        (0.62, 1.02),
        (0.33, 1.27),
        (0, 1.35),
    ]
)
_FRINGE = np.array(
    [
        (-0.9, 0.1),
        (-0.84, -0.22),
        (-0.7, -0.42),
        (-0.44, -0.5),
        (-0.1, -0.48),
        (0.24, -0.6),
        (0.44, -0.5),
        (0.68, -0.4),
        (0.82, -0.2),
        (0.9, 0.12),
        (0.98, -0.3),
        (0.86, -0.8),
        (0.5, -1.14),
        (0, -1.26),
        (-0.5, -1.16),
        (-0.88, -0.8),
        (-0.98, -0.3),
    ]
)
_BACK = np.array(
    [
        (-0.98, 0.5),
        (-1.02, -0.2),
        (-0.84, -0.82),
        (-0.46, -1.16),
        (0, -1.26),
        (0.46, -1.16),
        (0.84, -0.82),
        (1.02, -0.2),
        (0.98, 0.5),
        (0.7, 0.86),
        (0, 0.9),
        (-0.7, 0.86),
    ]
)


class ToonFace:
    """A friendly cartoon.

    Parameters
    ----------
    side : pixels of a side of its frames
    seed : which character it is
    """

    title: ClassVar[str] = "a friendly cartoon in flat colours; the seed chooses the character"

    def __init__(self, side: int = 512, seed: int = 0) -> None:
        self.size = (side, side)
        self._colours = _PALETTES[seed % len(_PALETTES)]
        self._scale = side / 3.5
        self._origin = (side / 2, 1.5 * self._scale)
        p = self._colours
        self._shade = mixed(p.skin, (120, 50, 40), 0.17)
        dark = mixed(p.lip, _INK, 0.45)
        self._mouth = MouthColours(p.lip, dark, mixed(p.lip, _WHITE, 0.4))
        self._ground = self._background(side)

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [side, side, 3]."""
        image = self._ground.copy()
        brush = Brush(image, self._scale, self._origin, turn=frame.turn)
        mouth = mouth_shape(frame, _OUTER, _INNER)
        p = self._colours
        brush.fill(curve(_BACK), mixed(p.hair, _INK, 0.25), 1.0)
        self._body(brush, frame)
        self._head(brush, mouth)
        self._eyes(brush, frame)
        draw_mouth(brush, mouth, self._mouth, _MOUTH[1])
        self._nose(brush)
        self._hair(brush)
        self._brows(brush, frame, mouth)
        return image

    def _background(self, side: int) -> Pixels:
        """A soft disc of light behind the head."""
        y, x = np.mgrid[:side, :side] / side - 0.5
        light = np.clip(1 - np.hypot(x, y + 0.08) / 0.62, 0, 1)[..., None] ** 0.8
        ground = np.asarray(self._colours.ground, np.float64)
        deep = 0.8 * ground
        return np.asarray(deep + (np.minimum(ground * 1.08, 255) - deep) * light, np.uint8)

    def _body(self, brush: Brush, frame: FaceFrame) -> None:
        p = self._colours
        still = brush.straight()
        sway = 0.25 * frame.turn[0]
        shoulders = [
            (-1.75, 2.6),
            (-1.6, 1.95),
            (-1.1, 1.68),
            (-0.42, 1.52),
            (0.42, 1.52),
            (1.1, 1.68),
            (1.6, 1.95),
            (1.75, 2.6),
        ]
        still.fill(curve(np.add(shoulders, [sway, 0])), p.jersey)
        still.fill(
            curve(
                np.add([(-0.42, 1.5), (-0.3, 1.74), (0, 1.84), (0.3, 1.74), (0.42, 1.5), (0, 1.4)], [sway, 0])
            ),
            mixed(p.jersey, _INK, 0.25),
        )
        neck = [(-0.34, 0.9), (0.34, 0.9), (0.36, 1.56), (0.2, 1.72), (0, 1.76), (-0.2, 1.72), (-0.36, 1.56)]
        brush.fill(neck, self._shade, 0.75)
        for side in (-1, 1):
            brush.fill(ellipse((0.88 * side, 0.16), (0.13, 0.2)), self._shade, 0.5)
            brush.fill(ellipse((0.86 * side, 0.16), (0.1, 0.165)), p.skin, 0.48)
            brush.stroke(
                curve([(0.9 * side, 0.05), (0.83 * side, 0.12), (0.86 * side, 0.24)], closed=False),
                self._shade,
                0.03,
                0.47,
            )

    def _head(self, brush: Brush, mouth: MouthShape) -> None:
        right = _HEAD
        outline = np.concatenate([right, right[-2:0:-1] * [-1, 1]])
        low = np.clip((outline[:, 1] - 0.5) / 0.7, 0, 1)
        outline[:, 1] += mouth.jaw * low * low * (3 - 2 * low)
        outline[:, 0] *= 1 - 0.12 * mouth.jaw * low
        brush.fill(curve(outline), self._colours.skin, 0.22)
        cheek = mixed(self._colours.skin, (236, 96, 88), 0.26)
        for side in (-1, 1):
            brush.fill(ellipse((0.55 * side, 0.5 + 0.2 * mouth.jaw), (0.19, 0.125)), cheek, 0.05)
        # A shadow under the lower lip, which goes along with the jaw.
        chin = mouth.outer[15] + [0, 0.075]
        brush.stroke(
            curve(chin + np.array([(-0.11, -0.02), (0, 0.01), (0.11, -0.02)]), closed=False),
            self._shade,
            0.03,
            -0.05,
            0.9,
        )

    def _eyes(self, brush: Brush, frame: FaceFrame) -> None:
        p = self._colours
        lid = mixed(p.skin, self._shade, 0.5)
        for side in (-1, 1):
            centre = np.array([0.37 * side, 0.02])
            white = ellipse(centre, (0.205, 0.225))
            brush.fill(ellipse(centre, (0.235, 0.25)), mixed(p.skin, self._shade, 0.55), -0.02)
            eye = brush.within(white, -0.03)
            if eye is None:
                continue
            eye.brush.fill(ellipse(centre, (0.3, 0.3)), _WHITE, -0.03)
            look = centre + frame.gaze * [0.07, 0.06] + [-0.02 * side, 0.01]
            eye.brush.fill(ellipse(look, (0.125, 0.135)), mixed(p.iris, _INK, 0.35), -0.05)
            eye.brush.fill(ellipse(np.add(look, [0, 0.012]), (0.105, 0.112)), p.iris, -0.05)
            eye.brush.fill(ellipse(look, (0.062, 0.068)), _INK, -0.06)
            eye.brush.fill(ellipse(np.add(look, [0.045, -0.052]), (0.034, 0.036)), _WHITE, -0.07)
            eye.brush.fill(
                ellipse(np.add(look, [-0.04, 0.055]), (0.017, 0.017)), mixed(p.iris, _WHITE, 0.65), -0.07
            )
            self._lid(eye.brush, centre, frame.blink, lid)
            eye.done()
            self._lashes(brush, centre, frame.blink, side)

    def _lid(self, brush: Brush, centre: Points, blink: float, colour: Colour) -> None:
        """The upper lid, which rests a little way down, and all the way in a blink."""
        edge = centre[1] - 0.225 + 0.045 + 0.375 * blink
        rim = np.column_stack([centre[0] + 0.26 * _ACROSS, edge + (0.1 - 0.16 * blink) * _ACROSS**2])
        brush.fill(np.concatenate([rim, [(centre[0] + 0.3, -0.6), (centre[0] - 0.3, -0.6)]]), colour, -0.08)

    def _lashes(self, brush: Brush, centre: Points, blink: float, side: int) -> None:
        edge = centre[1] - 0.18 + 0.375 * blink
        bend = 0.12 - 0.19 * blink
        rim = np.column_stack([centre[0] + 0.208 * _ACROSS, edge + bend * _ACROSS**2])
        brush.stroke(rim, _INK, 0.052, -0.08, taper=0.55)
        outer = rim[-1] if side > 0 else rim[0]
        brush.stroke(
            [
                outer - [0.03 * side, 0.015],
                np.add(outer, [0.035 * side, -0.012]),
                np.add(outer, [0.075 * side, -0.05]),
            ],
            _INK,
            0.032,
            -0.05,
            taper=0.9,
        )

    def _nose(self, brush: Brush) -> None:
        line = [(0.045, 0.24), (0.085, 0.42), (0.1, 0.5), (0.055, 0.555), (-0.03, 0.565), (-0.075, 0.54)]
        brush.stroke(curve(line, closed=False), self._shade, 0.05, -0.28, taper=0.6)
        brush.fill(ellipse((-0.015, 0.45), (0.03, 0.045)), mixed(self._colours.skin, _WHITE, 0.45), -0.34)

    def _hair(self, brush: Brush) -> None:
        p = self._colours
        brush.fill(curve(_FRINGE), p.hair, 0.1)
        light = mixed(p.hair, _WHITE, 0.22)
        for x, y, size in ((-0.4, -0.9, 0.5), (0.4, -0.92, 0.36)):
            arc = [(x - 0.5 * size, y + 0.24 * size), (x - 0.1 * size, y), (x + 0.5 * size, y - 0.04)]
            brush.stroke(curve(arc, closed=False), light, 0.05, 0.02, taper=0.92)

    def _brows(self, brush: Brush, frame: FaceFrame, mouth: MouthShape) -> None:
        lift = 0.045 * frame.brows + 0.06 * min(mouth.opening, 0.5)
        colour = mixed(self._colours.hair, _INK, 0.3)
        for side in (-1, 1):
            arch = np.array([(0.16, -0.3), (0.28, -0.365), (0.42, -0.375), (0.58, -0.3)]) * [side, 1]
            brush.stroke(curve(arch - [0, lift], closed=False), colour, 0.075, -0.04, taper=0.6)
