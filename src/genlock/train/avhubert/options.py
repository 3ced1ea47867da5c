"""What an AV-HuBERT and a recogniser of sound and lips are trained on and how; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from genlock.core.errors import OptionError
from genlock.models.avhubert.shape import AVHuBERTShape, preset
from genlock.train.options import LoopOptions, require_shares

__all__ = ["AVHUBERT_LOOP", "AVSR_LOOP", "AVHubertTraining", "AVTraining", "AvsrTraining", "Network"]

#: How long and how fast an AV-HuBERT is pretrained, if not said otherwise: some minutes of one core.
AVHUBERT_LOOP = LoopOptions(
    steps=400,
    learning_rate=2e-3,
    warmup=0.1,
    hold=0.3,
    final=0.05,
    decay="linear",
    save_every=100,
    evaluate_every=100,
    log_every=5,
    threads=1,
)
#: The same for a recogniser.
AVSR_LOOP = LoopOptions(
    steps=800,
    learning_rate=2e-3,
    warmup=0.08,
    hold=0.3,
    final=0.02,
    decay="linear",
    weight_decay=0.02,
    ema=0.99,
    save_every=100,
    evaluate_every=200,
    log_every=5,
    threads=1,
)


@dataclass(frozen=True)
class Network:
    """How large an encoder is: a shape by name, and what differs from it."""

    shape: str = "nano"
    """nano, which trains on one core; base or large, as published."""
    layers: int = 0
    """Layers of the transformer; 0: the shape's."""
    width: int = 0
    """Values a frame inside it; 0: the shape's."""
    ffn: int = 0
    """Inner width of its feed-forward blocks; 0: the shape's."""
    heads: int = 0
    """Heads of its attention; 0: the shape's."""
    position_kernel: int = 0
    """Frames that the convolution of positions looks at; 0: the shape's."""
    position_groups: int = 0
    """Its groups; 0: the shape's."""
    stem: int = 0
    """Channels of the first convolution over the picture; 0: the shape's."""
    trunk: tuple[int, ...] = ()
    """Channels of the four stages of the ResNet; empty: the shape's."""
    crop: int = 0
    """Side of the pictures that it sees, of which crops of 96 show 88 parts; 0: the shape's."""
    clusters: int = 0
    """Classes of masked prediction; 0: the shape's."""
    dropout: float = 0.1
    """Share of values left out at random after each block, of what goes in, and of attention; 0...0.9."""

    def __post_init__(self) -> None:
        if not 0 <= self.dropout <= 0.9:
            raise OptionError(f"dropout={self.dropout} lies within 0...0.9")
        self.encoder  # noqa: B018 - sizes that do not fit are told at birth

    @property
    def encoder(self) -> AVHuBERTShape:
        """The shape with what differs.

        >>> Network(crop=32).encoder.crop, Network().encoder.width == preset("nano").width
        (32, True)
        """
        own: dict[str, Any] = {
            name: value for name, value in vars(self).items() if name not in ("shape", "dropout") and value
        }
        own |= dict.fromkeys(("dropout", "attention_dropout", "input_dropout"), self.dropout)
        return replace(preset(self.shape), **own)


@dataclass(frozen=True)
class AVTraining:
    """What is the same for pretraining and recognition."""

    network: Network = field(default_factory=Network)
    """The encoder. Of a recogniser that begins with another model only the dropout counts, the decoder's as well."""
    mouths: str = "mouth/96"
    """The crops that it sees, as genlock features takes them: mouth/96, or mouth:avhubert/96 for public weights."""
    leave_out: tuple[str, ...] = ()
    """Speakers of whom nothing is learnt or chosen; they are reported on by themselves."""
    choose_on: tuple[str, ...] = ()
    """Speakers of whom nothing is learnt, and on whom is chosen, beside the split valid."""
    batch: int = 8
    """Clips in an update; at least 1."""
    longest_seconds: float = 12.0
    """Longer clips are left out; seconds above 0."""
    jitter: bool = True
    """Whether crops are cut a little beside their middle, mirrored, and lightened or darkened at random."""
    data: str = "films of talking faces"
    """What the clips are, who made them and under which licence: for the model's card."""

    def __post_init__(self) -> None:
        both = sorted({*self.leave_out} & {*self.choose_on})
        if self.batch < 1 or not self.longest_seconds > 0:
            raise OptionError(
                f"batch={self.batch} is at least 1, longest_seconds={self.longest_seconds} above 0"
            )
        if both:
            raise OptionError(f"the speaker {both[0]!r} is both left out and chosen on; name it once")


