"""Figures with their confidence intervals, and the tables that they make up."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.json_forms import finite_or_none
from genlock.core.one_line import one_line

__all__ = ["Figure", "Row", "bootstrapped", "machine_card", "share", "table_text"]

_Z = 1.959964  # of a two-sided 95 % interval
_RESAMPLES = 400
_WIDTH = 80  # columns of a terminal


@dataclass(frozen=True)
class Figure:
    """One number and its 95 % confidence interval."""

    value: float
    """The number."""
    low: float | None = None
    """Lower end, or None where there is no interval."""
    high: float | None = None
    """Upper end, or None."""

    def to_dict(self) -> dict[str, float | None]:
        """``value``, ``low``, ``high``; what is not finite is null."""
        return {
            "value": finite_or_none(self.value),
            "low": finite_or_none(self.low),
            "high": finite_or_none(self.high),
        }

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "-"
        text = _short(self.value)
        return (
            text
            if self.low is None or self.high is None
            else f"{text} [{_short(self.low)}, {_short(self.high)}]"
        )


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"


@dataclass(frozen=True)
class Row:
    """What one system or control reached in one protocol."""

    protocol: str
    """Name of the protocol, such as ``P1b, 5 frames``."""
    system: str
    """What was measured: ours, a baseline or a control."""
    cases: int
    """How many trials."""
    figures: Mapping[str, Figure]
    """Its figures by name; shares are 0...1, times are milliseconds."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return {
            "protocol": self.protocol,
            "system": self.system,
            "cases": self.cases,
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
        }


def share(right: Sequence[bool] | npt.NDArray[np.bool_]) -> Figure:
    """Share of trials that are right, with Wilson's score interval (J. Am. Stat. Assoc. 22, 1927).

    >>> str(share([True] * 96 + [False] * 4))
    '0.960 [0.902, 0.984]'
    """
    total = len(right)
    if total == 0:
        return Figure(float("nan"))
    part = float(np.mean(np.asarray(right, bool)))
    middle = (part + _Z**2 / (2 * total)) / (1 + _Z**2 / total)
    half = _Z * sqrt(part * (1 - part) / total + _Z**2 / (4 * total**2)) / (1 + _Z**2 / total)
    return Figure(part, max(0.0, middle - half), min(1.0, middle + half))


def bootstrapped(values: npt.ArrayLike, statistic: Callable[[Any], Any], seed: int = 0) -> Figure:
    """A statistic of trials, with the percentile interval of 400 resamples.

    >>> figure = bootstrapped(np.arange(101.0), np.median)
    >>> figure.value, figure.low < 50 < figure.high
    (50.0, True)
    """
    known = np.asarray(values, np.float64)
    if not len(known):
        return Figure(float("nan"))
    draw = np.random.default_rng(seed)
    again = [float(statistic(known[draw.integers(0, len(known), len(known))])) for _ in range(_RESAMPLES)]
    low, high = np.percentile(again, [2.5, 97.5])
    return Figure(float(statistic(known)), float(low), float(high))


def table_text(rows: Sequence[Row]) -> str:
    """The rows for people, no wider than a terminal: a table for each protocol, of as many figures as fit beside each
    other, and those that do not below them.

    >>> rows = [Row("P2", "always 0", 4, {"exact": Figure(0.25)}), Row("P2", "ours", 4, {"exact": Figure(1.0)})]
    >>> print(table_text(rows))
    P2        cases  exact
    always 0      4  0.250
    ours          4  1.000
    """
    tables: list[str] = []
    for names, run in groupby(rows, lambda row: tuple(row.figures)):
        same = list(run)
        protocols = {row.protocol for row in same}
        if len(protocols) == len(same) > 1 and len({row.system for row in same}) == 1:
            # One system in several protocols: they are the rows.
            turned = [replace(row, protocol=row.system, system=row.protocol) for row in same]
            tables.append(_table_of(same[0].system, turned, names))
            continue
        for protocol, own in groupby(same, lambda row: row.protocol):
            tables.append(_table_of(protocol, list(own), names))
    return "\n\n".join(tables)


def _table_of(protocol: str, rows: Sequence[Row], names: Sequence[str]) -> str:
    first = max(len(protocol), *(len(row.system) for row in rows))
    widths = {name: max(len(name), *(len(str(r.figures[name])) for r in rows)) for name in names}
    lines = []
    for run in _beside(widths, _WIDTH - first - len("  cases")):
        head = "".join(f"  {name:<{widths[name]}}" for name in run)
        lines.append(f"{protocol:<{first}}  cases{head}".rstrip())
        for row in rows:
            cells = "".join(f"  {row.figures[name]!s:<{widths[name]}}" for name in run)
            lines.append(f"{row.system:<{first}}  {row.cases:>5}{cells}".rstrip())
    return "\n".join(lines)


def _beside(widths: Mapping[str, int], room: int) -> list[list[str]]:
    """Names of columns, as many in a run as fit into the room, one at least; one run without any names."""
    runs: list[list[str]] = [[]]
    left = room
    for name, width in widths.items():
        if runs[-1] and width + 2 > left:
            runs.append([])
            left = room
        runs[-1].append(name)
        left -= width + 2
    return runs


def machine_card() -> dict[str, Any]:
    """What a run was made with: versions and machine, nothing that names a person or a place."""
    found: dict[str, Any] = {
        "python": sys.version.split()[0],
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    for package in ("genlock", "numpy", "av"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
