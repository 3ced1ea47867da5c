"""A face that talks: drawn flat, by ourselves, with a mouth of any opening and width."""

from __future__ import annotations

import numpy as np

from genlock.drawing.canvas import Canvas, Colour, Point

__all__ = ["MOUTH_BOX", "draw_eyes", "draw_head", "draw_mouth"]

_SKIN: Colour = (240, 197, 160)
_SHADE: Colour = (222, 170, 134)
_HAIR: Colour = (74, 46, 38)
_HAIR_LIGHT: Colour = (102, 66, 52)
_SHIRT: Colour = (38, 70, 118)
_SHIRT_DARK: Colour = (28, 54, 94)
_WHITE: Colour = (250, 250, 248)
_IRIS: Colour = (54, 112, 128)
_DARK: Colour = (36, 28, 30)
_LIP: Colour = (196, 92, 92)
_LIP_DARK: Colour = (160, 64, 70)
_INSIDE: Colour = (92, 24, 34)
_TONGUE: Colour = (206, 96, 104)
_CHEEK: Colour = (238, 172, 146)

#: What a moving mouth may cover, in units of the head (1 is half its height): left, top, right, bottom.
MOUTH_BOX = (-0.42, 0.28, 0.42, 0.88)
_MOUTH_Y = 0.52


def draw_head(canvas: Canvas, centre: Point, size: float) -> None:
    """Head and shoulders without eyes and mouth; ``size`` is half the head's height in the canvas's units."""

    def at(x: float, y: float) -> Point:
        return centre[0] + size * x, centre[1] + size * y

    # shoulders and neck
    canvas.ellipse(at(0, 2.05), (1.5 * size, 0.92 * size), _SHIRT)
    canvas.polygon([at(-0.32, 0.7), at(0.32, 0.7), at(0.36, 1.22), at(-0.36, 1.22)], _SHADE)
    canvas.ellipse(at(0, 1.2), (0.36 * size, 0.2 * size), _SHADE)
    canvas.polygon([at(-0.40, 1.08), at(-0.02, 1.50), at(-0.40, 1.62), at(-0.62, 1.26)], _SHIRT_DARK)
    canvas.polygon([at(0.40, 1.08), at(0.02, 1.50), at(0.40, 1.62), at(0.62, 1.26)], _SHIRT_DARK)
    # hair behind, ears, head
    canvas.ellipse(at(0, -0.28), (0.86 * size, 0.86 * size), _HAIR)
    canvas.rounded((*at(-0.85, -0.4), *at(0.85, 0.42)), 0.3 * size, _HAIR)
    for side in (-1, 1):
        canvas.ellipse(at(0.77 * side, 0.06), (0.12 * size, 0.2 * size), _SHADE)
    canvas.polygon([at(x, y) for x, y in _outline()], _SKIN)
    for side in (-1, 1):
        canvas.ellipse(at(0.47 * side, 0.30), (0.17 * size, 0.11 * size), _CHEEK)
    # fringe, parted at one side
    canvas.polygon([at(x, y) for x, y in _fringe()], _HAIR)
    canvas.line(
        [at(-0.34, -0.96), at(-0.2, -0.84), at(0.0, -0.74), at(0.26, -0.66)], _HAIR_LIGHT, 0.03 * size
    )
    # nose
    canvas.line(
        [at(0.03, -0.02), at(0.08, 0.18), at(0.09, 0.23), at(0.03, 0.27), at(-0.06, 0.26)],
        _SHADE,
        0.045 * size,
    )


def _outline() -> list[Point]:
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    # A broad skull, a narrower chin.
    wide = 0.76 - 0.12 * np.clip(np.sin(turn), 0, 1) ** 2
    return [
        (float(w * np.cos(t)), float((0.98 if np.sin(t) > 0 else 0.95) * np.sin(t)))
        for w, t in zip(wide, turn, strict=True)
    ]


def _fringe() -> list[Point]:
    edge = [
        (-0.79, 0.04),
        (-0.74, -0.22),
        (-0.66, -0.38),
        (-0.52, -0.52),
        (-0.36, -0.59),
        (-0.18, -0.60),
        (0.0, -0.57),
        (0.2, -0.51),
        (0.4, -0.45),
        (0.56, -0.38),
        (0.68, -0.26),
        (0.75, -0.12),
        (0.79, 0.04),
    ]
    turn = np.linspace(0, -np.pi, 25)
    return edge + [(0.85 * float(np.cos(t)), -0.28 + 0.85 * float(np.sin(t))) for t in turn]


