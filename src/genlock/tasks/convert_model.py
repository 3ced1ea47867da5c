"""``genlock models convert``: a public checkpoint becomes a folder of ours, whose card says what it was."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlock.core.errors import OptionError
from genlock.core.files import atomic_folder, write_text
from genlock.core.one_line import one_line

if TYPE_CHECKING:
    from genlock.models.avhubert.load import Loaded
    from genlock.models.foley.specvqgan import loading

__all__ = ["ConvertedModel", "convert_model"]

CARD = "MODEL_CARD.md"

_TEXT = """# {name}, converted

What it is: {what}. {parameters:,} numbers in float32.

- Made from: `{name}`, SHA-256 `{sha256}`, in the form *{form}*.
- Made by: `genlock models convert {name} -o {folder}`. Every entry was checked by name and shape.
- Encoder: {layers} layers of width {width}, {heads} heads, inner width {ffn}; {clusters}.
- Decoder: {decoder}.
- Left out: {notes}.
- Licence: that of the checkpoint it was made from; conversion changes nothing about it.

Use: `genlock features FILM --feature avhubert:{folder}`; in Python, `load_avhubert` of `genlock.models.avhubert.load`.
"""

_SOUND_TEXT = """# {name}, converted

What it is: SpecVQGAN's {parts}. {parameters:,} numbers in float32.

- Made from: `{name}`, SHA-256 `{sha256}`, in the form *{form}*.
- Made by: `genlock models convert {name} -o {folder}`. Every entry was checked by name and shape.
- Left out: {notes}.
- Licence: that of the checkpoint it was made from; conversion changes nothing about it.

Use, in Python: `load_specvqgan` of `genlock.models.foley.specvqgan.loading`.
"""


@dataclass(frozen=True)
class ConvertedModel:
    """What was made of a checkpoint."""

    folder: Path
    """``config.json``, ``model.safetensors`` and ``MODEL_CARD.md``."""
    source: str
    """The file or folder of the weights that were read."""
    form: str
    """``pretrained``, ``finetuned``, ``port`` or ``genlock``; of SpecVQGAN ``codebook``, ``transformer``, ``melgan`` or
    ``classifier``."""
    sha256: str
    """Hash of the weights that were read."""
    parameters: int
    """How many numbers the model has."""
    notes: tuple[str, ...]
    """What of the source was left out, a sentence each."""
    model: str = "AV-HuBERT"
    """What it is."""

    __repr__ = one_line

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: {self.model} of {self.parameters:,} numbers, from {self.source} ({self.form})"
        ]
        return "\n".join([*lines, *(f"left out: {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """The attributes, for JSON."""
        return {
            "folder": str(self.folder),
            "source": self.source,
            "form": self.form,
            "sha256": self.sha256,
            "parameters": self.parameters,
            "notes": list(self.notes),
            "model": self.model,
        }


def convert_model(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    tokens: str | os.PathLike[str] | None = None,
) -> ConvertedModel:
    """Write a public checkpoint as a folder of safetensors and JSON with a card.

    Parameters
    ----------
    source : whatever :func:`genlock.models.avhubert.load.load_avhubert` or
        :func:`genlock.models.foley.specvqgan.loading.load_specvqgan` takes
    output : the new folder; one that an earlier conversion made is replaced
    tokens : the vocabulary, where the checkpoint has none

    Raises
    ------
    OptionError
        If no folder is named, or it is the source itself.
    MissingModel, FormatError, InputError
        As :func:`~genlock.models.avhubert.load.load_avhubert`; nothing is then written.
    OutputError
        If the folder cannot be written, or is somebody's own.
    """
    if output is None:
        raise OptionError(f"where shall {os.fspath(source)!r} be converted to? Name a new folder with -o DIR")
    target, origin = Path(os.path.realpath(output)), Path(os.path.realpath(source))
    if target == origin or target in origin.parents:
        raise OptionError(f"{os.fspath(output)!r} holds what is converted; name a new folder with -o DIR")
    # torch is an optional package: only who converts waits for it.
    from genlock.models.avhubert.load import load_avhubert
    from genlock.models.avhubert.recognizer import save_avsr
    from genlock.models.foley.specvqgan.loading import is_specvqgan

    if is_specvqgan(source):
        return _convert_specvqgan(source, output, tokens)
    loaded = load_avhubert(source, tokens)
    model = loaded.model
    model.facts = {
        **model.facts,
        "converted_from": {"file": Path(loaded.source).name, "sha256": loaded.sha256, "form": loaded.form},
    }
    with atomic_folder(output, marker=CARD) as fresh:
        save_avsr(model, fresh)
        write_text(fresh / CARD, _card(loaded, Path(source).name, Path(output).name))
    return ConvertedModel(
        Path(output), loaded.source, loaded.form, loaded.sha256, _count(loaded), loaded.notes
    )


def _convert_specvqgan(
    source: str | os.PathLike[str], output: str | os.PathLike[str], tokens: str | os.PathLike[str] | None
) -> ConvertedModel:
    from genlock.models.foley.specvqgan import loading

    if tokens is not None:
        raise OptionError("SpecVQGAN writes codes, not words; leave --tokens out")
    found = loading.load_specvqgan(source)
    origin = {"file": Path(found.source).name, "sha256": found.sha256, "form": found.form}
    with atomic_folder(output, marker=CARD) as fresh:
        loading.save_specvqgan(replace(found, facts={**found.facts, "converted_from": origin}), fresh)
        write_text(fresh / CARD, _sound_card(found, Path(source).name, Path(output).name))
    return ConvertedModel(
        Path(output), found.source, found.form, found.sha256, _numbers(found), found.notes, "SpecVQGAN"
    )


def _sound_card(found: loading.Loaded, name: str, folder: str) -> str:
    return _SOUND_TEXT.format(
        name=name,
        folder=folder,
        parts=" and ".join(found.parts),
        parameters=_numbers(found),
        sha256=found.sha256,
        form=found.form,
        notes="; ".join(found.notes) or "nothing",
    )


def _numbers(found: loading.Loaded) -> int:
    return sum(weight.numel() for part in found.parts.values() for weight in part.parameters())


def _card(loaded: Loaded, name: str, folder: str) -> str:
    parts = loaded.model.parts
    shape, decoder = parts.encoder, parts.decoder
    kinds = ["a decoder"] * (decoder is not None) + ["a learnt alignment"] * parts.alignment
    return _TEXT.format(
        name=name,
        folder=folder,
        what="AV-HuBERT, an encoder of sound and lips" + (f" with {' and '.join(kinds)}" if kinds else ""),
        parameters=_count(loaded),
        sha256=loaded.sha256,
        form=loaded.form,
        layers=shape.layers,
        width=shape.width,
        heads=shape.heads,
        ffn=shape.ffn,
        clusters=f"{shape.clusters} clusters of masked prediction" if shape.clusters else "without clusters",
        decoder="none"
        if decoder is None
        else f"{decoder.layers} layers of width {decoder.width}, {decoder.heads} heads, {decoder.tokens} tokens",
        notes="; ".join(loaded.notes) or "nothing",
    )


def _count(loaded: Loaded) -> int:
    return sum(parameter.numel() for parameter in loaded.model.parameters())
