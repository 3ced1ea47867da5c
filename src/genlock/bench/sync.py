"""``genlock bench sync DATASET``: how well the offset of sound and picture is found, beside what finds nothing.

A data set is a folder of clips that are believed to be in step, or that have their truth beside them
(``CLIP.truth.json``, as ``genlock synth signals`` writes it).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genlock.bench.figures import Row, bootstrapped, machine_card, table_text
from genlock.bench.registry import Bench
from genlock.bench.retrieval import always_zero as retrieval_always_zero
from genlock.bench.retrieval import chance_rows, lips_rows, p1_rows, p2_rows, untrained_rows
from genlock.bench.tool import (
    BenchClip,
    Trial,
    abstention_row,
    always_zero,
    antisymmetry_row,
    coverage_rows,
    draw_shifts,
    foreign_trials,
    measure,
    p6_row,
    silent_trials,
    trials_of,
    untrained,
)
from genlock.core.errors import InputError, MediaError, OptionError
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import with_offset, with_sound_of
from genlock.synth.signals.truth import SyncTruth, find_truths
from genlock.tasks.files import expand_files

__all__ = ["BENCH_VERSION", "SYNC", "SyncBench", "SyncBenchOptions", "bench_sync", "run_protocols"]

#: Raised whenever the protocols change: runs of different versions do not compare.
BENCH_VERSION = 2


@dataclass(frozen=True)
class SyncBenchOptions:
    """What is run."""

    limit: int | None = None
    """Take so many clips, drawn by the seed; None: all."""
    part: Literal["all", "report"] = "all"
    """``report`` leaves out the clips on which the built-in model was trained or calibrated, by their names."""
    reach_seconds: float = 0.6
    """Planted offsets of P6 lie within +- so many seconds, above 0, at most 1.5."""
    lengths: tuple[float, ...] = (2.0, 4.0)
    """Seconds to which clips are cut for P6, besides their whole length."""
    retrieval: bool = True
    """Whether P1, P1b and P2 are run too."""
    seed: int = 0
    """Seed of all that is drawn, not below zero."""

    def __post_init__(self) -> None:
        if not 0 < self.reach_seconds <= 1.5 or self.seed < 0 or (self.limit is not None and self.limit < 1):
            raise OptionError(
                f"reach_seconds={self.reach_seconds} must lie in 0...1.5, seed={self.seed} not below 0, "
                f"limit={self.limit} at least 1"
            )
        if any(not 0.5 <= length <= 600 for length in self.lengths):
            raise OptionError(f"lengths={self.lengths} lie outside 0.5...600 s")


@dataclass(frozen=True)
class SyncBench:
    """What a run found."""

    table: tuple[Row, ...]
    """One row a system or control."""
    failures: tuple[Trial, ...]
    """Trials of the tool on whole clips that were more than 80 ms off, or not answered."""
    left_out: tuple[str, ...]
    """Clips that could not be used, with the reason."""
    card: dict[str, Any] = field(default_factory=dict)
    """What was run, on what, with what."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``table[]``, ``failures[]``, ``left_out[]``, ``run``."""
        return {
            "table": [row.to_dict() for row in self.table],
            "failures": [trial.to_dict() for trial in self.failures],
            "left_out": list(self.left_out),
            "run": self.card,
        }

    def __str__(self) -> str:
        lines = [table_text(self.table)]
        if self.failures:
            count = len(self.failures)
            lines.append(f"\n{count} failure{'' if count == 1 else 's'} (more than 80 ms off, or no answer):")
        for trial in self.failures:
            truth = "none" if trial.truth_seconds is None else f"{1000 * trial.truth_seconds:+.0f} ms"
            found = trial.answer.offset_seconds
            said = (
                trial.answer.reason
                if found is None
                else f"{1000 * found:+.0f} ms, p {trial.answer.probability:.2f}"
            )
            lines.append(f"  {trial.clip}: truth {truth}, said {said}")
        lines += [f"left out: {reason}" for reason in self.left_out]
        return "\n".join(lines)


