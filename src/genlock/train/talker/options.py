"""What a talker is trained on and how; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from genlock.core.errors import OptionError
from genlock.models.talker.networks import NetworkShape
from genlock.train.options import LoopOptions
from genlock.train.talker.augment import Changes

__all__ = ["TALKER_LOOP", "LossWeights", "TalkerTraining"]

#: How long and how fast talkers are trained, if not said otherwise: some minutes of one core.
TALKER_LOOP = LoopOptions(
    steps=1000,
    learning_rate=2e-3,
    warmup=0.04,
    hold=0.3,
    final=0.02,
    decay="linear",
    weight_decay=0.03,
    ema=0.99,
    save_every=250,
    evaluate_every=500,
    log_every=10,
    threads=1,
)


@dataclass(frozen=True)
class LossWeights:
    """What each part of the loss counts; at least 0."""

    place_loss: float = 1.0
    """Distance of the points."""
    velocity_loss: float = 1.0
    """Distance of their velocities, for 40 ms."""
    opening_loss: float = 0.5
    """Opening of the lips."""
    closure_loss: float = 0.3
    """Lips open where they should be closed, and the other way round."""
    energy_loss: float = 0.05
    """Magnitude of movement over a clip, as a ratio to the true one."""
    weights_loss: float = 0.02
    """The weights of the basis themselves."""
    flow_loss: float = 1.0
    """Direction of the flow, for networks that have one."""
    closed: float = 0.03
    """Lips less than this apart are closed, in eye distances; 0: as far as each clip's own range says
    (:func:`genlock.metrics.landmarks.closed_level`)."""

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0:
            raise OptionError(f"{self}: none is below 0")


@dataclass(frozen=True)
class TalkerTraining:
    """What a talker learns from, and how."""

    hears: tuple[str, ...] = ("mel:kaldi",)
    """Features of the sound, as genlock features takes them, and words for the words of the index. Log bands
    (mel:kaldi, logfbank) are levelled, other features standardised."""
    network: NetworkShape = field(default_factory=NetworkShape)
    """The network."""
    live: bool = False
    """Whether levels are those of what was heard so far, for use without looking ahead; goes with a causal network."""
    components: int = 16
    """Movements in the basis of the face; at least 1."""
    batch: int = 8
    """Clips in an update; at least 1."""
    crop_seconds: float = 5.0
    """Longer clips are cut to this, elsewhere each time; seconds above 0."""
    dropout: float = 0.15
    """Share of channels left out at random, 0...0.9."""
    manner: float = 0.0
    """Share of clips that are learnt in their speaker's own manner; the rest in nobody's. 0: no manners; 0...1."""
    balance: float = 0.0
    """How much more often clips of speakers with few of them are taken: a speaker's share of the updates is its number
    of clips to the power of 1 less this; 0...1. 0: every clip as often; 1: every speaker as often."""
    leave_out: tuple[str, ...] = ()
    """Speakers of whom nothing is learnt; they are reported on instead of the split test."""
    motion_energy: float = 0.95
    """Energy of motion, against the true one, that the emphasis is fitted to on the split valid; above 0."""
    most_sharp: float = 2.0
    """Most that quick movement is emphasised by; at least 0. More of it closes lips that should be open: on the split
    valid of GRID .25, .5 and 1 gave .13, .16 and .22 false closures, at about the same error."""
    changes: Changes = field(default_factory=Changes)
    """How sound is changed, so that it does not matter who speaks where."""
    losses: LossWeights = field(default_factory=LossWeights)
    """What is asked for."""
    data: str = "films of talking faces"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        if not self.hears or self.components < 1 or self.batch < 1 or not self.crop_seconds > 0:
            raise OptionError(f"{self}: something is heard; components, batch and crop_seconds are above 0")
        if not (
            0 <= self.dropout <= 0.9
            and 0 <= self.manner <= 1
            and 0 <= self.balance <= 1
            and self.motion_energy > 0
            and self.most_sharp >= 0
        ):
            raise OptionError(
                f"{self}: dropout lies in 0...0.9; manner and balance in 0...1; motion_energy is above 0"
            )
