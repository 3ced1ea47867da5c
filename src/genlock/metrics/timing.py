"""How far found times lie from true ones: bias, mean and tail, starts and ends apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line

__all__ = ["TOLERANCES", "BoundaryErrors", "boundary_errors"]

#: Seconds; the tolerances that word alignment is reported at.
TOLERANCES = (0.02, 0.025, 0.05, 0.1, 0.2)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BoundaryErrors:
    """Errors of one kind of boundary, found less true.

    >>> errors = boundary_errors([0.0, 1.0, 2.0], [0.01, 1.03, None])
    >>> round(errors.mean_absolute_seconds, 3), errors.missing, round(errors.within(0.02), 3)
    (0.02, 1, 0.333)
    """

    signed_seconds: Floats
    """Found less true, [n]: positive is late. Boundaries that were not found are left out."""
    missing: int
    """Number of boundaries that were not found."""

    __repr__ = one_line

    @property
    def count(self) -> int:
        """Number of boundaries, found or not."""
        return len(self.signed_seconds) + self.missing

    @property
    def mean_absolute_seconds(self) -> float:
        """Mean absolute error of what was found; NaN if nothing was."""
        return float(np.abs(self.signed_seconds).mean()) if len(self.signed_seconds) else float("nan")

    @property
    def bias_seconds(self) -> float:
        """Mean signed error: positive is late; NaN if nothing was found."""
        return float(self.signed_seconds.mean()) if len(self.signed_seconds) else float("nan")

    @property
    def median_seconds(self) -> float:
        """Median signed error; NaN if nothing was found."""
        return float(np.median(self.signed_seconds)) if len(self.signed_seconds) else float("nan")

    def percentile_seconds(self, percent: float) -> float:
        """A percentile of the absolute error; NaN if nothing was found."""
        return (
            float(np.percentile(np.abs(self.signed_seconds), percent))
            if len(self.signed_seconds)
            else float("nan")
        )

    def within(self, seconds: float) -> float:
        """Share of all boundaries at most so far off, 0...1; one that was not found counts as outside."""
        # A nanosecond of room: 0.02 as a difference of floats must count as 0.02.
        return (
            float((np.abs(self.signed_seconds) <= seconds + 1e-9).sum() / self.count)
            if self.count
            else float("nan")
        )

    def to_dict(self) -> dict[str, object]:
        """The usual figures, in milliseconds, and shares."""
        return {
            "count": self.count,
            "missing": self.missing,
            "mean_absolute_ms": 1000 * self.mean_absolute_seconds,
            "bias_ms": 1000 * self.bias_seconds,
            "median_ms": 1000 * self.median_seconds,
            "p95_ms": 1000 * self.percentile_seconds(95),
            "within": {f"{1000 * t:.0f} ms": self.within(t) for t in TOLERANCES},
        }

    def __str__(self) -> str:
        shares = "  ".join(f"{self.within(t):6.1%}" for t in TOLERANCES)
        return (
            f"{1000 * self.mean_absolute_seconds:7.1f} {1000 * self.bias_seconds:+7.1f} "
            f"{1000 * self.median_seconds:+7.1f} "
            f"{1000 * self.percentile_seconds(95):7.1f}   {shares}  {self.missing:4d}"
        )


def boundary_errors(true: Sequence[float], found: Sequence[float | None]) -> BoundaryErrors:
    """Compare boundaries one by one.

    Parameters
    ----------
    true : true instants, in seconds
    found : found instants in the same order, in seconds; None where one was not found

    Raises
    ------
    OptionError
        If the two differ in length.
    """
    if len(true) != len(found):
        raise OptionError(f"{len(found)} found boundaries cannot be compared with {len(true)} true ones")
    pairs = [(t, f) for t, f in zip(true, found, strict=True) if f is not None]
    signed = np.array([float(f) - float(t) for t, f in pairs], dtype=np.float64)
    return BoundaryErrors(signed, len(true) - len(pairs))