def bench_sync(
    dataset: str | os.PathLike[str],
    options: SyncBenchOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    read: Callable[[str], Sequence[Evidence]] | None = None,
) -> SyncBench:
    """Run the protocols on a folder of clips; ``output`` is a JSON file that keeps the run.

    Parameters
    ----------
    read : how evidence comes from a file, for those who keep it;
    :func:`genlock.lipsync.evidence.collect.gather` if not given

    Raises
    ------
    InputError
        If no clip of the folder can be used.
    """
    how = options or SyncBenchOptions()
    files, _ = expand_files([os.fspath(dataset)])
    files = _chosen(files, how)
    truths = (
        {os.fspath(path): truth for path, truth in find_truths(dataset).items()}
        if Path(dataset).is_dir()
        else {}
    )
    found: list[tuple[str, tuple[Evidence, ...], SyncTruth | None]] = []
    left_out: list[str] = []
    for number, file in enumerate(files):
        progress("read", number, len(files))
        try:
            pieces = tuple((read or gather)(file))
        except MediaError as error:
            left_out.append(f"{Path(file).name}: {error}")
            continue
        if pieces and pieces[0].mel is not None and pieces[0].frames is not None:
            found.append((Path(file).name, pieces, truths.get(file)))
        else:
            lacking = "sound" if not pieces or pieces[0].mel is None else "picture"
            left_out.append(f"{Path(file).name}: it has no {lacking}")
    if not found:
        raise InputError(f"no clip of {os.fspath(dataset)!r} can be used: {'; '.join(left_out[:3])}")
    result = run_protocols(found, how, progress)
    card = {
        "bench": "sync",
        "version": BENCH_VERSION,
        "dataset": Path(dataset).name,
        "clips": len(found),
        "with_truth": sum(truth is not None for *_, truth in found),
        "options": _plain(asdict(how)),
        **machine_card(),
    }
    done = SyncBench(result.table, result.failures, tuple(left_out), card)
    if output is not None:
        write_json(output, done.to_dict())
    return done


def _chosen(files: Sequence[str], how: SyncBenchOptions) -> list[str]:
    kept = [file for file in files if how.part == "all" or split_by_name(Path(file).stem) == "test"]
    if how.limit is not None and how.limit < len(kept):
        draw = np.random.default_rng([how.seed, 9])
        kept = [kept[k] for k in sorted(draw.choice(len(kept), how.limit, replace=False).tolist())]
    return kept


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


# ---------------------------------------------------------------- the protocols


def run_protocols(
    found: Iterable[tuple[str, Sequence[Evidence], SyncTruth | None]],
    options: SyncBenchOptions | None = None,
    progress: Progress = silent,
) -> SyncBench:
    """All protocols on evidence that is there already: name, pieces, and the truth if it is known, of each clip."""
    how = options or SyncBenchOptions()
    clips: list[BenchClip] = []
    known: list[tuple[str, Sequence[Evidence], SyncTruth]] = []
    for name, pieces, truth in found:
        if truth is not None:
            known.append((name, pieces, truth))
        if truth is None or (truth.offset_seconds is not None and not truth.drift_ppm and _is_plain(truth)):
            own = Fraction(0) if truth is None else exact(truth.offset_seconds or 0)
            clips.append(BenchClip(name, tuple(with_offset(piece, -own) for piece in pieces)))
    rows: list[Row] = []
    failures: list[Trial] = []
    if known:
        table, missed = _as_they_are(known, how)
        rows += table
        failures += missed
    if how.retrieval:
        rows += _retrieval(clips, how)
    if clips:
        progress("measure", 0, len(clips))
        table, missed = _tool(clips, how, progress)
        rows += table
        failures += missed
    return SyncBench(tuple(rows), tuple(failures), ())


def _is_plain(truth: SyncTruth) -> bool:
    """Whether one offset holds throughout: no splice."""
    return truth.warp is not None and len(truth.warp.pieces()) <= 2


def _as_they_are(
    known: Sequence[tuple[str, Sequence[Evidence], SyncTruth]], how: SyncBenchOptions
) -> tuple[list[Row], list[Trial]]:
    """Clips with their own planted truth, as they came."""
    trials, drifts = [], []
    for name, pieces, truth in known:
        answer = measure(pieces)
        offset = truth.offset_seconds
        trials.append(Trial(name, None if offset is None else float(offset), answer))
        if truth.drift_ppm and answer.drift_ppm is not None:
            drifts.append(abs(answer.drift_ppm - truth.drift_ppm))
    right = [trial for trial in trials if trial.truth_seconds is not None]
    wrong = [trial for trial in trials if trial.truth_seconds is None]
    rows = [p6_row("planted truth", "genlock", right, how.seed)] if right else []
    if drifts:
        from_drift = Row(
            "planted drift",
            "genlock",
            len(drifts),
            {"median error ppm": bootstrapped(drifts, np.median, how.seed)},
        )
        rows.append(from_drift)
    if wrong:
        rows.append(abstention_row("no offset is right", "genlock", wrong))
    return rows, _missed(trials)


