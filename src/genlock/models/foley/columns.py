"""What is told of events between pictures and sound: a row of numbers for each 20 ms."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["COLUMN_RATE", "EVENT_CHANNELS"]

#: Columns a second.
COLUMN_RATE = Fraction(50)
#: What the first channels of a posterior are; one channel for each material follows. ``presence``: the probability
#: that a contact begins in the column; ``place``: where it lies from the column's centre, in columns; ``impulse`` and
#: ``size``: their logarithms to base 10 (N s as heard from a metre away, m); ``x``: where in the picture, 0 left, 1
#: right; ``sustained``: the probability that something scrapes or rolls.
EVENT_CHANNELS = ("presence", "place", "impulse", "size", "x", "sustained")
