"""A word as recognised: what recognisers give, and what text is matched with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Heard"]


@dataclass(frozen=True)
class Heard:
    """A word as recognised.

    >>> Heard("hello", Fraction(1), Fraction(3, 2), 0.9).middle
    Fraction(5, 4)
    """

    text: str
    """The word, with the recogniser's punctuation."""
    start: Fraction
    """About when it starts, in seconds: on a piece's own time from a recogniser, on the clock from
    :func:`genlock.speech.recognize.recognize`."""
    end: Fraction
    """About when it ends."""
    probability: float
    """The recogniser's own, 0...1."""

    @property
    def middle(self) -> Fraction:
        """Half way between start and end."""
        return (self.start + self.end) / 2
