"""Similarity over lags: the curve that every estimator of an offset gives, and what can be read off it.

Correlation is masked: a lag is judged by the cells that both signals have there, by no others. Nothing is padded,
because zeros beyond the ends look like silence and pull the best lag to the extremes of the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid, require_same_clock
from genlock.core.one_line import one_line
from genlock.core.resample import Mask
from genlock.core.time import Exact, exact
from genlock.core.track import Track

__all__ = ["LagCurve", "Peak", "combine", "correlate", "find_peak", "pool", "weighted"]

Array = npt.NDArray[np.float64]

# A sound cell whose centre lies this near to the wanted instant, in cells, is taken as it is.
_ON_CENTRE = 1e-6
# A stretch whose variance is below this share of the whole track's does not move.
_STILL = 1e-9
# Values that one step of the kernel holds at a time: 16 MB.
_BLOCK_VALUES = 2_000_000


@dataclass(frozen=True, eq=False)
class LagCurve:
    """How well sound and picture agree if the offset were each of these lags.

    The value at lag ``d`` compares the picture at ``t`` with the sound at ``t - d``, so the best lag *is* the offset:
    positive where the sound is early.

    >>> curve = LagCurve(np.array([-0.01, 0.0, 0.01]), np.array([0.1, 0.8, 0.2]), np.full(3, 2.0))
    >>> float(curve.lags_seconds[curve.values.argmax()])
    0.0
    """

    lags_seconds: Array
    """Evenly spaced, rising, float64 [L]."""
    values: Array
    """Similarity at each lag, float64 [L]; NaN where the overlap says nothing."""
    overlap_seconds: Array
    """How much of both was compared at each lag, float64 [L], at least 0."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        lags = np.asarray(self.lags_seconds, np.float64)
        if lags.ndim != 1 or len(lags) < 3 or not np.allclose(np.diff(lags), lags[1] - lags[0], atol=1e-9):
            raise OptionError("a lag curve has at least three evenly spaced, rising lags")
        if lags[1] <= lags[0]:
            raise OptionError("the lags of a curve rise")
        for name in ("values", "overlap_seconds"):
            if np.shape(getattr(self, name)) != lags.shape:
                raise OptionError(f"{name} has shape {np.shape(getattr(self, name))}, the lags {lags.shape}")

    @property
    def step_seconds(self) -> float:
        """From one lag to the next, in seconds."""
        return float((self.lags_seconds[-1] - self.lags_seconds[0]) / (len(self.lags_seconds) - 1))

    @property
    def empty(self) -> bool:
        """True if no lag has a value."""
        return not bool(np.isfinite(self.values).any())


# ---------------------------------------------------------------- correlation


