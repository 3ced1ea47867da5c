"""The options of training, one frozen dataclass a recipe: flags, names in YAML files and the record of a run.

Nothing here needs torch, so that the command line can show its help without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

import tyro

from genlock.core.errors import OptionError
from genlock.data.batches import BatchPlan
from genlock.lipsync.estimators.linear import LinearOptions
from genlock.lipsync.estimators.tower import TowerOptions
from genlock.train.schedule import Decay, Schedule
from genlock.train.speech.augment import Augmentation

__all__ = [
    "TOWER_LOOP",
    "CalibrationTraining",
    "CtcTraining",
    "LipSyncTraining",
    "LoopOptions",
    "SpeechTraining",
    "SyncTraining",
    "TowerTraining",
    "Units",
    "Wav2Vec2Training",
    "require_shares",
]


def _require_at_least(options: Any, least: int, *names: str) -> None:
    for name in names:
        if not getattr(options, name) >= least:
            raise OptionError(f"{name}={getattr(options, name)} is below {least}")


def _require_above_zero(options: Any, *names: str) -> None:
    for name in names:
        if not getattr(options, name) > 0:
            raise OptionError(f"{name}={getattr(options, name)} is not above 0")


def require_shares(options: Any, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(options, name) <= 1:
            raise OptionError(f"{name}={getattr(options, name)} is no share: it lies within 0...1")


@dataclass(frozen=True)
class LoopOptions:
    """What is the same for every recipe."""

    steps: int = 1000
    """Updates of the weights in all; at least 1."""
    learning_rate: float = 1e-3
    """Highest learning rate; above 0."""
    warmup: float = 0.1
    """Share of the steps in which the rate rises evenly from zero; 0...1."""
    hold: float = 0.4
    """Share of the steps in which it then stays; 0...1."""
    final: float = 0.05
    """What is left of the rate at the end, as a share of the highest; above 0, at most 1."""
    decay: Decay = "exponential"
    """How it falls in the rest of the steps (with ``exponential``: the tri-stage schedule of wav2vec 2.0)."""
    weight_decay: float = 0.01
    """AdamW's weight decay; at least 0."""
    beta2: float = 0.98
    """AdamW's second beta; 0...1."""
    clip_norm: float = 1.0
    """Gradients are scaled down to at most this norm; above 0."""
    accumulate: int = 1
    """Updates of the recipe whose gradients are added up to one of the run; at least 1."""
    ema: float = 0.0
    """Decay of the running average of the weights, such as 0.999; the average is then what is evaluated and exported.
    0: none."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision; ``no`` computes in float32."""
    save_every: int = 500
    """A checkpoint every so many steps, and one at the end; at least 1."""
    keep: int = 2
    """How many of the newest checkpoints stay; at least 1."""
    evaluate_every: int = 500
    """The held-out part is evaluated every so many steps, and at the end; at least 1."""
    log_every: int = 1
    """A line in the log every so many steps; at least 1."""
    seed: int = 0
    """Seed of the first weights, the order of the data and everything drawn at random."""
    workers: int = 0
    """Processes that load what is to come, in each process that computes; 0: one thread. The result is the same."""
    threads: int = 0
    """Threads of torch in each process; 0 leaves it. Equal to the bit only at the same number."""

    def __post_init__(self) -> None:
        _require_at_least(self, 1, "steps", "save_every", "keep", "evaluate_every", "log_every", "accumulate")
        _require_at_least(self, 0, "workers")
        _require_above_zero(self, "clip_norm")
        if not 0 <= self.ema < 1:
            raise OptionError(f"ema={self.ema} is no decay: it lies within 0...1, without 1")
        self.schedule  # noqa: B018 - ranges are told at birth

    @property
    def schedule(self) -> Schedule:
        """The learning rate over the updates."""
        return Schedule(self.learning_rate, self.steps, self.warmup, self.hold, self.final, self.decay)

    def rate(self, step: int) -> float:
        """Learning rate of update ``step`` (0 is the first).

        >>> options = LoopOptions(steps=100, learning_rate=1.0)
        >>> options.rate(4), options.rate(30), round(options.rate(100), 3)
        (0.5, 1.0, 0.05)
        """
        return self.schedule(step)


