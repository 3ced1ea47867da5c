"""What benchmarks of talkers share: rows of one talker on clips beside its controls, seeds, and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.json_forms import read_json_file, write_json
from genlock.core.track import Track
from genlock.metrics.landmarks import ClosureScores
from genlock.train.talker.reports import Row, over_seeds, report

COLUMNS = (
    "mouth_lmd_below_speaker_mean",
    "mouth_lmd_below_mean",
    "correlation",
    "energy",
    "closures",
    "false_closures",
    "lag_ms",
)
# Student's t of two-sided 95 % intervals, by the number of seeds.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


def times(track: Track, factor: float) -> Track:
    """Weights that go further."""
    return track.map(lambda values: np.asarray(values * np.float32(factor), np.float32))


def header() -> None:
    """The first lines of the table."""
    print(f"| | clips | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")


def print_rows(name: str, runs: Sequence[Sequence[Row]], seed: int = 0) -> None:
    """A line of the mean over seeds, with its interval over clips and speakers; below it the seeds one by one, and
    the mean of their figures with its interval over seeds."""
    both = over_seeds(runs) if len(runs) > 1 else list(runs[0])
    figures = report(both, seed).figures
    who = len({row.speaker for row in both})
    _line(f"{name}, {who} speaker{'s' * (who > 1)}", len(both), [figures[c] for c in COLUMNS])
    if len(runs) > 1:
        each = [report(rows, seed).figures for rows in runs]
        _line("... over seeds", len(runs), [_over([one[c][0] for one in each]) for c in COLUMNS])


def print_speakers(runs: Sequence[Sequence[Row]]) -> None:
    """Speaker by speaker."""
    both = over_seeds(runs) if len(runs) > 1 else list(runs[0])
    for speaker in sorted({row.speaker for row in both}):
        theirs = [row for row in both if row.speaker == speaker]
        values = report(theirs).figures
        print(f"| {speaker} | {len(theirs)} | {' | '.join(_number(c, values[c][0]) for c in COLUMNS)} |")


def _line(name: str, count: int, figures: Sequence[tuple[float, float, float]]) -> None:
    cells = [
        f"{_number(c, v)} ({_number(c, a)} to {_number(c, b)})"
        for c, (v, a, b) in zip(COLUMNS, figures, strict=True)
    ]
    print(f"| {name} | {count} | {' | '.join(cells)} |", flush=True)


def _over(values: Sequence[float]) -> tuple[float, float, float]:
    half = _T.get(len(values), 1.96) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    mean = float(np.mean(values))
    return mean, mean - half, mean + half


def _number(column: str, value: float) -> str:
    return f"{value:.1f}" if column.endswith("_ms") else f"{value:.3f}"


def kept(file: Path, about: Mapping[str, object]) -> dict[str, list[Row]] | None:
    """Rows that were computed before of the same, by what made them; None: there are none."""
    if not file.is_file():
        return None
    data = read_json_file(str(file))
    if data["about"] != dict(about):
        return None
    return {name: [_row(row) for row in rows] for name, rows in data["rows"].items()}


def keep(file: Path, about: Mapping[str, object], rows: Mapping[str, Sequence[Row]]) -> None:
    """Keep rows for :func:`kept`; what is not known is null."""
    told = {
        name: [{k: None if v != v else v for k, v in asdict(row).items()} for row in each]
        for name, each in rows.items()
    }
    write_json(str(file), {"about": dict(about), "rows": told})


def _row(told: Mapping[str, Any]) -> Row:
    values = {k: float("nan") if v is None and k != "lag_seconds" else v for k, v in told.items()}
    return Row(**{**values, "closures": ClosureScores(**told["closures"])})
