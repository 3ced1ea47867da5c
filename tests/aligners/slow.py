"""Algorithms of genlock.aligners written out as plainly as can be: what the fast ones are held against."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, _channels, _sound_grid, _still
from genlock.core.grid import Grid, require_same_clock
from genlock.core.time import Exact, exact
from genlock.core.track import Track

Array = npt.NDArray[np.float64]


def correlate_slowly(
    sound: Track,
    picture: Track,
    reach_seconds: Exact,
    *,
    weights: npt.ArrayLike | None = None,
    least_overlap: Exact = Fraction(1, 2),
) -> LagCurve:
    """``correlate`` written out, one cell at a time and in exact time."""
    grid, reach = _sound_grid(sound), exact(reach_seconds)
    require_same_clock(sound.clock, picture.clock, "correlate sound and picture")
    x, y = _channels(sound), _channels(picture)
    still = _still(sound, x), _still(picture, y)
    scale = np.ones(x.shape[1]) if weights is None else np.asarray(weights, np.float64)
    least = float(max(exact(least_overlap), Fraction(0)))
    most = Grid(grid.rate).index(reach, "floor")
    lags, values, overlaps = [], [], []
    for lag in range(-most, most + 1):
        pairs = []
        for k in range(len(picture)):
            place = (picture.grid.center(k) - lag * grid.period - grid.center(0)) * grid.rate
            left = place.numerator // place.denominator
            part = float(place - left)
            needed = (left,) if part == 0 else (left, left + 1)
            if picture.valid[k] and all(0 <= m < len(sound) and sound.valid[m] for m in needed):
                at = x[left] if part == 0 else x[left] * (1 - part) + x[left + 1] * part
                pairs.append((at, y[k], float(picture.grid.edge(k + 1) - picture.grid.edge(k))))
        overlap = sum(length for _, _, length in pairs)
        lags.append(float(lag * grid.period))
        overlaps.append(overlap)
        known = len(pairs) > 1 and overlap >= least - 1e-9
        values.append(_slow_value(pairs, scale, still) if known else np.nan)
    return LagCurve(np.array(lags), np.array(values), np.array(overlaps))


def _slow_value(pairs: list[tuple[Array, Array, float]], weights: Array, still: tuple[Array, Array]) -> float:
    total, weight, moving = 0.0, 0.0, False
    for channel, scale in enumerate(weights):
        a = np.array([p[channel] for p, _, _ in pairs])
        b = np.array([q[channel] for _, q, _ in pairs])
        u = np.array([length for _, _, length in pairs])
        a, b = a - np.average(a, weights=u), b - np.average(b, weights=u)
        weight += scale
        if (u * a * a).sum() > still[0][channel] * u.sum() and (u * b * b).sum() > still[1][
            channel
        ] * u.sum():
            moving = True
            total += scale * (u * a * b).sum() / np.sqrt((u * a * a).sum() * (u * b * b).sum())
    return float(total / weight) if moving else np.nan


def find_steps_slowly(scores: Array, penalty: float) -> float:
    """The best total that ``find_steps`` can reach, by trying every path of a tiny case."""
    paths: list[tuple[int, ...]] = [()]
    for _ in scores:
        paths = [(*path, lag) for path in paths for lag in range(scores.shape[1])]
    return max(_total(scores, path, penalty) for path in paths)


def _total(scores: Array, path: tuple[int, ...], penalty: float) -> float:
    changes = sum(a != b for a, b in pairwise(path))
    return float(sum(scores[k, lag] for k, lag in enumerate(path)) - penalty * changes)