@dataclass(frozen=True)
class AVHubertTraining(AVTraining):
    """How an AV-HuBERT is pretrained. The defaults of masks and dropout are those of the published base model."""

    iteration: int = 1
    """1: clusters of ``labels``; from 2 on: clusters of what the model ``start`` says. At least 1."""
    labels: str = "mfcc:kaldi39"
    """The feature of the sound whose clusters are the labels of the first iteration."""
    start: str = ""
    """The folder of the model before: its frames are clustered from iteration 2 on."""
    keep_weights: bool = False
    """Whether a run begins with the weights of ``start``, all but those of its clusters, instead of fresh ones (as
    published). What more updates alone would do, a further run of the first iteration tells."""
    layer: int = -1
    """Layer of ``start`` that is clustered: 0 is what goes into the first one, negative counts from the last."""
    distill: str = ""
    """A feature of the sound whose frames are learnt instead of clusters, from lips and from sound: ``ssl`` (our own
    speech-nano), ``ssl:CHECKPOINT#LAYER``, ``mfcc:kaldi39``. Empty: clusters."""
    mask_sound: float = 0.8
    """Share of frames of the sound that is masked; 0...1."""
    sound_span: int = 10
    """Frames of a mask of the sound; at least 1."""
    mask_picture: float = 0.3
    """Share of frames of the picture that is masked: other frames of the same film stand there; 0...1."""
    picture_span: int = 5
    """Frames of a mask of the picture; at least 1."""
    modality_dropout: float = 0.5
    """Share of clips of which one stream alone is given; 0...1."""
    sound_dropout: float = 0.5
    """Share of those in which it is the sound that is missing; 0...1."""
    unmasked: float = 1.0
    """What a frame counts that is not masked, against one that is; at least 0."""
    noise: float = 0.25
    """Share of clips whose sound lies in noise; 0...1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iteration < 1 or min(self.sound_span, self.picture_span) < 1 or self.unmasked < 0:
            raise OptionError("iteration, sound_span and picture_span are at least 1, unmasked at least 0")
        if self.iteration > 1 and not self.start and not self.distill:
            raise OptionError(
                f"iteration {self.iteration} clusters what a model says: name its folder with --start"
            )
        if self.keep_weights and not self.start:
            raise OptionError(
                "keep_weights goes on with the weights of a model: name its folder with --start"
            )
        require_shares(self, "mask_sound", "mask_picture", "modality_dropout", "sound_dropout", "noise")


@dataclass(frozen=True)
class AvsrTraining(AVTraining):
    """How a recogniser of sound and lips is trained, its alignment with it."""

    start: str = ""
    """The folder of a pretrained or distilled encoder, or of a recogniser; empty: from nothing."""
    labelled: int = 0
    """Clips of the split train that are learnt from, those of the lowest hash; 0: all."""
    frozen_lips: bool = False
    """Whether the network over the picture stays as ``start`` has it; its rows are then computed once."""
    decoder_layers: int = 2
    """Layers of the decoder; 0: none, CTC alone."""
    decoder_heads: int = 4
    """Its attention heads."""
    ctc: float = 0.5
    """Share of CTC in the loss, the decoder has the rest; 0...1."""
    word_times: float = 1.0
    """Weight of the right character in each frame, where the times of words are known; at least 0."""
    tokens: str = ""
    """A SentencePiece model (``.model``) whose pieces are written, which needs the package sentencepiece; empty: the
    tokens of ``start``, or characters."""
    frame_labels: Literal["none", "words", "phones"] = "none"
    """What else each frame is asked for where the times of words are known: the word and its third (of words that are
    said five times: for small vocabularies), or the phone. The classes are forgotten after training."""
    frame_weight: float = 2.0
    """Weight of that; at least 0."""
    smoothing: float = 0.1
    """Label smoothing of the decoder; 0...1."""
    hearing: float = 0.3
    """Weight of reading from sound alone; at least 0."""
    lips: float = 0.4
    """Weight of reading from lips alone; at least 0."""
    both: float = 0.5
    """Weight of reading from both; at least 0."""
    align: float = 0.5
    """Weight of finding the shift; at least 0. 0: no alignment is learnt."""
    most_shift: int = 25
    """Frames by which streams are shifted against each other at most; at least 1."""
    shifted: float = 0.5
    """Share of clips whose streams are shifted before they are fused; 0...1."""
    noise: float = 0.8
    """Share of clips whose sound lies in noise (white, babble, music); 0...1."""
    snr: tuple[float, float] = (-7.5, 15.0)
    """Signal-to-noise ratios in dB."""
    unseen: float = 0.1
    """Share of clips in which a stretch of the picture is missing; 0...1."""
    other_lips: float = 0.25
    """Share of clips that are read from both with the lips of another clip: lips are not to be trusted against what
    is heard, nor learnt by heart; 0...1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_shift < 1 or self.decoder_layers < 0 or self.labelled < 0 or self.decoder_heads < 1:
            raise OptionError(
                "most_shift and decoder_heads are at least 1, decoder_layers and labelled at least 0"
            )
        if min(self.hearing, self.lips, self.both, self.align, self.word_times, self.frame_weight) < 0:
            raise OptionError("hearing, lips, both, align, word_times and frame_weight are at least 0")
        if not self.snr[0] <= self.snr[1]:
            raise OptionError(f"snr={self.snr} is no rising range")
        if self.frozen_lips and not self.start:
            raise OptionError("frozen_lips keeps the lips of a model: name its folder with --start")
        require_shares(self, "ctc", "smoothing", "shifted", "noise", "unseen", "other_lips")
