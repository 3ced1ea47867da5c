"""The shift between two rows of frames, from how alike each frame of the one is to each of the other.

``similarity[t, p]`` says how alike sound frame t and picture frame p are. If the two belong together with a shift of k
frames, the diagonal that pairs t with t + k is bright. The mean of a diagonal is taken over the pairs that are there
and no others, so that a short diagonal is neither favoured nor punished; every shift within reach is a candidate.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.core.grid import Grid, require_same_clock
from genlock.core.resample import Mask

__all__ = ["REACH_FRAMES", "diagonal_means", "diagonal_products", "shift_curve", "shift_seconds"]

Array = npt.NDArray[np.float64]

#: How far shifts go to either side, in frames, as published: a second at 25 frames a second.
REACH_FRAMES = 25


def diagonal_means(
    similarity: npt.ArrayLike,
    reach_frames: int = REACH_FRAMES,
    *,
    heard: Mask | None = None,
    seen: Mask | None = None,
    least_frames: int = 1,
) -> tuple[Array, npt.NDArray[np.int64]]:
    """The mean of each diagonal, and over how many pairs it was taken.

    Parameters
    ----------
    similarity : float [Ts, Tp], of every sound frame with every picture frame
    reach_frames : shifts are ``-reach_frames ... reach_frames``; at least 1
    heard, seen : which sound frames [Ts] and picture frames [Tp] are there; all of them if not given
    least_frames : pairs that a diagonal must have to count, at least 1

    Returns
    -------
    means : float64 [2 reach + 1]
        Value k pairs sound frame t with picture frame ``t + k - reach``; NaN where too few pairs are there.
    pairs : int64 [2 reach + 1]
        How many there were.

    Raises
    ------
    OptionError
        If the shapes do not fit, or a number is below 1.

    Examples
    --------
    >>> means, pairs = diagonal_means(np.eye(6, k=2), 3)
    >>> means.tolist(), pairs.tolist()
    ([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], [3, 4, 5, 6, 5, 4, 3])
    """
    values = np.asarray(similarity, np.float64)
    if values.ndim != 2 or reach_frames < 1 or least_frames < 1:
        raise OptionError(
            f"a similarity is [Ts, Tp], reach and least frames at least 1; given were {list(values.shape)}, "
            f"{reach_frames} and {least_frames}"
        )
    there = np.ones(values.shape, np.bool_)
    for mask, axis, name in ((heard, 0, "heard"), (seen, 1, "seen")):
        if mask is None:
            continue
        if np.shape(mask) != (values.shape[axis],):
            raise OptionError(f"{name} has shape {np.shape(mask)}, the similarity {list(values.shape)}")
        there &= np.expand_dims(np.asarray(mask, np.bool_), 1 - axis)
    kept = np.where(there, values, 0.0)
    shifts = range(-reach_frames, reach_frames + 1)
    totals = np.array([np.trace(kept, shift) for shift in shifts])
    pairs = np.array([np.trace(there, shift, dtype=np.int64) for shift in shifts])
    enough = pairs >= least_frames
    return np.divide(totals, pairs, out=np.full(len(totals), np.nan), where=enough), pairs


def diagonal_products(
    heard: npt.ArrayLike,
    seen: npt.ArrayLike,
    reach_frames: int = REACH_FRAMES,
    *,
    heard_there: Mask | None = None,
    seen_there: Mask | None = None,
) -> tuple[Array, Mask]:
    """What each diagonal is made of, frame by frame of the picture: for parts of a film, without its whole similarity.

    Parameters
    ----------
    heard, seen : vectors float [Ts, C] and [Tp, C]
    heard_there, seen_there : which of them are there; all of them if not given

    Returns
    -------
    products : float64 [2 reach + 1, Tp]
        Row k, column p: ``heard[p - k + reach] @ seen[p]``; 0 where one of them is not there.
    there : bool [2 reach + 1, Tp]

    Examples
    --------
    >>> rows = np.eye(6)
    >>> products, there = diagonal_products(rows[2:], rows[:-2], 3)     # the sound is two frames early
    >>> products.sum(1).tolist(), there.sum(1).tolist()
    ([0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0], [1, 2, 3, 4, 3, 2, 1])
    """
    sound, picture = np.asarray(heard, np.float64), np.asarray(seen, np.float64)
    if sound.ndim != 2 or picture.ndim != 2 or sound.shape[1] != picture.shape[1] or reach_frames < 1:
        raise OptionError(
            f"vectors are [Ts, C] and [Tp, C] and the reach at least 1, not {list(sound.shape)}, {list(picture.shape)} "
            f"and {reach_frames}"
        )
    left = np.ones(len(sound), np.bool_) if heard_there is None else np.asarray(heard_there, np.bool_)
    right = np.ones(len(picture), np.bool_) if seen_there is None else np.asarray(seen_there, np.bool_)
    products = np.zeros((2 * reach_frames + 1, len(picture)))
    there = np.zeros(products.shape, np.bool_)
    for row, shift in enumerate(range(-reach_frames, reach_frames + 1)):
        first, stop = max(0, shift), min(len(picture), len(sound) + shift)
        if stop <= first:
            continue
        there[row, first:stop] = right[first:stop] & left[first - shift : stop - shift]
        products[row, first:stop] = np.einsum(
            "tc,tc->t", sound[first - shift : stop - shift], picture[first:stop]
        )
    return np.where(there, products, 0.0), there


def shift_seconds(shift_frames: int, sound: Grid, picture: Grid) -> Fraction:
    """What a shift of whole frames means: the offset in exact seconds, positive where the sound is early.

    Frame t of the sound then belongs to frame ``t + shift_frames`` of the picture.

    Raises OptionError if the grids have different rates, ClockError if they are on different clocks.

    >>> shift_seconds(2, Grid(25), Grid(25)), shift_seconds(0, Grid(25), Grid(25, "0.01"))
    (Fraction(2, 25), Fraction(1, 100))
    """
    require_same_clock(sound.clock, picture.clock, "shift sound against picture")
    if sound.rate != picture.rate:
        raise OptionError(f"frames of {sound.rate} and {picture.rate} a second have no common shift")
    return picture.center(shift_frames) - sound.center(0)


def shift_curve(
    means: npt.ArrayLike, pairs: npt.ArrayLike, sound: Grid, picture: Grid, least_frames: int = 5
) -> LagCurve:
    """The means of all diagonals as a curve over the offset; :func:`~.curves.find_peak` reads its peak between frames.

    Parameters
    ----------
    means, pairs : [2 reach + 1], as :func:`diagonal_means` gives them
    sound, picture : cells of the frames, of one rate and on one clock
    least_frames : pairs that a diagonal must have to count, at least 1

    Raises
    ------
    OptionError
        If the shapes or the rates do not fit.

    Examples
    --------
    >>> curve = shift_curve(*diagonal_means(np.eye(40, k=3)), Grid(25), Grid(25))
    >>> round(float(curve.lags_seconds[np.nanargmax(curve.values)]), 6)   # the sound is 120 ms early
    0.12
    """
    values, counts = np.asarray(means, np.float64), np.asarray(pairs, np.int64)
    if values.ndim != 1 or values.shape != counts.shape or len(values) % 2 == 0:
        raise OptionError(
            f"means and pairs of an odd number of diagonals, not {values.shape} and {counts.shape}"
        )
    period = float(sound.period)
    first = shift_seconds(-(len(values) // 2), sound, picture)
    lags = float(first) + np.arange(len(values)) * period
    enough = np.where(counts >= least_frames, values, np.nan)
    return LagCurve(lags.astype(np.float64), enough, (counts * period).astype(np.float64))
