"""The end of training a lips-sound model, linear or towers: its confidence, its figures, its file and its card."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from genlock.core.files import write_text
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.linear import LinearModel, LinearSync
from genlock.lipsync.estimators.tower import TowerModel
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, with_offset
from genlock.train.lipsync.calibration import calibrate, estimator_of
from genlock.train.lipsync.parts import LEAST_CLIPS, Parts
from genlock.train.options import LipSyncTraining

__all__ = ["SyncFigures", "SyncTrained", "finish", "measure"]

Model = TypeVar("Model", LinearModel, TowerModel)


@dataclass(frozen=True)
class SyncFigures:
    """What a model reaches on the clips kept for reporting, with offsets drawn evenly from +-600 ms."""

    films: int
    """How many."""
    right: float
    """Share of offsets within 40 ms of the planted one, 0...1, abstained ones counted as wrong."""
    median_error_seconds: float
    """Median of the absolute error."""
    covered: float
    """Share of the stated 90 % intervals that hold the truth, 0...1."""

    def __str__(self) -> str:
        return (
            f"{self.films} shifts even in +-600 ms: {self.right:.1%} within 40 ms, median error "
            f"{1000 * self.median_error_seconds:.1f} ms, {self.covered:.0%} of the stated 90 % intervals hold the truth"
        )


@dataclass(frozen=True)
class SyncTrained:
    """What ``genlock train sync`` made."""

    path: Path
    """The model file."""
    card: Path
    """What there is to know about it, for people."""
    clips: Mapping[str, int]
    """How many clips each part had."""
    figures: SyncFigures | None
    """On the part that was kept for reporting; None if it had fewer than four clips."""
    notes: tuple[str, ...] = ()
    """What else its reader should know, such as clips that were left out."""

    __repr__ = one_line

    def __str__(self) -> str:
        return "\n".join([self._sentence(), *self.notes])

    def _sentence(self) -> str:
        said = f"{self.path}: trained on {self.clips['train']} clips, calibrated on {self.clips['calibrate']}"
        if self.figures is None:
            return f"{said}; too few clips to report on"
        f = self.figures
        return (
            f"{said}; on {self.clips['report']} others: {f.right:.1%} of {f.films} shifts within 40 ms, "
            f"median error {1000 * f.median_error_seconds:.0f} ms, {f.covered:.0%} of the 90 % intervals hold"
        )

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``card``, ``clips``, ``figures``, ``notes``."""
        return {
            "path": str(self.path),
            "card": str(self.card),
            "clips": dict(self.clips),
            "figures": None if self.figures is None else asdict(self.figures),
            "notes": list(self.notes),
        }


def finish(
    model: Model,
    save: Callable[[Model, Path], None],
    card: str,
    words: Mapping[str, Any],
    parts: Parts,
    folder: str | os.PathLike[str],
    training: LipSyncTraining,
    seed: int,
    progress: Progress = silent,
    notes: Sequence[str] = (),
) -> SyncTrained:
    """Calibrate and measure a model, and write it with its card.

    Parameters
    ----------
    save : writes the model to a file
    card, words : the text of the card, and what stands in it for names in braces; the data, the seed, the size of the
        model in kB, the figures and the numbers of clips by part are known here
    folder : gets ``model.npz`` and ``MODEL_CARD.md``

    Raises OutputError if the folder cannot be written.
    """
    model = calibrate(
        model,
        parts["calibrate"],
        training.trials,
        seed,
        lambda done, total: progress("calibrate", done, total),
    )
    clips: dict[str, int] = {part: len(found) for part, found in parts.items()}
    enough = clips["report"] >= LEAST_CLIPS
    figures = measure(estimator_of(model), parts["report"], seed=seed) if enough else None
    facts = {**model.facts, "parts": clips, "figures": None if figures is None else asdict(figures)}
    target = Path(folder)
    trained = SyncTrained(target / "model.npz", target / "MODEL_CARD.md", clips, figures, tuple(notes))
    save(replace(model, facts=facts), trained.path)
    known = {
        "data": training.data.rstrip("."),
        "seed": seed,
        "size_kb": trained.path.stat().st_size / 1000,
        "spread": 1000 * float(model.facts["spread_of_clips_seconds"]),
        "figures": figures or "too few clips",
    }
    write_text(trained.card, card.format(**clips, **known, **words))
    return trained


def measure(
    estimator: LinearSync, clips: Mapping[str, Evidence], times: int = 2, seed: int = 0
) -> SyncFigures:
    """Figures on ``clips``, each ``times`` times with another offset; what the shift moves out of a clip is lost."""
    confidence = Confidence.of(estimator.calibration)
    random = np.random.default_rng(seed)
    errors, covered = [], []
    for name in sorted(clips) * times:
        whole = clips[name]
        offset = Fraction(int(random.uniform(-6e5, 6e5)), 1_000_000)
        curve = estimator.cues(cut(with_offset(whole, offset), whole.start, whole.end))[0].curve
        found = None if curve is None else judge(curve, confidence)
        if found is None:
            errors.append(np.inf)
            continue
        errors.append(abs(found.peak.lag_seconds - float(offset)))
        low, high = found.interval_seconds
        covered.append(low <= offset <= high)
    right = float(np.mean(np.array(errors) <= 0.04))
    return SyncFigures(
        len(errors), right, float(np.median(errors)), float(np.mean(covered)) if covered else 0.0
    )
