"""What a writer of sound learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.foley.sampling import Sampling
from genlock.train.options import LoopOptions

__all__ = ["WRITER_LOOP", "WriterTraining"]

#: How long and how fast a writer is trained, if not said otherwise: some fifteen minutes of one core.
WRITER_LOOP = LoopOptions(
    steps=1100,
    learning_rate=2e-3,
    warmup=0.05,
    hold=0.3,
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
class WriterTraining:
    """How a writer is trained."""

    codec: str = "foley-codec"
    """The codec whose codes it writes: a model by its name, or a file or folder."""
    vocoder: str = ""
    """The vocoder by which it is heard: a name, a file or a folder. Empty: the one that comes with Genlock."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A writer whose weights the training begins with, built alike: a name, a file or a folder. Materials and classes
    that it does not know are added. Empty: none."""
    finder: str = "auto"
    """Who says what sounds in films whose truth is not known: a finder of ``genlock sound``."""
    blur: float = 0.5
    """Share of the contacts that are told as uncertain, spread over some columns and two materials; 0...1."""
    classes: bool = False
    """Whether the clips' labels are classes of sound that can be asked for."""
    width: int = 160
    """Channels of the network."""
    layers: int = 5
    """Layers of the transformer."""
    reach: int = 64
    """Columns that a layer looks back."""
    batch: int = 12
    """Clips in an update; at least 1."""
    columns: int = 128
    """Columns of each, 20 ms long; at least 16."""
    wrong_history: float = 0.1
    """Share of the columns whose codes are heard wrong, so that a slip is not gone on with; 0...1."""
    untold: float = 0.12
    """Share of stretches that are told nothing of the picture, for guidance; 0...1."""
    unnamed: float = 0.3
    """Share of clips whose class is not told; 0...1."""
    dropout: float = 0.1
    """Share of channels left out at random, 0...0.9."""
    preferences: int = 0
    """Updates, the last ones, in which the writer is also to find each clip's sound likelier told as it is than told
    wrongly: shifted, without a contact, with those of another clip, of another material. 0: none."""
    preference_strength: float = 0.1
    """How soon a preference is clear enough, per nat; above 0."""
    sampling: Sampling = field(default_factory=Sampling)
    """How the codes of the clips that are heard are drawn."""
    heard: int = 2
    """Clips of the held-out part for which sound is written, beside the true one, with a picture of both and one of
    what the writer attended to; at least 0."""
    data: str = "films of genlock synth impacts"
    """What the films are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        shares = (self.blur, self.wrong_history, self.untold, self.unnamed)
        if not all(0 <= share <= 1 for share in shares) or not 0 <= self.dropout <= 0.9:
            raise OptionError(f"{self}: shares lie in 0...1, dropout in 0...0.9")
        if self.preferences < 0 or not self.preference_strength > 0:
            raise OptionError(f"{self}: preferences is at least 0, preference_strength above 0")
        if self.batch < 1 or self.columns < 16 or self.heard < 0:
            raise OptionError(f"{self}: batch is at least 1, columns at least 16, heard at least 0")
