"""What moves in a scene, one instant at a time: sticks and hands, their shadows, splashes, things that only move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.synth.impacts.bodies import Striker
from genlock.synth.impacts.stage import SHIFT, fixed
from genlock.synth.impacts.truth import Contact
from genlock.synth.impacts.views import View

__all__ = ["Bystander", "Poses", "Splash", "draw_shadow", "draw_striker", "poses"]

Array: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]
Place: TypeAlias = list[float]

# Of the way that a tip is raised, the grip is raised by this share: the stick turns about it.
_GRIP_RISES = 0.4
_SPLASH_SECONDS = 0.45
# cv2 loses itself beyond some thousands of pixels; in sixteenths.
_FAR = 60000


def poses(striker: Striker, view: View, tips: Array, heights: Array, margin: int) -> Poses:
    """Where tip, grip and elbow are seen for tips at points [N, 3] (metres) that are so high above a surface [N]."""
    lean = np.array(striker.lean)
    up = np.array([0.0, 0.0, 1.0])
    high = heights[:, None]
    rest = tips - high * np.array([*striker.tilt, 1.0])
    way = rest + striker.length * lean + _GRIP_RISES * high * up - tips
    grip = tips + striker.length * way / np.linalg.norm(way, axis=1, keepdims=True)
    elbow = grip + 0.45 * np.array([lean[0], lean[1], 0.25 * lean[2] + 0.1])
    points = np.stack([tips, grip, elbow], axis=1) + striker.tip * up
    pixels, scales = view.project(points)
    # Shadows fall on the surface that the tip is above.
    above = points[..., 2] - (tips[:, 2] - heights)[:, None]
    return Poses((pixels + margin).tolist(), scales.tolist(), points, above)


@dataclass(frozen=True)
class Poses:
    """A striker at all instants."""

    pixels: list[list[Place]]
    """Tip, grip and elbow, in the canvas."""
    scales: list[list[float]]
    """Pixels per metre there."""
    points: Array
    """In metres, [N, 3, 3]."""
    above: Array
    """How far each is above the surface, metres, [N, 3]."""

    def shadows(self, view: View, light: Sequence[float], margin: int) -> Poses:
        """Their shadows; ``light`` is how far one falls to the right and back for a metre of height."""
        flat = self.points - self.above[..., None] * np.array([light[0], light[1], 1.0])
        pixels, scales = view.project(flat)
        return Poses((pixels + margin).tolist(), scales.tolist(), flat, np.zeros_like(self.above))


def _taper(picture: Pixels, start: Place, end: Place, wide: tuple[float, float], colour: Colour) -> None:
    """A line that is so many pixels wide at its ends."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    if length < 1e-3:
        return
    x, y = -down / length / 2, across / length / 2
    one, two = wide
    outline = (
        (start[0] + x * one, start[1] + y * one),
        (end[0] + x * two, end[1] + y * two),
        (end[0] - x * two, end[1] - y * two),
        (start[0] - x * one, start[1] - y * one),
    )
    cv2.fillConvexPoly(picture, np.array([whole(p) for p in outline], np.int32), colour, cv2.LINE_AA, SHIFT)


def whole(place: Sequence[float]) -> tuple[int, int]:
    """A pixel as cv2's fixed-point numbers."""
    x, y = int(16 * place[0] - 8), int(16 * place[1] - 8)
    if -_FAR < x < _FAR and -_FAR < y < _FAR:
        return x, y
    return min(max(x, -_FAR), _FAR), min(max(y, -_FAR), _FAR)


def _dot(picture: Pixels, middle: Sequence[float], radius: float, colour: Colour) -> None:
    if radius > 0.3:
        cv2.circle(picture, whole(middle), min(round(radius * 16), _FAR), colour, -1, cv2.LINE_AA, SHIFT)


def _toward(start: Place, end: Place, share: float) -> Place:
    return [start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])]


def draw_striker(picture: Pixels, striker: Striker, places: Sequence[Place], scale: Sequence[float]) -> None:
    """Draw a striker whose tip, grip and elbow are at these pixels, with so many pixels a metre there."""
    wood, bead, skin, sleeve = striker.colours
    tip, grip, elbow = places
    wrist = _toward(grip, elbow, 0.28)
    _taper(picture, wrist, elbow, (0.075 * scale[1], 0.1 * scale[2]), sleeve)
    _taper(picture, grip, wrist, (0.055 * scale[1], 0.06 * scale[1]), skin)
    if striker.kind == "hand":
        _bare_hand(picture, tip, grip, scale, striker.tip, skin)
        return
    thick = 0.7 * min(striker.tip, 0.011)
    tail = _toward(tip, grip, 1.12)
    _taper(picture, tip, tail, (2 * thick * scale[0], 2.6 * thick * scale[1]), wood)
    shift = -0.25 * thick * scale[0]
    lit = [[place[0] + shift, place[1] + shift] for place in (tip, tail)]
    _taper(picture, lit[0], lit[1], (0.6 * thick * scale[0], 0.8 * thick * scale[1]), _shaded(wood, 1.3))
    _dot(picture, tip, striker.tip * scale[0], bead)
    _dot(picture, grip, 0.042 * scale[1], skin)
    length = max(math.dist(tip, grip), 1e-6)
    for finger in (-0.35, 0.0, 0.35):
        knuckle = _toward(grip, tip, finger * 0.07 * scale[1] / length)
        _dot(picture, knuckle, 0.016 * scale[1], _shaded(skin, 0.8))


