"""Figures with their confidence intervals, and the tables that they make up."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.json_forms import finite_or_none
from genlock.core.one_line import one_line

__all__ = ["Figure", "Row", "bootstrapped", "machine_card", "share", "table_text"]

_Z = 1.959964  # of a two-sided 95 % interval
_RESAMPLES = 400


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
    """The rows for people: a table for each run of rows with the same figures.

    >>> print(table_text([Row("P2", "always 0", 4, {"exact": Figure(0.25)})]))
    protocol      system        cases  exact
    P2            always 0          4  0.250
    """
    lines: list[str] = []
    head: tuple[str, ...] | None = None
    wide_protocol = max([12, *(len(row.protocol) for row in rows)])
    wide_system = max([12, *(len(row.system) for row in rows)])
    widths: list[int] = []
    for number, row in enumerate(rows):
        names = tuple(row.figures)
        if names != head:
            same = [r for r in rows[number:] if tuple(r.figures) == names]
            widths = [max(len(n), *(len(str(r.figures[n])) for r in same)) for n in names]
            cells = "  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))
            title = f"{'protocol':<{wide_protocol}}  {'system':<{wide_system}}  cases  {cells}".rstrip()
            lines += ["", title] if lines else [title]
            head = names
        cells = "  ".join(str(row.figures[n]).ljust(width) for n, width in zip(names, widths, strict=True))
        lines.append(
            f"{row.protocol:<{wide_protocol}}  {row.system:<{wide_system}}  {row.cases:>5}  {cells}".rstrip()
        )
    return "\n".join(lines)


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
