"""Small pictures of tracks and spans for notebooks, as SVG, made from strings alone.

A track of one number per cell is drawn as the band between its lowest and highest value in each column of
pixels, one of many numbers as a heat map (its first row lowest), powers in dB; cells that are not valid stay grey.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from genlock.core.spans import Spans
    from genlock.core.track import Track

__all__ = ["html", "lanes_svg", "shown_values", "spans_svg", "track_svg"]

_WIDTH, _HEIGHT, _BOTTOM = 720, 96, 22
_COLUMNS = 720
_DEEPEST_DB = 80.0  # below the loudest, that a picture of powers shows
_ROWS = 96
_INK, _GREY, _PAPER = "#1f3a5f", "#c9ced6", "#f4f6f9"
_HALO = f'paint-order="stroke" stroke="{_PAPER}" stroke-width="4"'
_BETWEEN = 6  # pixels between two lanes
# Dark blue to pale yellow, of steadily rising lightness; colours between are mixed.
_HEAT = np.array([(20, 24, 60), (40, 80, 130), (50, 140, 140), (140, 195, 110), (250, 245, 190)], np.float64)


def html(text: str, svg: str) -> str:
    """A line of text above a picture."""
    return f'<div style="font:13px sans-serif"><div>{escape(text)}</div>{svg}</div>'


def track_svg(track: Track) -> str:
    """A picture of a track, 726 pixels wide."""
    return _frame(float(track.start), float(track.end), _cells(track))


def spans_svg(spans: Spans) -> str:
    """A picture of spans: a box for each, with its label where there is room."""
    if not spans.items:
        return _frame(0.0, 1.0, _note("no spans"))
    start, end = float(spans.items[0].start), float(spans.items[-1].end)
    return _frame(start, end, _boxes(spans, start, end))


def lanes_svg(lanes: Sequence[tuple[str, Track | Spans]]) -> str:
    """Tracks and spans below each other, on the one axis of time that holds them all; 726 pixels wide.

    Parameters
    ----------
    lanes : what each is called, and what it shows; those without a cell or a span are left out
    """
    shown = [(name, lane) for name, lane in lanes if len(lane)]
    if not shown:
        return _frame(0.0, 1.0, _note("nothing to show"))
    ends = [_ends(lane) for _, lane in shown]
    start, end = min(first for first, _ in ends), max(last for _, last in ends)
    scale = _WIDTH / (end - start) if end > start else 1.0
    drawn = []
    for number, ((name, lane), (first, last)) in enumerate(zip(shown, ends, strict=True)):
        top = number * (_HEIGHT + _BETWEEN)
        if _is_spans(lane):
            inside = _boxes(lane, start, end)
        else:
            moved = (
                f"translate({(first - start) * scale:.2f},0) scale({(last - first) * scale / _WIDTH:.5f},1)"
            )
            inside = f'<g transform="{moved}">{_cells(cast("Track", lane))}</g>'
        label = f'<text x="{_WIDTH - 5}" y="13" text-anchor="end" {_HALO}>{escape(_clean(name))}</text>'
        paper = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="{_PAPER}"/>'
        drawn.append(f'<g transform="translate(0,{top})">{paper}{inside}{label}</g>')
    return _frame(start, end, "".join(drawn), len(shown) * (_HEIGHT + _BETWEEN) - _BETWEEN)


def _ends(lane: Track | Spans) -> tuple[float, float]:
    if _is_spans(lane):
        return float(lane.items[0].start), max(float(span.end) for span in lane.items)
    track = cast("Track", lane)
    return float(track.start), float(track.end)


def _is_spans(lane: Track | Spans) -> TypeGuard[Spans]:
    return hasattr(lane, "items")


def _cells(track: Track) -> str:
    """The cells of a track, over the whole width."""
    if len(track) == 0:
        return _note("no cells")
    rows = track.values.reshape(len(track), -1)
    if rows.shape[1] == 0 or not track.valid.any():
        return _note("no valid values")
    if track.unit == "power":
        rows = _decibels(rows, track.valid)
    draw = _band if rows.shape[1] == 1 else _heat
    return draw(rows, track.valid, _columns(track))


def shown_values(track: Track) -> tuple[npt.NDArray[np.float64], str]:
    """The values of a track as they are drawn, and their unit: powers in dB, NaN where they mean nothing.

    >>> from genlock.core import Grid, Track
    >>> shown_values(Track(np.array([1.0, 100.0]), Grid(25), unit="power"))
    (array([ 0., 20.]), 'dB')
    """
    rows = np.abs(track.values) if np.iscomplexobj(track.values) else track.values.astype(np.float64)
    unit = track.unit
    if unit == "power" and track.valid.any():
        rows, unit = _decibels(rows, track.valid), "dB"
    mask = track.valid.reshape(-1, *(1,) * (rows.ndim - 1))
    return np.where(mask, rows, np.nan), unit


def _decibels(rows: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Powers in dB, the quietest no deeper below the loudest than the eye tells apart."""
    powers = np.where(np.isfinite(rows), rows, 0).astype(np.float64)
    loudest = float(powers[valid].max())
    if loudest <= 0:
        return np.zeros(powers.shape)
    quietest = loudest * 10 ** (-_DEEPEST_DB / 10)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(powers, quietest))
    return np.where(np.isfinite(rows), levels, np.nan)


