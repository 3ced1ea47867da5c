"""The options of training, one frozen dataclass a recipe: flags, YAML and the record in the run folder.

Nothing here needs torch, so that the command line can show its help without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import tyro
import yaml

from genlock.core.errors import InputError, OptionError
from genlock.core.plugins import did_you_mean
from genlock.data.batches import BatchPlan
from genlock.lipsync.estimators.tower import TowerOptions
from genlock.train.schedule import Decay, Schedule
from genlock.train.speech.augment import Augmentation

__all__ = [
    "TOWER_LOOP",
    "CtcTraining",
    "LoopOptions",
    "TowerTraining",
    "Units",
    "Wav2Vec2Training",
    "options_from",
    "read_options",
]


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
        counts = {
            "steps": self.steps,
            "save_every": self.save_every,
            "keep": self.keep,
            "evaluate_every": self.evaluate_every,
            "log_every": self.log_every,
            "accumulate": self.accumulate,
        }
        for name, count in counts.items():
            if count < 1:
                raise OptionError(f"{name}={count} is below 1")
        if self.workers < 0 or not 0 <= self.ema < 1:
            raise OptionError(
                f"workers={self.workers} is at least 0, ema={self.ema} lies within 0...1, without 1"
            )
        if not self.clip_norm > 0:
            raise OptionError(f"clip_norm={self.clip_norm} is not above 0")
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
class TowerTraining:
    """How the two towers of lips and speech are trained."""

    batch: int = 24
    """Clips in an update; at least 2."""
    target_seconds: float = 0.012
    """The right lag is told as a bell of this spread; above 0."""
    least_seconds: float = 1.2
    """Shortest stretch of lips that is compared; above 0."""
    dropout: float = 0.3
    """Share of features left out at random, 0...0.9."""
    warp: tuple[float, float] = (0.85, 1.2)
    """The vocal tract is shorter or longer by a factor out of this range."""
    floor_decades: float = 0.7
    """The noise floor lies up to so many factors of ten higher or lower; at least 0."""
    lip_spread: float = 0.3
    """How much lips of others differ: spread of the logarithm of each component's range; at least 0."""
    lip_noise: float = 0.15
    """Noise on the lip components, against their own spread; at least 0."""
    most_shift_seconds: float = 0.15
    """A clip that seems further out than this is left out; above 0."""
    share: float = 0.5
    """What the towers' curve counts beside the linear model's, 0...1."""
    trials: int = 800
    """Films with planted offsets on which the confidence of both together is fitted; at least 100."""
    data: str = "videos of talking faces that were believed to be in step"
    """What the clips are, who made them and under which licence: for the model's card."""
    look: TowerOptions = field(default_factory=TowerOptions)
    """What the towers look at, and how wide they are."""

    def __post_init__(self) -> None:
        if self.batch < 2 or not (self.target_seconds > 0 and self.least_seconds > 0):
            raise OptionError(f"{self}: batches have at least 2 clips, lengths are above 0")
        if not (0 <= self.dropout <= 0.9 and 0 <= self.share <= 1) or self.trials < 100:
            raise OptionError(f"{self}: dropout lies in 0...0.9, share in 0...1, trials are at least 100")
        if (
            not 0 < self.warp[0] <= self.warp[1]
            or min(self.floor_decades, self.lip_spread, self.lip_noise) < 0
        ):
            raise OptionError(f"{self}: warp is a rising range above 0, the rest at least 0")


#: What a CTC model writes.
Units: TypeAlias = Literal["characters", "phones"]