def draw_eyes(canvas: Canvas, centre: Point, size: float, openness: float = 1.0, lift: float = 0.0) -> None:
    """Eyes, 0 (shut) ... 1 (open), and brows, lifted by 0...1."""

    def at(x: float, y: float) -> Point:
        return centre[0] + size * x, centre[1] + size * y

    for side in (-1, 1):
        x = 0.32 * side
        if openness > 0.25:
            canvas.ellipse(at(x, -0.07), (0.165 * size, 0.115 * size * openness), _WHITE)
            canvas.ellipse(at(x, -0.07), (0.088 * size, min(0.088, 0.115 * openness) * size), _IRIS)
            canvas.ellipse(at(x, -0.07), (0.046 * size, min(0.046, 0.1 * openness) * size), _DARK)
            canvas.ellipse(at(x + 0.03, -0.105), (0.02 * size, 0.02 * size), _WHITE)
            canvas.arc(at(x, -0.07), (0.165 * size, 0.115 * size * openness), 190, 350, _DARK, 0.035 * size)
        else:
            canvas.arc(at(x, -0.09), (0.165 * size, 0.06 * size), 15, 165, _DARK, 0.035 * size)
        brow = -0.30 - 0.06 * lift
        arch = [(-0.17, 0.02), (-0.09, -0.012), (0.0, -0.025), (0.1, -0.012), (0.19, 0.035)]
        canvas.line([at(x + px * side, brow + py) for px, py in arch], _HAIR, 0.058 * size)


def draw_mouth(canvas: Canvas, centre: Point, size: float, aperture: float, width: float) -> None:
    """The mouth, with an aperture 0 (lips shut) ... 1 and a width 0 (rounded) ... 1 (spread)."""

    def at(x: float, y: float) -> Point:
        return centre[0] + size * x, centre[1] + size * y

    half = 0.15 + 0.15 * width - 0.015 * aperture
    drop, rise = 0.25 * aperture, 0.045 * aperture  # the jaw falls, the upper lip hardly moves
    lip = 0.055 + 0.02 * (1 - width)
    y = _MOUTH_Y
    if aperture < 0.03:
        canvas.polygon([at(px, py) for px, py in _lens(half, y - lip, y + 1.15 * lip)], _LIP)
        # At rest the corners of the mouth lie a little higher than its middle.
        smile = [(-1.12, -0.022), (-0.6, 0.008), (0.0, 0.014), (0.6, 0.008), (1.12, -0.022)]
        canvas.line([at(px * half, y + py) for px, py in smile], _LIP_DARK, 0.026 * size)
        return
    canvas.polygon(
        [at(px, py) for px, py in _lens(half + 0.035, y - rise - lip, y + drop + 1.15 * lip)], _LIP
    )
    inside = _lens(half, y - rise, y + drop)
    canvas.polygon([at(px, py) for px, py in inside], _INSIDE)
    if aperture > 0.35:
        low = y + drop
        tongue = [(px * 0.62, low - 0.01 + (py - low) * min(0.5, 0.7 * aperture)) for px, py in inside]
        canvas.polygon([at(px, py) for px, py in tongue], _TONGUE)
    upper, lower = inside[: len(inside) // 2], inside[: len(inside) // 2 - 1 : -1]
    teeth = min(0.065, 0.5 * (rise + drop))
    floor = [(px, min(py + teeth, below)) for (px, py), (_, below) in zip(upper, lower, strict=True)]
    canvas.polygon([at(0.9 * px, py) for px, py in upper + floor[::-1]], _WHITE)


def _lens(half: float, top: float, bottom: float) -> list[Point]:
    """A closed outline with pointed corners at the sides, from ``top`` to ``bottom``."""
    x = np.linspace(-1, 1, 25)
    bulge = (1 - np.abs(x) ** 2.4) ** 0.75
    upper = [(float(half * u), float(_MOUTH_Y + (top - _MOUTH_Y) * b)) for u, b in zip(x, bulge, strict=True)]
    lower = [
        (float(half * u), float(_MOUTH_Y + (bottom - _MOUTH_Y) * b)) for u, b in zip(x, bulge, strict=True)
    ]
    return upper + lower[::-1]
