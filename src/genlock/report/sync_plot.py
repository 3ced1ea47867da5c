"""The picture of a measured offset: similarity over lags with the limits behind it, and the offset over time.

Laid out once in layout units, then written as SVG text, or drawn as PNG.
"""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Sequence

import numpy as np

from genlock.drawing.sheet import (
    Box,
    Polyline,
    Shape,
    Sheet,
    Text,
    plot_ending,
    round_numbers,
    sheet_svg,
    write_sheet,
)
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.repair import needs_repair, repaired_name
from genlock.lipsync.summary import VERDICT_PROBABILITY, headline_of
from genlock.lipsync.verdicts import ACCEPTED, EMITTED, Limit, early_or_late

__all__ = ["advice_on", "plot_ending", "sync_picture", "sync_svg", "write_sync_plot"]

#: From a value to a place on the sheet.
_Scale = Callable[[float], float]

_WIDTH, _LEFT, _MARGIN = 720.0, 64.0, 20.0
_NARROW = 480.0  # a picture that is narrower has its words below each other
_HEAD, _PANEL, _GAP = 94.0, 190.0, 62.0
_ABOVE = 26.0  # room above a curve for its axis and the offset that was found
_LEGEND = 24.0
_LONGEST_LINE = 128  # letters
_LETTER = 0.55  # width of a letter, of its height, on average
_MOST_BARS = 720  # of the offset over time: one for a unit of width


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
    >>> from pathlib import Path
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> nothing = SyncMeasurement(Estimate(None, None, None, "none", "no face was seen"), at=Fraction(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sync_plot(f"{folder}/plot.svg", nothing)
    ...     "no face was seen" in Path(f"{folder}/plot.svg").read_text()
    True
    """
    write_sheet(target, _sheet(found, title))


def sync_picture(found: SyncMeasurement) -> str:
    """The same picture as an SVG in colours of its own, without its heading, for notebooks."""
    return sheet_svg(_sheet(found, None))


def sync_svg(found: SyncMeasurement, width: float = _WIDTH) -> str:
    """The same picture without its heading, for a page: its shapes bear classes ``sp-ROLE`` in place of colours.

    Letters have the same height whatever the width, in layout units; from 300 on all of them have room.
    """
    return sheet_svg(_sheet(found, None, width), on_paper=False)


# ---------------------------------------------------------------- layout


def _sheet(found: SyncMeasurement, title: str | None, width: float = _WIDTH) -> Sheet:
    shapes: list[Shape] = []
    top, right = _ABOVE, width - _MARGIN
    if title is not None:
        lines = (headline_of(found), advice_on(found, title))
        shapes.append(Text((_LEFT, 20), title[-80:], 13, "ink"))
        shapes += [
            Text((_LEFT, 38 + 16 * k), line[:_LONGEST_LINE], 10.5, "quiet") for k, line in enumerate(lines)
        ]
        top = _HEAD
    shapes += _curve_panel(found, top, right)
    below = 16.0 if width < _NARROW else 0.0
    legend, rows = _legend(found, top + _PANEL + 52 + below, right)
    shapes += legend
    height = top + _PANEL + _GAP + below + _LEGEND * rows
    if sum(part.offset_seconds is not None for part in found.pieces) > 1:
        shapes += _time_panel(found, height, right)
        height += _PANEL + _GAP
    return Sheet(tuple(shapes), width, height, "Similarity over offsets")


def _curve_panel(found: SyncMeasurement, top: float, right: float) -> list[Shape]:
    """Similarity over lags."""
    estimate = found.estimate
    bottom, offset = top + _PANEL, estimate.offset_seconds
    lags = np.array([-0.4, 0.4]) if estimate.curve is None else np.asarray(estimate.curve.lags_seconds)
    low, high = float(lags[0]), float(lags[-1])
    if offset is not None:
        low, high = min(low, offset - 0.1), max(high, offset + 0.1)

    def x(lag: float) -> float:
        return _LEFT + (min(max(lag, low), high) - low) / (high - low) * (right - _LEFT)

    shapes: list[Shape] = [
        Box(x(-ACCEPTED.late_seconds), top, x(ACCEPTED.early_seconds), bottom, "accept"),
        Box(x(-EMITTED.late_seconds), top, x(EMITTED.early_seconds), bottom, "good"),
    ]
    shapes += _axis_of_lags((low, high), x, (top, bottom), right)
    if estimate.interval_seconds is not None and offset is not None:
        first, last = (x(end) for end in estimate.interval_seconds)
        role = _role(found)
        shapes.append(Polyline(((x(offset), top), (x(offset), bottom)), role, 1.5))
        shapes.append(Box(min(first, last - 1.5), top - 4, max(last, first + 1.5), top, role))
        # Centred on its line, but never over what stands to the left of the panel or beyond the paper.
        middle = min(max(x(offset), _LEFT + 75), right - 75)
        said = f"{'' if role == 'found' else 'best guess: '}{early_or_late(offset)}"
        shapes.append(Text((middle, top - 13), said, 10, role, "center"))
    if estimate.curve is None:
        why = estimate.reason or "the offset was read off single events, not off a curve"
        shapes.append(Text(((_LEFT + right) / 2, (top + bottom) / 2), why[:90], 11, "quiet", "center"))
        return shapes
    values = np.asarray(estimate.curve.values, np.float64)
    known = np.isfinite(values)
    if known.any():
        floor, peak = float(values[known].min()), float(values[known].max())
        scale = (_PANEL - 12) / (peak - floor) if peak > floor else 0.0
        for run in _runs(known):
            points = tuple((x(float(lags[k])), bottom - 4 - (float(values[k]) - floor) * scale) for k in run)
            shapes.append(Polyline(points if len(points) > 1 else points * 2, "curve", 2.0))
        for value in {floor, peak}:
            at = bottom - 4 - (value - floor) * scale
            shapes.append(Text((_LEFT - 8, at), f"{value:.2f}".replace("-", "−"), 10, "quiet", "right"))
        shapes.append(Text((_LEFT - 8, top - 8), "similarity", 10, "ink", "right"))
    return shapes


def advice_on(found: SyncMeasurement, name: str, *, in_report: bool = False) -> str:
    """What to do about what was measured in a file, in one line; ``in_report``: it is read in the report itself.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> late = Estimate(-0.2, (-0.21, -0.19), 0.97, "lips")
    >>> advice_on(SyncMeasurement(late, Fraction(2)), "my talk.mp4")
    "to repair it: genlock sync 'my talk.mp4' --fix 'my talk.repaired.mp4'"
    """
    if needs_repair(found):
        return f"to repair it: genlock sync {shlex.quote(name)} --fix {shlex.quote(repaired_name(name))}"
    if found.estimate.offset_seconds is None:
        return "nothing to repair: look whether sound and picture are of one film, or listen"
    if (found.estimate.probability or 0.0) < VERDICT_PROBABILITY:
        where = "" if in_report else ", in the report of genlock align"
        return f"too unsure to repair: listen to it as it is and moved{where}"
    return "nothing to repair"


def _legend(found: SyncMeasurement, y: float, right: float) -> tuple[list[Shape], int]:
    """What the colours mean, below everything, where no curve passes; and how many rows that takes."""
    entries = [
        ("good", f"EBU R37 at emission, {_span(EMITTED)}"),
        ("accept", f"ITU-R BT.1359, {_span(ACCEPTED)}"),
    ]
    if found.estimate.offset_seconds is not None:
        role = _role(found)
        entries.append((role, f"{'measured' if role == 'found' else 'best guess'}, 90 % interval above"))
    shapes: list[Shape] = []
    left, rows = _LEFT, 1
    for role, text in entries:
        wide = 20 + 9 * _LETTER * len(text)
        if left > _LEFT and left + wide > right:
            left, rows = _LEFT, rows + 1
        at = y + _LEGEND * (rows - 1)
        shapes += [Box(left, at - 5, left + 14, at + 5, role), Text((left + 20, at), text, 9, "quiet")]
        left += wide + 18
    return shapes, rows


def _milliseconds(seconds: float) -> str:
    """A number on an axis.

    >>> _milliseconds(-0.5), _milliseconds(-0.0)
    ('−500', '0')
    """
    return f"{round(1000 * seconds)}".replace("-", "−")


def _role(found: SyncMeasurement) -> str:
    """The colour of what was found: grey where it is less likely right than wrong."""
    return "found" if (found.estimate.probability or 0.0) >= VERDICT_PROBABILITY else "quiet"


def _span(limit: Limit) -> str:
    return f"−{limit.late_seconds * 1000:.0f} to +{limit.early_seconds * 1000:.0f} ms"


def _axis_of_lags(
    within: tuple[float, float], x: _Scale, panel: tuple[float, float], right: float
) -> list[Shape]:
    """The axis below a panel, and its names."""
    top, bottom = panel
    narrow = right + _MARGIN < _NARROW
    shapes: list[Shape] = [Polyline(((_LEFT, bottom), (right, bottom)), "line", 1.0)]
    for lag in round_numbers(*within, 5 if narrow else 9):
        shapes.append(Polyline(((x(lag), bottom), (x(lag), bottom + 5)), "quiet", 1.0))
        shapes.append(Text((x(lag), bottom + 14), _milliseconds(lag), 10, "quiet", "center"))
    name = Text(
        ((_LEFT + right) / 2, bottom + (48 if narrow else 32)),
        "offset of the sound against the picture, ms",
        10.5,
        "ink",
        "center",
    )
    return [
        *shapes,
        Polyline(((x(0), top), (x(0), bottom)), "line", 1.0),
        Text((_LEFT, bottom + 32), "sound late", 10.5, "quiet"),
        name,
        Text((right, bottom + 32), "sound early", 10.5, "quiet", "right"),
    ]


def _time_panel(found: SyncMeasurement, top: float, right: float) -> list[Shape]:
    """The offset of each piece, with its interval, over time."""
    pieces = _thinned([part for part in found.pieces if part.offset_seconds is not None])
    bottom = top + _PANEL
    ends = [end for part in pieces for end in (part.interval_seconds or (0.0, 0.0))] + [0.0]
    low, high = min(ends), max(ends)
    margin = max(0.05 * (high - low), 0.01)
    low, high = low - margin, high + margin
    start, stop = float(found.pieces[0].start), float(found.pieces[-1].end)

    def x(second: float) -> float:
        return _LEFT + (second - start) / max(stop - start, 1e-9) * (right - _LEFT)

    def y(offset: float) -> float:
        return bottom - (min(max(offset, low), high) - low) / (high - low) * _PANEL

    shapes: list[Shape] = [
        Box(_LEFT, y(ACCEPTED.early_seconds), right, y(-ACCEPTED.late_seconds), "accept"),
        Box(_LEFT, y(EMITTED.early_seconds), right, y(-EMITTED.late_seconds), "good"),
        Polyline(((_LEFT, y(0)), (right, y(0))), "line", 1.0),
    ]
    for offset in round_numbers(low, high, 6):
        shapes.append(Text((_LEFT - 8, y(offset)), _milliseconds(offset), 10, "quiet", "right"))
    for part in pieces:
        shapes += _bar(part, x, y)
    for second in round_numbers(start, stop, 4 if right + _MARGIN < _NARROW else 8):
        shapes.append(Polyline(((x(second), bottom), (x(second), bottom + 5)), "quiet", 1.0))
        shapes.append(Text((x(second), bottom + 14), _clock(second), 10, "quiet", "center"))
    shapes.append(
        Text(
            ((_LEFT + right) / 2, bottom + 32),
            "offset over time, ms (up: the sound is early)",
            10.5,
            "ink",
            "center",
        )
    )
    return shapes


def _bar(part: Segment, x: _Scale, y: _Scale) -> list[Shape]:
    middle = x(float(part.start + part.end) / 2)
    offset = part.offset_seconds or 0.0
    low, high = part.interval_seconds or (offset, offset)
    return [
        Polyline(((middle, y(low)), (middle, y(high))), "curve", 1.0),
        Polyline(((x(float(part.start)), y(offset)), (x(float(part.end)), y(offset))), "found", 2.0),
    ]


def _thinned(pieces: Sequence[Segment]) -> Sequence[Segment]:
    """At most as many as can be told apart."""
    return pieces[:: max(1, math.ceil(len(pieces) / _MOST_BARS))]


def _runs(known: np.ndarray) -> list[range]:
    """Stretches without a gap."""
    turns = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return [range(a, b) for a, b in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True)]


def _clock(seconds: float) -> str:
    """An instant on the axis of time.

    >>> _clock(12.5), _clock(600)
    ('12.5 s', '10:00')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{seconds:g} s" if abs(seconds) < 60 else f"{minutes:.0f}:{rest:02.0f}"
