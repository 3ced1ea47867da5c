"""What a reader of materials learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.foley.materials import ReaderShape
from genlock.train.options import LoopOptions

__all__ = ["MATERIALS_LOOP", "MaterialTraining"]

#: How long and how fast a reader is trained, if not said otherwise: some twenty minutes of one core.
MATERIALS_LOOP = LoopOptions(
    steps=3000,
    learning_rate=1e-3,
    warmup=0.03,
    hold=0.3,
    final=0.01,
    decay="linear",
    weight_decay=0.05,
    ema=0.99,
    save_every=300,
    evaluate_every=300,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class MaterialTraining:
    """How a reader of materials is trained."""

    network: ReaderShape = field(default_factory=lambda: ReaderShape(channels=(32, 64, 96, 96), changes=True))
    """The network."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A reader whose weights the training begins with, built alike: a name, a file or a folder. Materials that it does
    not know are added. Empty: none."""
    drawn: int = 0
    """Places that are drawn anew beside the films, with some eight things struck in each; only the frames around a
    contact are drawn, and kept beside the run. 0: none."""
    batch: int = 64
    """Parts of pictures in an update; at least 1."""
    dropout: float = 0.1
    """Share of numbers left out at random, 0...0.9."""
    smoothing: float = 0.05
    """Share of certainty that is spread over all materials, 0...0.5."""
    size_loss: float = 0.2
    """How much the size counts."""
    place_loss: float = 0.5
    """How much the place counts."""
    apart: float = 3.0
    """How far from the middle contacts lie, pixels, as a standard deviation: places are not found exactly."""
    larger: float = 0.15
    """Largest change of the scale, as a logarithm."""
    light: float = 0.1
    """Largest change of brightness, as a logarithm."""
    tint: float = 0.03
    """Largest change of each colour, as a logarithm."""
    noise: float = 0.01
    """Strongest noise of pixels, of 1."""
    data: str = "films of genlock synth impacts"
    """What the films are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        if self.drawn < 0:
            raise OptionError(f"drawn={self.drawn} is not below 0")
        if self.batch < 1 or not 0 <= self.dropout <= 0.9 or not 0 <= self.smoothing <= 0.5:
            raise OptionError(f"{self}: batch is at least 1, dropout lies in 0...0.9, smoothing in 0...0.5")
        if (
            min(self.size_loss, self.place_loss, self.apart, self.larger, self.light, self.tint, self.noise)
            < 0
        ):
            raise OptionError(f"{self}: what counts and what is changed is at least 0")
