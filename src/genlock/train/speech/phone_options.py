"""What a model of phones learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.speech.phones import PhoneShape
from genlock.train.options import LoopOptions, require_shares

__all__ = ["PHONES_LOOP", "PhonesTraining"]

#: How long and how fast each round is trained, if not said otherwise: some ten minutes of one core.
PHONES_LOOP = LoopOptions(
    steps=500,
    learning_rate=3e-3,
    warmup=0.04,
    hold=0.2,
    final=0.02,
    decay="linear",
    weight_decay=0.02,
    save_every=100,
    evaluate_every=200,
    log_every=10,
    threads=1,
)


@dataclass(frozen=True)
class PhonesTraining:
    """How a model of phones is trained."""

    network: PhoneShape = field(default_factory=PhoneShape)
    """The network."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1: one for all datasets, or one for each in their order. All but English need espeak-ng."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A model of phones that aligns the clips for the first round, which goes on from it: a name, a file or a folder.
    Empty: none."""
    rounds: int = 2
    """Rounds of training; before each but the first, all phones are aligned anew by the model of the round before. At
    least 1."""
    rise: float = 2.4
    """By how much longer each round is than the one before; at least 1."""
    batch: int = 8
    """Stretches of sound in an update; at least 1."""
    seconds: float = 2.56
    """Length of a stretch; above 0."""
    even: float = 0.5
    """How far speakers are evened out: with 0 each clip is taken as often as any, with 1 each speaker."""
    dropout: float = 0.1
    """Share of numbers left out at random, 0...0.9."""
    smoothing: float = 0.05
    """Share of certainty that is spread over all phones, 0...0.5."""
    worst_fit: float = -4.0
    """Clips whose words fit worse (mean ln of a phone's probability against the likeliest) are not learnt from in a
    round; at most 0."""
    gain: float = 1.5
    """Largest change of all bands, as a logarithm of power."""
    tilt: float = 1.0
    """Largest change of the highest band against the lowest, half of it to each side, as a logarithm of power."""
    tract: float = 0.14
    """Largest change of the length of the vocal tract, which moves all bands up or down; a share, 0...0.5."""
    speed: float = 0.15
    """Largest change of speed, without the pitch; a share, 0...0.5."""
    noise: float = 0.3
    """Share of stretches with noise, 0...1."""
    echo: float = 0.2
    """Share of stretches with a room's echo, 0...1."""
    masks: int = 1
    """Groups of up to ten bands that are silenced."""
    data: str = "speech"
    """What the datasets are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        require_shares(self, "even", "noise", "echo")
        if self.rounds < 1 or self.batch < 1 or self.rise < 1 or not self.seconds > 0:
            raise OptionError(f"{self}: rounds, batch and rise are at least 1, seconds above 0")
        if not 0 <= self.dropout <= 0.9 or not 0 <= self.smoothing <= 0.5 or self.worst_fit > 0:
            raise OptionError(
                f"{self}: dropout lies in 0...0.9, smoothing in 0...0.5, worst_fit is at most 0"
            )
        if (
            not 0 <= self.tract <= 0.5
            or not 0 <= self.speed <= 0.5
            or min(self.gain, self.tilt, self.masks) < 0
        ):
            raise OptionError(f"{self}: tract and speed lie in 0...0.5; gain, tilt and masks are at least 0")
        if not self.languages or not all(self.languages):
            raise OptionError("languages: name one for all datasets, or one for each")
