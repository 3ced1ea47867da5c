"""A learning rate over the updates of a run: a pure function of the update, so that nothing of it is to be saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from genlock.core.errors import OptionError

__all__ = ["Decay", "Schedule"]

Decay: TypeAlias = Literal["exponential", "linear"]


@dataclass(frozen=True)
class Schedule:
    """The rate rises evenly, stays, and falls. Its stretches are shares of the updates that it lasts.

    Examples
    --------
    >>> schedule = Schedule(highest=1.0, steps=100)
    >>> schedule(4), schedule(30), round(schedule(100), 3)
    (0.5, 1.0, 0.05)
    >>> late = Schedule(highest=1.0, steps=100, begins=50)
    >>> late(10), late(51), late(60)
    (0.0, 0.4, 1.0)

    Raises OptionError if a number is out of its range.
    """

    highest: float
    """Highest learning rate; above 0."""
    steps: int
    """Updates of the run in all; at least 1."""
    warmup: float = 0.1
    """Share of the updates in which the rate rises from zero; 0...1."""
    hold: float = 0.4
    """Share of the updates in which it then stays; 0...1."""
    final: float = 0.05
    """What is left of the rate at the end, as a share of the highest; above 0, at most 1."""
    decay: Decay = "exponential"
    """How it falls in the rest of the updates."""
    begins: int = 0
    """The update (0 is the first) from which on it counts; before, the rate is 0."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.begins < 0:
            raise OptionError(
                f"a schedule of steps={self.steps}, begins={self.begins}: at least 1, at least 0"
            )
        if not (self.highest > 0 and 0 < self.final <= 1):
            raise OptionError(
                f"learning_rate={self.highest}, final={self.final}: above 0, and final at most 1"
            )
        if not (self.warmup >= 0 and self.hold >= 0 and self.warmup + self.hold <= 1):
            raise OptionError(
                f"warmup={self.warmup} and hold={self.hold} are shares that add up to at most 1"
            )

    def __call__(self, step: int) -> float:
        """The rate of update ``step`` (0 is the first)."""
        step, steps = step - self.begins, max(self.steps - self.begins, 1)
        if step < 0:
            return 0.0
        rising, falling = self.warmup * steps, (self.warmup + self.hold) * steps
        if step + 1 < rising:
            return self.highest * (step + 1) / rising
        if step <= falling:
            return self.highest
        done = (step - falling) / max(steps - falling, 1)
        share = self.final**done if self.decay == "exponential" else 1 - done * (1 - self.final)
        return self.highest * share
