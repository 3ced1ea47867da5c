"""Surfaces: clouds of noise, and what each kind of texture makes of two colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.synth.impacts.materials import material_of

__all__ = ["backdrop", "clouds", "surface"]

Array: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Colour: TypeAlias = Sequence[float] | npt.NDArray[Any]


def clouds(
    draw: np.random.Generator, height: int, width: int, coarse: int = 4, falloff: float = 0.6
) -> Array:
    """Noise of many sizes, 0...1, float32 [H, W]; a larger ``falloff`` is rougher.

    >>> made = clouds(np.random.default_rng(0), 32, 48)
    >>> made.shape, float(made.min()), float(made.max())
    ((32, 48), 0.0, 1.0)
    """
    out = np.zeros((height, width), np.float32)
    cells, weight = coarse, 1.0
    while cells <= max(height, width):
        rows = max(2, round(cells * height / max(height, width)))
        columns = max(2, round(cells * width / max(height, width)))
        coarse_grid = draw.random((rows, columns), np.float32)
        out += weight * cv2.resize(coarse_grid, (width, height), interpolation=cv2.INTER_LINEAR)
        cells, weight = cells * 2, weight * falloff
    low, high = float(out.min()), float(out.max())
    return (out - low) / max(high - low, 1e-6)


def _mixed(share: Array, dark: Colour, light: Colour) -> Pixels:
    low, high = np.array(dark, np.float32), np.array(light, np.float32)
    return np.clip(low + np.clip(share, 0, 1)[..., None] * (high - low), 0, 255).astype(np.uint8)


def surface(
    material: str, draw: np.random.Generator, side: int = 64, painted: Colour | None = None
) -> Pixels:
    """A square patch of a material, RGB uint8 [side, side, 3]; ``painted`` covers its colour, not its texture."""
    kind = material_of(material)
    dark, light = kind.colours[int(draw.integers(len(kind.colours)))]
    if painted is not None:
        dark, light = tuple(0.75 * c for c in painted), tuple(min(255, 1.1 * c) for c in painted)  # type: ignore[assignment]
    jitter = draw.normal(0, 7, 3)
    dark, light = np.array(dark) + jitter, np.array(light) + jitter  # type: ignore[assignment]
    return _mixed(_TEXTURES[kind.texture](draw, side), dark, light)


def _grain(draw: np.random.Generator, side: int) -> Array:
    bent = clouds(draw, side, side, 2)
    across = np.linspace(0, draw.uniform(5, 11), side, dtype=np.float32)[:, None]
    return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * (across + 1.2 * bent)), np.float32)


def _brushed(draw: np.random.Generator, side: int) -> Array:
    lines = cv2.resize(draw.random((side, 2), np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    shine = np.linspace(-1, 1, side, dtype=np.float32)[None, :] - draw.uniform(-0.6, 0.6)
    return np.asarray(0.25 * lines + 0.75 * np.exp(-6 * shine * shine), np.float32)


def _clear(draw: np.random.Generator, side: int) -> Array:
    down = np.linspace(0, 1, side, dtype=np.float32)
    way = draw.uniform(0.3, 1.0)
    return np.asarray(way * down[:, None] + (1 - way) * down[None, :], np.float32)


def _speckle(draw: np.random.Generator, side: int) -> Array:
    return np.asarray(0.45 * clouds(draw, side, side, 4, 0.9) + 0.55 * draw.random((side, side), np.float32))


def _plain(draw: np.random.Generator, side: int) -> Array:
    return np.asarray(0.5 + 0.3 * (_clear(draw, side) - 0.5), np.float32)


def _weave(draw: np.random.Generator, side: int) -> Array:
    step = 2 * np.pi * draw.uniform(8, 16) / side
    across, down = np.arange(side, dtype=np.float32)[None, :], np.arange(side, dtype=np.float32)[:, None]
    threads = np.sin(step * across) * np.sin(step * down)
    return np.asarray(0.5 + 0.35 * threads + 0.3 * (clouds(draw, side, side, 2) - 0.5), np.float32)


def _leaves(draw: np.random.Generator, side: int) -> Array:
    rough = clouds(draw, side, side, 8, 1.1)
    return np.asarray((rough - 0.5) * 2.2 + 0.5, np.float32)


def _waves(draw: np.random.Generator, side: int) -> Array:
    bent = clouds(draw, side, side, 3)
    down = np.linspace(0, draw.uniform(3, 6), side, dtype=np.float32)[:, None]
    return np.asarray((0.5 + 0.5 * np.sin(2 * np.pi * (down + 0.8 * bent))) ** 2, np.float32)


def _ribs(draw: np.random.Generator, side: int) -> Array:
    across = np.linspace(0, draw.uniform(10, 18), side, dtype=np.float32)[None, :]
    lines = 0.5 + 0.2 * np.sin(2 * np.pi * across)
    return np.asarray(np.repeat(lines, side, axis=0) + 0.15 * (clouds(draw, side, side, 2) - 0.5), np.float32)


_TEXTURES = {
    "grain": _grain,
    "brushed": _brushed,
    "clear": _clear,
    "speckle": _speckle,
    "plain": _plain,
    "weave": _weave,
    "leaves": _leaves,
    "waves": _waves,
    "ribs": _ribs,
}


def backdrop(kind: int, draw: np.random.Generator, height: int, width: int) -> Pixels:
    """What is behind everything, RGB uint8 [H, W, 3]: 0 is plain grey; walls, skies, foliage, patches, panels."""
    if kind == 0:
        return np.full((height, width, 3), 150, np.uint8)
    one, two = draw.integers(10, 246, (2, 3))
    if kind == 1:
        return _mixed(_gradient(draw, height, width), one, two)
    if kind == 2:
        return _mixed(clouds(draw, height, width, 3, float(draw.uniform(0.4, 1.0))), one, two)
    if kind == 3:
        green = draw.integers(10, 70), draw.integers(40, 100), draw.integers(5, 50)
        return _mixed(
            clouds(draw, height, width, 8, 1.0), np.array(green), np.array(green) + draw.integers(40, 130, 3)
        )
    picture = _mixed(_gradient(draw, height, width), one, two)
    for _ in range(int(draw.integers(4, 20))):
        corner = (draw.random(2) * (width, height)).astype(int)
        size = (draw.random(2) ** 2 * (width, height) * 0.6).astype(int) + 2
        colour = draw.integers(0, 256, 3).tolist()
        if kind == 4:
            cv2.rectangle(picture, corner.tolist(), (corner + size).tolist(), colour, -1, cv2.LINE_AA)
        else:
            points = (corner + draw.normal(0, 1, (int(draw.integers(3, 7)), 2)) * size).astype(np.int32)
            cv2.fillPoly(picture, [points], colour, cv2.LINE_AA)
    rough = 1 + 0.25 * (clouds(draw, height, width, 4, 0.9)[..., None] - 0.5)
    return np.clip(picture * rough, 0, 255).astype(np.uint8)


def _gradient(draw: np.random.Generator, height: int, width: int) -> Array:
    way = draw.uniform(0, 2 * np.pi)
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.asarray(0.5 + 0.4 * (np.cos(way) * across + np.sin(way) * down), np.float32)
