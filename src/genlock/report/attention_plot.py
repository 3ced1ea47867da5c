"""The picture of what a writer of sound attends to: how far back each column listens, layer by layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.drawing.sheet import Box, Polyline, Raster, Shape, Sheet, Text, round_numbers, write_sheet

__all__ = ["attention_pixels", "write_attention_plot"]

_WIDTH, _LEFT, _RIGHT = 960.0, 74.0, 940.0
_HEAD, _LAYER, _STRIP, _GAP = 58.0, 66.0, 18.0, 10.0
_MOST_COLUMNS = 866
_PAPER, _INK = np.array([250.0, 251.0, 253.0]), np.array([18.0, 44.0, 92.0])


def attention_pixels(shares: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """One layer's attention [N, heads, reach] as a picture: time to the right, further back below, uint8 [reach, n, 3].

    Dark is where the head that attends most does; neighbouring columns share one of the picture where there are many.

    >>> attention_pixels(np.full((5, 2, 7), 1 / 7)).shape
    (7, 5, 3)
    """
    most = np.asarray(shares, np.float64).max(axis=1)
    step = -(-len(most) // _MOST_COLUMNS)
    firsts = np.arange(0, len(most), max(step, 1))
    shown = np.sqrt(np.maximum.reduceat(most, firsts) if len(most) else most).T[:, :, None]
    return np.asarray(np.rint(_PAPER + np.clip(shown, 0, 1) * (_INK - _PAPER)), np.uint8)


def write_attention_plot(
    target: str | os.PathLike[str], attention: Track, events: Sequence[Fraction] = (), title: str = ""
) -> None:
    """Write the picture; the ending says the form, ``.svg`` or ``.png``.

    A line that falls to the right below an event is a column after it that still listens to its attack.

    Parameters
    ----------
    attention : [N, layers, heads, reach] on columns, see :meth:`genlock.models.foley.writer.Writer.attention`
    events : instants on the same clock

    Raises
    ------
    InputError
        If there is no column.
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written.
    """
    grid, values = attention.grid, np.asarray(attention.values)
    if not isinstance(grid, Grid) or not len(values):
        raise InputError("there is no column whose attention could be drawn")
    low, high = float(grid.edge(0)), float(grid.edge(len(values)))
    layers, reach = values.shape[1], float(values.shape[3] * grid.period)

    def x(second: float) -> float:
        return _LEFT + (second - low) / (high - low) * (_RIGHT - _LEFT)

    bottom = _HEAD + _STRIP + layers * (_LAYER + _GAP)
    back = 1000 * (values * np.arange(values.shape[3])).sum(axis=3).mean() * float(grid.period)
    said = f"{layers} layers, each {reach:.2f} s back; {back:.0f} ms back in the mean"
    shapes: list[Shape] = [
        Text((_LEFT, 20), title[-90:], 13, "ink"),
        Text((_LEFT, 40), said, 10.5, "quiet"),
        Box(_LEFT, _HEAD, _RIGHT, _HEAD + _STRIP, "accept"),
        Text((_LEFT - 8, _HEAD + _STRIP / 2), "events", 9, "found", "right"),
    ]
    for layer in range(layers):
        top = _HEAD + _STRIP + _GAP + layer * (_LAYER + _GAP)
        shapes += [
            Raster(_LEFT, top, _RIGHT, top + _LAYER, attention_pixels(values[:, layer])),
            Text((_LEFT - 8, top + 6), "now", 9, "quiet", "right"),
            Text((_LEFT - 8, top + _LAYER / 2), f"layer {layer + 1}", 9, "ink", "right"),
            Text((_LEFT - 8, top + _LAYER - 6), f"-{reach:.2f} s", 9, "quiet", "right"),
        ]
    for instant in events:
        if low <= float(instant) < high:
            at = x(float(instant))
            shapes.append(Polyline(((at, _HEAD + 1), (at, _HEAD + _STRIP - 1)), "found", 1.6))
    for second in round_numbers(low, high, 10):
        shapes.append(Polyline(((x(second), bottom), (x(second), bottom + 5)), "quiet", 1.0))
        shapes.append(Text((x(second), bottom + 14), f"{second:g} s", 10, "quiet", "center"))
    write_sheet(target, Sheet(tuple(shapes), _WIDTH, bottom + 28, "What a writer of sound attends to"))
