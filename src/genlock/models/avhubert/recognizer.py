"""A recogniser of sound and lips in one piece: encoder, CTC head, decoder, alignment, gate, tokens, and their folder.

The folder holds ``config.json`` (sizes, tokens, facts) and ``model.safetensors``; whoever trained it adds a card. A
part that was not trained is not there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MissingDependency, MissingModel, OptionError
from genlock.core.json_forms import read_json_file, write_json
from genlock.models.avhubert.alignment import AlignmentHead
from genlock.models.avhubert.decoder import Decoder
from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.avhubert.shape import AVHuBERTShape, DecoderShape
from genlock.models.avhubert.tokens import Tokens
from genlock.models.state import fill_module, load_safetensors, save_safetensors

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["FORM", "AVRecognizer", "Gate", "Parts", "load_avsr", "save_avsr"]

#: What ``config.json`` calls these folders, and the newest version that is known.
FORM, VERSION = "genlock-avhubert", 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"


class Gate(nn.Module):
    """Says whether the picture helps, from numbers about a clip.

    Parameters
    ----------
    inputs : numbers a clip
    hidden : units between
    """

    def __init__(self, inputs: int, hidden: int = 16) -> None:
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.within = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, about: Tensor) -> Tensor:
        """Logits [B] that the picture helps, of numbers [B, inputs]."""
        logits: Tensor = self.out(torch.tanh(self.within(about)))[..., 0]
        return logits


@dataclass(frozen=True)
class Parts:
    """Which parts there are, and how large: what is needed to build a recogniser."""

    encoder: AVHuBERTShape
    """The encoder, which is always there."""
    decoder: DecoderShape | None = None
    """The decoder."""
    ctc: bool = False
    """Whether there is a CTC head."""
    alignment: bool = False
    """Whether alignment was learnt."""
    alignment_channels: int | None = None
    """In how many channels it compares; None: as the encoder gives them."""
    gate_inputs: int | None = None
    """How many numbers the gate sees; None: there is no gate."""
    gate_hidden: int = 16
    """Its units."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "encoder": self.encoder.to_dict(),
            "decoder": None if self.decoder is None else self.decoder.to_dict(),
            "ctc": self.ctc,
            "alignment": self.alignment,
            "alignment_channels": self.alignment_channels,
            "gate_inputs": self.gate_inputs,
            "gate_hidden": self.gate_hidden,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Parts:
        """What :meth:`to_dict` told; FormatError if it is something else."""
        rest = {key: value for key, value in data.items() if key not in ("encoder", "decoder")}
        decoder = data.get("decoder")
        try:
            return cls(
                AVHuBERTShape.from_dict(data["encoder"]),
                None if decoder is None else DecoderShape.from_dict(decoder),
                **rest,
            )
        except (KeyError, TypeError) as error:
            raise FormatError(f"the list of a model's parts is damaged: {error}") from error


class AVRecognizer(nn.Module):
    """Everything that a trained folder holds.

    Parameters
    ----------
    parts : what is built
    tokens : what the decoder and the CTC head write; None where there is neither
    facts : what it was trained on and how, and what was measured, for JSON

    Attributes
    ----------
    encoder : AVHuBERT
    decoder : Decoder or None
    ctc : nn.Linear or None
    alignment : AlignmentHead or None
    gate : Gate or None

    Examples
    --------
    >>> from genlock.models.avhubert.shape import preset
    >>> tokens = Tokens.of_characters(["bin blue at f two now"])
    >>> decoder = DecoderShape(1, 16, 32, 2, tokens=len(tokens), memory=192)
    >>> model = AVRecognizer(Parts(preset("nano"), decoder, ctc=True), tokens).eval()
    >>> memory = model.encoder(torch.zeros(1, 104, 10)).last
    >>> model.log_probabilities(memory).shape
    torch.Size([1, 10, 16])

    Raises
    ------
    OptionError
        If the parts do not fit each other.
    """

    def __init__(
        self, parts: Parts, tokens: Tokens | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        writes = parts.ctc or parts.decoder is not None
        if writes and tokens is None:
            raise OptionError("a CTC head or a decoder needs the tokens that it writes")
        if parts.decoder is not None and tokens is not None and parts.decoder.tokens != len(tokens):
            raise OptionError(
                f"the decoder writes {parts.decoder.tokens} tokens, but there are {len(tokens)}"
            )
        if parts.decoder is not None and parts.decoder.memory != parts.encoder.width:
            raise OptionError(
                f"the decoder reads frames of width {parts.decoder.memory}, the encoder gives {parts.encoder.width}"
            )
        self.parts, self.tokens, self.facts = parts, tokens, dict(facts or {})
        self.encoder = AVHuBERT(parts.encoder)
        self.decoder = None if parts.decoder is None else Decoder(parts.decoder)
        self.ctc = nn.Linear(parts.encoder.width, len(tokens)) if parts.ctc and tokens is not None else None
        self.alignment = (
            AlignmentHead(parts.encoder.width, parts.alignment_channels) if parts.alignment else None
        )
        self.gate = None if parts.gate_inputs is None else Gate(parts.gate_inputs, parts.gate_hidden)

    def log_probabilities(self, memory: Tensor) -> Tensor:
        """Of each token at each frame by the CTC head, [B, T, V]; OptionError if there is none."""
        if self.ctc is None:
            raise OptionError("this model has no CTC head")
        return torch.log_softmax(self.ctc(memory), -1)


def save_avsr(
    model: AVRecognizer,
    folder: str | os.PathLike[str],
    state: Mapping[str, Tensor] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a model's folder: the weights, then ``config.json``.

    Parameters
    ----------
    state : the weights, where they are not in the model itself (of a training in parts)
    half : numbers are stored in 16 bits

    Raises OutputError if it cannot be written.
    """
    target = Path(folder)
    save_safetensors(model.state_dict() if state is None else state, target / WEIGHTS, half=half)
    tokens = None if model.tokens is None else model.tokens.to_dict()
    write_json(
        target / CONFIG,
        {
            "model_type": FORM,
            "version": VERSION,
            "parts": model.parts.to_dict(),
            "tokens": tokens,
            "facts": model.facts,
        },
    )


def load_avsr(folder: str | os.PathLike[str]) -> AVRecognizer:
    """The model of a folder, in evaluation mode; its weights do not learn until they are asked to.

    Raises
    ------
    MissingModel
        If there is no such folder.
    FormatError
        If a file is damaged, of another kind or newer than this version, or the weights are not those of its sizes.
    """
    source = Path(folder)
    if not (source / CONFIG).is_file():
        raise MissingModel(f"{str(source)!r} is not the folder of a model: it has no {CONFIG}")
    config = read_json_file(source / CONFIG)
    if config.get("model_type") != FORM:
        raise FormatError(
            f"{str(source)!r} holds a model of the kind {config.get('model_type')!r}, not one of {FORM!r}"
        )
    if config.get("version", 0) > VERSION:
        raise FormatError(f"{str(source)!r} was written by a newer version; upgrade genlock")
    tokens = config.get("tokens")
    try:
        with torch.device("meta"):
            model = AVRecognizer(
                Parts.from_dict(config["parts"]),
                None if tokens is None else Tokens.from_dict(tokens),
                config.get("facts", {}),
            )
    except (KeyError, OptionError) as error:
        raise FormatError(f"{CONFIG} of {str(source)!r} is damaged: {error}") from error
    fill_module(model, load_safetensors(source / WEIGHTS), str(source / WEIGHTS), "this AV-HuBERT")
    return model.eval().requires_grad_(False)
