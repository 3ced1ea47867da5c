"""What stands still in a scene: backdrop, ground, clutter and bodies, painted once; bodies that move as cut-outs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.synth.impacts.bodies import Body
from genlock.synth.impacts.materials import material_of
from genlock.synth.impacts.plans import ImpactPlan
from genlock.synth.impacts.textures import backdrop, clouds, surface

__all__ = ["Canvas", "Cutout", "fixed", "paint_bodies", "paint_stage"]

Array: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]

#: cv2 takes coordinates in sixteenths of a pixel.
SHIFT = 4
_PATCH = 64
_TOP, _SIDE = 1.0, 0.62
_LIGHT = np.array([-0.5, -0.55, 0.67])


def fixed(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Pixels as cv2's fixed-point numbers: int32 of the same shape, in sixteenths."""
    sixteenths = np.round((np.asarray(points, np.float64) - 0.5) * 2**SHIFT)
    return np.asarray(np.clip(sixteenths, -60000, 60000), np.int32)


@dataclass
class Canvas:
    """Pixels with how much each covers."""

    pixels: Pixels
    """RGB, uint8 [H, W, 3]."""
    cover: Pixels
    """0 is clear, 255 covers; uint8 [H, W]."""

    @classmethod
    def clear(cls, height: int, width: int) -> Canvas:
        """Nothing yet."""
        return cls(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))

    def paint(self, outline: Array, patch: Pixels, shade: float, cover: float = 1.0) -> None:
        """Fill a convex outline [n, 2] with a patch; four corners are taken in perspective."""
        height, width = self.cover.shape
        left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 2, (width, height))
        if right - left < 1 or bottom - top < 1:
            return
        size = (int(right - left), int(bottom - top))
        inside = outline - (left, top)
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(mask, fixed(inside), 255, cv2.LINE_AA, SHIFT)
        if len(outline) == 4:
            side = patch.shape[0] - 1.0
            corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
            turn = cv2.getPerspectiveTransform(corners, inside.astype(np.float32))
            filled = cv2.warpPerspective(patch, turn, size, borderMode=cv2.BORDER_REFLECT)
        else:
            filled = cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR)
        share = (mask.astype(np.float32) * (cover / 255))[..., None]
        here = self.pixels[top:bottom, left:right]
        here[:] = np.clip(here * (1 - share) + filled * (shade * share), 0, 255).astype(np.uint8)
        covered = self.cover[top:bottom, left:right]
        covered[:] = np.maximum(covered, (mask * cover).astype(np.uint8))