@dataclass(frozen=True)
class CtcTraining:
    """What a CTC model learns from, and how."""

    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A folder or a cached hub name to start from: a pretrained model, any wav2vec 2.0, HuBERT or WavLM
    checkpoint, or a CTC model. Empty: from nothing, in ``shape``."""
    shape: str = "nano"
    """Sizes of a model that starts from nothing: micro, nano or small."""
    freeze_convolutions: bool = True
    """Whether the convolutions of a model that is started from stay as they are."""
    head_only: float = 0.0
    """Share of the steps in which only the new head learns, where ``start`` is given; 0...1."""
    batch_seconds: float = 48.0
    """Sound in one update; seconds above 0."""
    join_seconds: float = 0.0
    """Clips are joined to items of up to this length, so that the model meets long sound; 0: clip by clip."""
    parts: int = 1
    """Parts that an update is computed in, one after the other or by as many processes; at least 1."""
    minutes: float = 0.0
    """How much labelled sound is used, in minutes, chosen by hash; 0: all."""
    split_by: Literal["clip", "speaker"] = "clip"
    """What is kept apart between training and held-out sound where a plain folder is prepared first; a dataset has its
    own split, and keeps it."""
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
    dropout: float = 0.1
    """Dropout in the transformer; 0...1."""
    speed: float = 0.15
    """Speed and pitch are changed by up to this share; 0...0.5."""
    gain_db: float = 12.0
    """Level is changed by up to this; dB."""
    tilt: float = 0.5
    """Spectral tilt is changed by up to this; 0...0.9."""
    noise: float = 0.5
    """Share of items with noise added; 0...1."""

    def __post_init__(self) -> None:
        self.augmentation  # noqa: B018 - ranges are told at birth
        self.plan(0)
        shares = {
            "head_only": self.head_only,
            "mask_time": self.mask_time,
            "mask_channels": self.mask_channels,
            "dropout": self.dropout,
        }
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise OptionError(f"{name}={value} is no share: it lies within 0...1")
        if self.word_times < 0 or self.minutes < 0:
            raise OptionError(f"word_times={self.word_times}, minutes={self.minutes}: neither is below 0")

    @property
    def augmentation(self) -> Augmentation:
        """How sound is changed."""
        return Augmentation(self.speed, self.gain_db, self.tilt, self.noise)

    def plan(self, seed: int) -> BatchPlan:
        """How clips become batches."""
        return BatchPlan(self.batch_seconds, self.join_seconds, self.parts, seed)


@dataclass(frozen=True)
class Wav2Vec2Training:
    """What a wav2vec 2.0 model learns from sound without text, and how. The defaults of the method (masks,
    negatives, temperatures, loss weights) are those of the paper's base model."""

    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A folder or a cached hub name to go on from; empty: from nothing, in ``shape``."""
    shape: str = "nano"
    """Sizes of a model that starts from nothing: micro, nano, small or base."""
    freeze_convolutions: bool = False
    """Whether the convolutions, and the norm after them, stay as they begin. For little sound: ours begin as a
    spectrogram, and codes that follow moving features collapse."""
    batch_seconds: float = 48.0
    """Sound in one update; seconds above 0."""
    join_seconds: float = 0.0
    """Short clips are joined to items of up to this length; 0: clip by clip."""
    longest_seconds: float = 15.0
    """Longer sound is cut to this, at a new random place each time; seconds above 0."""
    parts: int = 1
    """Parts that an update is computed in, one after the other or by as many processes; at least 1."""
    split_by: Literal["clip", "speaker"] = "clip"
    """What is kept apart between training and held-out sound where a plain folder is prepared first; a dataset has its
    own split, and keeps it."""
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
        for name, share in {
            "mask_start": self.mask_start,
            "dropout": self.dropout,
            "heard": self.heard,
        }.items():
            if not 0 <= share <= 1:
                raise OptionError(f"{name}={share} is no share: it lies within 0...1")
        counts = {"mask_length": self.mask_length, "negatives": self.negatives, "codebooks": self.codebooks}
        for name, count in counts.items():
            if count < 1:
                raise OptionError(f"{name}={count} is below 1")
        positive = (self.longest_seconds, self.logit_temperature, self.gumbel_start, self.gumbel_end)
        if min(positive) <= 0 or self.codes < 2:
            raise OptionError("longest_seconds and the temperatures are above 0, and codes at least 2")

    @property
    def augmentation(self) -> Augmentation | None:
        """How sound is changed; None: not at all."""
        how = Augmentation(self.speed, self.gain_db, self.tilt, self.noise)
        return how if any((self.speed, self.gain_db, self.tilt, self.noise)) else None

    def plan(self, seed: int) -> BatchPlan:
        """How clips become batches."""
        return BatchPlan(self.batch_seconds, self.join_seconds, self.parts, seed)

    def gumbel(self, step: int, steps: int) -> float:
        """Temperature of the quantiser in update ``step`` of so many.

        >>> training = Wav2Vec2Training()
        >>> training.gumbel(0, 1000), training.gumbel(900, 1000)
        (2.0, 0.5)
        """
        decay = self.gumbel_decay or (self.gumbel_end / self.gumbel_start) ** (1 / (0.75 * steps))
        return float(max(self.gumbel_start * decay**step, self.gumbel_end))


Options = TypeVar("Options")


def read_options(path: str | Path) -> dict[str, Any]:
    """Options from a YAML file of ``name: value`` lines, or from a run's ``run.json``.

    Raises InputError if it cannot be read or holds something else.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"the options {str(path)!r} cannot be read: {error}") from error
    if isinstance(data, dict) and data.get("kind") == "run":
        data = {**data["settings"], **data["loop"]}
        data = {name: value for name, value in data.items() if name not in RECORDED}
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise InputError(f"{str(path)!r} is no list of options; write one as 'steps: 2000' a line")
    return data


#: What a run's record says beside its options.
RECORDED = frozenset({"clips", "seconds", "characters"})


def options_from(data: Mapping[str, Any], *kinds: Any) -> list[Any]:
    """One object of each kind, from names and values that belong to any of them.

    A kind is a class of options, or an object of one that says where they begin.

    >>> training, loop = options_from({"steps": 5, "shape": "micro"}, CtcTraining, LoopOptions)
    >>> training.shape, loop.steps
    ('micro', 5)

    Raises OptionError if a name belongs to none, or a value is of the wrong type.
    """
    begin = [kind() if isinstance(kind, type) else kind for kind in kinds]
    known = {field.name: type(getattr(base, field.name)) for base in begin for field in fields(base)}
    found = {}
    for name, value in data.items():
        if name not in known:
            raise OptionError(
                f"the option {name!r} is unknown; known are {', '.join(sorted(known))}{did_you_mean(name, list(known))}"
            )
        given = tuple(value) if known[name] is tuple and isinstance(value, list) else value
        fine = isinstance(given, (int, float)) if known[name] is float else type(given) is known[name]
        if not fine or (known[name] is float and isinstance(given, bool)):
            raise OptionError(f"{name}={value!r} is no {known[name].__name__}")
        found[name] = given
    return [
        replace(base, **{f.name: found[f.name] for f in fields(base) if f.name in found}) for base in begin
    ]
