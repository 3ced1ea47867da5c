"""``genlock animate talk.wav --face moon``: the man in the moon, who hums in three tones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from genlock.animation.brush import Brush, curve, ellipse
from genlock.animation.faces.base import FaceFrame, Pixels, mouth_shape, rest_lips
from genlock.animation.faces.mouths import MouthColours, draw_mouth

NIGHT, MOON, SHADE, INK = (22, 26, 52), (246, 232, 176), (222, 200, 132), (64, 52, 70)
#: Lips at rest: middle, half width, heights of the lips; in eye distances, as everything is.
OUTER, INNER = rest_lips((0.0, 0.8), 0.3, 0.035, 0.05, smile=0.07)
LIPS = MouthColours(lip=(226, 132, 110), lip_dark=(150, 70, 66), lip_light=(246, 172, 146))
CRATERS = ((-0.72, -0.35, 0.16), (0.62, 0.62, 0.13), (-0.55, 0.75, 0.09), (0.25, -0.72, 0.11))


class MoonFace:
    """A moon on a night of stars; the seed places the stars."""

    title: ClassVar[str] = "the man in the moon"

    def __init__(self, side: int = 512, seed: int = 0) -> None:
        self.size = (side, side)
        self._sky = np.full((side, side, 3), NIGHT, np.uint8)
        sky = Brush(self._sky, side / 3.2, (side / 2, side / 2))
        for x, y, size in np.random.default_rng(seed).uniform((-1.6, -1.6, 0.006), (1.6, 1.6, 0.02), (40, 3)):
            sky.fill(ellipse((x, y), (size, size), 8), (240, 240, 255))

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [side, side, 3]."""
        image = self._sky.copy()
        side = self.size[0]
        # Pixels for an eye distance, where the middle of the face lies, and how the head is turned.
        brush = Brush(image, side / 3.2, (side / 2, side * 0.42), turn=frame.turn)
        # Where the real lips have moved, carried over to these.
        mouth = mouth_shape(frame, OUTER, INNER, gain=(1.5, 2.0))
        brush.fill(ellipse((0, 0.22), (1.2, 1.2 + 0.3 * mouth.jaw), 60), MOON, 0.4)
        for x, y, size in CRATERS:
            brush.fill(ellipse((x, y), (size, 0.8 * size)), SHADE, 0.2)
        for x in (-0.4, 0.4):
            eye = (x + 0.06 * frame.gaze[0], 0.02 + 0.05 * frame.gaze[1])
            brush.fill(ellipse(eye, (0.09, 0.13 * (1 - frame.blink) + 0.012)), INK, -0.05)
            brow = np.array([(x - 0.17, -0.24), (x, -0.31), (x + 0.17, -0.24)]) - [0, 0.05 * frame.brows]
            brush.stroke(curve(brow, closed=False), SHADE, 0.06, -0.05)
        brush.stroke(curve([(0, 0.1), (0.1, 0.42), (-0.04, 0.46)], closed=False), SHADE, 0.06, -0.25)
        draw_mouth(brush, mouth, LIPS, rest=0.8)
        return image
