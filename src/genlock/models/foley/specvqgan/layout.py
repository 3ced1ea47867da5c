"""Which of SpecVQGAN's networks a checkpoint holds, how large they are, and which of its entries belong to which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from genlock.core.errors import FormatError, OptionError
from genlock.models.foley.specvqgan.codebook import Codebook, CodebookShape
from genlock.models.foley.specvqgan.melgan import MelGAN, MelGANShape
from genlock.models.foley.specvqgan.transformer import CodeTransformer, TransformerShape
from genlock.models.foley.specvqgan.vggishish import CLASSES, Vggishish
from genlock.models.state import Shapes, check_shapes, shapes_of

__all__ = ["PARTS", "Layout", "Part", "Settings", "build", "recognise"]

#: What a network of a part is built from.
Settings = CodebookShape | TransformerShape | MelGANShape | int


@dataclass(frozen=True)
class Part:
    """A network that a checkpoint may hold."""

    name: str
    """``codebook``, ``transformer``, ``melgan`` or ``classifier``."""
    title: str
    """In words, for messages."""
    build: Callable[[Any], torch.nn.Module]
    """Makes it of its settings."""
    measure: Callable[[Shapes], Settings]
    """Its settings, as most of its entries have them."""
    settings: Callable[[Any], Settings]
    """Its settings of their JSON form."""


@dataclass(frozen=True)
class Layout:
    """What a checkpoint holds."""

    form: str
    """``codebook``, ``transformer``, ``melgan`` or ``classifier``, as published."""
    settings: Mapping[str, Settings]
    """Of each part, what it is built from."""
    names: Mapping[str, Mapping[str, str]]
    """Of each part, its entries by name, and what the checkpoint calls them."""
    notes: tuple[str, ...]
    """What of the checkpoint is left out, a sentence each."""


def recognise(shapes: Shapes, source: str, heads: int | None = None) -> Layout:
    """What entries of these names and shapes are.

    Parameters
    ----------
    source : the file, for messages
    heads : of the transformer, which no shape tells; None: one for each 64 channels, as published

    Raises
    ------
    FormatError
        If they are none of SpecVQGAN's networks, or one is missing, unknown or of another shape; the message names it.
    """
    form, starts = _form(shapes, source)
    notes, settings, names = [], {}, {}
    left = set(shapes)
    for name, start in starts.items():
        part = PARTS[name]
        own = {n.removeprefix(start): n for n in shapes if n.startswith(start)}
        beside = [n for n in own if n.startswith("loss.")] if name == "codebook" else []
        left -= set(own.values())
        for entry in beside:
            own.pop(entry)
        if beside:
            notes.append(f"{len(beside)} entries of {start}loss: of the training (discriminator, LPAPS)")
        if name == "transformer":
            _refuse_other_conditions({n: shapes[theirs] for n, theirs in own.items()}, source)
        found = {n: shapes[theirs] for n, theirs in own.items()}
        measured = part.measure(found)
        if heads is not None and isinstance(measured, TransformerShape):
            measured = _with_heads(measured, heads, source)
        check_shapes(found, _entries(name, measured), source, part.title)
        settings[name], names[name] = measured, own
    if left:
        raise FormatError(
            f"{source!r} holds {sorted(left)[0]!r}, which is none of SpecVQGAN's; it is damaged, or of another model"
        )
    return Layout(form, settings, names, tuple(notes))


def build(part: str, settings: Settings) -> torch.nn.Module:
    """The network of a part, without memory of its own until it is filled."""
    with torch.device("meta"):
        return PARTS[part].build(settings)


def _form(shapes: Shapes, source: str) -> tuple[str, dict[str, str]]:
    """The form, and the parts with what their entries begin with."""

    def some(*starts: str) -> bool:
        return any(name.startswith(starts) for name in shapes)

    if some("transformer.", "first_stage_model."):
        return "transformer", {"transformer": "transformer.", "codebook": "first_stage_model."}
    # Other models have an encoder too; these entries are the codebook's alone.
    if some(
        "encoder.conv_in.", "encoder.down.", "decoder.up.", "quantize.", "quant_conv.", "post_quant_conv."
    ):
        return "codebook", {"codebook": ""}
    if some("blocks.", "pos_emb", "tok_emb."):
        return "transformer", {"transformer": ""}
    if any(name.startswith("model.") and name.endswith(("weight_v", "weight_g")) for name in shapes):
        return "melgan", {"melgan": ""}
    if some("features.", "classifier."):
        return "classifier", {"classifier": ""}
    first = ", ".join(repr(name) for name in list(shapes)[:3]) or "nothing"
    raise FormatError(
        f"{source!r} holds {first}: that is neither SpecVQGAN's codebook nor its transformer, MelGAN or VGGish-ish"
    )


def _refuse_other_conditions(found: Shapes, source: str) -> None:
    there = found.get("embedder.weight")
    if there is not None and len(there) == 2:
        raise FormatError(
            f"{source!r} is a transformer that is told a class ('embedder.weight' has the shape {list(there)}), not "
            "features of a video; only the latter is known"
        )


def _with_heads(shape: TransformerShape, heads: int, source: str) -> TransformerShape:
    try:
        return TransformerShape(
            shape.layers, shape.width, heads, shape.positions, shape.features, shape.codes
        )
    except OptionError as error:
        raise FormatError(f"{source!r} cannot have {heads} heads: {error}") from error


@cache
def _entries(part: str, settings: Settings) -> Shapes:
    return shapes_of(build(part, settings).state_dict())


# ---------------------------------------------------------------- sizes


def _size(shapes: Shapes, usual: int, *places: tuple[str, int]) -> int:
    """What most of these entries have at these places of their shapes; one that is missing has no say."""
    found = [
        shapes[name][axis]
        for name, axis in places
        if name in shapes and -len(shapes[name]) <= axis < len(shapes[name])
    ]
    most = Counter(found).most_common(1)
    return most[0][0] if most and most[0][0] > 0 else usual


def _count(shapes: Shapes, start: str, usual: int) -> int:
    """One more than the highest number after ``start``."""
    numbers = [n.removeprefix(start).split(".")[0] for n in shapes if n.startswith(start)]
    return 1 + max((int(n) for n in numbers if n.isdecimal() and len(n) < 4), default=usual - 1)


def _codebook(shapes: Shapes) -> CodebookShape:
    usual = CodebookShape()
    width = _size(
        shapes,
        usual.width,
        ("encoder.conv_in.weight", 0),
        ("encoder.conv_in.bias", 0),
        ("decoder.norm_out.bias", 0),
    )
    levels = max(_count(shapes, "encoder.down.", 5), _count(shapes, "decoder.up.", 5))
    blocks = max(_count(shapes, f"encoder.down.{k}.block.", usual.blocks) for k in range(levels))

    def level(k: int) -> int:
        around = [f"encoder.down.{k}.block.{b}.conv{c}.bias" for b in (0, 1) for c in (1, 2)]
        return _size(shapes, width, *((name, 0) for name in around))

    try:
        return CodebookShape(
            width=width,
            factors=tuple(max(1, level(k) // width) for k in range(levels)),
            blocks=blocks,
            latent=_size(
                shapes,
                usual.latent,
                ("encoder.conv_out.weight", 0),
                ("encoder.conv_out.bias", 0),
                ("post_quant_conv.bias", 0),
            ),
            codes=_size(shapes, usual.codes, ("quantize.embedding.weight", 0)),
            code_width=_size(
                shapes,
                usual.code_width,
                ("quantize.embedding.weight", 1),
                ("quant_conv.weight", 0),
                ("quant_conv.bias", 0),
            ),
        )
    except OptionError:  # no codebook has such sizes: the entries are then told against the published ones
        return usual


def _transformer(shapes: Shapes) -> TransformerShape:
    usual = TransformerShape()
    width = _size(
        shapes, usual.width, ("ln_f.weight", 0), ("ln_f.bias", 0), ("embedder.bias", 0), ("pos_emb", 2)
    )
    layers = _count(shapes, "blocks.", usual.layers)
    masks = [(f"blocks.{k}.attn.mask", axis) for k in range(layers) for axis in (2, 3)]
    try:
        return TransformerShape(
            layers=layers,
            width=width,
            heads=max(1, width // 64),
            positions=_size(shapes, usual.positions, ("pos_emb", 1), *masks),
            features=_size(shapes, usual.features, ("embedder.weight", 1)),
            codes=_size(shapes, usual.codes, ("tok_emb.weight", 0), ("head.weight", 0)),
        )
    except OptionError:
        return usual


def _melgan(shapes: Shapes) -> MelGANShape:
    usual = MelGANShape()
    last = ("model.18.bias", "model.19.shortcut.bias", "model.20.shortcut.bias", "model.21.shortcut.bias")
    filters = _size(shapes, usual.filters, *((name, 0) for name in last))
    return MelGANShape(bands=_size(shapes, usual.bands, ("model.1.weight_v", 1)), filters=filters)


def _classes(shapes: Shapes) -> int:
    return _size(shapes, CLASSES, ("classifier.4.bias", 0), ("classifier.4.weight", 0))


def _codebook_of(form: Mapping[str, Any]) -> CodebookShape:
    return CodebookShape(**{**form, "factors": tuple(form["factors"])})


def _melgan_of(form: Mapping[str, Any]) -> MelGANShape:
    return MelGANShape(**{**form, "ratios": tuple(form["ratios"])})


#: The parts by name.
PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        Part("codebook", "SpecVQGAN's codebook", Codebook, _codebook, _codebook_of),
        Part(
            "transformer",
            "SpecVQGAN's transformer",
            CodeTransformer,
            _transformer,
            lambda form: TransformerShape(**form),
        ),
        Part("melgan", "MelGAN", MelGAN, _melgan, _melgan_of),
        Part("classifier", "VGGish-ish", Vggishish, _classes, int),
    )
}
