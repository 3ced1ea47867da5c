"""The picture of a measured offset: similarity over lags with the limits behind it, and the offset over time.

Laid out once in layout units, then written as SVG text, or drawn as PNG.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np

from genlock.core.errors import OptionError
from genlock.core.files import write_bytes
from genlock.drawing.canvas import Canvas, Colour, paste_text
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.verdicts import LIMITS, allowance_of, sentence_of

__all__ = ["plot_ending", "sync_svg", "write_sync_plot"]

Point = tuple[float, float]
#: From a value to a place on the sheet.
_Scale = Callable[[float], float]

#: Roles of colours, as (red, green, blue) on paper. A report gives the same roles the colours of its page.
_PAPER: dict[str, Colour] = {
    "paper": (255, 255, 255),
    "ink": (28, 36, 48),
    "quiet": (93, 102, 116),
    "line": (205, 211, 219),
    "accept": (238, 241, 245),
    "good": (216, 238, 222),
    "curve": (26, 95, 180),
    "found": (192, 28, 40),
}
_WIDTH, _LEFT, _RIGHT = 720.0, 64.0, 700.0
_HEAD, _PANEL, _GAP = 58.0, 190.0, 62.0
_LIMITS = {limit.key: limit for limit in LIMITS}
_ACCEPT, _GOOD = _LIMITS["itu_bt1359_acceptable"], _LIMITS["ebu_r37_emission"]
_MOST_BARS = 720  # of the offset over time: one for a unit of width


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float
    colour: str


@dataclass(frozen=True)
class _Path:
    points: tuple[Point, ...]
    colour: str
    width: float


@dataclass(frozen=True)
class _Text:
    at: Point
    text: str
    height: float
    colour: str
    align: str = "left"


_Shape = _Box | _Path | _Text


def write_sync_plot(target: str | os.PathLike[str], found: SyncMeasurement, title: str = "") -> None:
    """Write the picture of a measurement; the ending says the form, ``.svg`` or ``.png``.

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written. It is written beside the target and renamed.

    Examples
    --------
    >>> import tempfile
    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> nothing = SyncMeasurement(Estimate(None, None, None, "none", "no face was seen"), at=Fraction(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sync_plot(f"{folder}/plot.svg", nothing)
    ...     "no face was seen" in Path(f"{folder}/plot.svg").read_text()
    True
    """
    ending = plot_ending(target)
    shapes, height = _layout(found, title)
    data = _svg(shapes, height, on_paper=True).encode() if ending == ".svg" else _png(shapes, height)
    write_bytes(Path(target), data)


def plot_ending(target: str | os.PathLike[str]) -> str:
    """The ending of a plot's name: ``.svg`` or ``.png``.

    >>> plot_ending("talk.SVG")
    '.svg'

    Raises
    ------
    OptionError
        If it is another one.
    """
    ending = Path(target).suffix.lower()
    if ending not in (".svg", ".png"):
        raise OptionError(f"a plot is an .svg or a .png, not {os.fspath(target)!r}")
    return ending


def sync_svg(found: SyncMeasurement) -> str:
    """The same picture without its heading, for a page: its shapes bear classes ``sp-ROLE`` in place of colours."""
    shapes, height = _layout(found, None)
    return _svg(shapes, height, on_paper=False)


# ---------------------------------------------------------------- layout


def _layout(found: SyncMeasurement, title: str | None) -> tuple[list[_Shape], float]:
    shapes: list[_Shape] = []
    top = 14.0
    if title is not None:
        estimate = found.estimate
        said = sentence_of(
            estimate.offset_seconds,
            estimate.interval_seconds,
            estimate.reason,
            allowance_of(estimate.estimator),
        )
        shapes += [_Text((_LEFT, 20), title[-80:], 13, "ink"), _Text((_LEFT, 40), said[:128], 10.5, "quiet")]
        top = _HEAD
    shapes += _curve_panel(found, top)
    height = top + _PANEL + _GAP
    if sum(part.offset_seconds is not None for part in found.pieces) > 1:
        shapes += _time_panel(found, height)
        height += _PANEL + _GAP
    return shapes, height


def _curve_panel(found: SyncMeasurement, top: float) -> list[_Shape]:
    """Similarity over lags."""
    estimate = found.estimate
    bottom, offset = top + _PANEL, estimate.offset_seconds
    lags = np.array([-0.4, 0.4]) if estimate.curve is None else np.asarray(estimate.curve.lags_seconds)
    low, high = float(lags[0]), float(lags[-1])
    if offset is not None:
        low, high = min(low, offset - 0.1), max(high, offset + 0.1)

    def x(lag: float) -> float:
        return _LEFT + (min(max(lag, low), high) - low) / (high - low) * (_RIGHT - _LEFT)

    shapes: list[_Shape] = [
        _Box(x(-_ACCEPT.late_seconds), top, x(_ACCEPT.early_seconds), bottom, "accept"),
        _Box(x(-_GOOD.late_seconds), top, x(_GOOD.early_seconds), bottom, "good"),
        _Text((x(-_ACCEPT.late_seconds) + 4, top + 9), "BT.1359", 8, "quiet"),
        _Text((x(-_GOOD.late_seconds) + 4, top + 20), "R37", 8, "quiet"),
    ]
    shapes += _axis_of_lags(low, high, x, top, bottom)
    if estimate.interval_seconds is not None and offset is not None:
        first, last = (x(end) for end in estimate.interval_seconds)
        shapes.append(_Path(((x(offset), top), (x(offset), bottom)), "found", 1.5))
        shapes.append(_Box(min(first, last - 1.5), top - 4, max(last, first + 1.5), top, "found"))
    if estimate.curve is None:
        why = estimate.reason or "the offset was read off single events, not off a curve"
        shapes.append(_Text(((_LEFT + _RIGHT) / 2, (top + bottom) / 2), why[:90], 11, "quiet", "center"))
        return shapes
    values = np.asarray(estimate.curve.values, np.float64)
    known = np.isfinite(values)
    if known.any():
        floor, peak = float(values[known].min()), float(values[known].max())
        scale = (_PANEL - 12) / (peak - floor) if peak > floor else 0.0
        for run in _runs(known):
            points = tuple((x(float(lags[k])), bottom - 4 - (float(values[k]) - floor) * scale) for k in run)
            shapes.append(_Path(points if len(points) > 1 else points * 2, "curve", 2.0))
        for value in {floor, peak}:
            at = bottom - 4 - (value - floor) * scale
            shapes.append(_Text((_LEFT - 8, at), f"{value:.2f}", 10, "quiet", "right"))
    return shapes


def _axis_of_lags(low: float, high: float, x: _Scale, top: float, bottom: float) -> list[_Shape]:
    shapes: list[_Shape] = [_Path(((_LEFT, bottom), (_RIGHT, bottom)), "line", 1.0)]
    for lag in _round_numbers(low, high, 9):
        shapes.append(_Path(((x(lag), bottom), (x(lag), bottom + 5)), "quiet", 1.0))
        shapes.append(_Text((x(lag), bottom + 14), f"{lag * 1000:.0f}", 10, "quiet", "center"))
    shapes += [
        _Path(((x(0), top), (x(0), bottom)), "line", 1.0),
        _Text((_LEFT, bottom + 32), "sound late", 10.5, "quiet"),
        _Text(((_LEFT + _RIGHT) / 2, bottom + 32), "similarity over offset, ms", 10.5, "ink", "center"),
        _Text((_RIGHT, bottom + 32), "sound early", 10.5, "quiet", "right"),
    ]
    return shapes


def _time_panel(found: SyncMeasurement, top: float) -> list[_Shape]:
    """The offset of each piece, with its interval, over time."""
    pieces = _thinned([part for part in found.pieces if part.offset_seconds is not None])
    bottom = top + _PANEL
    ends = [end for part in pieces for end in (part.interval_seconds or (0.0, 0.0))] + [0.0]
    low, high = min(ends), max(ends)
    margin = max(0.05 * (high - low), 0.01)
    low, high = low - margin, high + margin
    start, stop = float(found.pieces[0].start), float(found.pieces[-1].end)

    def x(second: float) -> float:
        return _LEFT + (second - start) / max(stop - start, 1e-9) * (_RIGHT - _LEFT)

    def y(offset: float) -> float:
        return bottom - (min(max(offset, low), high) - low) / (high - low) * _PANEL

    shapes: list[_Shape] = [
        _Box(_LEFT, y(_ACCEPT.early_seconds), _RIGHT, y(-_ACCEPT.late_seconds), "accept"),
        _Box(_LEFT, y(_GOOD.early_seconds), _RIGHT, y(-_GOOD.late_seconds), "good"),
        _Path(((_LEFT, y(0)), (_RIGHT, y(0))), "line", 1.0),
    ]
    for offset in _round_numbers(low, high, 6):
        shapes.append(_Text((_LEFT - 8, y(offset)), f"{offset * 1000:.0f}", 10, "quiet", "right"))
    for part in pieces:
        shapes += _bar(part, x, y)
    for second in _round_numbers(start, stop, 8):
        shapes.append(_Path(((x(second), bottom), (x(second), bottom + 5)), "quiet", 1.0))
        shapes.append(_Text((x(second), bottom + 14), _clock(second), 10, "quiet", "center"))
    shapes.append(
        _Text(
            ((_LEFT + _RIGHT) / 2, bottom + 32),
            "offset (ms, up: sound early) over time",
            10.5,
            "ink",
            "center",
        )
    )
    return shapes


def _bar(part: Segment, x: _Scale, y: _Scale) -> list[_Shape]:
    middle = x(float(part.start + part.end) / 2)
    offset = part.offset_seconds or 0.0
    low, high = part.interval_seconds or (offset, offset)
    return [
        _Path(((middle, y(low)), (middle, y(high))), "curve", 1.0),
        _Path(((x(float(part.start)), y(offset)), (x(float(part.end)), y(offset))), "found", 2.0),
    ]


def _thinned(pieces: Sequence[Segment]) -> Sequence[Segment]:
    """At most as many as can be told apart."""
    return pieces[:: max(1, math.ceil(len(pieces) / _MOST_BARS))]


def _runs(known: np.ndarray) -> list[range]:
    """Stretches without a gap."""
    turns = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return [range(a, b) for a, b in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True)]


def _round_numbers(low: float, high: float, about: int) -> list[float]:
    """Round numbers within a range, some ``about`` of them.

    >>> _round_numbers(-0.41, 0.4, 9)
    [-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 9) + 0.0 for k in range(first, last + 1)]


def _clock(seconds: float) -> str:
    """An instant on the axis of time.

    >>> _clock(12.5), _clock(600)
    ('12.5 s', '10:00')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{seconds:g} s" if abs(seconds) < 60 else f"{minutes:.0f}:{rest:02.0f}"


# ---------------------------------------------------------------- SVG and PNG


def _svg(shapes: Sequence[_Shape], height: float, *, on_paper: bool) -> str:
    def paint(role: str, kind: str) -> str:
        red, green, blue = _PAPER[role]
        return f'{kind}="#{red:02x}{green:02x}{blue:02x}"' if on_paper else f'class="sp-{kind}-{role}"'

    parts = []
    for shape in shapes:
        if isinstance(shape, _Box):
            wide, tall = max(shape.right - shape.left, 0.0), max(shape.bottom - shape.top, 0.0)
            parts.append(
                f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
                f"{paint(shape.colour, 'fill')}/>"
            )
        elif isinstance(shape, _Path):
            path = "L".join(f"{px:.1f} {py:.1f}" for px, py in shape.points)
            parts.append(
                f'<path d="M{path}" fill="none" stroke-width="{shape.width:g}" {paint(shape.colour, "stroke")}/>'
            )
        else:
            anchor = {"left": "start", "center": "middle", "right": "end"}[shape.align]
            parts.append(
                f'<text x="{shape.at[0]:.1f}" y="{shape.at[1]:.1f}" font-size="{shape.height:g}" '
                f'text-anchor="{anchor}" dominant-baseline="central" {paint(shape.colour, "fill")}>'
                f"{escape(_printable(shape.text))}</text>"
            )
    ground = f'<rect width="{_WIDTH:g}" height="{height:g}" {paint("paper", "fill")}/>' if on_paper else ""
    size = f'width="{_WIDTH:g}" height="{height:g}"' if on_paper else 'width="100%"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" {size} role="img" '
        f'aria-label="Similarity over offsets" font-family="sans-serif">{ground}{"".join(parts)}</svg>\n'
    )


def _png(shapes: Sequence[_Shape], height: float) -> bytes:
    scale = 2.0
    sheet = np.full((round(height * scale), round(_WIDTH * scale), 3), _PAPER["paper"], np.uint8)
    canvas = Canvas(sheet, scale)
    for shape in shapes:
        if isinstance(shape, _Box) and shape.right > shape.left and shape.bottom > shape.top:
            canvas.rectangle((shape.left, shape.top, shape.right, shape.bottom), _PAPER[shape.colour])
        elif isinstance(shape, _Path):
            canvas.line(shape.points, _PAPER[shape.colour], shape.width)
    sheet = canvas.finish()
    for shape in shapes:
        if isinstance(shape, _Text):
            place = (shape.at[0] * scale, shape.at[1] * scale)
            # Capitals of the drawn letters are as high as 0.7 of a font's size.
            tall = max(round(shape.height * scale * 0.7), 4)
            # The letters that OpenCV draws are those of ASCII.
            text = shape.text.encode("ascii", "replace").decode()
            paste_text(sheet, text, place, tall, _PAPER[shape.colour], shape.align)
    done, data = cv2.imencode(".png", np.ascontiguousarray(sheet[:, :, ::-1]))
    if not done:
        raise OptionError("the plot could not be made a PNG; write an .svg")
    return bytes(data)


def _printable(text: str) -> str:
    """Without the control characters and half surrogates that XML cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