def correlate(
    sound: Track,
    picture: Track,
    reach_seconds: Exact,
    *,
    weights: npt.ArrayLike | None = None,
    least_overlap: Exact = Fraction(1, 2),
) -> LagCurve:
    """Masked, overlap-normalised correlation of two tracks over lags.

    For each lag ``d``, the picture's values at the centres ``t`` of its cells stand against the sound's at ``t - d``
    (linear between its cell centres), wherever both are valid; each channel gives Pearson's correlation over those
    cells, weighted by their lengths, and the channels are averaged with ``weights``.

    Parameters
    ----------
    sound : float [N, C] on a Grid; the lags are whole numbers of its cells
    picture : float [T, C] on any cells, of variable rate too
    reach_seconds : how far the lags go to either side; the curve has ``2 floor(reach * rate) + 1`` of them
    weights : of the channels, at least 0, [C]; all alike if not given. A channel that does not move counts as 0
    least_overlap : seconds that must be compared at a lag for it to have a value, at least two cells

    Returns
    -------
    LagCurve
        Values -1...1; NaN where too little overlaps or nothing moves.

    Raises
    ------
    OptionError
        If the sound is not on a Grid, channels or weights disagree, or the reach holds no lag.
    ClockError
        If the tracks are on different clocks.

    Examples
    --------
    >>> moves = np.random.default_rng(1).standard_normal((400, 2)).cumsum(axis=0)
    >>> sound = Track(moves, Grid(100))
    >>> picture = Track(moves[0::4], Grid(25, "0.125"))    # what the sound does, 140 ms later
    >>> curve = correlate(sound, picture, "0.3")
    >>> round(float(curve.lags_seconds[np.nanargmax(curve.values)]), 3)
    0.14
    """
    plan = _Plan.of(sound, picture, reach_seconds, weights, least_overlap)
    values = np.full(len(plan.lags), np.nan)
    overlap = np.zeros(len(plan.lags))
    block = max(1, _BLOCK_VALUES // max(1, plan.picture.size))
    for first in range(0, len(plan.lags), block):
        rows = slice(first, min(first + block, len(plan.lags)))
        values[rows], overlap[rows] = plan.judge(plan.lags[rows])
    return LagCurve(np.asarray(plan.lags * plan.step, np.float64), values, overlap)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is the same for every lag."""

    lags: npt.NDArray[np.int64]
    step: float
    padded_sound: Array
    valid: Mask
    pad: int
    left: npt.NDArray[np.int64]
    fraction: Array
    on_centre: Mask
    picture: Array
    lengths: Array
    weights: Array
    least: float
    still: tuple[Array, Array]

    @classmethod
    def of(
        cls, sound: Track, picture: Track, reach: Exact, weights: npt.ArrayLike | None, least: Exact
    ) -> _Plan:
        grid = _sound_grid(sound)
        require_same_clock(sound.clock, picture.clock, "correlate sound and picture")
        x, y = _channels(sound), _channels(picture)
        if x.shape[1] != y.shape[1]:
            raise OptionError(f"the sound has {x.shape[1]} channels, the picture {y.shape[1]}")
        scale = np.ones(x.shape[1]) if weights is None else np.asarray(weights, np.float64)
        if scale.shape != (x.shape[1],) or not (scale >= 0).all() or not scale.any():
            raise OptionError(f"weights are {x.shape[1]} numbers from 0 on, not all 0")
        most = Grid(grid.rate).index(exact(reach), "floor")
        if most < 1:
            raise OptionError(f"a reach of {reach} s holds no lag at {grid.rate} cells a second")
        seen = picture.valid
        # Relative to the sound's first centre, so that hours of clock cost no digits.
        place = (picture.grid.centers(len(picture))[seen] - float(grid.center(0))) * float(grid.rate)
        left = np.floor(place + _ON_CENTRE).astype(np.int64)
        fraction = np.clip(place - left, 0.0, 1.0)
        on_centre = fraction <= _ON_CENTRE
        fraction[on_centre] = 0.0
        # Beyond the ends: cells that are never valid, so that every index is in range.
        pad = most + 2
        left = np.clip(left, -pad, len(x) + pad)
        room = 2 * pad + 2
        padded = np.zeros((len(x) + 2 * room, x.shape[1]))
        valid = np.zeros(len(padded), np.bool_)
        padded[room : room + len(x)] = x
        valid[room : room + len(x)] = sound.valid
        lengths = np.diff(picture.grid.edges(len(picture)))[seen]
        return cls(
            np.arange(-most, most + 1),
            float(grid.period),
            padded,
            valid,
            room,
            left,
            fraction,
            on_centre,
            y[seen],
            lengths,
            scale,
            float(max(exact(least), Fraction(0))) - 1e-9,
            (_still(sound, x), _still(picture, y)),
        )

    def judge(self, lags: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """Values and overlaps of some lags, [L] each; everything inside is [L, T] or [L, T, C]."""
        left = self.left[None, :] + (self.pad - lags)[:, None]
        here = self.valid[left] & (self.valid[left + 1] | self.on_centre)
        length = np.where(here, self.lengths, 0.0)
        overlap = length.sum(axis=1)
        share = length / np.maximum(overlap, 1e-12)[:, None]
        at = self.padded_sound[left] * (1 - self.fraction)[:, None]
        at += self.padded_sound[left + 1] * self.fraction[:, None]
        at -= np.einsum("lt,ltc->lc", share, at)[:, None]
        # The sound's mean is gone, so the picture's drops out of the product.
        both = np.einsum("lt,ltc,tc->lc", share, at, self.picture)
        first = np.einsum("lt,ltc,ltc->lc", share, at, at)
        second = share @ self.picture**2 - (share @ self.picture) ** 2
        moving = (first > self.still[0]) & (second > self.still[1])
        size = np.sqrt(np.where(moving, first * second, 1.0))
        values = np.where(moving, both / size, 0.0) @ self.weights / self.weights.sum()
        known = (overlap >= self.least) & (here.sum(axis=1) > 1) & moving.any(axis=1)
        return np.where(known, np.clip(values, -1.0, 1.0), np.nan), overlap


def _still(track: Track, centred: Array) -> Array:
    """Variance of each channel, [C], below which a stretch of it counts as still."""
    rows = centred[track.valid]
    return _STILL * (rows**2).mean(axis=0) + 1e-30 if len(rows) else np.zeros(centred.shape[1])


def _sound_grid(sound: Track) -> Grid:
    if not isinstance(sound.grid, Grid):
        raise OptionError(
            "lags are counted in cells of the sound, which must be on a Grid; use track.on(Grid(...))"
        )
    return sound.grid


def _channels(track: Track) -> Array:
    """Values as [T, C], each channel less its mean over valid cells; invalid cells are zero."""
    values = np.asarray(track.values, np.float64).reshape(len(track), -1)
    if not track.valid.any():
        return np.zeros_like(values)
    centred = values - values[track.valid].mean(axis=0)
    return np.where(track.valid[:, None], centred, 0.0)


# ---------------------------------------------------------------- several curves


def combine(curves: Sequence[LagCurve], weights: Sequence[float] | None = None) -> LagCurve:
    """The weighted sum of curves of the same stretch that compare different things.

    A lag has a value where all of them have one; its overlap is the least of theirs.

    Raises OptionError if there are none or their lags differ.

    >>> lags, seconds = np.array([-0.1, 0.0, 0.1]), np.ones(3)
    >>> both = combine([LagCurve(lags, np.array([0.0, 1.0, 0.0]), seconds)] * 2, [0.5, 1.5])
    >>> both.values.tolist()
    [0.0, 2.0, 0.0]
    """
    _same_lags(curves)
    scale = [1.0] * len(curves) if weights is None else list(weights)
    values = sum(w * curve.values for w, curve in zip(scale, curves, strict=True))
    overlap = np.min([curve.overlap_seconds for curve in curves], axis=0)
    return LagCurve(curves[0].lags_seconds, np.asarray(values, np.float64), overlap)


def pool(curves: Sequence[LagCurve]) -> LagCurve:
    """The mean of curves of different stretches that compare the same thing, weighted by their overlap.

    A lag without a value in one stretch is judged by the others; overlaps add up.

    Raises OptionError if there are none or their lags differ.

    >>> lags = np.array([-0.1, 0.0, 0.1])
    >>> short = LagCurve(lags, np.array([0.0, 1.0, 0.0]), np.ones(3))
    >>> long = LagCurve(lags, np.array([0.5, 0.0, np.nan]), np.full(3, 3.0))
    >>> pool([short, long]).values.tolist(), pool([short, long]).overlap_seconds.tolist()
    ([0.375, 0.25, 0.0], [4.0, 4.0, 1.0])
    """
    _same_lags(curves)
    total, seconds = np.zeros(len(curves[0].lags_seconds)), np.zeros(len(curves[0].lags_seconds))
    for curve in curves:
        known = np.isfinite(curve.values)
        total[known] += curve.values[known] * curve.overlap_seconds[known]
        seconds[known] += curve.overlap_seconds[known]
    values = np.divide(total, seconds, out=np.full_like(total, np.nan), where=seconds > 0)
    return LagCurve(curves[0].lags_seconds, values, seconds)


def _same_lags(curves: Sequence[LagCurve]) -> None:
    if not curves:
        raise OptionError("there is no curve")
    first = curves[0].lags_seconds
    if any(c.lags_seconds.shape != first.shape or not np.allclose(c.lags_seconds, first) for c in curves):
        raise OptionError("curves with different lags do not add up")


# ---------------------------------------------------------------- what can be read off


@dataclass(frozen=True)
class Peak:
    """The best lag of a curve."""

    lag_seconds: float
    """Where it is, to a fraction of a step."""
    value: float
    """How high it is."""
    prominence: float
    """How far it stands above the best value further away than ``apart_seconds``; at least 0, infinite if none is."""
    rival_seconds: float | None
    """The lag of that value; None if there is none."""
    at_edge: bool
    """True if the curve still rises at the end of the search: the lag is then only the end."""


def weighted(curve: LagCurve) -> LagCurve:
    """Each value times the square root of its share of the longest overlap.

    The correlation of unrelated signals scatters as one over the square root of what is compared, so short overlaps
    would otherwise win by chance.

    >>> curve = LagCurve(np.array([-0.1, 0.0, 0.1]), np.ones(3), np.array([1.0, 4.0, 1.0]))
    >>> weighted(curve).values.tolist()
    [0.5, 1.0, 0.5]
    """
    longest = float(curve.overlap_seconds.max(initial=0.0))
    if longest <= 0:
        return curve
    return LagCurve(
        curve.lags_seconds, curve.values * np.sqrt(curve.overlap_seconds / longest), curve.overlap_seconds
    )


def find_peak(curve: LagCurve, apart_seconds: float = 0.12) -> Peak | None:
    """The highest value, refined by the parabola through it and its neighbours; None if no lag has a value.

    Parameters
    ----------
    apart_seconds : rivals nearer than this belong to the peak itself, above 0

    >>> lags = np.arange(-20, 21) / 100
    >>> peak = find_peak(LagCurve(lags, -((lags - 0.034) ** 2), np.ones(41)))
    >>> round(peak.lag_seconds, 6), peak.at_edge
    (0.034, False)
    """
    if apart_seconds <= 0:
        raise OptionError(f"apart_seconds={apart_seconds} is above 0")
    if curve.empty:
        return None
    top = int(np.nanargmax(curve.values))
    lag, height = _parabola(curve, top)
    far = np.abs(curve.lags_seconds - curve.lags_seconds[top]) > apart_seconds
    rivals = np.where(far & np.isfinite(curve.values), curve.values, -np.inf)
    rival = int(rivals.argmax())
    alone = not np.isfinite(rivals[rival])
    known = np.flatnonzero(np.isfinite(curve.values))
    return Peak(
        lag,
        height,
        float("inf") if alone else float(height - rivals[rival]),
        None if alone else float(curve.lags_seconds[rival]),
        top in (known[0], known[-1]),
    )


def _parabola(curve: LagCurve, top: int) -> tuple[float, float]:
    """Vertex of the parabola through three neighbouring values, the middle one the highest."""
    middle = float(curve.values[top])
    where = float(curve.lags_seconds[top])
    if top in (0, len(curve.values) - 1):
        return where, middle
    before, after = float(curve.values[top - 1]), float(curve.values[top + 1])
    bend = before - 2 * middle + after
    if not np.isfinite(bend) or bend >= 0:
        return where, middle
    shift = 0.5 * (before - after) / bend
    return where + shift * curve.step_seconds, middle - 0.25 * (before - after) * shift
