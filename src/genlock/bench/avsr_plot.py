"""The picture of ``genlock bench avsr``: word error rate over noise, and over how far sound and picture are apart."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from genlock.bench.avsr_words import BOTH, CLEAN, LIPS, SOUND, UNALIGNED
from genlock.bench.figures import Figure, Row
from genlock.drawing.sheet import Box, Polyline, Shape, Sheet, Text, round_numbers, write_sheet

__all__ = ["avsr_sheet", "write_avsr_plot"]

_WIDTH, _LEFT, _RIGHT = 720.0, 64.0, 560.0
_HEAD, _PANEL, _GAP = 40.0, 200.0, 64.0
_COLOURS = {SOUND: "quiet", BOTH: "curve", UNALIGNED: "found", LIPS: "ink"}
_NOISY = re.compile(r"WER, (\w+) (-?[\d.]+) dB")
_SHIFTED = re.compile(r"WER, shift ([+-]\d+), (.+)")

_Line = list[tuple[float, Figure]]


def write_avsr_plot(target: str | os.PathLike[str], rows: Sequence[Row], title: str) -> None:
    """Write the picture of a table; the ending says the form, ``.svg`` or ``.png``.

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written.
    """
    write_sheet(target, avsr_sheet(rows, title))


def avsr_sheet(rows: Sequence[Row], title: str) -> Sheet:
    """One panel for each kind of noise, and one for the shifts; what was not measured has none."""
    wer = {(row.protocol, row.system): row.figures["WER"] for row in rows if "WER" in row.figures}
    panels: list[tuple[str, str, dict[str, _Line]]] = []
    for kind in dict.fromkeys(m[1] for name, _ in wer if (m := _NOISY.fullmatch(name))):
        panels.append((f"word error rate in {kind}", "signal-to-noise ratio, dB", _noise_lines(wer, kind)))
    shifted = [m for name, _ in wer if (m := _SHIFTED.fullmatch(name))]
    if shifted:
        where = f"word error rate, picture moved, {shifted[0][2]}"
        panels.append((where, "frames by which the sound is early", _shift_lines(wer)))
    shapes: list[Shape] = [Text((_LEFT, 18), title[:100], 13, "ink")]
    top = _HEAD
    for name, axis, lines in panels:
        shapes += _panel(name, axis, lines, top)
        top += _PANEL + _GAP
    return Sheet(tuple(shapes), _WIDTH, top, "Word error rates of a recogniser that hears and sees")


def _noise_lines(wer: dict[tuple[str, str], Figure], kind: str) -> dict[str, _Line]:
    lines: dict[str, _Line] = {}
    for (protocol, system), figure in wer.items():
        found = _NOISY.fullmatch(protocol)
        if found and found[1] == kind and system in (SOUND, BOTH):
            lines.setdefault(system, []).append((float(found[2]), figure))
    lips = wer.get((f"WER, {CLEAN}", LIPS))
    levels = sorted(level for line in lines.values() for level, _ in line)
    if lips is not None and levels:
        lines[LIPS] = [(level, lips) for level in (levels[0], levels[-1])]
    return {system: sorted(line, key=lambda point: point[0]) for system, line in lines.items()}


def _shift_lines(wer: dict[tuple[str, str], Figure]) -> dict[str, _Line]:
    lines: dict[str, _Line] = {}
    for (protocol, system), figure in wer.items():
        found = _SHIFTED.fullmatch(protocol)
        if found:
            lines.setdefault(system, []).append((float(found[1]), figure))
    return {system: sorted(line, key=lambda point: point[0]) for system, line in lines.items()}


def _panel(name: str, axis: str, lines: dict[str, _Line], top: float) -> list[Shape]:
    bottom = top + _PANEL
    places = [place for line in lines.values() for place, _ in line] or [0.0]
    low, high = min(places), max(places)
    ends = [
        figure.value if figure.high is None else figure.high for line in lines.values() for _, figure in line
    ]
    most = max([0.05, *ends]) * 1.05

    def x(place: float) -> float:
        return _LEFT + (place - low) / max(high - low, 1e-9) * (_RIGHT - _LEFT)

    def y(rate: float) -> float:
        return bottom - min(max(rate, 0.0), most) / most * (_PANEL - 20)

    shapes: list[Shape] = [
        Text((_LEFT, top + 6), name, 11, "ink"),
        Polyline(((_LEFT, bottom), (_RIGHT, bottom)), "line", 1.0),
        Text(((_LEFT + _RIGHT) / 2, bottom + 34), axis, 10.5, "ink", "center"),
    ]
    for rate in round_numbers(0.0, most, 5):
        shapes.append(Polyline(((_LEFT - 4, y(rate)), (_RIGHT, y(rate))), "line", 0.6))
        shapes.append(Text((_LEFT - 8, y(rate)), f"{100 * rate:.0f} %", 10, "quiet", "right"))
    for place in round_numbers(low, high, 9):
        shapes.append(Text((x(place), bottom + 14), f"{place:g}", 10, "quiet", "center"))
    for number, (system, line) in enumerate(lines.items()):
        colour = _COLOURS.get(system, "ink")
        for place, figure in line:
            if figure.low is not None and figure.high is not None:
                shapes.append(Polyline(((x(place), y(figure.low)), (x(place), y(figure.high))), colour, 0.8))
        points = tuple((x(place), y(figure.value)) for place, figure in line)
        shapes.append(Polyline(points if len(points) > 1 else points * 2, colour, 2.0))
        at = top + 30 + 18 * number
        shapes.append(Box(_RIGHT + 14, at - 2, _RIGHT + 34, at + 2, colour))
        shapes.append(Text((_RIGHT + 40, at), system, 10.5, "ink"))
    return shapes
