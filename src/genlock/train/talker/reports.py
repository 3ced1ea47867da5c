"""Figures over clips and speakers, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.json_forms import finite_or_none
from genlock.core.one_line import one_line
from genlock.metrics.landmarks import ClosureScores

__all__ = ["Report", "Row", "over_seeds", "report"]

Numbers: TypeAlias = npt.NDArray[np.float64]

_DRAWS = 2000
# Draws that are computed at a time: what they need of memory stays small with many clips.
_AT_ONCE = 100
_COLUMNS = (
    "mouth_lmd",
    "mean_lmd",
    "speaker_mean_lmd",
    "correlation",
    "energy",
    "velocity_error",
    "lag_seconds",
)
_COUNTS = ("made", "wanted", "false_runs", "runs")


def _no_closures() -> ClosureScores:
    return ClosureScores(0, 0, 0, 0)


@dataclass(frozen=True)
class Row:
    """One made clip against the true one, with the speaker's mean face beside it."""

    clip: str
    """Its name."""
    speaker: str
    """Who speaks."""
    mouth_lmd: float
    """Mean distance of the lips' points, eye distances."""
    mean_lmd: float
    """The same of a face that does not move: the mean of this very clip."""
    speaker_mean_lmd: float
    """The same of the mean of all of this speaker's clips that are reported on."""
    correlation: float
    """Of the opening."""
    energy: float
    """Of motion, against the true one."""
    velocity_error: float
    """Eye distances per second."""
    lag_seconds: float | None
    """How late the lips are; None where it cannot be told."""
    closures: ClosureScores = field(default_factory=_no_closures)
    """Whether the lips close where they should."""


@dataclass(frozen=True)
class Report:
    """Means over clips, with 95 % intervals over clips drawn anew."""

    clips: int
    speakers: int
    figures: Mapping[str, tuple[float, float, float]]
    """By name: the figure, and its interval; NaN where nothing tells it."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form; what nothing tells is null."""
        named = {
            name: dict(zip(("value", "low", "high"), map(finite_or_none, figure), strict=True))
            for name, figure in self.figures.items()
        }
        return {"clips": self.clips, "speakers": self.speakers, **named}

    def __str__(self) -> str:
        shown = [f"{name} {v:.3f} ({a:.3f} to {b:.3f})" for name, (v, a, b) in self.figures.items()]
        return f"{self.clips} clips of {self.speakers} speakers: {'; '.join(shown)}"


