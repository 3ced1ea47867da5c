"""Similarity over many seconds of lags, by Fourier transforms: what :mod:`genlock.aligners.curves` says, fast.

Both sides lie on one grid here, and lags are whole numbers of its cells. The time grows with ``N log N`` and not with
the number of lags, so that ten seconds to either side cost no more than one.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.core.grid import Grid, require_same_clock
from genlock.core.time import Exact, exact
from genlock.core.track import Track

__all__ = ["correlate_far", "lead_of"]

Array = npt.NDArray[np.float64]

_LEAST_VARIANCE = 1e-9


def correlate_far(
    sound: Track,
    picture: Track,
    reach_seconds: Exact,
    *,
    weights: npt.ArrayLike | None = None,
    least_overlap: Exact = Fraction(3, 2),
) -> LagCurve:
    """Masked, overlap-normalised correlation of two tracks on one grid, over lags.

    Parameters
    ----------
    sound, picture : float [N, C] on the same Grid, of the same length; cells that are not valid count nowhere
    reach_seconds : how far the lags go to either side
    weights : of the channels, at least 0, [C]; all alike if not given
    least_overlap : seconds that must be compared at a lag for it to have a value

    Returns
    -------
    LagCurve
        As :func:`~genlock.aligners.curves.correlate` has it: NaN where too little overlaps.

    Raises
    ------
    OptionError
        If grids, shapes or weights disagree, or the reach holds no lag.

    Examples
    --------
    >>> moves = np.random.default_rng(1).standard_normal((4000, 2)).cumsum(axis=0)
    >>> grid = Grid(25)
    >>> curve = correlate_far(Track(moves[200:], grid), Track(moves[:-200], grid), 10)
    >>> round(float(curve.lags_seconds[np.nanargmax(curve.values)]), 3)
    8.0
    """
    grid = sound.grid
    require_same_clock(sound.clock, picture.clock, "correlate sound and picture")
    if not isinstance(grid, Grid) or grid != picture.grid or sound.values.shape != picture.values.shape:
        raise OptionError(
            "sound and picture lie on one Grid and have the same shape; use track.on(Grid(...))"
        )
    x, y = (np.asarray(track.values, np.float64).reshape(len(track), -1) for track in (sound, picture))
    scale = np.ones(x.shape[1]) if weights is None else np.asarray(weights, np.float64)
    if scale.shape != (x.shape[1],) or not (scale >= 0).all() or not scale.any():
        raise OptionError(f"weights are {x.shape[1]} numbers from 0 on, not all 0")
    most = Grid(grid.rate).index(exact(reach_seconds), "floor")
    if most < 1:
        raise OptionError(f"a reach of {reach_seconds} s holds no lag at {grid.rate} cells a second")
    values, counts = _over_lags(x, sound.valid, y, picture.valid, scale / scale.sum(), most)
    period = float(grid.period)
    known = counts * period >= max(float(exact(least_overlap)), 2 * period)
    lags = np.asarray(np.arange(-most, most + 1) * period, np.float64)
    return LagCurve(lags, np.where(known, np.clip(values, -1.0, 1.0), np.nan), counts * period)


def _over_lags(
    x: Array, here: npt.NDArray[np.bool_], y: Array, there: npt.NDArray[np.bool_], weights: Array, most: int
) -> tuple[Array, Array]:
    """Correlation and number of pairs at each lag, [2 most + 1]: y at t against x at t - lag."""
    size = 1 << (len(x) + most).bit_length()
    rows = np.arange(-most, most + 1)

    def spectrum(values: Array) -> npt.NDArray[np.complex128]:
        return np.fft.rfft(values, size, axis=0)

    def sums(a: npt.NDArray[np.complex128], b: npt.NDArray[np.complex128]) -> Array:
        return np.asarray(np.fft.irfft(a.conj() * b, size, axis=0)[rows])

    mask_x, mask_y = spectrum(here.astype(np.float64)), spectrum(there.astype(np.float64))
    counts = np.maximum(np.round(sums(mask_x, mask_y)), 0.0)
    pairs = np.maximum(counts, 1.0)
    total = np.zeros(len(rows))
    # One channel after the other: hours of film in all of them at once would fill the memory.
    for channel, weight in enumerate(weights):
        if weight == 0:
            continue
        a, b = _centred(x[:, channel], here), _centred(y[:, channel], there)
        seen_a, seen_b = spectrum(a), spectrum(b)
        sum_a, sum_b = sums(seen_a, mask_y), sums(mask_x, seen_b)
        both = sums(seen_a, seen_b) - sum_a * sum_b / pairs
        first = sums(spectrum(a * a), mask_y) - sum_a**2 / pairs
        second = sums(mask_x, spectrum(b * b)) - sum_b**2 / pairs
        moving = (first > _LEAST_VARIANCE * pairs) & (second > _LEAST_VARIANCE * pairs)
        total += weight * np.where(moving, both / np.sqrt(np.where(moving, first * second, 1.0)), 0.0)
    return total, counts


def _centred(values: Array, valid: npt.NDArray[np.bool_]) -> Array:
    return np.where(valid, values - (values[valid].mean() if valid.any() else 0.0), 0.0)


def lead_of(curve: LagCurve, apart_seconds: float = 0.2) -> tuple[float, float]:
    """The best lag, and how far its peak leads the next best one that is not the same, in the curve's own scatter.

    Values grow with the root of what was compared before they are held against each other, so that a lag of little
    overlap does not win by chance. The scatter is the median distance from the median, times 1.4826. A curve of two
    sides that have nothing to do with each other has a lead of about 0 to 0.7, whoever speaks and however long.

    Raises OptionError if the curve holds no value.

    >>> lags = np.arange(-50, 51) / 25
    >>> noise = np.random.default_rng(3).standard_normal(101) * 0.05
    >>> lag, lead = lead_of(LagCurve(lags, noise + 0.8 * (lags == 0.4), np.full(101, 8.0)))
    >>> lag, lead > 5
    (0.4, True)
    """
    scaled = curve.values * np.sqrt(np.maximum(curve.overlap_seconds, 0.0))
    known = np.isfinite(scaled)
    if not known.any():
        raise OptionError("the curve holds no value")
    top = int(np.nanargmax(scaled))
    middle = float(np.median(scaled[known]))
    scatter = 1.4826 * float(np.median(np.abs(scaled[known] - middle))) + 1e-9
    others = scaled[known & (np.abs(curve.lags_seconds - curve.lags_seconds[top]) > apart_seconds)]
    rival = float(others.max()) if len(others) else middle
    return float(curve.lags_seconds[top]), (float(scaled[top]) - rival) / scatter
