"""Textures: skin with lips, brows, folds and beard; hair, eyes, teeth, cloth, and the ground behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.synth.talkers.looks import Look
from genlock.synth.talkers.mesh import BROWS, EYES, FOLDS, INNER, OUTER
from genlock.synth.talkers.raster import Pixels

__all__ = ["cloth", "eye", "flat_skin", "gloom", "ground", "hair", "plain", "skin", "skin_uv", "tooth"]

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]

_SIDE = 512
_BEARD = (
    132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
    435, 434, 436, 426, 327, 2, 98, 206, 216, 214, 215,
)  # fmt: skip
_MOUSTACHE = (98, 2, 327, 426, 436, 410, 269, 267, 0, 37, 39, 186, 216, 206)
_FOLD_LINES = ((98, 203, 206, 216, 57), (327, 423, 426, 436, 287))


def skin_uv(points: Array) -> npt.NDArray[np.float32]:
    """Where points of a face at rest lie in the texture of its skin, 0...1, [P, 2]: on a cylinder around the head."""
    around = np.arctan2(points[:, 0], 0.55 - points[:, 2])
    return np.stack([0.5 + around / 3.5, (points[:, 1] + 0.75) / 2.2], axis=1).astype(np.float32)


class _Page:
    """A texture that is painted on, by the numbers of the mesh's points."""

    def __init__(self, rest: Array, colour: Sequence[float], seed: int) -> None:
        self.image = np.empty((_SIDE, _SIDE, 3), np.float32)
        self.image[:] = colour
        self.places = skin_uv(rest) * (_SIDE - 1)
        self.draw = np.random.default_rng([seed, 51])

    def area(self, loop: Sequence[int], soft: float) -> Image:
        """A mask [H, W, 1] of what lies within a loop of points, with soft edges."""
        mask = np.zeros((_SIDE, _SIDE), np.uint8)
        cv2.fillPoly(mask, [np.rint(self.places[list(loop)] * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return _softened(mask, soft)

    def line(self, path: Sequence[int], width: int, soft: float) -> Image:
        """A mask of a line through points."""
        mask = np.zeros((_SIDE, _SIDE), np.uint8)
        line = np.rint(self.places[list(path)] * 16).astype(np.int32)
        cv2.polylines(mask, [line], False, 255, width, cv2.LINE_AA, 4)
        return _softened(mask, soft)

    def spot(self, index: int, radius: float) -> Image:
        """A mask that falls off around a point."""
        y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
        u, v = self.places[index]
        return np.asarray(np.exp(-((x - u) ** 2 + (y - v) ** 2) / radius**2)[..., None], np.float32)

    def mix(self, mask: Image, colour: npt.ArrayLike, share: float = 1.0) -> None:
        """Paint a colour where the mask is."""
        self.image += mask * np.float32(share) * (np.asarray(colour, np.float32) - self.image)

    def darken(self, mask: Image, by: float, tint: Sequence[float] = (0.9, 1.0, 1.05)) -> None:
        """Make it darker where the mask is, red staying longest."""
        self.image *= 1 - mask * np.float32(by) * np.asarray(tint, np.float32)

    def finish(self) -> Pixels:
        """As bytes."""
        return np.clip(self.image, 0, 255).astype(np.uint8)


def _softened(mask: npt.NDArray[np.uint8], soft: float) -> Image:
    blurred = cv2.GaussianBlur(mask, (0, 0), soft) if soft else mask
    return np.asarray(blurred, np.float32)[..., None] / np.float32(255)


def _noise(draw: np.random.Generator, size: tuple[int, int], cell: int) -> Image:
    """Smooth noise of spread 1, [H, W, 1]."""
    coarse = draw.standard_normal((size[0] // cell + 2, size[1] // cell + 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)[..., None]


def skin(rest: Array, look: Look) -> Pixels:
    """The skin of a face at rest [468, 3], RGB [512, 512, 3]."""
    page = _Page(rest, look.skin, look.seed)
    page.image *= (
        1 + 0.018 * _noise(page.draw, (_SIDE, _SIDE), 24) + 0.012 * _noise(page.draw, (_SIDE, _SIDE), 3)
    )
    red = np.array(look.skin) * (1.06, 0.8, 0.78)
    for index, radius in ((50, 42.0), (280, 42.0), (4, 22.0), (199, 26.0)):
        page.mix(page.spot(index, radius), red, 0.55 * look.blush)
    _shade(page, look)
    if look.freckles:
        _freckle(page, look)
    if look.beard != "none":
        _beard(page, look)
    _lips(page, look)
    _eyes(page, look)
    for upper, lower in BROWS:
        _brow(page, look, upper, lower)
    return page.finish()


def _shade(page: _Page, look: Look) -> None:
    for ring in EYES:
        page.darken(page.area(ring.loop, 16), 0.22)
    for index, radius, by in (
        (98, 11.0, 0.16),
        (327, 11.0, 0.16),
        (2, 9.0, 0.2),
        (18, 15.0, 0.12),
        (168, 14.0, 0.05),
    ):
        page.darken(page.spot(index, radius), by)
    for path in _FOLD_LINES:
        page.darken(page.line(path, 3, 5), 0.16 + 0.34 * look.age)
    for ring in EYES:
        page.darken(page.line(ring.lower, 2, 7), 0.1 + 0.16 * look.age)
    for nostril in ((97, 99), (326, 328)):
        page.darken(page.line([nostril[0], nostril[1]], 5, 2.2), 0.55, (0.85, 1.0, 1.0))
    if look.age > 0.45:
        page.darken(page.line((105, 108, 151, 337, 334), 1, 3), 0.12 * look.age)


def _freckle(page: _Page, look: Look) -> None:
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    for middle in (50, 280, 4, 205, 425):
        for _ in range(int(26 * look.freckles)):
            u, v = page.places[middle] + page.draw.normal(0, 26, 2)
            cv2.circle(
                mask, (round(u * 16), round(v * 16)), int(page.draw.integers(10, 24)), 190, -1, cv2.LINE_AA, 4
            )
    page.mix(_softened(mask, 0.8), np.array(look.skin) * (0.74, 0.6, 0.5), 0.45 * look.freckles)


def _beard(page: _Page, look: Look) -> None:
    colour = 0.85 * np.array(look.hair_colour, np.float32)
    grain = page.draw.random((_SIDE, _SIDE, 1)).astype(np.float32)
    fine = cv2.GaussianBlur(grain, (0, 0), 0.7)[..., None]
    fine = np.clip((fine - fine.mean()) / fine.std() * 0.35 + 0.6, 0, 1).astype(np.float32)
    if look.beard == "stubble":
        page.mix(page.area(_BEARD, 12) * fine, colour, 0.42)
        return
    if look.beard == "full":
        page.mix(page.area(_BEARD, 7), 0.8 * colour, 0.7)
        page.mix(page.area(_BEARD, 7) * fine, colour, 0.9)
    page.mix(page.area(_MOUSTACHE, 3.5), 0.85 * colour, 0.75)
    page.mix(page.area(_MOUSTACHE, 3.5) * fine, colour, 0.9)


def _lips(page: _Page, look: Look) -> None:
    tone = np.array(look.skin, np.float32)
    colour = tone * (0.93, 0.62, 0.62) * (1 - 0.1 * look.lips)
    page.mix(page.area(OUTER.loop, 2.0), colour, 0.45 + 0.55 * look.lips)
    # The upper lip looks down and lies in its own shade.
    page.darken(page.area(OUTER.upper + INNER.upper[::-1], 2.5), 0.13)
    page.mix(page.spot(17, 16.0) * page.area(OUTER.loop, 2.0), colour * 1.2, 0.35)
    page.darken(page.line(INNER.upper, 3, 1.6), 0.5, (0.9, 1, 1))
    page.darken(page.line(OUTER.lower[1:-1], 2, 3.5), 0.12)


def _eyes(page: _Page, look: Look) -> None:
    lash = np.minimum(np.array(look.hair_colour, np.float32) * 0.5, 50)
    for ring, fold in zip(EYES, FOLDS, strict=True):
        page.darken(page.line(fold, 2, 2.0), 0.32)
        page.mix(page.line(ring.upper, 4, 1.0), lash, 0.9)
        page.mix(page.line(ring.lower, 2, 1.0), lash, 0.4)


def _brow(page: _Page, look: Look, upper: Sequence[int], lower: Sequence[int]) -> None:
    colour = 0.72 * np.array(look.hair_colour, np.float32)
    if sum(look.hair_colour) > 420:
        colour = 0.6 * np.array(look.hair_colour, np.float32)
    page.mix(page.area([*upper, *lower[::-1]], 3.0), colour, 0.55)
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    above, below = page.places[list(upper)], page.places[list(lower)]
    outwards = np.sign(above[0, 0] - above[-1, 0])
    for _ in range(150):
        along = page.draw.uniform(0, len(upper) - 1.001)
        k, share = int(along), along % 1
        top, low = (row[k] + share * (row[k + 1] - row[k]) for row in (above, below))
        start = low + (top - low) * page.draw.uniform(-0.05, 0.75)
        rise = page.draw.uniform(1, 7) * (along / len(upper) + 0.2)
        tip = start + np.array([outwards * page.draw.uniform(4, 10), -rise])
        ends = np.rint(np.stack([start, tip]) * 16).astype(np.int32)
        cv2.polylines(mask, [ends], False, 255, 1, cv2.LINE_AA, 4)
    page.mix(_softened(mask, 0.6), 0.8 * colour, 0.85)


def flat_skin(look: Look, by: float = 1.0) -> Pixels:
    """Skin without anything on it."""
    return plain(np.array(look.skin) * by)


def plain(colour: npt.ArrayLike) -> Pixels:
    """One colour."""
    return np.broadcast_to(np.clip(colour, 0, 255).astype(np.uint8), (4, 4, 3)).copy()


def hair(look: Look) -> Pixels:
    """Strands that run from the top of the texture to its foot, or curls."""
    draw = np.random.default_rng([look.seed, 52])
    size = (256, 256)
    if look.hair == "curly":
        shade = 0.2 * _noise(draw, size, 7) + 0.12 * _noise(draw, size, 3)
    else:
        strand = draw.standard_normal((1, 128, 1)).astype(np.float32)
        strands = np.asarray(
            cv2.resize(np.repeat(strand, 8, axis=0), size[::-1], interpolation=cv2.INTER_LINEAR)
        )
        shade = 0.13 * strands[..., None] + 0.07 * _noise(draw, size, 20)
        # A band of light where the head turns away from above.
        band = np.exp(-(((np.arange(256) / 256 - 0.33) / 0.09) ** 2)).astype(np.float32)
        shade = shade + 0.22 * band[:, None, None]
    return np.clip(np.array(look.hair_colour, np.float32) * (1.05 + shade), 0, 255).astype(np.uint8)


def eye(look: Look) -> Pixels:
    """An eyeball from before: white, iris, pupil."""
    side = 128
    draw = np.random.default_rng([look.seed, 53])
    y, x = (np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2) / (side / 2)
    far, around = np.hypot(x, y), np.arctan2(y, x)
    image = np.empty((side, side, 3), np.float32)
    image[:] = (238, 233, 228)
    image *= (1 - 0.35 * np.clip(far - 0.3, 0, 1))[..., None]
    rays = np.interp(around, np.linspace(-np.pi, np.pi, 60), draw.normal(0, 0.12, 60)).astype(np.float32)
    inside = np.clip((0.345 - far) / 0.02, 0, 1)[..., None]
    tone = (
        np.asarray(look.iris, np.float32) * (1.15 + rays - 0.9 * np.clip((far - 0.24) / 0.1, 0, 1))[..., None]
    )
    image += inside * (tone - image)
    pupil = np.clip((0.15 - far) / 0.02, 0, 1)[..., None]
    image += pupil * (np.float32(14) - image)
    glint = np.exp(-((x + 0.1) ** 2 + (y + 0.14) ** 2) / 0.045**2)[..., None]
    image += glint * (np.float32(250) - image)
    # The upper lid throws a shade.
    image *= (1 - 0.3 * np.clip(-y * 2.2, 0, 1))[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def tooth(upper: bool) -> Pixels:
    """A row of teeth, gums at the side away from the bite."""
    wide, tall = 200, 32
    image = np.empty((tall, wide, 3), np.float32)
    image[:] = (232, 226, 212) if upper else (214, 206, 192)
    edges = (
        np.array([-100, -76, -58, -42, -27, -13, 0, 13, 27, 42, 58, 76, 100]) * (1.0 if upper else 0.8) + 100
    )
    for edge in edges.tolist():
        image *= 1 - 0.35 * np.exp(-(((np.arange(wide) - edge) / 1.3) ** 2))[None, :, None].astype(np.float32)
    image *= (1 - 0.6 * (np.abs(np.linspace(-1, 1, wide)) ** 2.2))[None, :, None].astype(np.float32)
    gum = np.clip((0.35 - np.linspace(0, 1, tall)) / 0.12, 0, 1)[:, None, None].astype(np.float32)
    image += gum * (np.array((150, 74, 76), np.float32) - image)
    return np.clip(image if upper else image[::-1], 0, 255).astype(np.uint8)


def gloom() -> Pixels:
    """The inside of the mouth, darker the deeper it is."""
    shade = np.linspace(1, 0.12, 32, dtype=np.float32)[:, None, None]
    return np.asarray(np.broadcast_to(np.array((66, 20, 24), np.float32) * shade, (32, 4, 3)), np.uint8)


def cloth(look: Look) -> Pixels:
    """Cloth with a little of its weave."""
    draw = np.random.default_rng([look.seed, 54])
    weave = 0.05 * _noise(draw, (128, 128), 2) + 0.04 * _noise(draw, (128, 128), 16)
    return np.asarray(np.clip(np.array(look.clothes, np.float32) * (1 + weave), 0, 255), np.uint8)


# ---------------------------------------------------------------- the ground


def ground(look: Look, width: int, height: int) -> Pixels:
    """What is behind a talker, out of focus, RGB [height, width, 3]."""
    draw = np.random.default_rng([look.seed, 55])
    wide, tall = 160, max(2, round(160 * height / width))
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    x, y = x / wide, y / tall
    image = np.empty((tall, wide, 3), np.float32)
    image[:] = look.ground_colour
    slope = draw.normal(0, 0.14)
    image *= (1.02 + slope * (x - 0.5) - 0.3 * (y - 0.4))[..., None]
    if look.ground == "studio":
        image *= (1.25 - 0.75 * np.hypot(x - 0.5, (y - 0.4) * 0.8))[..., None]
    elif look.ground == "dark":
        image *= (0.38 - 0.2 * np.hypot(x - draw.uniform(0.2, 0.8), y - 0.3))[..., None]
    elif look.ground == "room":
        image = _furnish(image, draw)
    elif look.ground == "window":
        left = float(draw.choice([-0.1, 0.68]))
        inside = np.clip(np.minimum(x - left, left + 0.42 - x) * 30, 0, 1) * np.clip((0.75 - y) * 30, 0, 1)
        image += inside[..., None] * (np.array((228, 236, 244), np.float32) - image)
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 3.5), np.float32)
    image *= 1 + 0.006 * _noise(draw, (tall, wide), 1)
    big = cv2.resize(np.clip(image, 0, 255), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(big, 0, 255), np.uint8)


def _furnish(image: Image, draw: np.random.Generator) -> Image:
    tall, wide = image.shape[:2]
    base = image.mean(axis=(0, 1))
    for _ in range(9):
        left, top = draw.uniform(-0.1, 0.95) * wide, draw.uniform(-0.1, 0.8) * tall
        size = draw.uniform(0.06, 0.3, 2) * (wide, tall)
        colour = np.clip(base * draw.uniform(0.45, 1.35) + draw.normal(0, 16, 3), 0, 255).tolist()
        corners = [round(v) for v in (left, top, left + size[0], top + size[1])]
        cv2.rectangle(image, tuple(corners[:2]), tuple(corners[2:]), colour, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 4.2), np.float32)
