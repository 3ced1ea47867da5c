"""What a watcher should say of each column of a stretch of film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.models.foley.watcher import COLUMN_RATE
from genlock.train.foley.film_changes import Stretch
from genlock.train.foley.films import Film

__all__ = ["Targets", "columns_of", "targets_of"]

Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.float32]

# Columns from an event within which its facts are asked for: where its instant is not certain, presence is spread.
_NEAR = 1.6
_ROUGHLY = (1.5, 3.5, 7.5)
_RATE = float(COLUMN_RATE)


@dataclass(frozen=True, eq=False)
class Targets:
    """Of N columns."""

    presence: Rows
    """1 where a contact begins, [N]."""
    near: Rows
    """1 where a contact is near enough to tell of it, [N]."""
    facts: Rows
    """Of the nearest contact: place from the column's centre, impulse, size (both standardised) and x, [N, 4]."""
    material: npt.NDArray[np.int64]
    """Number of its material, [N]; of what lasts, where nothing begins; -1: none."""
    sustained: Rows
    """1 where something scrapes or rolls, [N]."""
    roughly: Rows
    """1 where a contact begins within 1.5, 3.5 and 7.5 columns, [N, 3]."""
    spots: Rows
    """Where a contact is in the pictures before and after its instant, across and down, [T, 2]."""
    named: npt.NDArray[np.int64]
    """Number of its material there, [T]; -1: no contact."""
    spotted: Rows
    """1 in those pictures, [T]."""


def columns_of(start: float, end: float) -> Floats:
    """Instants of the columns that begin with a stretch, [N], seconds on the film's clock."""
    count = max(int(np.ceil((end - start) * _RATE - 1e-6)), 1)
    return start + Grid(COLUMN_RATE).centers(count)


def targets_of(
    film: Film,
    stretch: Stretch,
    materials: Sequence[str],
    means: Mapping[str, float],
    spreads: Mapping[str, float],
) -> Targets:
    """What is to be said of the columns of a stretch of ``film``."""
    columns = columns_of(float(stretch.starts[0]), stretch.end)
    count, number = len(columns), {name: k for k, name in enumerate(materials)}
    presence, near, sustained = (np.zeros(count, np.float32) for _ in range(3))
    roughly = np.zeros((count, len(_ROUGHLY)), np.float32)
    facts, material = np.zeros((count, 4), np.float32), np.full(count, -1, np.int64)
    for (begin, end), name in zip(film.lasting, film.lasting_materials, strict=True):
        there = (columns >= begin) & (columns < end)
        sustained[there], material[there] = 1, number.get(name, -1)
    x, y = stretch.x(film.facts["x"]), stretch.y(film.facts["y"])
    shown = (x > 0.0) & (x < 1.0) & (y > 0.0) & (y < 1.0)
    pictures = len(stretch.starts)
    spots, spotted = np.zeros((pictures, 2), np.float32), np.zeros(pictures, np.float32)
    named = np.full(pictures, -1, np.int64)
    seen = np.flatnonzero((film.times >= stretch.starts[0]) & (film.times < stretch.end) & shown)
    if len(seen):
        times = film.times[seen]
        at = np.minimum(((times - stretch.starts[0]) * _RATE).astype(np.int64), count - 1)
        presence[at] = 1
        nearest = np.abs(columns[:, None] - times[None]).argmin(axis=1)
        away = (times[nearest] - columns) * _RATE
        roughly[:] = np.abs(away)[:, None] <= _ROUGHLY
        is_near = np.abs(away) <= _NEAR
        near[is_near] = 1
        which = seen[nearest]
        standard = [(film.facts[name][which] - means[name]) / spreads[name] for name in ("impulse", "size")]
        told = np.stack([away, *standard, x[which]], axis=1)
        facts[is_near] = told[is_near]
        own = np.array([number.get(film.materials[k], -1) for k in which], np.int64)
        material[is_near] = own[is_near]
        for k in seen:
            after = int(np.searchsorted(stretch.starts, film.times[k], "right"))
            both = slice(max(after - 1, 0), after + 1)
            spots[both], spotted[both], named[both] = (x[k], y[k]), 1, number.get(film.materials[k], -1)
    return Targets(presence, near, facts, material, sustained, roughly, spots, named, spotted)
