"""How the offset runs through a film: one offset, a steady drift, steps at splices, or an offset for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, pool
from genlock.aligners.drift import Drift, find_drift, find_steps, straightened
from genlock.core.time import exact
from genlock.lipsync.confidence import Confidence, Judgement, bell, judge, log_posterior

__all__ = ["SAME_SECONDS", "Course", "Stretch", "or_none", "running_offsets", "scores_of"]

Array = npt.NDArray[np.float64]

#: Offsets of neighbouring segments that differ by less are one offset.
SAME_SECONDS = 0.045
# A segment between splices is believed from this probability on.
_SEGMENT_PROBABILITY = 0.7
# What lasts so long, and belongs to no mouth with this probability at most, is another sound.
_FOREIGN_SECONDS = 10.0
_FOREIGN_BELONGS = 0.3
# By how much the offset of a few seconds scatters about that of the film, mostly and sometimes, and how often a
# stretch is simply wrong.
_STRETCH_BLUR = 0.02
_STRETCH_TAIL = 0.06
_STRETCH_WRONG = 0.05
# By how much an offset for one more person must explain the film better, in units of log likelihood: less than for a
# splice, whose place is looked for as well.
_PERSON_PENALTY = 3.0
# A drift and a jump that explain a film by less apart than this, in units of log likelihood, are not told apart.
_NEARLY = 2.0
_AS_WELL = "would explain it nearly as well"
# Drifts up to this are looked for; a clock that is off by so much more is rarer by a factor e.
_MOST_DRIFT_PPM = 25_000.0
_RARE_DRIFT_PPM = 1000.0


@dataclass(frozen=True, eq=False)
class Stretch:
    """A few seconds of the film: the curve of each face in it."""

    start: Fraction
    """Where it begins, in exact seconds."""
    end: Fraction
    """Where it ends."""
    curves: Mapping[int | None, LagCurve]
    """By face; None: of the whole picture."""

    @property
    def curve(self) -> LagCurve:
        """The curve of the only face, or of the first."""
        return next(iter(self.curves.values()))


@dataclass(frozen=True, eq=False)
class Course:
    """How the offset runs through the film."""

    at: Fraction
    """The instant at which it is quoted, in exact seconds."""
    pooled: LagCurve
    """The curve of the whole film, with the drift taken out."""
    drift: Drift | None
    """A steady drift; None: none that explains the film better."""
    parts: list[range]
    """Numbers of the stretches between splices; one range: there is no splice."""
    pooled_with: tuple[tuple[int, ...], ...] | None = None
    """The stretches that each part's offset is read off, where they are more than its own: all of the same person, who
    may be seen again and again. None: its own."""
    doubt: str = ""
    """What explains the film nearly as well, in words: a jump where a drift is told, or a drift where a jump is."""

    @classmethod
    def of(
        cls, stretches: Sequence[Stretch], confidence: Confidence, splice_penalty: float, drift_penalty: float
    ) -> Course:
        """Out of stretches of one face each.

        The penalties say by how much two offsets, or a drift, must explain the film better than one offset, in units of
        log likelihood.
        """
        weights = np.array([w.curve.overlap_seconds.max() for w in stretches])
        middles = np.array([float(w.start + w.end) / 2 for w in stretches])
        at = exact(f"{float((weights * middles).sum() / weights.sum()):.6f}")
        curves = [stretch.curve for stretch in stretches]
        pooled = pool(curves)
        whole = range(len(stretches))
        if len(stretches) < 3:
            return cls(at, pooled, None, [whole])
        lags = curves[0].lags_seconds
        scores = scores_of(curves, confidence)
        times = middles - float(at)
        constant = float(scores.sum(axis=0).max())
        drift = find_drift(scores, lags, times, _MOST_DRIFT_PPM)
        dear = drift_penalty + (abs(drift.ppm) / _RARE_DRIFT_PPM if drift else 0.0)
        line = constant + max(0.0, (drift.gain if drift else 0.0) - dear)
        with_none = or_none(scores)
        steps = [rows for rows, _ in find_steps(with_none, splice_penalty)]
        stepped = sum(float(with_none[rows.start : rows.stop].sum(axis=0).max()) for rows in steps)
        stepped -= splice_penalty * (len(steps) - 1)
        people = _People.of(stretches, with_none)
        each = people.score - _PERSON_PENALTY * (len(people.rows) - 1)
        if each > max(line, stepped):
            parts, pooled_with = people.parts(stretches, confidence)
            if len(parts) > 1:
                return cls(at, pooled, None, parts, pooled_with)
        if len(steps) > 1 and stepped > line:
            believed = _believed(stretches, steps, confidence)
            if len(believed) > 1:
                near = drift is not None and len(believed) == 2 and line > stepped - _NEARLY
                doubt = f"a steady drift of {drift.ppm:+.0f} ppm {_AS_WELL}" if drift and near else ""
                return cls(at, pooled, None, believed, doubt=doubt)
        doubt = ""
        if drift is not None and drift.gain > drift_penalty:
            straight = [_straight(c, float(t), drift.ppm) for c, t in zip(curves, times, strict=True)]
            pooled = pool(straight)
            if len(steps) == 2 and stepped > max(line - _NEARLY, constant):
                doubt = f"a jump at about {float(stretches[steps[1].start].start):.0f} s {_AS_WELL}"
        return cls(at, pooled, drift, [whole], doubt=doubt)


@dataclass(frozen=True, eq=False)
class _People:
    """A film cut from several recordings, in which every person has an offset of their own."""

    rows: dict[int | None, list[int]]
    """The stretches of each."""
    score: float
    """How well an offset for each explains the film, in units of log likelihood."""

    @classmethod
    def of(cls, stretches: Sequence[Stretch], scores: Array) -> _People:
        rows: dict[int | None, list[int]] = {}
        for number, stretch in enumerate(stretches):
            rows.setdefault(next(iter(stretch.curves)), []).append(number)
        score = sum(float(scores[own].sum(axis=0).max()) for own in rows.values())
        return cls(rows, score)

    def parts(
        self, stretches: Sequence[Stretch], confidence: Confidence
    ) -> tuple[list[range], tuple[tuple[int, ...], ...]]:
        """The film in parts of one person each, and the stretches that say their offset.

        Neighbours who have the same offset, or of whom nothing sure is known, are one part.
        """
        offsets = {
            face: _sure_offset([stretches[k] for k in own], confidence) for face, own in self.rows.items()
        }
        merged: list[tuple[range, float | None, set[int]]] = []
        for number, stretch in enumerate(stretches):
            face = next(iter(stretch.curves))
            offset, own = offsets[face], set(self.rows[face])
            if merged and (merged[-1][2] == own or _same(merged[-1][1], offset)):
                rows, known, pool_of = merged.pop()
                # The doubtful one says nothing about the offset of its neighbour.
                own = (
                    pool_of | own
                    if (known is None) == (offset is None)
                    else own
                    if known is None
                    else pool_of
                )
                merged.append((range(rows.start, number + 1), known if known is not None else offset, own))
            else:
                merged.append((range(number, number + 1), offset, own))
        return [rows for rows, *_ in merged], tuple(tuple(sorted(own)) for *_, own in merged)


def _sure_offset(group: Sequence[Stretch], confidence: Confidence) -> float | None:
    """The offset of some stretches, where it is believed."""
    found = judge(pool([stretch.curve for stretch in group]), confidence)
    sure = found is not None and found.probability >= _SEGMENT_PROBABILITY
    return found.peak.lag_seconds if found is not None and sure else None


def scores_of(curves: Sequence[LagCurve], confidence: Confidence) -> Array:
    """Log likelihood of each lag in each stretch, [K, L], finite.

    Each stretch is allowed its own small deviation, and a little of being wrong altogether: one that is sure of itself
    must not bend the line of all.
    """
    step = curves[0].step_seconds
    reach = int(np.ceil(3 * _STRETCH_TAIL / step))
    away = np.arange(-reach, reach + 1) * step
    kernel = 0.9 * bell(away, _STRETCH_BLUR) + 0.1 * bell(away, _STRETCH_TAIL)
    rows = []
    for curve in curves:
        score = log_posterior(curve, confidence)
        density = np.exp(score - score.max())
        density = np.convolve(density / density.sum(), kernel, "same")
        rows.append(np.log((1 - _STRETCH_WRONG) * density + _STRETCH_WRONG / len(density)))
    return np.stack(rows)


def running_offsets(
    stretches: Sequence[Stretch], confidence: Confidence, splice_penalty: float, drift_penalty: float
) -> Array | None:
    """The offset in each stretch of one face where a drift or steps explain the film better than one offset, in
    seconds, [K]; NaN where nothing fits. None: one offset explains it as well.

    For estimators that are not sure enough of a few seconds to tell a course, but must not contradict it. Penalties as
    in :meth:`Course.of`.
    """
    if len(stretches) < 2:
        return None
    curves = [stretch.curve for stretch in stretches]
    lags = curves[0].lags_seconds
    scores = scores_of(curves, confidence)
    constant = scores.sum(axis=0)
    with_none = or_none(scores)
    steps = find_steps(with_none, splice_penalty)
    stepped = sum(float(with_none[rows.start : rows.stop, lag].sum()) for rows, lag in steps)
    stepped -= splice_penalty * (len(steps) - 1)
    middles = np.array([float(w.start + w.end) / 2 for w in stretches])
    times = middles - middles.mean()
    drift = find_drift(scores, lags, times, _MOST_DRIFT_PPM)
    line = float(constant.max()) + (drift.gain - drift_penalty if drift is not None else 0.0)
    if max(line, stepped) <= float(constant.max()):
        return None
    if drift is not None and line > stepped:
        level = float(lags[straightened(scores, lags, times, drift.ppm).sum(axis=0).argmax()])
        return np.asarray(level + 1e-6 * drift.ppm * times)
    where = np.append(lags, np.nan)
    return np.concatenate([np.full(len(rows), where[lag]) for rows, lag in steps])


def or_none(scores: Array) -> Array:
    """Scores with one more column, that nothing fits, [K, L + 1]."""
    return np.hstack([scores, np.full((len(scores), 1), -np.log(scores.shape[1]))])


def _believed(stretches: Sequence[Stretch], steps: Sequence[range], confidence: Confidence) -> list[range]:
    """Parts that stand on their own, each with the doubtful ones next to it; those of one offset joined.

    A part in which nothing fits stands on its own as well, if it lasts.
    """
    merged: list[tuple[range, float | None]] = []
    for rows in steps:
        group = stretches[rows.start : rows.stop]
        found = judge(pool([stretch.curve for stretch in group]), confidence)
        sure = found is not None and found.probability >= _SEGMENT_PROBABILITY
        offset = found.peak.lag_seconds if found is not None and sure else None
        if offset is None and _foreign(found, group):
            offset = np.inf
        if merged and _same(merged[-1][1], offset):
            before, known = merged.pop()
            merged.append((range(before.start, rows.stop), known if known is not None else offset))
        else:
            merged.append((rows, offset))
    return [rows for rows, _ in merged]


def _same(before: float | None, offset: float | None) -> bool:
    """Whether two neighbours are one part; None: doubtful, infinite: nothing fits there."""
    if before is None or offset is None:
        return True
    return before == offset or abs(before - offset) < SAME_SECONDS


def _foreign(found: Judgement | None, group: Sequence[Stretch]) -> bool:
    """Whether a part is long enough, and its sound far enough from any mouth, for it to be no mere doubt."""
    lasts = float(group[-1].end - group[0].start) >= _FOREIGN_SECONDS
    return lasts and (found is None or found.belongs < _FOREIGN_BELONGS)


def _straight(curve: LagCurve, seconds: float, ppm: float) -> LagCurve:
    """A curve with the drift up to its time taken out of its lags."""
    known = np.isfinite(curve.values)
    if not known.any():
        return curve
    low = float(curve.values[known].min())
    values = np.where(known, curve.values, low)[None]
    moved = straightened(values, curve.lags_seconds, np.array([seconds]), ppm)[0]
    return LagCurve(curve.lags_seconds, moved, curve.overlap_seconds)
