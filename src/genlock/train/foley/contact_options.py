"""How a finder of contacts is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.foley.contacts import ContactShape
from genlock.train.options import LoopOptions

__all__ = ["CONTACTS_LOOP", "ContactTraining"]

#: How long and how fast a finder of contacts is trained, if not said otherwise.
CONTACTS_LOOP = LoopOptions(
    steps=2000,
    learning_rate=3e-3,
    warmup=0.03,
    hold=0.0,
    final=0.02,
    decay="linear",
    weight_decay=0.01,
    ema=0.995,
    save_every=250,
    evaluate_every=500,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class ContactTraining:
    """How a finder of contacts is trained."""

    network: ContactShape = field(default_factory=ContactShape)
    """The network."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A model to begin with, by name, file or folder; empty: none. It is built in the same way."""
    batch: int = 12
    """Films in an update; at least 1."""
    frames: int = 32
    """Frames of each; at least 10."""
    around: float = 0.6
    """Share of stretches that are taken where a contact is; 0...1."""
    scale: float = 0.2
    """How much velocities and changes of a film are made larger or smaller at random, a logarithm; at least 0."""
    change_scale: float = 0.2
    """How much changes of grey are on top; at least 0."""
    place_loss: float = 0.1
    """What the instants between frames count beside whether something touches."""
    impulse_loss: float = 0.03
    """What the impulses count."""
    where_loss: float = 0.01
    """What the places in the picture count."""
    data: str = "the motion in films of genlock synth impacts"
    """What the films are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        least = min(self.scale, self.change_scale, self.place_loss, self.impulse_loss, self.where_loss)
        if self.batch < 1 or self.frames < 10 or least < 0 or not 0 <= self.around <= 1:
            raise OptionError(
                f"{self}: batch is at least 1, frames at least 10; around lies in 0...1, scales and losses are not "
                "below 0"
            )
