"""What every estimator of the offset answers, and the protocol that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.lipsync.evidence.base import Evidence

__all__ = ["Cue", "Estimate", "Estimator"]


@dataclass(frozen=True, eq=False)
class Cue:
    """What one estimator saw in one piece of a file: a similarity curve, or the reason why there is none."""

    estimator: str
    """Its name."""
    curve: LagCurve | None
    """Similarity over lags, or None."""
    face: int | None = None
    """The face that was compared with the sound; None if it was not about a face."""
    reason: str = ""
    """Why there is no curve, in words."""
    offset_seconds: float | None = None
    """An offset known more exactly than the curve's step shows, from discrete events; else None."""
    interval_seconds: tuple[float, float] | None = None
    """All offsets that those events allow, low and high; None where there is no ``offset_seconds``."""

    def __post_init__(self) -> None:
        if self.curve is None and not self.reason:
            raise OptionError(f"{self.estimator} gives neither a curve nor a reason")


class Estimator(Protocol):
    """Compares sound and picture of a piece."""

    name: str
    """A short name, as in reports."""

    def cues(self, evidence: Evidence) -> tuple[Cue, ...]:
        """One cue for each face (or one for the whole picture); never empty: what is missing is said as a reason."""
        ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """An offset with what is known about its error, or the reason why there is none."""

    offset_seconds: float | None
    """Positive: the sound is early. None: it cannot be told."""
    interval_seconds: tuple[float, float] | None
    """90 % interval, low and high."""
    probability: float | None
    """That the error is at most 40 ms, calibrated, 0...1."""
    estimator: str
    """Who decided: a name, or names joined by ``+``."""
    reason: str = ""
    """Why there is no offset, or what to beware of."""
    face: int | None = None
    """The face that speaks, where faces decided."""
    curve: LagCurve | None = None
    """The curve that it was read off."""
    seconds: float = 0.0
    """How much sound and picture it rests on."""

    def __post_init__(self) -> None:
        known = self.offset_seconds is not None
        if known != (self.interval_seconds is not None) or known != (self.probability is not None):
            raise OptionError("an estimate has an offset, an interval and a probability, or none of them")
        if not known and not self.reason:
            raise OptionError("an estimate without an offset says why")