#: How long and how fast the towers are trained, if not said otherwise: some five minutes of one core.
TOWER_LOOP = LoopOptions(
    steps=800,
    learning_rate=3e-3,
    warmup=0.08,
    hold=0.1,
    final=0.01,
    decay="linear",
    weight_decay=0.05,
    save_every=200,
    evaluate_every=400,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class LipSyncTraining:
    """What the models of lips against speech are trained with, whichever they are."""

    warp: tuple[float, float] = (0.85, 1.2)
    """The vocal tract of a changed clip is shorter or longer by a factor out of this range."""
    floor_decades: float = 0.7
    """Its noise floor lies up to so many factors of ten higher or lower; at least 0."""
    lip_noise: float = 0.1
    """Noise on its lip components, against their own spread; at least 0."""
    most_shift_seconds: float = 0.15
    """A clip that seems further out than this is left out; above 0."""
    turned: float = 0.67
    """Share of changed clips whose head is turned by rule, 0...1; see :mod:`genlock.train.lipsync.turned`."""
    ordinary: tuple[str, ...] = ()
    """People whose clips are out of step as they come: each clip is put where the models that come with Genlock see it
    before anything is learnt from it."""
    without: tuple[str, ...] = ()
    """People who are left out, so that what is learnt can be tried on them."""
    trials: int = 800
    """Films with planted offsets on which the confidence is fitted; at least 100."""
    data: str = "videos of talking faces that were believed to be in step"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        _require_at_least(self, 100, "trials")
        _require_at_least(self, 0, "floor_decades", "lip_noise")
        _require_above_zero(self, "most_shift_seconds")
        require_shares(self, "turned")
        if not 0 < self.warp[0] <= self.warp[1]:
            raise OptionError(f"warp={self.warp} is no rising range above 0")


@dataclass(frozen=True)
class SyncTraining(LipSyncTraining):
    """How the linear sync model is trained."""

    ridge: float = 1.0
    """Strength of the regression's regularisation, against standardised features; above 0."""
    cca: float = 1.0
    """The same for the canonical correlation; above 0."""
    copies: int = 4
    """Versions of each clip, the first as it is, the others changed; at least 1."""
    rounds: int = 2
    """Fits; after each but the last the clips are put where it sees them. At least 1."""
    seed: int = 0
    """Of everything random."""
    look: LinearOptions = field(default_factory=LinearOptions)
    """What the model looks at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_above_zero(self, "ridge", "cca")
        _require_at_least(self, 1, "copies", "rounds")


@dataclass(frozen=True)
class TowerTraining(LipSyncTraining):
    """How the two towers of lips and speech are trained."""

    lip_noise: float = 0.15
    batch: int = 24
    """Clips in an update; at least 2."""
    target_seconds: float = 0.012
    """The right lag is told as a bell of this spread; above 0."""
    least_seconds: float = 1.2
    """Shortest stretch of lips that is compared; above 0."""
    dropout: float = 0.3
    """Share of features left out at random, 0...0.9."""
    lip_spread: float = 0.3
    """How much lips of others differ: spread of the logarithm of each component's range; at least 0."""
    balance: float = 0.5
    """How far people of whom there is much count less: each person counts as the number of his clips to the power of
    1 less this, 0...1. 0: every clip counts the same; 1: every person does."""
    share: float = 0.5
    """What the towers' curve counts beside the linear model's, 0...1."""
    look: TowerOptions = field(default_factory=TowerOptions)
    """What the towers look at, and how wide they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_at_least(self, 2, "batch")
        _require_at_least(self, 0, "lip_spread")
        require_shares(self, "share", "balance")
        _require_above_zero(self, "target_seconds", "least_seconds")
        if not 0 <= self.dropout <= 0.9:
            raise OptionError(f"dropout={self.dropout} lies within 0...0.9")


@dataclass(frozen=True)
class CalibrationTraining:
    """How what the lips-sound models may be sure of is fitted on many people."""

    linear: str = ""
    """File of the linear model; empty: the one that comes with Genlock."""
    tower: str = ""
    """File of the towers; empty: those that come with Genlock."""
    tower_without: tuple[str, ...] = ()
    """Towers learnt without some people, by which those are measured: ``NAME,NAME=FILE``, one for each file."""
    relearn: bool = False
    """Whether the linear model is learnt anew from everybody; each is then measured by one learnt without him."""
    known: tuple[str, ...] = ()
    """People whom a model that is given was trained on: what it may be sure of is not fitted on them."""
    ordinary: tuple[str, ...] = ()
    """People whose clips are out of step as they come: each clip is put where the models see it."""
    times: int = 2
    """How many times ten films of every length are made of each person; at least 1."""
    seed: int = 0
    """Of everything random."""
    # Its options have the names of those above: a YAML file says them.
    learning: tyro.conf.SuppressFixed[tyro.conf.Fixed[SyncTraining]] = field(default_factory=SyncTraining)
    """How the linear model is learnt anew."""
    data: str = "films of talking faces"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        _require_at_least(self, 1, "times")


#: What a CTC model writes.
Units: TypeAlias = Literal["characters", "phones"]


@dataclass(frozen=True)
class SpeechTraining:
    """What the models of speech are trained with, whichever they are."""

    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A folder or a cached hub name to start from: a pretrained model, or any wav2vec 2.0, HuBERT or WavLM checkpoint.
    Empty: from nothing, in ``shape``."""
    shape: str = "nano"
    """Sizes of a model that starts from nothing: micro, nano, small or base."""
    freeze_convolutions: bool = False
    """Whether the convolutions stay as they begin."""
    batch_seconds: float = 48.0
    """Sound in one update; seconds above 0."""
    join_seconds: float = 0.0
    """Clips are joined to items of up to this length, so that the model meets long sound; 0: clip by clip."""
    parts: int = 1
    """Parts that an update is computed in, one after the other or by as many processes; at least 1."""
    split_by: Literal["clip", "speaker"] = "clip"
    """What is kept apart between training and held-out sound where a plain folder is prepared first; a dataset has its
    own split, and keeps it."""
    dropout: float = 0.1
    """Dropout in the transformer; 0...1."""
    speed: float = 0.0
    """Speed and pitch are changed by up to this share; 0...0.5."""
    gain_db: float = 0.0
    """Level is changed by up to this; dB."""
    tilt: float = 0.0
    """Spectral tilt is changed by up to this; 0...0.9."""
    noise: float = 0.0
    """Share of items with noise added; 0...1."""

    def __post_init__(self) -> None:
        self.augmentation  # noqa: B018 - ranges are told at birth
        self.plan(0)
        require_shares(self, "dropout")

    @property
    def augmentation(self) -> Augmentation | None:
        """How sound is changed; None: not at all."""
        return Augmentation(self.speed, self.gain_db, self.tilt, self.noise)

    def plan(self, seed: int) -> BatchPlan:
        """How clips become batches."""
        return BatchPlan(self.batch_seconds, self.join_seconds, self.parts, seed)


@dataclass(frozen=True)
class CtcTraining(SpeechTraining):
    """What a CTC model learns from, and how. It may start from a CTC model, too."""

    freeze_convolutions: bool = True
    """Whether the convolutions of a model that is started from stay as they are."""
    speed: float = 0.15
    gain_db: float = 12.0
    tilt: float = 0.5
    noise: float = 0.5
    head_only: float = 0.0
    """Share of the steps in which only the new head learns, where ``start`` is given; 0...1."""
    minutes: float = 0.0
    """How much labelled sound is used, in minutes, chosen by hash; 0: all."""
    language: str = "auto"
    """Language of the texts, ISO 639-1, such as de: numbers are spoken out in it. auto: English if nearly all texts are
    in English letters, else letters as they are written, and texts with numbers are left out."""
    units: Units = "characters"
    """What the model writes: characters, or ARPAbet phones of the words' commonest English pronunciations. One that
    writes phones aligns texts; it does not recognise words."""
    characters: str = ""
    """Characters that the model can write besides those of the texts, so that it can learn them later."""
    word_times: float = 0.0
    """Weight of frame targets for clips whose word times are known, beside CTC; at least 0. They make a model
    from nothing learn quickly, and its word borders exact."""
    mask_time: float = 0.05
    """Share of frames masked, in spans of 10; 0...1."""
    mask_channels: float = 0.0
    """Share of channels masked, in spans of a sixteenth; 0...1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_shares(self, "head_only", "mask_time", "mask_channels")
        _require_at_least(self, 0, "word_times", "minutes")


@dataclass(frozen=True)
class Wav2Vec2Training(SpeechTraining):
    """What a wav2vec 2.0 model learns from sound without text, and how. The defaults of the method (masks,
    negatives, temperatures, loss weights) are those of the paper's base model."""

    freeze_convolutions: bool = False
    """Whether the convolutions, and the norm after them, stay as they begin. For little sound: ours begin as a
    spectrogram, and codes that follow moving features collapse."""
    longest_seconds: float = 15.0
    """Longer sound is cut to this, at a new random place each time; seconds above 0."""
    mask_start: float = 0.065
    """Share of frames at which a mask begins; 0...1."""
    mask_length: int = 10
    """Frames of a mask; at least 1. Masks overlap: with the defaults about half of all frames are masked."""
    heard: float = 0.0
    """Share of the masks that the transformer hears nevertheless, in stretches of ``mask_length``; 0...1. What it
    gives for frames that it hears is else never trained, and just that is used later. (BERT leaves a tenth of its
    masked words as they are for the same reason.)"""
    negatives: int = 100
    """Wrong code vectors beside the right one, from other masked frames of the same utterance; at least 1."""
    codebooks: int = 2
    """Groups of code vectors; at least 1."""
    codes: int = 320
    """Code vectors in each group; at least 2."""
    code_width: int = 0
    """Width of a code vector, all groups together; 0: 256 for base, else 128."""
    logit_temperature: float = 0.1
    """Cosine similarities are divided by this; above 0."""
    diversity: float = 0.1
    """Weight of the diversity loss; at least 0."""
    features_penalty: float = 10.0
    """Weight of the mean square of the convolutions' output; at least 0."""
    gumbel_start: float = 2.0
    """Temperature of the quantiser at the start; above 0."""
    gumbel_end: float = 0.5
    """Its lowest; above 0."""
    gumbel_decay: float = 0.0
    """Its factor in each step; 0: such that it falls to the lowest within three quarters of the steps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_shares(self, "mask_start", "heard")
        _require_at_least(self, 1, "mask_length", "negatives", "codebooks")
        _require_at_least(self, 2, "codes")
        _require_above_zero(self, "longest_seconds", "logit_temperature", "gumbel_start", "gumbel_end")

    @property
    def augmentation(self) -> Augmentation | None:
        """How sound is changed; None: not at all."""
        return super().augmentation if any((self.speed, self.gain_db, self.tilt, self.noise)) else None

    def gumbel(self, step: int, steps: int) -> float:
        """Temperature of the quantiser in update ``step`` of so many.

        >>> training = Wav2Vec2Training()
        >>> training.gumbel(0, 1000), training.gumbel(900, 1000)
        (2.0, 0.5)
        """
        decay = self.gumbel_decay or (self.gumbel_end / self.gumbel_start) ** (1 / (0.75 * steps))
        return float(max(self.gumbel_start * decay**step, self.gumbel_end))