def _retrieval(clips: Sequence[BenchClip], how: SyncBenchOptions) -> list[Row]:
    estimator = LipsSync()
    pieces = [clip.pieces[0] for clip in clips]
    order = np.random.default_rng([how.seed, 10]).permutation(len(clips)).tolist()
    foreign = [with_sound_of(pieces[a], pieces[b]) for a, b in zip(order, np.roll(order, 1), strict=True)]
    ours = [lips_rows(piece, estimator) for piece in pieces]
    draw = np.random.default_rng([how.seed, 11])
    systems = {
        "lips model": ours,
        "untrained correlation": [untrained_rows(piece) for piece in pieces],
        "chance": [None if rows is None else chance_rows(rows, draw) for rows in ours],
        "shuffled: another clip's sound": [lips_rows(piece, estimator) for piece in foreign]
        if len(clips) > 1
        else [],
    }
    rows: list[Row] = []
    zero = retrieval_always_zero(sum(r is not None for r in ours))
    for system, each in systems.items():
        there = [one for one in each if one is not None]
        if there:
            rows += p1_rows(system, there, False, how.seed) + p1_rows(system, there, True, how.seed)
            rows.append(p2_rows(system, there, how.seed)[0])
    if not rows:
        return []
    return sorted([*rows, *zero], key=_in_order)


def _in_order(row: Row) -> tuple[str, int]:
    name, _, context = row.protocol.partition(",")
    number = context.split()[0] if context else "0"
    return name, int(number)


def _tool(
    clips: Sequence[BenchClip], how: SyncBenchOptions, progress: Progress
) -> tuple[list[Row], list[Trial]]:
    shifts = draw_shifts(2 * len(clips), how.reach_seconds, how.seed)
    there, back = shifts[::2], shifts[1::2]
    rows: list[Row] = []
    whole = trials_of(measure, clips, there, None, how.seed)
    progress("measure", len(clips) // 2, len(clips))
    for seconds in (*how.lengths, None):
        name = "P6, whole clips" if seconds is None else f"P6, {seconds:g} s"
        ours = whole if seconds is None else trials_of(measure, clips, there, seconds, how.seed)
        if not ours:
            continue
        rows.append(p6_row(name, "genlock", ours, how.seed))
        rows.append(
            p6_row(
                name, "untrained correlation", trials_of(untrained, clips, there, seconds, how.seed), how.seed
            )
        )
        rows.append(
            p6_row(name, "always 0", trials_of(always_zero, clips, there, seconds, how.seed), how.seed)
        )
    foreign = foreign_trials(measure, clips, how.seed)
    if foreign:
        rows.append(abstention_row("P6, shuffled: another clip's sound", "genlock", foreign))
    rows.append(abstention_row("P6, silence", "genlock", silent_trials(measure, clips)))
    opposite = trials_of(measure, clips, back, None, how.seed)
    rows.append(antisymmetry_row("P6, shift and its opposite", "genlock", whole, opposite, how.seed))
    rows += coverage_rows("P6, whole clips", "genlock", whole)
    progress("measure", len(clips), len(clips))
    return rows, _missed(whole)


def _missed(trials: Sequence[Trial]) -> list[Trial]:
    kept = []
    for trial in trials:
        error = trial.error_seconds
        if trial.truth_seconds is None:
            if trial.answer.offset_seconds is not None:
                kept.append(trial)
        elif error is None or abs(error) > 0.08:
            kept.append(trial)
    return kept


SYNC = Bench(
    "sync",
    "offsets of sound and picture: retrieval P1, P1b, P2, and the whole tool, P6, with baselines",
    SyncBenchOptions,
    bench_sync,
    "Folder of clips believed to be in step, or with their truth beside them.",
)
