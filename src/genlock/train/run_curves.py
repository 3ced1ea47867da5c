"""The log of a run as curves: a picture, or lines of text for a terminal. Needs no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.json_forms import read_json_file
from genlock.drawing.sheet import Box, Polyline, Shape, Sheet, Text, round_numbers, write_sheet
from genlock.train.run_folder import RUN
from genlock.train.run_log import LOG, read_log

__all__ = ["Curve", "RunCurves", "read_curves", "write_curves"]

Array = npt.NDArray[np.float64]
#: What the log has beside figures.
_NOT_DRAWN = frozenset({"step", "elapsed_seconds", "left_seconds"})
#: A figure of held-out data is drawn into the panel of the same figure of the training.
_HELD_OUT = "valid_"

_PANEL_WIDTH, _PANEL_HEIGHT, _MARGIN = 300.0, 130.0, 62.0
_HEAD, _GAP = 46.0, 52.0
_COLUMNS, _ROWS = 64, 4  # of characters of a curve in a terminal
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of Braille: two columns of four


@dataclass(frozen=True, eq=False)
class Curve:
    """One figure of the log."""

    name: str
    """As the log calls it."""
    steps: npt.NDArray[np.int64]
    """Updates after which it was written, [N]."""
    values: Array
    """Its values, [N]; not a number where the log has null."""

    def to_dict(self) -> dict[str, Any]:
        """``name``, ``count``, and ``first``, ``last``, ``lowest``, ``highest`` of its finite values."""
        known = self.values[np.isfinite(self.values)]
        found = [known[0], known[-1], known.min(), known.max()] if len(known) else [None] * 4
        kinds = ("first", "last", "lowest", "highest")
        return {
            "name": self.name,
            "count": len(self.steps),
            **{kind: None if v is None else float(v) for kind, v in zip(kinds, found, strict=True)},
        }


@dataclass(frozen=True, eq=False)
class RunCurves:
    """The curves of a run; ``str()`` draws them for a terminal."""

    directory: str
    """The run folder."""
    recipe: str
    """What is trained."""
    planned: int
    """Updates that the run is to have."""
    curves: tuple[Curve, ...]
    """Figures, in the order of the log."""
    picture: str | None = None
    """The picture that was written, if one was."""

    @property
    def done(self) -> int:
        """The last update that the log tells of."""
        return max((int(curve.steps[-1]) for curve in self.curves), default=0)

    @property
    def title(self) -> str:
        """What was done of how much."""
        return f"{self.recipe}, {self.done} of {self.planned} updates: {self.directory}"

    def panels(self) -> list[list[Curve]]:
        """Each figure of the training, with that of held-out data where there is one."""
        trained = {c.name: [c] for c in self.curves if not c.name.startswith(_HELD_OUT)}
        for curve in self.curves:
            if curve.name.startswith(_HELD_OUT):
                trained.setdefault(curve.name.removeprefix(_HELD_OUT), []).append(curve)
        return list(trained.values())

    def __str__(self) -> str:
        if self.picture is not None:
            return f"{self.title}\n{self.picture}"
        return "\n".join([self.title, *(line for panel in self.panels() for line in _text_panel(panel))])

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``recipe``, ``steps``, ``planned_steps``, ``figures[]``, ``picture``."""
        return {
            "directory": self.directory,
            "recipe": self.recipe,
            "steps": self.done,
            "planned_steps": self.planned,
            "figures": [curve.to_dict() for curve in self.curves],
            "picture": self.picture,
        }


def read_curves(folder: str | os.PathLike[str]) -> RunCurves:
    """The curves of a run, which may still be going on.

    Parameters
    ----------
    folder : the run folder, or one that holds it as ``run``

    Raises
    ------
    InputError
        If there is no run, or its log is empty.
    """
    given = Path(folder)
    run = next((f for f in (given, given / "run") if (f / RUN).is_file()), None)
    if run is None:
        raise InputError(f"{str(given)!r} holds no run (there is no {RUN}); name the folder that -o named")
    record = read_json_file(run / RUN)
    rows = [row for _, row in read_log(run)]
    names = dict.fromkeys(name for row in rows for name in row if name not in _NOT_DRAWN)
    if not names:
        raise InputError(f"the log {str(run / LOG)!r} has no line yet; wait for the first update")
    return RunCurves(
        str(run),
        str(record.get("recipe", "")),
        int((record.get("loop") or {}).get("steps", 0)),
        tuple(_curve(name, rows) for name in names),
    )


def _curve(name: str, rows: Sequence[Mapping[str, Any]]) -> Curve:
    having = [row for row in rows if name in row]
    values = [math.nan if row[name] is None else float(row[name]) for row in having]
    return Curve(name, np.array([row["step"] for row in having]), np.array(values, np.float64))


# ---------------------------------------------------------------- a picture


