"""``ink``: a pen drawing on paper whose lines breathe, as if it were drawn anew eight times a second."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from genlock.animation.brush import Brush, Points, curve, ellipse, mixed
from genlock.animation.faces.base import FaceFrame, MouthShape, Pixels, mouth_shape, rest_lips
from genlock.animation.faces.mouths import smooth_ring
from genlock.drawing.canvas import Colour
from genlock.drawing.opencv import cv2

__all__ = ["InkFace"]

_INK: Colour = (38, 36, 48)
_WASH: Colour = (214, 200, 182)
_PAPERS: tuple[Colour, ...] = ((246, 239, 226), (238, 240, 236), (248, 236, 224))
_ACCENTS: tuple[Colour, ...] = ((196, 72, 58), (52, 104, 132), (206, 138, 44))
_DRAWN_PER_SECOND = 8
_MOUTH = (0.0, 0.86)
_OUTER, _INNER = rest_lips(_MOUTH, 0.29, 0.04, 0.055, smile=0.02)
_ACROSS = np.linspace(-1, 1, 7)
_CHEEK = np.array(
    [(0.8, -0.35), (0.82, 0.05), (0.79, 0.42), (0.7, 0.78), (0.52, 1.1), (0.24, 1.32), (0, 1.36)]
)
_HAIR = np.array(
    [
        (-0.86, 0.24),
        (-0.93, -0.2),
        (-0.84, -0.62),
        (-0.6, -0.96),
        (-0.2, -1.12),
        (0.22, -1.14),
        (0.6, -0.98),
        (0.86, -0.62),
        (0.95, -0.2),
        (0.86, 0.26),
        (0.8, -0.12),
        (0.66, -0.44),
        (0.44, -0.6),
        (0.1, -0.56),
        (-0.24, -0.66),
        (-0.5, -0.5),
        (-0.72, -0.3),
        (-0.8, -0.02),
    ]
)


class InkFace:
    """A pen drawing.

    Parameters
    ----------
    side : pixels of a side of its frames
    seed : of its paper, its colour and the way its lines breathe
    """

    title: ClassVar[str] = "a pen drawing on paper whose lines breathe"

    def __init__(self, side: int = 512, seed: int = 0) -> None:
        self.size = (side, side)
        self._scale = side / 3.5
        self._origin = (side / 2, 1.48 * self._scale)
        self._seed = seed
        self._accent = _ACCENTS[seed % len(_ACCENTS)]
        self._paper = _paper(side, _PAPERS[seed % len(_PAPERS)], seed)
        self._random = np.random.default_rng(0)

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [side, side, 3]."""
        image = self._paper.copy()
        # The same instant is always drawn alike, whatever was drawn before.
        self._random = np.random.default_rng(
            [self._seed, max(0, int(np.floor(frame.seconds * _DRAWN_PER_SECOND)))]
        )
        brush = Brush(image, self._scale, self._origin, turn=frame.turn)
        mouth = mouth_shape(frame, _OUTER, _INNER, gain=(1.7, 2.1))
        self._clothes(brush, frame)
        self._head(brush, mouth)
        self._eyes(brush, frame, mouth)
        self._nose(brush)
        self._mouth(brush, mouth)
        self._hair(brush)
        return image

    def _line(
        self,
        brush: Brush,
        points: npt.ArrayLike,
        width: float,
        depth: float = 0.0,
        taper: float = 0.7,
        colour: Colour = _INK,
    ) -> None:
        """A pen line, a hair beside where it should be."""
        given = np.asarray(points, np.float64)
        given = given + self._random.normal(0, 0.0055, given.shape)
        brush.stroke(
            curve(given, closed=False), colour, width * float(self._random.uniform(0.85, 1.15)), depth, taper
        )

    def _shape(self, points: npt.ArrayLike) -> Points:
        given = np.asarray(points, np.float64)
        return curve(given + self._random.normal(0, 0.005, given.shape))

    def _clothes(self, brush: Brush, frame: FaceFrame) -> None:
        still = brush.straight()
        sway = [0.2 * frame.turn[0], 0]
        for side in (-1, 1):
            still_line = np.add(
                np.array([(0.36, 1.42), (0.62, 1.66), (1.1, 1.82), (1.5, 2.15)]) * [side, 1], sway
            )
            self._line(still, still_line, 0.05)
            self._line(
                still, np.add(np.array([(0.3, 1.3), (0.34, 1.55), (0.08, 2.0)]) * [side, 1], sway), 0.045
            )
        scarf = np.add(
            [
                (-0.44, 1.46),
                (-0.2, 1.62),
                (0.2, 1.62),
                (0.44, 1.46),
                (0.5, 1.62),
                (0.24, 1.84),
                (-0.24, 1.84),
                (-0.5, 1.62),
            ],
            sway,
        )
        still.fill(self._shape(scarf), self._accent)
        for x in (-0.3, -0.1, 0.12, 0.32):
            self._line(still, np.add([(x, 1.6), (x + 0.05, 1.7), (x + 0.02, 1.79)], sway), 0.025)

    def _head(self, brush: Brush, mouth: MouthShape) -> None:
        right = _CHEEK.copy()
        low = np.clip((right[:, 1] - 0.45) / 0.75, 0, 1)
        right[:, 1] += mouth.jaw * low * low * (3 - 2 * low)
        left = right[::-1] * [-1, 1]
        face = np.concatenate([left[1:], [(-0.6, -0.7), (0, -0.85), (0.6, -0.7)]])
        whole = np.concatenate([right, face])
        brush.fill(curve(whole), _PAPERS[self._seed % len(_PAPERS)], 0.2)
        # A wash down one side, and hatching on it.
        wash = np.concatenate([right[1:], right[:0:-1] * [0.78, 0.98]])
        brush.fill(curve(wash), _WASH, 0.2)
        for k in range(7):
            y = 0.28 + 0.13 * k
            x = 0.77 - 0.06 * max(k - 2, 0)
            self._line(brush, [(x - 0.2, y + 0.12), (x - 0.02, y)], 0.014, 0.15)
        self._line(brush, left[1:-1], 0.048, 0.2)
        self._line(brush, np.concatenate([right[:-1], right[-1:], left[1:2]]), 0.06, 0.2)
        for side in (-1, 1):
            ear = np.array([(0.82, -0.02), (0.93, -0.06), (0.96, 0.1), (0.9, 0.28), (0.8, 0.32)]) * [side, 1]
            self._line(brush, ear, 0.04, 0.45)

    def _eyes(self, brush: Brush, frame: FaceFrame, mouth: MouthShape) -> None:
        open_by = 1 - frame.blink
        lift = 0.04 * frame.brows + 0.06 * min(mouth.opening, 0.5)
        for side in (-1, 1):
            centre = np.array([0.36 * side, 0.03])
            upper = np.column_stack(
                [centre[0] + 0.2 * _ACROSS, centre[1] + 0.06 - 0.17 * open_by * (1 - _ACROSS**2)]
            )
            lower = np.column_stack(
                [centre[0] + 0.18 * _ACROSS, centre[1] + 0.06 + 0.06 * open_by * (1 - _ACROSS**2)]
            )
            if open_by > 0.25:
                eye = brush.within(np.concatenate([upper, lower[::-1]]), -0.03)
                if eye is not None:
                    look = centre + frame.gaze * [0.07, 0.03]
                    eye.brush.fill(ellipse(look, (0.092, 0.1)), _INK, -0.04)
                    eye.brush.fill(
                        ellipse(np.add(look, [0.035, -0.04]), (0.026, 0.026)), (255, 255, 255), -0.05
                    )
                    eye.done()
                self._line(brush, lower[1:-1], 0.02, -0.03)
            self._line(brush, upper, 0.055, -0.04, 0.5)
            self._line(brush, upper[[1, 3, 5]] - [0, 0.07], 0.018, 0.0)
            brow = np.array([(0.14, -0.22), (0.3, -0.31), (0.46, -0.32), (0.6, -0.23)]) * [side, 1]
            self._line(brush, brow - [0, lift], 0.085, -0.04, 0.75)

    def _nose(self, brush: Brush) -> None:
        self._line(
            brush, [(-0.06, 0.12), (-0.1, 0.34), (-0.15, 0.48), (-0.1, 0.56), (0.01, 0.58)], 0.038, -0.25
        )
        self._line(brush, [(0.11, 0.5), (0.13, 0.55), (0.09, 0.58)], 0.03, -0.15)

    def _mouth(self, brush: Brush, mouth: MouthShape) -> None:
        depth = -0.1
        lips = smooth_ring(mouth.outer)
        brush.fill(lips, mixed(self._accent, _PAPERS[0], 0.35), depth)
        if mouth.opening > 0.012:
            inner = smooth_ring(mouth.inner)
            behind = brush.within(inner, depth)
            if behind is not None:
                brush_in, low, top = behind.brush, mouth.inner[:, 1].max(), mouth.inner[:, 1].min()
                brush_in.fill(ellipse((0, 0.5 * (low + top)), (0.6, 0.6)), _INK, depth)
                brush_in.fill(ellipse((0, low + 0.1), (0.2, 0.14 + 0.1 * (low - top))), self._accent, depth)
                edge = max(_MOUTH[1] - 0.03, top) + min(0.075, 0.5 * (low - top))
                brush_in.fill(
                    [
                        (-0.27, top - 0.4),
                        (0.27, top - 0.4),
                        (0.27, edge - 0.04),
                        (0, edge),
                        (-0.27, edge - 0.04),
                    ],
                    (250, 247, 240),
                    depth,
                )
                behind.done()
            self._line(brush, mouth.inner[10:], 0.026, depth)
            self._line(brush, mouth.inner[:11], 0.04, depth)
        else:
            self._line(
                brush,
                0.5 * (mouth.inner[:11] + np.concatenate([mouth.inner[:1], mouth.inner[19:9:-1]])),
                0.045,
                depth,
            )
        self._line(brush, mouth.outer[12:19], 0.024, depth)
        self._line(brush, mouth.outer[15] + np.array([(-0.09, 0.09), (0, 0.105), (0.08, 0.09)]), 0.03, depth)

    def _hair(self, brush: Brush) -> None:
        brush.fill(self._shape(_HAIR), _INK, 0.12)
        light = mixed(_INK, (255, 255, 255), 0.75)
        for x in np.linspace(-0.62, 0.62, 7):
            top = [
                (0.5 * x, -1.05 + 0.1 * x * x),
                (0.85 * x - 0.04, -0.86 + 0.1 * x * x),
                (x, -0.62 + 0.35 * x * x),
            ]
            self._line(brush, top, 0.02, 0.08, 0.9, light)
        for x, lean in ((-0.2, -0.1), (0.02, 0.08), (0.3, 0.16)):
            self._line(brush, [(x, -1.1), (x + lean, -1.22), (x + 2.2 * lean, -1.24)], 0.035, 0.1, 0.95)


def _paper(side: int, colour: Colour, seed: int) -> Pixels:
    """Paper with a grain and darker edges, uint8 [side, side, 3]."""
    random = np.random.default_rng([seed, 1])
    grain = random.normal(0, 1, (side, side)).astype(np.float32)
    coarse = cv2.resize(
        random.normal(0, 1, (side // 12, side // 12)).astype(np.float32),
        (side, side),
        interpolation=cv2.INTER_CUBIC,
    )
    y, x = np.mgrid[:side, :side] / side - 0.5
    shade = 1.2 * grain + 1.6 * coarse - 26 * np.maximum(np.hypot(x, y) - 0.42, 0)
    return np.asarray(np.clip(np.asarray(colour, np.float32) + shade[..., None], 0, 255), np.uint8)
