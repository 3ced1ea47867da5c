"""How large an AV-HuBERT is: plain numbers, from which the networks are built and which a folder of weights keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, TypeVar

from genlock.core.errors import FormatError, OptionError

__all__ = ["DECODERS", "PRESETS", "AVHuBERTShape", "DecoderShape", "decoder_preset", "preset"]


def _check_shares(shape: AVHuBERTShape | DecoderShape) -> None:
    for field in fields(shape):
        value = getattr(shape, field.name)
        if field.name.endswith("dropout") and not 0 <= value < 1:
            raise OptionError(f"{field.name}={value} lies outside 0...1")


@dataclass(frozen=True)
class AVHuBERTShape:
    """Sizes of the encoder. The defaults are those of the public base model.

    >>> AVHuBERTShape().head_width, preset("large").layers
    (64, 24)

    Raises
    ------
    OptionError
        If a number is out of range, or two do not fit.
    """

    layers: int = 12
    """Layers of the transformer; at least 1."""
    width: int = 768
    """Values a frame inside the transformer; a multiple of ``heads`` and ``position_groups``."""
    ffn: int = 3072
    """Inner width of its feed-forward blocks."""
    heads: int = 12
    """Heads of its attention."""
    final: int = 256
    """Width in which frames are compared with clusters."""
    clusters: int = 500
    """Classes of masked prediction; 0: what only pretraining needs is not there, as in fine-tuned public models."""
    position_kernel: int = 128
    """Frames that the convolution of positions looks at."""
    position_groups: int = 16
    """Its groups."""
    norm_first: bool = True
    """Whether each layer norms its input, and the encoder its output (both public sizes), or its output."""
    stem: int = 64
    """Channels of the 3-D convolution over five frames of the picture."""
    trunk: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of the four stages of the ResNet-18 over each frame."""
    crop: int = 88
    """Side of the mouth pictures that it is trained on, in pixels; networks take any from 32 on."""
    sound_width: int = 104
    """Values of one frame of sound: four times 26 log filterbanks."""
    dropout: float = 0.1
    """Share of values left out at random after each block, 0...1, while it learns."""
    attention_dropout: float = 0.1
    """The same for shares of attention."""
    activation_dropout: float = 0.0
    """The same inside the feed-forward blocks."""
    input_dropout: float = 0.1
    """The same for what goes into the transformer."""
    layer_dropout: float = 0.0
    """Share of layers that are skipped at random, 0...1, while it learns."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "trunk", tuple(self.trunk))
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.type == "int"}
        low = [f"{name}={value}" for name, value in counts.items() if value < (name != "clusters")]
        if low or len(self.trunk) != 4 or min(self.trunk) < 1:
            raise OptionError(
                f"a shape has numbers from 1 on and four trunk channels, not {', '.join(low) or self.trunk}"
            )
        if self.width % self.heads or self.width % self.position_groups:
            raise OptionError(
                f"width={self.width} is no multiple of heads={self.heads} and position_groups={self.position_groups}"
            )
        _check_shares(self)

    @property
    def head_width(self) -> int:
        """Values that one head of attention sees."""
        return self.width // self.heads

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {**asdict(self), "trunk": list(self.trunk)}

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Any]) -> AVHuBERTShape:
        """The shape that :meth:`to_dict` told.

        Raises FormatError if a number has no name of ours or is none.

        >>> AVHuBERTShape.from_dict(preset("nano").to_dict()) == preset("nano")
        True
        """
        return _from_dict(AVHuBERTShape, numbers, "encoder")


@dataclass(frozen=True)
class DecoderShape:
    """Sizes of the decoder. The defaults are those of the public base model.

    Raises
    ------
    OptionError
        If a number is out of range, or two do not fit.
    """

    layers: int = 6
    """Layers; at least 1."""
    width: int = 768
    """Values a token; a multiple of ``heads``, and even."""
    ffn: int = 3072
    """Inner width of the feed-forward blocks."""
    heads: int = 4
    """Heads of its attention."""
    tokens: int = 1000
    """Size of the vocabulary, special tokens included."""
    memory: int = 768
    """Values a frame of what the encoder gives."""
    pad: int = 1
    """The token that stands where there is none."""
    dropout: float = 0.1
    """Share of values left out at random after each block, 0...1, while it learns."""
    attention_dropout: float = 0.0
    """The same for shares of attention."""
    activation_dropout: float = 0.1
    """The same inside the feed-forward blocks."""

    def __post_init__(self) -> None:
        counts = (self.layers, self.width, self.ffn, self.heads, self.tokens, self.memory)
        if min(counts) < 1 or self.width % self.heads or self.width % 2 or not 0 <= self.pad < self.tokens:
            raise OptionError(
                f"{self}: numbers from 1 on, width even and a multiple of heads, pad one of the tokens"
            )
        _check_shares(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Any]) -> DecoderShape:
        """The shape that :meth:`to_dict` told; FormatError if a number has no name of ours or is none."""
        return _from_dict(DecoderShape, numbers, "decoder")


#: Encoders by name: ``nano`` trains on one core within the hour, ``base`` and ``large`` are the public ones.
PRESETS: Mapping[str, AVHuBERTShape] = MappingProxyType(
    {
        "nano": AVHuBERTShape(
            layers=4,
            width=192,
            ffn=768,
            heads=4,
            final=64,
            clusters=100,
            position_kernel=32,
            position_groups=8,
            stem=12,
            trunk=(12, 24, 48, 96),
        ),
        "base": AVHuBERTShape(),
        "large": AVHuBERTShape(layers=24, width=1024, ffn=4096, heads=16, clusters=2000),
    }
)
#: Decoders of the same names.
DECODERS: Mapping[str, DecoderShape] = MappingProxyType(
    {
        "nano": DecoderShape(layers=2, width=192, ffn=768, heads=4, tokens=40, memory=192),
        "base": DecoderShape(),
        "large": DecoderShape(layers=9, width=1024, ffn=4096, heads=8, memory=1024),
    }
)

_Shape = TypeVar("_Shape", AVHuBERTShape, DecoderShape)


def preset(name: str) -> AVHuBERTShape:
    """The encoder of a name.

    Raises OptionError if there is none; the message lists what there is.

    >>> preset("base") == AVHuBERTShape()
    True
    """
    if name not in PRESETS:
        raise OptionError(f"no AV-HuBERT is called {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]


def decoder_preset(name: str) -> DecoderShape:
    """The decoder of a name; OptionError if there is none."""
    if name not in DECODERS:
        raise OptionError(f"no decoder is called {name!r}; there are: {', '.join(DECODERS)}")
    return DECODERS[name]


def _from_dict(kind: type[_Shape], numbers: Mapping[str, Any], what: str) -> _Shape:
    unknown = sorted(set(numbers) - {f.name for f in fields(kind)})
    if unknown:
        raise FormatError(
            f"the shape of this {what} has {', '.join(map(repr, unknown))}, which this version does not know; "
            "upgrade genlock"
        )
    try:
        return kind(**numbers)
    except (TypeError, OptionError) as error:
        raise FormatError(f"the shape of this {what} is damaged: {error}") from error
