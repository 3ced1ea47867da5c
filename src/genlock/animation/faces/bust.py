"""``bust``: a sculpture, lit from the side, that is the mesh itself: every point that a talker moves is seen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from genlock.animation.brush import Brush, Points, curve, ellipse, mixed, rotation
from genlock.animation.faces.base import FaceFrame, Pixels
from genlock.animation.mesh import (
    LEFT_EYE,
    OVAL,
    RIGHT_EYE,
    Triangles,
    mesh_normals,
    mesh_triangles,
    shade_triangles,
    soften_edges,
)
from genlock.drawing.canvas import Colour
from genlock.extractors.face.pose import LIPS

__all__ = ["BustFace"]

_CLAYS: tuple[Colour, ...] = ((214, 196, 178), (122, 152, 160), (196, 128, 98))
_GROUNDS: tuple[Colour, ...] = ((44, 46, 60), (34, 36, 40), (40, 34, 44))
_LIGHT = np.array([-0.55, -0.6, -0.58])
_RIM = np.array([0.9, -0.1, 0.35])
_GAIN = 1.5
_SPREAD = 6.0
# A step in depth from pixel to pixel, in eye distances, at which one thing ends before another.
_EDGE = 0.12
_UPPER_LIDS = ((246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398))
_LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))


class BustFace:
    """A sculpture of the mesh.

    Parameters
    ----------
    side : pixels of a side of its frames
    seed : of its clay
    """

    title: ClassVar[str] = "a sculpture of the mesh, lit from the side"

    def __init__(self, side: int = 512, seed: int = 0) -> None:
        self.size = (side, side)
        self._clay = np.asarray(_CLAYS[seed % len(_CLAYS)], np.float64)
        self._scale = side / 2.75
        self._origin = np.array([side / 2, 1.02 * self._scale])
        y, x = np.mgrid[:side, :side] / side - 0.5
        ground = np.asarray(_GROUNDS[seed % len(_GROUNDS)], np.float64)
        glow = np.clip(1 - np.hypot(x + 0.12, y + 0.1) / 0.8, 0, 1)[..., None] ** 1.4
        self._ground = np.asarray(ground * (0.55 + 0.75 * glow), np.uint8)
        self._stand()
        self._triangles: Triangles | None = None
        self._rest: npt.NDArray[np.float32] | None = None

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [side, side, 3]."""
        if self._triangles is None or self._rest is None or not np.array_equal(self._rest, frame.neutral):
            self._begin(frame)
        mesh = self._mesh(frame)
        places, turned = self._seen(mesh, frame)
        image = self._ground.copy()
        self._openings(image, places, frame)
        self._surface(image, places, turned)
        return image

    def _stand(self) -> None:
        """What the sculpture stands on, which does not turn with it: a rod on a foot."""
        brush = Brush(self._ground, self._scale, (float(self._origin[0]), float(self._origin[1])))
        ground = self._ground[self.size[1] // 2, 4].tolist()
        metal = mixed((ground[0], ground[1], ground[2]), (150, 146, 140), 0.3)
        brush.fill(ellipse((0, 1.66), (0.46, 0.075), 48), mixed(metal, (0, 0, 0), 0.45))
        brush.fill(ellipse((0, 1.63), (0.44, 0.06), 48), metal)
        brush.fill([(-0.05, 0.8), (0.05, 0.8), (0.055, 1.63), (-0.055, 1.63)], mixed(metal, (0, 0, 0), 0.3))
        brush.fill(
            [(-0.035, 0.8), (-0.005, 0.8), (-0.005, 1.63), (-0.04, 1.63)], mixed(metal, (250, 246, 238), 0.2)
        )

    def _begin(self, frame: FaceFrame) -> None:
        self._rest = frame.neutral
        inner = mesh_triangles(self._with_rim(np.asarray(frame.neutral, np.float64)))
        self._triangles = inner

    def _with_rim(self, mesh: Points) -> Points:
        """The mesh, and rings behind its outline that make a head of a mask."""
        oval = mesh[list(OVAL)]
        middle = np.array([0.0, oval[:, 1].mean(), 0.0])
        rings = [mesh]
        for wide, back in ((1.05, 0.16), (1.08, 0.36), (1.05, 0.62), (0.9, 0.95)):
            ring = middle + (oval - middle) * [wide, wide, 0]
            ring[:, 2] = oval[:, 2] + back
            rings.append(ring)
        return np.concatenate(rings)

    def _mesh(self, frame: FaceFrame) -> Points:
        moved = np.asarray(frame.points - frame.neutral, np.float64)
        mesh = np.asarray(frame.neutral, np.float64) + _GAIN * moved
        for upper, lower in zip(_UPPER_LIDS, _LOWER_LIDS, strict=True):
            mesh[list(upper)] += frame.blink * (mesh[list(lower)] - mesh[list(upper)])
        for brow in (
            (70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
            (300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
        ):
            mesh[list(brow), 1] -= 0.03 * frame.brows
        return self._with_rim(mesh)

    def _seen(self, mesh: Points, frame: FaceFrame) -> tuple[Points, Points]:
        pivot = np.array([0.0, 1.0, 0.7])
        turned = (mesh - pivot) @ rotation(frame.turn).T + pivot
        near = _SPREAD / (_SPREAD + turned[:, 2:])
        places = (turned[:, :2] - [0, 0.4]) * near * self._scale + self._origin + [0, 0.4 * self._scale]
        return np.column_stack([places, turned[:, 2]]), turned

    def _openings(self, image: Pixels, places: Points, frame: FaceFrame) -> None:
        """What is seen through mouth and eyes."""
        brush = Brush(image, 1.0, (0.0, 0.0), (0.0, 0.0, 0.0))
        clay = tuple(int(c) for c in self._clay)
        dark = mixed((clay[0], clay[1], clay[2]), (24, 12, 16), 0.86)
        lips = places[list(LIPS[20:]), :2]
        brush.fill(curve(lips, steps=3), dark)
        unit = self._scale
        behind = brush.within(curve(lips, steps=3))
        if behind is not None:
            middle = lips.mean(axis=0)
            teeth_y = lips[5, 1] + 0.035 * unit
            white = mixed((clay[0], clay[1], clay[2]), (250, 246, 238), 0.45)
            row = [
                (middle[0] - 0.25 * unit, teeth_y - 0.4 * unit),
                (middle[0] + 0.25 * unit, teeth_y - 0.4 * unit),
                (middle[0] + 0.2 * unit, teeth_y),
                (middle[0], teeth_y + 0.025 * unit),
                (middle[0] - 0.2 * unit, teeth_y),
            ]
            behind.brush.fill(np.array(row), white)
            behind.done()
        for rim in (RIGHT_EYE, LEFT_EYE):
            outline = places[list(rim), :2]
            eye = brush.within(curve(outline, steps=3))
            if eye is None:
                continue
            middle = 0.5 * (outline[0] + outline[8])
            white = mixed((clay[0], clay[1], clay[2]), (246, 244, 240), 0.62)
            eye.brush.fill(outline, white)
            look = middle + frame.gaze * [0.05 * unit, 0.025 * unit] - [0, 0.012 * unit]
            iris = mixed((clay[0], clay[1], clay[2]), (30, 26, 30), 0.75)
            glint = (look[0] + 0.02 * unit, look[1] - 0.024 * unit)
            eye.brush.fill(ellipse(look, (0.07 * unit, 0.07 * unit), 24), iris)
            eye.brush.fill(ellipse(look, (0.034 * unit, 0.034 * unit), 24), (14, 12, 16))
            eye.brush.fill(ellipse(glint, (0.014 * unit, 0.014 * unit), 24), (250, 250, 250))
            eye.done()

    def _surface(self, image: Pixels, places: Points, turned: Points) -> None:
        assert self._triangles is not None
        triangles = self._triangles
        normals = mesh_normals(np.ascontiguousarray(turned), triangles)
        light = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
        rim = np.clip(normals @ (_RIM / np.linalg.norm(_RIM)), 0, 1) ** 2
        gloss = np.clip(normals @ _half(_LIGHT), 0, 1) ** 28
        level = 0.2 + 0.86 * light + 0.22 * rim
        colours = self._clay * level[:, None] + 46 * gloss[:, None] + np.array([10, 16, 34]) * rim[:, None]
        lips = list(LIPS)
        colours[lips] *= [0.95, 0.8, 0.8]
        depth = np.full(image.shape[:2], np.inf, np.float32)
        under, corners, colours = image.copy(), places - [0.5, 0.5, 0], np.clip(colours, 0, 255)
        shade_triangles(image, depth, corners, colours, triangles)
        soften_edges(image, depth, under, corners, colours, triangles, _EDGE)


def _half(light: Points) -> Points:
    """Half-way between the light and the eye."""
    way = light / np.linalg.norm(light) + np.array([0, 0, -1.0])
    return np.asarray(way / np.linalg.norm(way))