@dataclass(frozen=True)
class Cutout:
    """A body that moves: its pixels where it stands at first."""

    number: int
    """Of the body."""
    pixels: npt.NDArray[np.float32]
    """RGB times cover, [h, w, 3]."""
    cover: npt.NDArray[np.float32]
    """0...1, [h, w, 1]."""
    corner: tuple[int, int]
    """Left and top of it in the canvas."""
    pivot: tuple[float, float]
    """Where it stands, in the canvas."""

    def draw(self, picture: Pixels, move: tuple[float, float], turn: float) -> None:
        """Draw it moved by so many pixels and turned by so many radians about where it stands."""
        if abs(move[0]) + abs(move[1]) < 0.02 and abs(turn) < 1e-3:
            pixels, cover = self.pixels, self.cover
        else:
            pivot = (self.pivot[0] - self.corner[0], self.pivot[1] - self.corner[1])
            way = cv2.getRotationMatrix2D(pivot, np.degrees(turn), 1.0)
            way[:, 2] += np.array(move)
            size = (self.pixels.shape[1], self.pixels.shape[0])
            pixels = np.asarray(cv2.warpAffine(self.pixels, way, size), np.float32)
            cover = np.asarray(cv2.warpAffine(self.cover[..., 0], way, size)[..., None], np.float32)
        left, top = self.corner
        here = picture[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        here[:] = (here * (1 - cover) + pixels).astype(np.uint8)


def paint_stage(plan: ImpactPlan, margin: int) -> Pixels:
    """Backdrop, ground and clutter, RGB uint8 [H + 2 margin, W + 2 margin, 3]."""
    draw = np.random.default_rng([plan.seed, 51])
    view, how = plan.view, plan.disturbance
    height, width = view.height + 2 * margin, view.width + 2 * margin
    canvas = Canvas(backdrop(how.background, draw, height, width), np.zeros((height, width), np.uint8))
    near = -min(1.5 * view.span, 0.8 * view.distance / max(np.cos(view.pitch), 0.1))
    far = float(draw.uniform(0.8, 4.0)) * view.span
    wide = 3.0 * view.span
    corners = np.array([[-wide, far, 0], [wide, far, 0], [wide, near, 0], [-wide, near, 0]])
    pixels, _ = view.project(corners)
    patch = surface(plan.ground, draw, 64)
    # The patch repeats, turned about, so that its detail is as fine as that of the bodies.
    repeats = int(draw.integers(3, 9))
    ground = np.tile(
        np.block([[[patch], [patch[:, ::-1]]], [[patch[::-1]], [patch[::-1, ::-1]]]]), (repeats, repeats, 1)
    )
    rough = 0.75 + 0.5 * clouds(draw, ground.shape[0], ground.shape[1], 3, 0.7)[..., None]
    canvas.paint(
        pixels + margin, np.clip(ground * rough, 0, 255).astype(np.uint8), float(draw.uniform(0.7, 1.0))
    )
    for _ in range(how.clutter):
        _clutter(canvas, plan, margin, draw)
    return canvas.pixels


def _clutter(canvas: Canvas, plan: ImpactPlan, margin: int, draw: np.random.Generator) -> None:
    """Something that lies about: a block, a patch, a rope."""
    view = plan.view
    place = draw.uniform(-0.7, 0.7, 2) * view.span
    colour = draw.integers(0, 256, 3)
    kind = int(draw.integers(3))
    if kind == 0:
        body = Body(
            "box", "wood", float(draw.uniform(0.03, 0.25)), (float(place[0]), float(place[1]), 0.0),
            float(draw.uniform(0.02, 0.3)), float(draw.uniform(0, 6)), int(draw.integers(2**31)),
            painted=tuple(colour.tolist()),
        )  # fmt: skip
        _paint_body(canvas, body, plan, margin)
        return
    around = np.linspace(0, 2 * np.pi, 9)[:-1]
    size = draw.uniform(0.02, 0.2, 2)
    flat = np.stack(
        [place[0] + size[0] * np.cos(around), place[1] + size[1] * np.sin(around), 0 * around], axis=1
    )
    pixels, _ = view.project(flat)
    if kind == 1:
        patch = np.broadcast_to(colour.astype(np.uint8), (4, 4, 3)).copy()
        canvas.paint(pixels + margin, patch, 1.0, float(draw.uniform(0.4, 1.0)))
    else:
        line = fixed(pixels[: int(draw.integers(3, 8))] + margin)
        cv2.polylines(
            canvas.pixels, [line], False, colour.tolist(), int(draw.integers(1, 3)), cv2.LINE_AA, SHIFT
        )


def paint_bodies(picture: Pixels, plan: ImpactPlan, margin: int) -> list[Cutout]:
    """Paint the bodies that stand still into a picture; those that move come back as cut-outs."""
    height, width = picture.shape[:2]
    canvas = Canvas(picture, np.zeros((height, width), np.uint8))
    moving = []
    for number, body in enumerate(plan.bodies):
        if body.reaction == "still":
            _paint_body(canvas, body, plan, margin)
        else:
            cut = cut_out(body, plan, margin, number)
            if cut is not None:
                moving.append(cut)
    return moving


def cut_out(body: Body, plan: ImpactPlan, margin: int, number: int) -> Cutout | None:
    """A body alone; None if nothing of it is in the picture."""
    height, width = plan.view.height + 2 * margin, plan.view.width + 2 * margin
    alone = Canvas.clear(height, width)
    _paint_body(alone, body, plan, margin, shadow=False)
    rows, columns = np.flatnonzero(alone.cover.any(axis=1)), np.flatnonzero(alone.cover.any(axis=0))
    if not len(rows):
        return None
    # Room to move within the cut-out.
    room = 2 + max(3, int(0.15 * (columns[-1] - columns[0] + 1)))
    top, bottom = max(rows[0] - room, 0), min(rows[-1] + room + 1, height)
    left, right = max(columns[0] - room, 0), min(columns[-1] + room + 1, width)
    cover = np.asarray(alone.cover[top:bottom, left:right, None] / 255, np.float32)
    # What was painted on black is already its colour times its cover.
    pixels = alone.pixels[top:bottom, left:right].astype(np.float32)
    stands, _ = plan.view.project(body.place)
    return Cutout(
        number, pixels, cover, (int(left), int(top)), (float(stands[0] + margin), float(stands[1] + margin))
    )


# ---------------------------------------------------------------- one body


def _paint_body(canvas: Canvas, body: Body, plan: ImpactPlan, margin: int, shadow: bool = True) -> None:
    draw = np.random.default_rng([body.seed, 53])
    material, view = material_of(body.material), plan.view
    patch = surface(body.material, draw, _PATCH, body.painted)
    cover = 0.7 if body.material == "glass" else 1.0
    if shadow:
        _shadow(canvas, body, plan, margin)
    if body.shape in ("box", "bar", "plate"):
        corners = _box(body)
        pixels, _ = view.project(corners)
        pixels = pixels + margin
        for face, normal in _FACES:
            outward = _turned(np.array(normal, float), body.turn)
            middle = corners[list(face)].mean(axis=0)
            if outward @ (_eye(plan) - middle) > 0:
                shade = _SIDE + (_TOP - _SIDE) * max(0.0, float(outward @ _LIGHT)) if normal[2] == 0 else _TOP
                canvas.paint(pixels[list(face)], patch, shade, cover)
        if material.gloss:
            _highlight(canvas, pixels[4:].mean(axis=0), 0.12 * np.ptp(pixels[4:, 0]), material.gloss)
        return
    if body.shape == "can":
        _paint_can(canvas, body, plan, margin, patch, cover, draw)
        return
    points = _round(body, draw)
    pixels, scale = view.project(points)
    outline = cv2.convexHull((pixels + margin).astype(np.float32))[:, 0].astype(np.float64)
    canvas.paint(outline, _rounded(patch), 1.0, cover)
    if material.gloss:
        middle, _ = view.project(np.array(body.place) + np.array([0, 0, 0.7 * body.height]))
        _highlight(
            canvas,
            middle + margin - 0.15 * body.size * scale.mean(),
            0.13 * body.size * scale.mean(),
            material.gloss,
        )


def _paint_can(
    canvas: Canvas,
    body: Body,
    plan: ImpactPlan,
    margin: int,
    patch: Pixels,
    cover: float,
    draw: np.random.Generator,
) -> None:
    around = np.linspace(0, 2 * np.pi, 25)[:-1]
    ring = np.stack([np.cos(around), np.sin(around), 0 * around], axis=1) * body.size / 2
    base = np.array(body.place) + ring
    upper, _ = plan.view.project(base + np.array([0, 0, body.height]))
    lower, _ = plan.view.project(base)
    both = np.concatenate([upper, lower]) + margin
    hull = cv2.convexHull(both.astype(np.float32))[:, 0].astype(np.float64)
    wall = patch
    if body.material == "water":
        wall = surface("plastic", draw, _PATCH, tuple(draw.integers(40, 230, 3).tolist()))
    canvas.paint(hull, _rounded(wall), 0.8, cover)
    canvas.paint(upper + margin, patch, _TOP, cover)
    gloss = material_of(body.material).gloss
    if gloss:
        _highlight(canvas, upper.mean(axis=0) + margin, 0.15 * np.ptp(upper[:, 0]), gloss)


def _eye(plan: ImpactPlan) -> Array:
    view = plan.view
    return np.array(view.look) + view.distance * np.array([0.0, -np.cos(view.pitch), np.sin(view.pitch)])


def _turned(points: Array, turn: float) -> Array:
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.asarray(points @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1.0]]))


