"""Films in which a bar falls and is thrown back, drawn on small pictures, with their contacts."""

from __future__ import annotations

import numpy as np

from genlock.core.grid import Grid
from genlock.train.foley.films import Film

SIDE = 16


def planted_film(seed: int, seconds: float = 2.0, rate: int = 25) -> Film:
    """A bright bar that bounces off the ground; left things are of wood, right ones of glass."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.25, 0.5, 8)) - 0.1
    times = times[(times > 0) & (times < seconds)]
    left = bool(random.integers(2))
    shown = np.arange(round(seconds * rate)) / rate
    away = np.abs(shown[:, None] - times[None]).min(axis=1)
    pictures = np.full((len(shown), SIDE, SIDE, 3), 40, np.uint8)
    across = slice(1, 7) if left else slice(9, 15)
    for picture, distance in zip(pictures, away, strict=True):
        row = int(np.clip(SIDE - 3 - 60 * distance, 0, SIDE - 3))
        picture[row : row + 2, across] = (220, 160, 80) if left else (90, 200, 230)
        picture[SIDE - 2 :] = 120
    count = len(times)
    facts = {
        "impulse": -1 + random.normal(0, 0.3, count),
        "size": np.full(count, -1.0),
        "x": np.full(count, 0.25 if left else 0.75),
        "y": np.full(count, 0.85),
    }
    materials = ("wood" if left else "glass",) * count
    return Film(f"film-{seed}", pictures, Grid(rate, "1/7"), times, facts, materials, np.zeros((0, 2)))
