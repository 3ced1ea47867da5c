"""Offsets that change in time: a steady drift, and jumps, from scores over lags of one stretch after the other.

A score says how likely a lag is in a stretch (its logarithm, up to a constant); scores of stretches add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["Drift", "find_drift", "find_steps", "straightened"]

Array = npt.NDArray[np.float64]

# A candidate drift moves the ends by this much more than the one before it.
_END_STEP_SECONDS = 0.004
# Of these candidates every fourth is tried first, and those between where one comes so near the best (log likelihood).
_COARSE = 4
_COARSE_MARGIN = 50.0
# More stretches than this are added up in groups first: hours of film, a minute or so each.
_MOST_ROWS = 200
# What is expected of the rows' scatter about a line before any is seen, as a share of the variance that scores state
# (joined GRID clips: .3), and how many rows that expectation is worth.
_USUAL_SCATTER = 0.5
_USUAL_ROWS = 5
# Neighbours deviate alike so long as one person or one shot is seen; so many rows at most are looked at for that.
_MOST_ALIKE = 12


@dataclass(frozen=True)
class Drift:
    """The best steady drift, and how much better it is than none."""

    ppm: float
    """Growth of the lag, in millionths of the time."""
    interval_ppm: tuple[float, float]
    """90 % interval."""
    gain: float
    """Score of the best line less that of the best constant lag; at least 0."""


def straightened(scores: Array, lags_seconds: Array, times_seconds: Array, ppm: float) -> Array:
    """Scores [K, L] with a drift taken out: row k's lags are those at time 0.

    What lies beyond the lags is the row's lowest score.

    Parameters
    ----------
    times_seconds : of the rows, from the instant at which the offset is quoted, [K]

    >>> rows = np.eye(3)
    >>> straightened(rows, np.array([-0.1, 0.0, 0.1]), np.array([-1000.0, 0.0, 1000.0]), 100.0).argmax(axis=1).tolist()
    [1, 1, 1]
    """
    step = (lags_seconds[-1] - lags_seconds[0]) / (len(lags_seconds) - 1)
    place = np.arange(len(lags_seconds))[None] + (1e-6 * ppm / step) * times_seconds[:, None]
    left = np.floor(place + 1e-9).astype(np.int64)
    share = np.clip(place - left, 0.0, 1.0)
    last = len(lags_seconds) - 1
    inside = (place >= -1e-6) & (place <= last + 1e-6)
    # By cubics (Catmull and Rom): straight lines cut the tops off between lags, which would favour drifts of zero.
    before, low, high, after = (
        np.take_along_axis(scores, np.clip(left + k, 0, last), axis=1) for k in (-1, 0, 1, 2)
    )
    slope_low, slope_high = (high - before) / 2, (after - low) / 2
    square, cube = share**2, share**3
    moved = (2 * cube - 3 * square + 1) * low + (cube - 2 * square + share) * slope_low
    moved += (3 * square - 2 * cube) * high + (cube - square) * slope_high
    return np.asarray(np.where(inside, moved, scores.min(axis=1, keepdims=True)), np.float64)


def _top(total: Array) -> float:
    """Greatest value of a curve, by the parabola through it and its neighbours."""
    k = int(total.argmax())
    if k in (0, len(total) - 1):
        return float(total[k])
    before, middle, after = (float(v) for v in total[k - 1 : k + 2])
    bend = before - 2 * middle + after
    return middle if bend >= 0 else middle - (before - after) ** 2 / (8 * bend)


def find_drift(
    scores: Array, lags_seconds: Array, times_seconds: Array, most_ppm: float = 1500.0
) -> Drift | None:
    """The drift whose line of lags has the highest score; None if the rows span too little to tell.

    Parameters
    ----------
    scores : float64 [K, L], finite
    lags_seconds : evenly spaced, rising, [L]
    times_seconds : middles of the rows, rising, from the instant at which the offset is quoted, [K]
    most_ppm : drifts up to this are looked for, as far as the lags reach

    Raises OptionError if shapes disagree or a score is not finite.
    """
    scores, times = np.asarray(scores, np.float64), np.asarray(times_seconds, np.float64)
    if scores.shape != (len(times), len(lags_seconds)) or not np.isfinite(scores).all():
        raise OptionError(
            f"scores {scores.shape} are finite and fit {len(times)} rows of {len(lags_seconds)} lags"
        )
    reach = float(np.abs(times).max(initial=0.0))
    if len(times) < 3 or reach <= 0:
        return None
    scores, times = _grouped(scores, times)
    step = 1e6 * _END_STEP_SECONDS / reach
    most = min(most_ppm, 1e6 * 0.5 * float(lags_seconds[-1] - lags_seconds[0]) / reach)
    count = max(1, int(np.ceil(most / step)))
    candidates: Array = np.asarray(np.arange(-count, count + 1) * step, np.float64)
    best = _heights(scores, lags_seconds, times, candidates)
    top = int(best.argmax())
    share = np.exp(
        (best - best[top]) / _scatter_of(straightened(scores, lags_seconds, times, candidates[top]), times)
    )
    # Half a candidate's step to either side belongs to it.
    edges = np.concatenate([candidates - step / 2, [candidates[-1] + step / 2]])
    total = np.concatenate([[0.0], np.cumsum(share)]) / share.sum()
    low, high = np.interp([0.05, 0.95], total, edges)
    ppm = float(candidates[top])
    if 0 < top < len(best) - 1:
        bend = best[top - 1] - 2 * best[top] + best[top + 1]
        ppm += 0.0 if bend >= 0 else float(0.5 * (best[top - 1] - best[top + 1]) / bend * step)
    return Drift(ppm, (min(float(low), ppm), max(float(high), ppm)), float(best[top] - best[count]))


def _heights(scores: Array, lags_seconds: Array, times: Array, candidates: Array) -> Array:
    """The score of the best line of each drift; minus infinity far from all that come near the best."""

    def height(number: int) -> float:
        flat = straightened(scores, lags_seconds, times, float(candidates[number]))
        return _top(flat.sum(axis=0))

    heights = np.full(len(candidates), -np.inf)
    middle = len(candidates) // 2  # no drift: it is compared with
    coarse = np.unique([*range(middle % _COARSE, len(candidates), _COARSE), 0, len(candidates) - 1])
    heights[coarse] = [height(k) for k in coarse]
    near = coarse[heights[coarse] >= heights[coarse].max() - _COARSE_MARGIN]
    around = (near[:, None] + np.arange(1 - _COARSE, _COARSE)).ravel()
    for k in np.setdiff1d(around[(around >= 0) & (around < len(candidates))], coarse):
        heights[k] = height(int(k))
    return heights


def _scatter_of(flat: Array, times: Array) -> float:
    """By how much the rows scatter about the line, as a share of the variance that their scores state; above 0.

    The slope's variance by the scores' bend alone is right if they are likelihoods. The sandwich estimator
    (Huber 1967; of neighbours that deviate alike, Newey and West 1987) takes it from what the rows do: the variance of
    their slopes at the best line. Few rows say it badly, so they are mixed with what is usual.

    Parameters
    ----------
    flat : scores with the best drift taken out, [K, L]
    times : of the rows, [K]
    """
    total = flat.sum(axis=0)
    k = int(total.argmax())
    if k in (0, len(total) - 1):
        return 1.0
    bends = flat[:, k - 1] - 2 * flat[:, k] + flat[:, k + 1]
    if bends.sum() >= 0:
        return 1.0
    middle = float(total[k - 1] - total[k + 1]) / (2 * float(bends.sum()))
    slopes = (flat[:, k + 1] - flat[:, k - 1]) / 2 + bends * middle
    design = np.stack([np.ones_like(times), times / np.abs(times).max()], axis=1)
    information = -(design * bends[:, None]).T @ design
    if np.linalg.eigvalsh(information)[0] <= 0:
        return 1.0
    inverse = np.linalg.inv(information)
    own = design * slopes[:, None]
    seen = own.T @ own
    alike = min(_MOST_ALIKE, len(times) // 6)
    for away in range(1, alike + 1):
        both = own[away:].T @ own[:-away]
        seen += (1 - away / (alike + 1)) * (both + both.T)
    # Two numbers were fitted to the rows, and to the sums over neighbours so much more closely.
    free = max(1, len(times) - 2 * (1 + alike))
    ratio = (inverse @ seen @ inverse)[1, 1] / inverse[1, 1] * len(times) / free
    # The scatter of neighbours is itself uncertain, so its interval is wider than a normal one's: the 95 % point for
    # Bartlett's window of "A new asymptotic theory for heteroskedasticity-autocorrelation robust tests" (Kiefer and
    # Vogelsang 2005).
    reach = alike / len(times)
    wider = (1.6449 + 2.1859 * reach + 0.3142 * reach**2 - 0.3427 * reach**3) / 1.6449
    return float((_USUAL_ROWS * _USUAL_SCATTER + free * max(0.0, ratio) * wider**2) / (_USUAL_ROWS + free))


def _grouped(scores: Array, times: Array) -> tuple[Array, Array]:
    if len(times) <= _MOST_ROWS:
        return scores, times
    groups = np.array_split(np.arange(len(times)), _MOST_ROWS)
    return np.stack([scores[g].sum(axis=0) for g in groups]), np.array([times[g].mean() for g in groups])


def find_steps(scores: Array, penalty: float) -> list[tuple[range, int]]:
    """The best piecewise constant lags: runs of rows and the lag's number in each, in order.

    Maximises the sum of scores less ``penalty`` for each change, exactly (Viterbi; jumps to any lag cost the same, so
    the work is rows times lags).

    >>> rows = np.array([[5.0, 0.0, 0.0]] * 3 + [[0.0, 0.0, 4.0]] * 3)
    >>> find_steps(rows, penalty=6.0), find_steps(rows, penalty=20.0)
    ([(range(0, 3), 0), (range(3, 6), 2)], [(range(0, 6), 0)])
    """
    if penalty < 0:
        raise OptionError(f"penalty={penalty} is below 0")
    if len(scores) == 0:
        return []
    came_from = np.zeros(scores.shape, np.int64)
    total = np.asarray(scores[0], np.float64).copy()
    for row in range(1, len(scores)):
        best = int(total.argmax())
        jump = total[best] - penalty
        stays = total >= jump
        came_from[row] = np.where(stays, np.arange(scores.shape[1]), best)
        total = np.maximum(total, jump) + scores[row]
    path = [int(total.argmax())]
    for row in range(len(scores) - 1, 0, -1):
        path.append(int(came_from[row, path[-1]]))
    return _runs(path[::-1])


def _runs(path: list[int]) -> list[tuple[range, int]]:
    changes = [0, *[k for k in range(1, len(path)) if path[k] != path[k - 1]], len(path)]
    return [(range(a, b), path[a]) for a, b in pairwise(changes)]