def _boxes(spans: Spans, start: float, end: float) -> str:
    """A box for each span, on an axis from start to end, in seconds."""
    scale = _WIDTH / (end - start) if end > start else 1.0
    boxes = []
    for number, span in enumerate(spans.items):
        left, width = (float(span.start) - start) * scale, max(float(span.duration) * scale, 1.5)
        shown = span.label if len(span.label) * 7 + 4 < width else ""
        shade = _INK if not span.duration else "#d7e3f4" if number % 2 else "#bcd0ea"
        boxes.append(
            f'<g transform="translate({left:.1f},24)"><title>{escape(_clean(span.label))}: '
            f"{float(span.start):.3f} to {float(span.end):.3f} s</title>"
            f'<rect width="{width:.1f}" height="48" fill="{shade}" stroke="#fff"/>'
            f'<text x="{width / 2:.1f}" y="28" text-anchor="middle">{escape(_clean(shown))}</text></g>'
        )
    return "".join(boxes)


def _columns(track: Track) -> npt.NDArray[np.int64]:
    """The first cell that each column of pixels shows, by time."""
    instants = np.linspace(float(track.start), float(track.end), min(_COLUMNS, 4 * len(track)) + 1)[:-1]
    return np.clip(track.grid.indices(instants), 0, len(track) - 1)


def _band(rows: npt.NDArray[Any], valid: npt.NDArray[np.bool_], first: npt.NDArray[np.int64]) -> str:
    values = rows[:, 0]
    known = valid & np.isfinite(values)
    if not known.any():
        return _note("no finite values")
    data = np.where(known, values, 0)
    data = np.abs(data) if np.iscomplexobj(data) else data.astype(np.float64)
    low, high = float(data[known].min()), float(data[known].max())
    lows = np.minimum.reduceat(np.where(known, data, np.inf), first)
    highs = np.maximum.reduceat(np.where(known, data, -np.inf), first)
    step = _WIDTH / len(first)
    scale = (_HEIGHT - 8) / (high - low) if high > low else 0.0
    lines = []
    for column in np.flatnonzero(np.isfinite(lows)).tolist():
        top = _HEIGHT - 4 - (float(highs[column]) - low) * scale
        bottom = _HEIGHT - 4 - (float(lows[column]) - low) * scale
        lines.append(f"M{(column + 0.5) * step:.1f} {top - 0.7:.1f}V{bottom + 0.7:.1f}")
    gaps = _gaps(~np.isfinite(lows), step)
    return (
        f'{gaps}<path d="{"".join(lines)}" stroke="{_INK}" stroke-width="{max(step, 1):.2f}"/>'
        f'<g {_HALO}><text x="4" y="12">{high:.4g}</text>'
        f'<text x="4" y="{_HEIGHT - 4}">{low:.4g}</text></g>'
    )


def _heat(rows: npt.NDArray[Any], valid: npt.NDArray[np.bool_], first: npt.NDArray[np.int64]) -> str:
    picked = rows[first][:, :: max(1, math.ceil(rows.shape[1] / _ROWS))]
    picked = np.abs(picked) if np.iscomplexobj(picked) else picked.astype(np.float64)
    known = valid[first][:, None] & np.isfinite(picked)
    if not known.any():
        return _note("no finite values")
    low, high = np.percentile(picked[known], [1, 99])
    level = np.clip((np.where(known, picked, low) - low) / max(high - low, 1e-300), 0, 1) * (len(_HEAT) - 1)
    below = np.minimum(level.astype(np.int64), len(_HEAT) - 2)
    colours = _HEAT[below] + (_HEAT[below + 1] - _HEAT[below]) * (level - below)[..., None]
    colours[~known] = [int(_GREY[i : i + 2], 16) for i in (1, 3, 5)]
    image = base64.b64encode(_png(colours.transpose(1, 0, 2)[::-1].astype(np.uint8))).decode()
    return (
        f'<image width="{_WIDTH}" height="{_HEIGHT}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{image}"/>'
    )


def _gaps(gap: npt.NDArray[np.bool_], step: float) -> str:
    """Grey where nothing is known."""
    turns = np.flatnonzero(np.diff(np.concatenate([[0], gap.astype(np.int8), [0]])))
    return "".join(
        f'<rect x="{a * step:.1f}" width="{(b - a) * step:.1f}" height="{_HEIGHT}" fill="{_GREY}"/>'
        for a, b in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True)
    )


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """An image [height, width, 3] as PNG (ISO/IEC 15948): 8 bits, RGB, no filter."""
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines.tobytes())) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _frame(start: float, end: float, drawing: str, height: int = _HEIGHT) -> str:
    """A drawing above its axis of seconds."""
    marks = []
    for second in _round_seconds(start, end):
        x = (second - start) / (end - start) * _WIDTH
        anchor = "middle" if 20 < x < _WIDTH - 20 else "start" if x <= 20 else "end"
        marks.append(
            f'<path d="M{x:.1f} {height}v5" stroke="#777"/>'
            f'<text x="{x:.1f}" y="{height + 17}" text-anchor="{anchor}">{second:g} s</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-3 -3 {_WIDTH + 6} {height + _BOTTOM + 3}" '
        f'width="{_WIDTH + 6}" style="max-width:100%" font-family="sans-serif" font-size="11" fill="#333">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="{_PAPER}"/>{drawing}{"".join(marks)}</svg>'
    )


def _round_seconds(start: float, end: float) -> Sequence[float]:
    """Some six round numbers of seconds between two instants."""
    if not end > start:
        return []
    rough = (end - start) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if power * m >= rough)
    first = math.ceil(start / step - 1e-9)
    count = math.floor(end / step + 1e-9) - first + 1
    return [round((first + k) * step, 12) + 0.0 for k in range(max(0, min(count, 20)))]


def _note(text: str) -> str:
    return f'<text x="{_WIDTH / 2}" y="{_HEIGHT / 2}" text-anchor="middle">{text}</text>'


def _clean(text: str) -> str:
    """Without the control characters and half surrogates that XML cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
