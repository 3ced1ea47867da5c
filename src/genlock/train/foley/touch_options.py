"""What a model of touches learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.foley.contacts import CONTACTS_NAME
from genlock.models.foley.touches import TouchShape
from genlock.train.options import LoopOptions

__all__ = ["TOUCHES_LOOP", "TouchTraining"]

#: How long and how fast it is trained, if not said otherwise.
TOUCHES_LOOP = LoopOptions(
    steps=2400,
    learning_rate=2e-3,
    warmup=0.03,
    hold=0.0,
    final=0.02,
    decay="linear",
    weight_decay=0.02,
    ema=0.995,
    save_every=200,
    evaluate_every=400,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class TouchTraining:
    """How a model of touches is trained."""

    network: Annotated[TouchShape, tyro.conf.Fixed, tyro.conf.Suppress] = field(default_factory=TouchShape)
    """The network; not asked for by words, whose names are those of the network of motion inside of it."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A model to begin with, by name, file or folder; empty: none. It is built in the same way."""
    contacts: str = CONTACTS_NAME
    """The model of motion that is inside: a name, file or folder."""
    halved: float = 0.6
    """Share of the films of more than 20 frames a second that are learnt from at half their rate too, 0...1."""
    batch: int = 48
    """Looks in an update; at least 1."""
    dropout: float = 0.1
    """Share of numbers of what is seen left out at random, 0...0.9."""
    away: float = 0.045
    """How far from where motion says parts are looked at, as a standard deviation, shares of the picture."""
    light: float = 0.3
    """Largest change of contrast, as a logarithm."""
    tint: float = 0.3
    """Largest change of how strong colours are, as a logarithm."""
    noise: float = 5.0
    """Strongest noise of pixels, of 255."""
    scale: float = 0.05
    """How much motion is made faster or slower at random, a logarithm."""
    place_loss: float = 0.3
    """What the instants between frames count beside whether something touches."""
    impulse_loss: float = 0.03
    """What the impulses count."""
    where_loss: float = 0.05
    """What the places in the picture count."""
    data: str = "films of genlock synth impacts"
    """What the films are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        changes = (self.away, self.light, self.tint, self.noise, self.scale)
        losses = (self.place_loss, self.impulse_loss, self.where_loss)
        if self.batch < 1 or not 0 <= self.dropout <= 0.9 or min(*changes, *losses) < 0:
            raise OptionError(
                f"{self}: batch is at least 1, dropout lies in 0...0.9; what is changed and what counts is not below 0"
            )
        if not 0 <= self.halved <= 1:
            raise OptionError(f"halved={self.halved} lies in 0...1")