def _shaded(colour: Colour, share: float) -> Colour:
    red, green, blue = (min(255, int(share * value)) for value in colour)
    return red, green, blue


def _bare_hand(
    picture: Pixels, tip: Place, wrist: Place, scale: Sequence[float], radius: float, skin: Colour
) -> None:
    palm = _toward(wrist, tip, 0.5)
    _taper(picture, wrist, palm, (0.055 * scale[1], 0.08 * scale[0]), skin)
    _dot(picture, palm, 0.042 * scale[0], skin)
    length = max(math.dist(tip, wrist), 1e-6)
    x, y = -(tip[1] - wrist[1]) / length * scale[0], (tip[0] - wrist[0]) / length * scale[0]
    for number, offset in enumerate((-1.0, -0.33, 0.33, 1.0)):
        start = [palm[0] + offset * 0.03 * x, palm[1] + offset * 0.03 * y]
        end = [tip[0] + offset * radius * x, tip[1] + offset * radius * y]
        colour = skin if number % 2 else _shaded(skin, 0.86)
        _taper(picture, start, end, (0.02 * scale[0], 0.015 * scale[0]), colour)
        _dot(picture, end, 0.008 * scale[0], skin)


def draw_shadow(
    picture: Pixels, striker: Striker, places: Sequence[Place], scale: Sequence[float], dark: float
) -> None:
    """Darken what lies in the striker's shadow; it meets the tip when that touches."""
    shaded = picture.copy()
    tip, grip, elbow = places
    _taper(shaded, tip, grip, (2 * striker.tip * scale[0], 3 * striker.tip * scale[1]), (0, 0, 0))
    _taper(shaded, grip, elbow, (0.07 * scale[1], 0.09 * scale[2]), (0, 0, 0))
    cv2.addWeighted(shaded, dark, picture, 1 - dark, 0, picture)


class Splash:
    """Drops, leaves or dust that fly from a contact.

    Parameters
    ----------
    contact : where and when
    point : of the contact, metres
    colour : RGB of what flies
    seed : of how it flies
    ring : whether rings spread from it, as on water
    """

    def __init__(
        self, contact: Contact, point: Sequence[float], colour: Colour, seed: int, ring: bool
    ) -> None:
        draw = np.random.default_rng([seed, 61])
        self.at = float(contact.time)
        self.point = np.array(point, np.float64)
        count = int(draw.integers(3, 14))
        self.velocity = draw.normal([0, 0, 0.9], 0.35, (count, 3))
        self.sizes = draw.uniform(0.002, 0.008, count)
        self.colour, self.ring = colour, ring

    def draw(self, picture: Pixels, view: View, now: float, margin: int) -> None:
        """Draw what flies at an instant."""
        since = now - self.at
        if not 0 < since < _SPLASH_SECONDS:
            return
        places = self.point + self.velocity * since - np.array([0, 0, 4.9]) * since * since
        pixels, scale = view.project(places)
        for pixel, size, height in zip(pixels + margin, self.sizes * scale, places[:, 2], strict=True):
            if height > 0:
                _dot(picture, pixel, max(float(size), 0.5), self.colour)
        if self.ring:
            middle, scale = view.project(self.point)
            radius = 0.35 * since * float(scale)
            axes = fixed([radius + 0.5, radius * abs(np.sin(view.pitch)) + 0.5])
            cv2.ellipse(
                picture,
                fixed(middle + margin).tolist(),
                axes.tolist(),
                0,
                0,
                360,
                (235, 240, 245),
                1,
                cv2.LINE_AA,
                SHIFT,
            )


class Bystander:
    """Something that moves without a sound: a blob on a slow path.

    Parameters
    ----------
    seed : of its look and its way
    size : width and height of the canvas in pixels
    """

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        draw = np.random.default_rng([seed, 67])
        self.middle = draw.uniform(0, 1, 2) * size
        self.reach = draw.uniform(0.05, 0.45, 2) * size
        self.hertz = draw.uniform(0.1, 1.6, 2)
        self.phase = draw.uniform(0, 2 * np.pi, 2)
        self.axes = draw.uniform(0.03, 0.15, 2) * size[0]
        self.turn = float(draw.uniform(-60, 60))
        colour = draw.integers(0, 256, 3).tolist()
        self.colour: Colour = (colour[0], colour[1], colour[2])

    def draw(self, picture: Pixels, now: float) -> None:
        """Draw it at an instant."""
        place = self.middle + self.reach * np.sin(2 * np.pi * self.hertz * now + self.phase)
        turn = self.turn * np.sin(self.hertz[0] * now)
        cv2.ellipse(
            picture,
            fixed(place).tolist(),
            fixed(self.axes + 0.5).tolist(),
            turn,
            0,
            360,
            self.colour,
            -1,
            cv2.LINE_AA,
            SHIFT,
        )