def write_curves(run: RunCurves, target: str | os.PathLike[str]) -> None:
    """Write the curves as ``.svg`` or ``.png``: a panel for each figure, held-out data in another colour.

    Where there are more updates than units of width, the line is their mean and the band behind it goes from the
    lowest to the highest.

    Raises OptionError if the target has another ending, OutputError if it cannot be written.
    """
    panels = run.panels()
    wide, tall = _MARGIN + _PANEL_WIDTH + 18, _PANEL_HEIGHT + _GAP
    shapes: list[Shape] = [Text((_MARGIN, 20), run.title, 13, "ink")]
    for number, panel in enumerate(panels):
        shapes += _panel(panel, _MARGIN + (number % 2) * wide, _HEAD + (number // 2) * tall, run.done)
    height = _HEAD + -(-len(panels) // 2) * tall
    write_sheet(target, Sheet(tuple(shapes), 2 * wide, height, f"The log of a run: {run.title}"))


def _panel(panel: Sequence[Curve], left: float, top: float, steps: int) -> Iterator[Shape]:
    right, bottom = left + _PANEL_WIDTH, top + _PANEL_HEIGHT
    low, high = _range(panel)

    def x(step: float) -> float:
        return left + (step - 1) / max(steps - 1, 1) * _PANEL_WIDTH

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * _PANEL_HEIGHT

    yield Box(left, top, right, bottom, "accept")
    for value in round_numbers(low, high, 4):
        yield Polyline(((left, y(value)), (right, y(value))), "line", 1.0)
        yield Text((left - 6, y(value)), f"{value:.4g}", 9, "quiet", "right")
    for step in round_numbers(1, steps, 5):
        if step == round(step):
            yield Text((x(step), bottom + 11), f"{step:g}", 9, "quiet", "center")
    place = left
    for curve in panel:
        colour = "found" if curve.name.startswith(_HELD_OUT) else "curve"
        yield Text((place, top - 9), curve.name, 10.5, colour)
        place += 6.2 * len(curve.name) + 16
        at, columns = _binned(curve, steps, round(_PANEL_WIDTH))
        if (columns[0] < columns[2]).any():
            for step, (least, _, most) in zip(at, columns.T, strict=True):
                yield Polyline(((x(step), y(least)), (x(step), y(most))), "line", 1.0)
        points = [(x(step), y(mean)) for step, mean in zip(at, columns[1], strict=True)]
        if colour == "found" or len(points) == 1:
            for px, py in points:
                yield Box(px - 1.7, py - 1.7, px + 1.7, py + 1.7, colour)
        if len(points) > 1:
            yield Polyline(tuple(points), colour, 1.5)


def _range(panel: Sequence[Curve]) -> tuple[float, float]:
    """Lowest and highest of all finite values, a little apart where they are one."""
    known = np.concatenate([curve.values[np.isfinite(curve.values)] for curve in panel] or [np.zeros(0)])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    margin = 0.0 if high > low else max(abs(low) * 0.1, 1e-9)
    return low - margin, high + margin


def _binned(curve: Curve, steps: int, columns: int) -> tuple[Array, Array]:
    """The finite values in at most so many columns: their mean updates [C], and lowest, mean and highest [3, C]."""
    known = np.isfinite(curve.values)
    at, values = curve.steps[known].astype(np.float64), curve.values[known]
    if not len(at):
        return np.zeros(0), np.zeros((3, 0))
    places = np.minimum((at - 1) * columns // max(steps, 1), columns - 1)
    first = np.flatnonzero(np.diff(places, prepend=-1))
    counts = np.diff(first, append=len(at))
    rows = [
        np.minimum.reduceat(values, first),
        np.add.reduceat(values, first) / counts,
        np.maximum.reduceat(values, first),
    ]
    return np.add.reduceat(at, first) / counts, np.array(rows)


# ---------------------------------------------------------------- a terminal


def _text_panel(panel: Sequence[Curve]) -> Iterator[str]:
    """The first curve of a panel in dots of Braille, and what all of them came to."""
    curve = panel[0]
    low, high = _range([curve])
    newest = [f"{c.name} {c.to_dict()['last']:.4g}" for c in panel if c.to_dict()["last"] is not None]
    yield ""
    yield "   ".join(newest) or f"{curve.name} (not finite)"
    steps = int(curve.steps[-1])
    at, columns = _binned(curve, steps, 2 * _COLUMNS)
    cells = np.zeros((_ROWS, _COLUMNS), np.int64)
    before: int | None = None
    for step, value in zip(at, columns[1], strict=True):
        across = min(int((step - 1) * 2 * _COLUMNS / max(steps, 1)), 2 * _COLUMNS - 1)
        down = round((high - value) / (high - low) * (4 * _ROWS - 1))
        for dot in _between(down if before is None else before, down):
            cells[dot // 4, across // 2] |= _DOTS[across % 2][dot % 4]
        before = down
    edges = {0: f"{high:.4g}", _ROWS - 1: f"{low:.4g}"}
    for number, row in enumerate(cells):
        yield f"{edges.get(number, ''):>10} {''.join(chr(0x2800 + int(cell)) for cell in row).rstrip(chr(0x2800))}"


def _between(before: int, now: int) -> range:
    """Dots from the one before, without it, to this one.

    >>> list(_between(2, 5)), list(_between(5, 2)), list(_between(3, 3))
    ([3, 4, 5], [2, 3, 4], [3])
    """
    if now > before:
        return range(before + 1, now + 1)
    return range(now, max(before, now + 1))
