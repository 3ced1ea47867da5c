"""From time stamps to cells: is a row of frames a uniform Grid, and of which exact rate?

A container with coarse ticks cannot state 1/29.97 s; its stamps are then a rounding of a uniform row. A row
is called constant if it is such a rounding for some rate (:meth:`genlock.core.grid.Ticks.as_grid`), and
variable if it is not: a single dropped frame makes a row variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells, Grid, Ticks

__all__ = ["USUAL_RATES", "Cadence", "cadence_of", "median_step", "simplest_between"]

#: Rates of cinema, television and cameras; tried before any other that explains the stamps.
USUAL_RATES: tuple[Fraction, ...] = (
    *(Fraction(n) for n in (25, 30, 24, 50, 60, 120, 100, 48, 15, 10, 12, 5, 20, 1)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120, 48)),
)
# Two rates nearer than this (one part in a thousand is the NTSC step) are told apart by the stamps alone.
_CLOSE = Fraction(1, 500)


@dataclass(frozen=True)
class Cadence:
    """The cells of a stream of pictures."""

    cells: Cells
    """A Grid if the rate is constant, else Ticks."""
    length: int
    """Number of frames."""
    rate: Fraction | None
    """Frames per second, exactly; None if it varies or there is no frame."""
    ticks: Ticks
    """The stamps themselves."""

    @property
    def variable(self) -> bool:
        """True if no uniform grid explains the stamps."""
        return self.rate is None and self.length > 1


def cadence_of(
    pts: npt.NDArray[np.int64],
    time_base: Fraction,
    last_duration: int,
    stated: Iterable[Fraction | None] = (),
    clock: str = "media",
) -> Cadence:
    """Judge a row of strictly increasing stamps.

    Parameters
    ----------
    pts : int64 [T], in ticks
    time_base : seconds per tick
    last_duration : ticks that the last frame lasts, 0 if the stream does not say
    stated : the rates that the headers state, most trusted first; they decide where the stamps leave a choice
    clock : name of the time axis

    Examples
    --------
    >>> pts = np.array([0, 33, 67, 100, 133, 167, 200, 234, 267])  # 29.97 in Matroska's milliseconds
    >>> cadence_of(pts, Fraction(1, 1000), 33, [Fraction(30000, 1001)]).rate
    Fraction(30000, 1001)
    >>> cadence_of(np.array([0, 33, 100]), Fraction(1, 1000), 33).variable
    True
    """
    rates = [rate for rate in stated if rate]
    ticks = Ticks(pts, time_base, last_duration or _last_step(pts, time_base, rates), clock)
    if len(pts) == 0:
        return Cadence(ticks, 0, None, ticks)
    if len(pts) == 1:
        return _single_frame(ticks, rates)
    for rate in _candidates(ticks, rates):
        grid_or_none = ticks.as_grid(rate)
        if grid_or_none is not None:
            return Cadence(grid_or_none, len(pts), rate, ticks)
    return Cadence(ticks, len(pts), None, ticks)


def _single_frame(ticks: Ticks, stated: list[Fraction]) -> Cadence:
    """One frame fits every rate: the stated one that rounds to the stated duration, else that duration."""
    period = ticks.last_duration * ticks.time_base
    rate = next((r for r in stated if abs(1 / r - period) < ticks.time_base), 1 / period)
    return Cadence(Grid(rate, ticks.edge(0), ticks.clock), 1, rate, ticks)


def _candidates(ticks: Ticks, stated: list[Fraction]) -> list[Fraction]:
    """Rates to try, the most credible first."""
    steps = np.diff(ticks.pts)
    estimate = Fraction(len(steps), int(ticks.pts[-1] - ticks.pts[0])) / ticks.time_base
    slack = Fraction(1, int(ticks.pts[-1] - ticks.pts[0]))
    near = [rate for rate in stated if abs(rate - estimate) <= estimate * max(_CLOSE, slack)]
    candidates = []
    if steps.min() == steps.max() and (1 / (int(steps[0]) * ticks.time_base)) in near:
        candidates.append(1 / (int(steps[0]) * ticks.time_base))
    # Only rates that a header supports, or that the length of the row tells apart from their neighbours.
    usual = sorted(USUAL_RATES, key=lambda rate: abs(rate - estimate))
    candidates += [
        rate for rate in usual if any(abs(rate - other) <= rate * Fraction(1, 10**5) for other in near)
    ]
    candidates += near
    candidates += [rate for rate in usual if abs(rate - estimate) <= estimate * slack * 2]
    candidates.append(simplest_between(estimate * (1 - slack), estimate * (1 + slack)))
    return candidates


def _last_step(pts: npt.NDArray[np.int64], time_base: Fraction, stated: list[Fraction]) -> int:
    if len(pts) > 1:
        return median_step(np.diff(pts))
    if stated:
        return max(1, round(1 / (stated[0] * time_base)))
    return 1


def median_step(steps: npt.NDArray[np.int64]) -> int:
    """The lower median of the distances between frames, in ticks; at least 1."""
    ordered = np.sort(steps)
    return max(1, int(ordered[(len(ordered) - 1) // 2]))


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of smallest denominator in [low, high], 0 < low <= high (Stern-Brocot descent).

    >>> simplest_between(Fraction(2149, 100), Fraction(2151, 100))
    Fraction(43, 2)
    """
    whole = low.numerator // low.denominator
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest_between(1 / (high - whole), 1 / (low - whole))
