"""What a watcher of events learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from genlock.core.errors import OptionError
from genlock.models.foley.watcher_network import WatcherShape
from genlock.train.options import LoopOptions

__all__ = ["EVENTS_LOOP", "EventChanges", "EventLosses", "EventTraining"]

#: How long and how fast a watcher is trained, if not said otherwise: some twenty minutes of one core.
EVENTS_LOOP = LoopOptions(
    steps=1500,
    learning_rate=2e-3,
    warmup=0.05,
    hold=0.35,
    final=0.02,
    decay="linear",
    weight_decay=0.02,
    ema=0.99,
    save_every=250,
    evaluate_every=500,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class EventChanges:
    """How films are changed at random, so that it does not matter who filmed them."""

    least_rate: float = 11.0
    """Frames are left out down to so many a second; above 0."""
    uneven: float = 0.25
    """Share of films whose frames are left out unevenly; 0...1."""
    blur: float = 0.3
    """Share of films whose frames, where some are left out, show all that lay between; 0...1."""
    zoom: float = 0.3
    """Pictures are cut by up to this share; 0...0.8."""
    shake: float = 1.5
    """Largest shaking of the camera, pixels of the small picture; at least 0."""
    light: float = 0.35
    """Largest change of brightness, contrast and gamma, as a logarithm; at least 0."""
    tint: float = 0.12
    """Largest change of each colour, as a logarithm; at least 0."""
    grey: float = 0.1
    """Share of films without colour; 0...1."""
    noise: float = 6.0
    """Strongest noise of pixels, of 255; at least 0."""
    around: float = 0.7
    """Share of stretches that are taken where a contact is; 0...1."""

    def __post_init__(self) -> None:
        shares = (self.uneven, self.blur, self.grey, self.around)
        if (
            not all(0 <= share <= 1 for share in shares)
            or not 0 <= self.zoom <= 0.8
            or not self.least_rate > 0
        ):
            raise OptionError(f"{self}: shares lie in 0...1, zoom in 0...0.8, least_rate above 0")
        if min(self.shake, self.light, self.tint, self.noise) < 0:
            raise OptionError(f"{self}: shake, light, tint and noise are at least 0")


@dataclass(frozen=True)
class EventLosses:
    """What counts how much."""

    presence: float = 6.0
    """Whether a contact begins in a column."""
    roughly: float = 1.5
    """Whether a contact begins within 30, 70 and 150 ms: asked only while it learns, so that it finds its way."""
    place: float = 0.5
    """Where it lies."""
    material: float = 0.4
    """What sounds."""
    impulse: float = 0.3
    """How hard it is hit."""
    size: float = 0.15
    """How large what sounds is."""
    where: float = 0.5
    """Where in the picture it touches, as a map: asked of pictures, only while it learns."""
    named: float = 1.0
    """What sounds, by what is seen there alone: asked of pictures, only while it learns."""
    x: float = 0.5
    """Where in the picture it is."""
    sustained: float = 1.0
    """Whether something scrapes or rolls."""


@dataclass(frozen=True)
class EventTraining:
    """How a watcher of events is trained."""

    network: WatcherShape = field(default_factory=WatcherShape)
    """The network."""
    batch: int = 10
    """Films in an update; at least 1."""
    frames: int = 14
    """Frames of each; at least 8."""
    glimpses: int = 48
    """Pictures of single contacts in an update, of which is asked only what touches where: contacts are rare, and the
    trunk has to see many before it knows materials. At least 0."""
    dropout: float = 0.1
    """Share of channels left out at random, 0...0.9."""
    changes: EventChanges = field(default_factory=EventChanges)
    """How films are changed."""
    losses: EventLosses = field(default_factory=EventLosses)
    """What counts how much."""
    data: str = "films of genlock synth impacts"
    """What the films are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.frames < 8 or self.glimpses < 0 or not 0 <= self.dropout <= 0.9:
            raise OptionError(
                f"{self}: batch is at least 1, frames at least 8, glimpses at least 0; dropout lies in 0...0.9"
            )
