"""What a codec and a vocoder are trained on and how; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from genlock.core.errors import OptionError
from genlock.models.foley.codec import CodecShape
from genlock.models.foley.vocoder import VocoderShape
from genlock.train.foley.sounds import SoundChanges
from genlock.train.options import LoopOptions

__all__ = [
    "CODEBOOK_LOOP",
    "VOCODER_LOOP",
    "CodebookLosses",
    "CodebookTraining",
    "VocoderLosses",
    "VocoderTraining",
]

#: How long and how fast codecs are trained, if not said otherwise: some minutes of one core.
CODEBOOK_LOOP = LoopOptions(
    steps=3000,
    learning_rate=2e-3,
    warmup=0.03,
    hold=0.4,
    final=0.02,
    decay="linear",
    weight_decay=0.01,
    ema=0.995,
    save_every=500,
    evaluate_every=500,
    log_every=20,
    threads=1,
)
#: The same of vocoders: about a quarter of an hour of one core.
VOCODER_LOOP = LoopOptions(
    steps=4000,
    learning_rate=2e-3,
    warmup=0.03,
    hold=0.3,
    final=0.02,
    decay="linear",
    weight_decay=0.01,
    ema=0.99,
    save_every=500,
    evaluate_every=500,
    log_every=20,
    threads=1,
)


@dataclass(frozen=True)
class CodebookLosses:
    """What each part of the loss of a codec counts; at least 0."""

    band_loss: float = 1.0
    """Mean distance (L1) of the bands."""
    attack_loss: float = 1.0
    """The same of their change from cell to cell: an attack that is smeared costs twice."""
    scale_loss: float = 0.5
    """The same of bands that are pooled over 2, 4 and 8 cells and bands: several scales."""
    commitment_loss: float = 0.02
    """How far the encoder's numbers are from the levels."""
    patch_loss: float = 0.0
    """What patches of the bands look like to a discriminator (hinge)."""
    patch_begins: int = 1000
    """The update from which on there is a discriminator; at least 0."""
    perceptual_loss: float = 0.0
    """Distance as a sound classifier perceives it (LPAPS)."""
    classifier: str = ""
    """Its file, as ``genlock train codebook`` wrote it; empty: it is trained on the labels of the clips first."""

    def __post_init__(self) -> None:
        if min(value for value in vars(self).values() if not isinstance(value, str)) < 0:
            raise OptionError(f"{self}: none is below 0")


@dataclass(frozen=True)
class CodebookTraining:
    """What a codec learns from, and how."""

    codec: CodecShape = field(default_factory=CodecShape)
    """How it is built."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A model to begin with, by name, file or folder; empty: none. It is built in the same way."""
    batch: int = 16
    """Crops in an update; at least 1."""
    crop_columns: int = 64
    """Columns of 20 ms in a crop; at least 4."""
    plain: float = 0.1
    """Share of crops whose numbers are not rounded to levels, so that the networks learn smoothly; 0...1."""
    changes: SoundChanges = field(default_factory=SoundChanges)
    """How sound is changed."""
    losses: CodebookLosses = field(default_factory=CodebookLosses)
    """What is asked for."""
    heard: int = 4
    """Clips of the held-out part that are written as pictures and sound, as they come back, beside the model."""
    data: str = "sounds"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.crop_columns < 4 or not 0 <= self.plain <= 1 or self.heard < 0:
            raise OptionError(
                f"{self}: batch is at least 1, crop_columns at least 4, plain within 0...1, heard at least 0"
            )


@dataclass(frozen=True)
class VocoderLosses:
    """What each part of the loss of a vocoder counts; at least 0."""

    band_loss: float = 1.0
    """Mean distance (L1) of the bands of what is heard from those that were given."""
    spectrum_loss: float = 1.0
    """Distance of spectra in windows of several sizes: of their logarithms, and of themselves."""
    wave_loss: float = 0.5
    """Distance of the samples of attacks and of low tones, as far as phases can be known at all."""
    patch_loss: float = 0.0
    """What patches of spectra in windows of several sizes look like to discriminators (hinge)."""
    patch_begins: int = 1500
    """The update from which on there are discriminators; at least 0."""

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0:
            raise OptionError(f"{self}: none is below 0")


@dataclass(frozen=True)
class VocoderTraining:
    """What a vocoder learns from, and how."""

    vocoder: VocoderShape = field(default_factory=VocoderShape)
    """How it is built."""
    start: Annotated[str, tyro.conf.arg(aliases=["--from"])] = ""
    """A model to begin with, by name, file or folder; empty: none. It is built in the same way."""
    codec: str = ""
    """A codec whose reconstructions are learnt from beside true bands; empty: none."""
    coded: float = 0.5
    """Share of crops whose bands went through that codec; 0...1."""
    batch: int = 8
    """Crops in an update; at least 1."""
    crop_cells: int = 64
    """Cells of 10 ms in a crop; at least 16."""
    changes: SoundChanges = field(default_factory=SoundChanges)
    """How sound is changed."""
    losses: VocoderLosses = field(default_factory=VocoderLosses)
    """What is asked for."""
    heard: int = 4
    """Clips of the held-out part that are written as sound beside the model; at least 0."""
    data: str = "sounds"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.crop_cells < 16 or not 0 <= self.coded <= 1 or self.heard < 0:
            raise OptionError(
                f"{self}: batch is at least 1, crop_cells at least 16, coded within 0...1, heard at least 0"
            )
