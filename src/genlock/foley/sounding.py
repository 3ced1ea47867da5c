"""What turns events into sound, whatever it is: a library, modes, or a network."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.time import round_fraction
from genlock.foley.events import Event, Events
from genlock.foley.mixing import Mixer, Placed

__all__ = ["Choice", "MixedTake", "Sounder", "Take", "level_of", "place_of"]

Samples: TypeAlias = npt.NDArray[np.float32]

# A blow of half the impulse is softer by 4.5 dB; the softest are kept above this.
_LEVEL_POWER = 0.75
_LEAST_STRENGTH = 0.005


@dataclass(frozen=True)
class Choice:
    """What was made of an event, for people who go on by hand."""

    event: Event
    """The event."""
    sound: str
    """A file, a material, or a name."""
    gain_db: float
    """Gain of the sound before panning."""


class Take(Protocol):
    """One sounding of all events. Sample n lies at the instant ``events.start + n/rate``."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What was chosen for each event, where that can be told."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What to beware of."""
        ...

    def block(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, float32 [n, 2]; blocks are asked for in order."""
        ...


class Sounder(Protocol):
    """Makes takes."""

    name: str
    """What it is called in results."""
    about: str
    """Where its sounds come from, or what it has learnt from, in a sentence that a user reads."""
    rate: int
    """Samples per second of its takes."""

    def take(self, events: Events, seed: int) -> Take:
        """Sound for events; another seed is another take."""
        ...


@dataclass(frozen=True, eq=False)
class MixedTake:
    """A take of sounds that are placed one by one."""

    mixer: Mixer
    """Who adds them up."""
    choices: tuple[Choice, ...]
    """What was chosen for each event."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    def block(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, float32 [n, 2]; blocks are asked for in order."""
        return self.mixer.block(first, stop)


def level_of(strength: float) -> float:
    """How loud a blow is beside the hardest ones, in dB, for a strength 0...1.

    >>> round(level_of(1.0), 1), round(level_of(0.5), 1)
    (0.0, -4.5)
    """
    return float(20 * _LEVEL_POWER * np.log10(min(max(strength, _LEAST_STRENGTH), 1.0)))


def place_of(event: Event, events: Events, rate: int, attack: Fraction = Fraction(0)) -> int:
    """The sample at which a sound begins so that its attack, so many seconds later, is on the event."""
    return round_fraction((event.instant - events.start - attack) * rate, "nearest")


def placed(first: int, samples: Samples, gains: tuple[float, float]) -> Placed:
    """Samples with gains of left and right."""
    both = np.asarray(gains, np.float32)
    return Placed(first, lambda: np.asarray(samples * both, np.float32))