def _box(body: Body) -> Array:
    """Eight corners: the lower four, then the upper four."""
    long, deep = body.size / 2, body.size / 2 * (0.28 if body.shape == "bar" else 1.0)
    flat = np.array([[-long, -deep], [long, -deep], [long, deep], [-long, deep]])
    lower = np.concatenate([flat, np.zeros((4, 1))], axis=1)
    upper = np.concatenate([flat, np.full((4, 1), body.height)], axis=1)
    return np.array(body.place) + _turned(np.concatenate([lower, upper]), body.turn)


_FACES: Sequence[tuple[tuple[int, ...], tuple[int, int, int]]] = (
    ((0, 1, 5, 4), (0, -1, 0)),
    ((1, 2, 6, 5), (1, 0, 0)),
    ((2, 3, 7, 6), (0, 1, 0)),
    ((3, 0, 4, 7), (-1, 0, 0)),
    ((4, 5, 6, 7), (0, 0, 1)),
)


def _round(body: Body, draw: np.random.Generator) -> Array:
    """Points on a ball, or on a heap that is flat below."""
    around, up = np.meshgrid(np.linspace(0, 2 * np.pi, 13)[:-1], np.linspace(-1, 1, 7))
    flat = np.sqrt(np.maximum(1 - up**2, 0))
    points = np.stack([np.cos(around) * flat, np.sin(around) * flat, up], axis=-1).reshape(-1, 3)
    if body.shape == "heap":
        points = points * draw.uniform(0.8, 1.0, (len(points), 1))
        points[:, 2] = np.maximum(points[:, 2], 0)
        points[np.argmax(points[:, 2]), 2] = 1.0
        return np.asarray(
            np.array(body.place) + _turned(points * (body.size / 2, body.size / 2, body.height), body.turn)
        )
    return np.asarray(np.array(body.place) + points * body.size / 2 + np.array([0, 0, body.size / 2]))


def _rounded(patch: Pixels) -> Pixels:
    """A patch with the shade of something round."""
    side = patch.shape[0]
    down, across = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    shade = np.clip(1.1 - 0.45 * np.hypot(across + 0.35, down + 0.4), 0.35, 1.1)[..., None]
    return np.asarray(np.clip(patch * shade, 0, 255), np.uint8)


def _shadow(canvas: Canvas, body: Body, plan: ImpactPlan, margin: int) -> None:
    around = np.linspace(0, 2 * np.pi, 17)[:-1]
    ring = np.stack([np.cos(around), np.sin(around), 0 * around], axis=1) * 0.6 * body.size
    pixels, _ = plan.view.project(np.array(body.place) + ring + (0.1 * body.size, 0.1 * body.size, 0))
    canvas.paint(pixels + margin, np.zeros((4, 4, 3), np.uint8), 1.0, 0.35)


def _highlight(canvas: Canvas, middle: Array, radius: float, gloss: float) -> None:
    if radius < 0.4:
        return
    around = np.linspace(0, 2 * np.pi, 13)[:-1]
    spot = middle + radius * np.stack([np.cos(around), 0.6 * np.sin(around)], axis=1)
    canvas.paint(spot, np.full((4, 4, 3), 255, np.uint8), 1.0, 0.55 * gloss)
