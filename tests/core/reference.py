"""The slow and obvious form of Track.on: one Fraction at a time, straight from its definition."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from genlock.core import Cells, Track, Warp
from genlock.core.errors import ClockError


def reference_on(
    track: Track,
    grid: Cells,
    how: str,
    count: int = 1,
    cover: Fraction = Fraction(1, 2),
    warp: Warp | None = None,
    length: int = 0,
) -> list[object]:
    """One answer for each target cell: None where it is invalid, else an array (object) of exact numbers."""
    edges = [track.grid.edge(k) for k in range(len(track) + 1)] if len(track) else []
    cells = list(pairwise(edges))
    data = [_exact_values(v) for v in track.values]
    back = warp.inverse() if warp else Warp.identity()
    answers: list[object] = []
    for k in range(length):
        low, high = grid.edge(k), grid.edge(k + 1)
        if how == "mean":
            answers.append(_mean(low, high, cells, data, track.valid, warp or Warp.identity(), back, cover))
            continue
        where = _at(back, (low + high) / 2)
        inside = None if where is None else _holding(cells, where)
        if where is None or inside is None:
            answers.append(None)
        elif how == "sample":
            answers.append(_sample(where, inside, cells, data, track.valid))
        elif how == "nearest":
            best = min(range(len(cells)), key=lambda j: (abs(_middle(cells[j]) - where), j))
            answers.append(data[best] if track.valid[best] else None)
        else:
            answers.append(_stack(where, inside, cells, data, track.valid, count, cover))
    return answers


def _exact_values(value: np.ndarray) -> np.ndarray:
    """Integers, as Fractions or complex, so that nothing below is rounded much."""
    flat = [
        complex(v) if np.iscomplexobj(value) else (None if v != v else Fraction(float(v)))
        for v in np.ravel(value)
    ]
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(np.shape(value))


def _at(warp: Warp, instant: Fraction) -> Fraction | None:
    try:
        return warp(instant)
    except ClockError:
        return None


def _middle(cell: tuple[Fraction, Fraction]) -> Fraction:
    return (cell[0] + cell[1]) / 2


def _holding(cells: list[tuple[Fraction, Fraction]], where: Fraction) -> int | None:
    return next((j for j, (a, b) in enumerate(cells) if a <= where < b), None)


def _sample(where, inside, cells, data, valid):  # type: ignore[no-untyped-def]
    if not valid[inside]:
        return None
    middle = _middle(cells[inside])
    other = inside + 1 if where > middle else inside - 1
    if where == middle or not 0 <= other < len(cells) or not valid[other]:
        return data[inside]
    share = (where - middle) / (_middle(cells[other]) - middle)
    return data[inside] * _number(1 - share, data) + data[other] * _number(share, data)


def _number(share: Fraction, data: list[np.ndarray]) -> Fraction | float:
    """Fractions do not multiply complex numbers."""
    return float(share) if data and data[0].size and isinstance(data[0].flat[0], complex) else share


def _stack(where, inside, cells, data, valid, count, cover):  # type: ignore[no-untyped-def]
    middles = [_middle(c) for c in cells]
    if count % 2:
        first = min(range(len(cells)), key=lambda j: (abs(middles[j] - where), j)) - count // 2
    else:
        first = sum(m <= where for m in middles) - count // 2
    window = range(first, first + count)
    there = [0 <= j < len(cells) and bool(valid[j]) for j in window]
    if not valid[inside] or sum(there) < cover * count:
        return None
    zero = data[0] * 0 if valid[0] else np.zeros_like(data[0])
    zero = np.zeros(np.shape(zero), object)
    return np.array([data[j] if ok else zero for j, ok in zip(window, there, strict=True)], object)


def _mean(low, high, cells, data, valid, warp, back, cover):  # type: ignore[no-untyped-def]
    # Between these instants of the target, the way back is one straight line within one source cell.
    marks = {low, high} | {y for _, y in warp.knots}
    for edge in {e for cell in cells for e in cell}:
        marks |= {y for y in (_side(warp, edge, "left"), _side(warp, edge, "right")) if y is not None}
    marks = sorted(m for m in marks if low <= m <= high)
    total, covered = None, Fraction(0)
    for a, b in pairwise(marks):
        where = _at(back, (a + b) / 2)
        cell = None if where is None else _holding(cells, where)
        if cell is not None and valid[cell]:
            part = data[cell] * _number(b - a, data)
            total, covered = part if total is None else total + part, covered + (b - a)
    if covered == 0 or covered < cover * (high - low):
        return None
    return total / _number(covered, data)


def _side(warp: Warp, edge: Fraction, side: str) -> Fraction | None:
    try:
        return warp(edge, side=side)  # type: ignore[arg-type]
    except ClockError:
        return None