def report(rows: Sequence[Row], seed: int = 0) -> Report:
    """Figures over clips; where there are several speakers, every speaker counts the same, and speakers are drawn too.

    ``mouth_lmd_below_mean`` is the share by which the error of the lips lies below that of the clip's own mean face,
    which knows the clip; ``..._speaker_mean`` below that of the mean of all the speaker's clips. Closures are pooled
    over a speaker's clips.

    >>> row = Row("a", "s1", 0.01, 0.02, 0.03, 0.9, 1.0, 0.1, None, ClosureScores(4, 3, 2, 0))
    >>> found = report([row, row]).figures
    >>> found["mouth_lmd_below_mean"], found["closures"][0], bool(np.isnan(found["lag_ms"][0]))
    ((0.5, 0.5, 0.5), 0.75, True)
    """
    random = np.random.default_rng(seed)
    speakers = sorted({row.speaker for row in rows})
    own = [np.array([_numbers(row) for row in rows if row.speaker == speaker]) for speaker in speakers]
    every = [_figures(table[None]) for table in own]
    value = {name: float(_mean(np.concatenate([one[name] for one in every]))) for name in every[0]}
    parts = [_drawn(own, _AT_ONCE, random) for _ in range(_DRAWS // _AT_ONCE)] if len(rows) > 1 else [value]
    found = {}
    for name in value:
        draws = np.concatenate([np.atleast_1d(part[name]) for part in parts])
        known = draws[np.isfinite(draws)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        found[name] = (value[name], float(low), float(high))
    return Report(len(rows), len(speakers), found)


def over_seeds(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several trainings of one recipe as one: of each clip the mean, and all closures.

    Raises OptionError if the runs have not the same clips.
    """
    names = {frozenset((row.speaker, row.clip) for row in rows) for rows in runs}
    if len(names) != 1 or len({len(rows) for rows in runs}) != 1:
        raise OptionError("the runs were not reported on the same clips: their means would compare nothing")
    ordered = [sorted(rows, key=lambda row: (row.speaker, row.clip)) for rows in runs]
    found = []
    for same in zip(*ordered, strict=True):
        numbers = np.array([_numbers(row) for row in same])
        means = [float(value) for value in _mean(numbers, axis=0)[: len(_COLUMNS)]]
        lag = means[-1] if np.isfinite(means[-1]) else None
        closures = _no_closures()
        for row in same:
            closures += row.closures
        named: dict[str, Any] = dict(zip(_COLUMNS, [*means[:-1], lag], strict=True))
        found.append(replace(same[0], **named, closures=closures))
    return found


def _numbers(row: Row) -> list[float]:
    lag = np.nan if row.lag_seconds is None else row.lag_seconds
    counts = [float(getattr(row.closures, name)) for name in _COUNTS]
    return [*(float(getattr(row, name)) for name in _COLUMNS[:-1]), lag, *counts]


def _drawn(own: Sequence[Numbers], draws: int, random: np.random.Generator) -> dict[str, Numbers]:
    """Each figure of so many draws of speakers, and of clips of each of them."""
    several = len(own) > 1
    chosen = random.integers(len(own), size=(draws, len(own))) if several else np.zeros((draws, 1), np.int64)
    sums: dict[str, Numbers] = {}
    for number, table in enumerate(own):
        at = np.nonzero(chosen == number)
        if not len(at[0]):
            continue
        clips = random.integers(len(table), size=(len(at[0]), len(table)))
        for name, values in _figures(table[clips]).items():
            sums.setdefault(name, np.full(chosen.shape, np.nan))[at] = values
    return {name: _mean(values, axis=1) for name, values in sums.items()}


def _figures(tables: Numbers) -> dict[str, Numbers]:
    """Figures of one speaker from the numbers of clips, [draws, clips, columns]; [draws] each."""
    column = {name: tables[..., number] for number, name in enumerate((*_COLUMNS, *_COUNTS))}
    error = _mean(column["mouth_lmd"], axis=1)
    count = {name: column[name].sum(axis=1) for name in _COUNTS}
    return {
        "mouth_lmd_below_mean": 1 - error / _mean(column["mean_lmd"], axis=1),
        "mouth_lmd_below_speaker_mean": 1 - error / _mean(column["speaker_mean_lmd"], axis=1),
        "mouth_lmd": error,
        "correlation": _mean(column["correlation"], axis=1),
        "energy": _mean(column["energy"], axis=1),
        "velocity_error": _mean(column["velocity_error"], axis=1),
        "lag_ms": 1000 * _median(column["lag_seconds"]),
        "closures": _share(count["made"], count["wanted"]),
        "false_closures": _share(count["false_runs"], count["runs"]),
    }


def _share(some: Numbers, of: Numbers) -> Numbers:
    """NaN where there is nothing to be a share of."""
    return np.where(of > 0, some / np.maximum(of, 1), np.nan)


def _mean(values: Numbers, axis: int | None = None) -> Numbers:
    """Of the numbers that are known; NaN where none is."""
    known = np.isfinite(values)
    return _share(np.where(known, values, 0).sum(axis=axis), np.asarray(known.sum(axis=axis), np.float64))


def _median(values: Numbers) -> Numbers:
    """Along the last axis, of the numbers that are known; NaN where none is."""
    known = np.isfinite(values).sum(axis=-1, keepdims=True)
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf), axis=-1)
    low, high = (
        np.take_along_axis(ordered, np.maximum(each, 0), axis=-1) for each in ((known - 1) // 2, known // 2)
    )
    high = np.where(known % 2, low, high)
    return np.where(known > 0, (low + high) / 2, np.nan)[..., 0]
