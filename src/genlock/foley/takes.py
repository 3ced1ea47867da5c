"""How well the onsets of a take fit what strikes in the picture: the measure by which takes are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from genlock.aligners.instants import match_within
from genlock.foley.events import Events

__all__ = ["TakeScore", "score_take"]


@dataclass(frozen=True)
class TakeScore:
    """Onsets of a sound against events of a picture, matched one to one; whatever is left over counts against it."""

    f_50_ms: float
    """Harmonic mean of the share of onsets and the share of events that are matched within 50 ms; nothing at all
    against nothing is 1."""
    f_100_ms: float
    """The same within 100 ms."""
    median_offset_ms: float | None
    """Median of onset less event over pairs within 100 ms, positive: the sound is late; None without pairs."""
    onsets: int
    """Onsets of the sound."""
    events: int
    """Events of the picture."""

    @property
    def rank(self) -> tuple[float, float, float]:
        """What is better is larger."""
        return self.f_50_ms, self.f_100_ms, -abs(self.median_offset_ms or 0.0)

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "f_50_ms": round(self.f_50_ms, 4),
            "f_100_ms": round(self.f_100_ms, 4),
            "median_offset_ms": None if self.median_offset_ms is None else round(self.median_offset_ms, 2),
            "onsets": self.onsets,
            "events": self.events,
        }


def score_take(onsets: Sequence[Fraction], events: Events) -> TakeScore:
    """Compare onsets with events.

    >>> from genlock.foley.events import Event
    >>> events = Events([Event(1), Event(2)], 0, 3)
    >>> score_take([Fraction(101, 100), Fraction(5, 2)], events).f_50_ms
    0.5
    """
    heard, seen = np.array([float(t) for t in onsets]), events.instants()
    close, wide = (match_within(heard, seen, within) for within in (0.05, 0.1))
    errors = [heard[i] - seen[j] for i, j in wide]
    total = len(heard) + len(seen)
    return TakeScore(
        2 * len(close) / total if total else 1.0,
        2 * len(wide) / total if total else 1.0,
        float(np.median(errors)) * 1000 if errors else None,
        len(heard),
        len(seen),
    )
