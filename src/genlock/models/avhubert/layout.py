"""Whose weights are these? From the names and shapes of a checkpoint to the model that they fill, entry by entry.

Sizes are read off the shapes, each by the vote of all entries that show it and of the checkpoint's own settings, so
that one damaged entry is told as such. Then every name and shape is compared with the model of that size; what is
missing, unknown or of another shape is an error that names it, by the name that it has in the checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from genlock.core.errors import FormatError, MissingDependency, OptionError
from genlock.models.avhubert.decoder import Decoder
from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.avhubert.names import fairseq_name, our_name, port_name
from genlock.models.avhubert.shape import AVHuBERTShape, DecoderShape
from genlock.models.state import Shapes, check_shapes, shapes_of

try:
    import torch
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["Form", "Layout", "recognise"]

#: ``pretrained`` and ``finetuned`` are fairseq's, ``port`` is the safetensors port.
Form = Literal["pretrained", "finetuned", "port"]

# (prefix of the encoder, prefix of the decoder, our name of an entry of the encoder to theirs)
_FORMS: Mapping[Form, tuple[str, str, Callable[[str], str]]] = {
    "pretrained": ("", "decoder.", fairseq_name),
    "finetuned": ("encoder.w2v_model.", "decoder.", fairseq_name),
    "port": ("model.encoder.", "model.decoder.", port_name),
}
# What only pretraining uses, by our names.
_PRETRAINING = ("mask_emb", "label_embs_concat", "final_proj.weight", "final_proj.bias")
_SCALE = "logit_scale_a"
# What the decoder would compute anyway, and copies of the matrix of its tokens.
_COMPUTED = ("version", "embed_positions._float_tensor", "embed_positions.weights")
_EMBEDDING = "embed_tokens.weight"
# Settings of the public code that would make another network of the same shapes, and the only value that is known.
_ONLY: Mapping[str, Any] = {
    "modality_fuse": "concat",
    "resnet_relu_type": "prelu",
    "wav_input": False,
    "target_glu": False,
    "sub_encoder_layers": 0,
    "activation_fn": "gelu",
}


@dataclass(frozen=True)
class Layout:
    """What a checkpoint holds, and under which names."""

    form: Form
    """Whose names they are."""
    encoder: AVHuBERTShape
    """Sizes of the encoder."""
    decoder: DecoderShape | None
    """Sizes of the decoder; None: there is none."""
    names: Mapping[str, str]
    """The checkpoint's name of each entry of ours (``encoder.``, ``decoder.``, ``alignment.logit_scale_a``)."""
    copies: tuple[str, ...] = ()
    """Entries that must equal the decoder's matrix of tokens."""
    notes: tuple[str, ...] = ()
    """What is left out, a sentence each."""

    @property
    def aligns(self) -> bool:
        """Whether alignment was learnt."""
        return "alignment.logit_scale_a" in self.names


def recognise(found: Shapes, source: str, settings: Mapping[str, Any] | None = None) -> Layout:
    """What the entries of a checkpoint are.

    Parameters
    ----------
    found : shape of each entry by its name in the checkpoint
    source : its file or folder, for messages
    settings : the checkpoint's own, by fairseq's names: ``encoder_layers``, ``encoder_attention_heads``,
        ``decoder_attention_heads``, ``layer_norm_first`` ...; what it does not say is as in the public models

    Raises
    ------
    FormatError
        If an entry is missing, unknown or of another shape, or a setting means another network.
    """
    given = dict(settings or {})
    _refuse_other_networks(given, source)
    entries = _Entries.of(found, source)
    encoder, decoder = entries.sizes(given, source)
    names, copies = entries.names(encoder, decoder)
    left, computed = entries.left_out(), entries.computed()
    wanted = _wanted(names, encoder, decoder)
    known = {n: s for n, s in found.items() if n not in {*left, *computed}}
    for copy in copies:
        wanted[copy] = wanted[names[f"decoder.{_EMBEDDING}"]]
    # A counter of batch norm changes no result, so it may be missing.
    counters = {n: s for n, s in wanted.items() if n.endswith("num_batches_tracked") and n not in known}
    check_shapes({**known, **counters}, wanted, source, f"AV-HuBERT in the form {entries.form!r}")
    return Layout(entries.form, encoder, decoder, names, copies, _notes(left, computed))


@dataclass(frozen=True)
class _Entries:
    """The entries of a checkpoint, those of its encoder and of its decoder by their names without the prefix."""

    form: Form
    found: Shapes
    encoder: Shapes
    decoder: Shapes

    @classmethod
    def of(cls, found: Shapes, source: str) -> _Entries:
        form = _form_of(found, source)
        prefix, decoder_prefix, _ = _FORMS[form]
        of_encoder = {n.removeprefix(prefix): s for n, s in found.items() if n.startswith(prefix)}
        if form == "pretrained":
            of_encoder = {n: s for n, s in of_encoder.items() if not n.startswith(decoder_prefix)}
        of_decoder = {
            n.removeprefix(decoder_prefix): s for n, s in found.items() if n.startswith(decoder_prefix)
        }
        return cls(form, found, of_encoder, of_decoder)

    @property
    def prefixes(self) -> tuple[str, str]:
        """Of the encoder and of the decoder."""
        return _FORMS[self.form][:2]

    @property
    def whole(self) -> bool:
        """Whether what only pretraining uses is there, or must be."""
        return self.form == "pretrained" or all(name in self.encoder for name in _PRETRAINING)

    @property
    def copies(self) -> tuple[str, ...]:
        """Names of copies of the decoder's matrix of tokens."""
        ties = [f"{self.prefixes[1]}output_projection.weight"]
        ties += ["lm_head.weight", "model.lm_head.weight"] if self.form == "port" else []
        return tuple(name for name in ties if name in self.found and self.decoder)

    def sizes(self, settings: Mapping[str, Any], source: str) -> tuple[AVHuBERTShape, DecoderShape | None]:
        """Sizes of both; FormatError if there can be no such model."""
        try:
            encoder = _encoder_shape({our_name(n): s for n, s in self.encoder.items()}, settings, self.whole)
            if not self.decoder:
                return encoder, None
            tied = {name: self.found[name] for name in self.copies}
            return encoder, _decoder_shape(self.decoder, settings, encoder.width, tied)
        except OptionError as error:
            raise FormatError(f"{source!r} holds no AV-HuBERT that can be built: {error}") from error

    def names(
        self, encoder: AVHuBERTShape, decoder: DecoderShape | None
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """The checkpoint's name of each entry of ours, and the copies that are left."""
        prefix, decoder_prefix, theirs = _FORMS[self.form]
        copies = self.copies
        # Today's form of weight norm has another name; a port saved today has it.
        names = {
            f"encoder.{name}": prefix + (name if name in self.encoder else theirs(name))
            for name in _encoder_entries(encoder)
        }
        if decoder is not None:
            names |= {f"decoder.{name}": decoder_prefix + name for name in _decoder_entries(decoder)}
            if decoder_prefix + _EMBEDDING not in self.found and copies:
                # safetensors keeps one name of a matrix that has several.
                names[f"decoder.{_EMBEDDING}"], copies = copies[0], copies[1:]
        if prefix + _SCALE in self.found:
            names["alignment.logit_scale_a"] = prefix + _SCALE
        return names, copies

    def left_out(self) -> list[str]:
        """What only pretraining uses, where not all of it is here."""
        if self.whole:
            return []
        prefix = self.prefixes[0]
        return [prefix + n for n in _PRETRAINING if prefix + n in self.found]

    def computed(self) -> list[str]:
        """What the decoder would compute anyway."""
        prefix = self.prefixes[1]
        return [n for n in self.found if n.removeprefix(prefix) in _COMPUTED and n.startswith(prefix)]


def _notes(left: Sequence[str], computed: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if left:
        notes.append(
            f"{', '.join(left)}: only pretraining uses them, and the rest of what it needs is not here"
        )
    if computed:
        notes.append(f"{', '.join(computed)}: they are computed, not learnt")
    return tuple(notes)


def _form_of(found: Shapes, source: str) -> Form:
    # By majority, so that one wrong name does not decide.
    votes: Counter[Form] = Counter()
    for name in found:
        if name.startswith("model.encoder."):
            votes["port"] += 1
        elif name.startswith("encoder.w2v_model."):
            votes["finetuned"] += 1
        elif name.startswith(("encoder.layers.", "feature_extractor_")):
            votes["pretrained"] += 1
    if not votes:
        first = next(iter(found), "nothing")
        raise FormatError(
            f"{source!r} holds no AV-HuBERT: none of its {len(found)} entries, such as {first!r}, is one of its encoder"
        )
    return votes.most_common(1)[0][0]


def _refuse_other_networks(settings: Mapping[str, Any], source: str) -> None:
    for name, only in _ONLY.items():
        value = settings.get(name, only)
        if value is not None and value != only:
            raise FormatError(f"{source!r} has {name}={value!r}; only {name}={only!r} is known here")
    if settings.get("decoder_normalize_before", True) is False:
        raise FormatError(
            f"{source!r} has decoder_normalize_before=False; only a decoder with norm first is known here"
        )


# ---------------------------------------------------------------- sizes


class _Votes:
    """Sizes as the entries show them; each entry one vote."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def size(self, usual: int, *ballots: tuple[str, int], said: Any = None) -> int:
        """The size that most entries show; the usual one where none is there, which is then told as missing.

        Ballots are names, or beginning and end around ``*``, and an axis; what the settings say is one more vote.
        """
        votes: Counter[int] = Counter()
        if isinstance(said, int):
            votes[said] += 1
        for name, axis in ballots:
            for shape in self._all(name):
                if axis < len(shape):
                    votes[shape[axis]] += 1
        return votes.most_common(1)[0][0] if votes else usual

    def _all(self, name: str) -> Iterable[tuple[int, ...]]:
        if "*" not in name:
            return (self.shapes[name],) if name in self.shapes else ()
        start, end = name.split("*")
        return (s for n, s in self.shapes.items() if n.startswith(start) and n.endswith(end))

    def layers(self, start: str) -> int:
        """One more than the highest number after ``start``."""
        numbers = {n.removeprefix(start).split(".")[0] for n in self.shapes if n.startswith(start)}
        return 1 + max((int(n) for n in numbers if n.isdecimal() and len(n) < 4), default=-1)


def _encoder_shape(shapes: Shapes, settings: Mapping[str, Any], whole: bool) -> AVHuBERTShape:
    votes = _Votes(shapes)
    layer = "encoder.layers.*"
    width = votes.size(768, (f"{layer}.final_layer_norm.weight", 0), said=settings.get("encoder_embed_dim"))
    positions = "encoder.pos_conv_embed.conv.parametrizations.weight.original"
    kernel = votes.size(128, (f"{positions}1", 2), (f"{positions}0", 2), said=settings.get("conv_pos"))
    group = votes.size(width // 16, (f"{positions}1", 1), said=_group(width, settings))
    resnet = "feature_extractor_video.resnet"
    trunk = tuple(
        votes.size(
            32 << k,
            (f"{resnet}.trunk.layer{k}.*bn1.weight", 0),
            (f"{resnet}.trunk.layer{k}.*bn2.weight", 0),
            (f"{resnet}.trunk.layer{k}.*conv2.weight", 0),
        )
        for k in (1, 2, 3, 4)
    )
    clusters = final = 0
    if whole:
        final = votes.size(
            256,
            ("final_proj.weight", 0),
            ("final_proj.bias", 0),
            ("label_embs_concat", 1),
            said=settings.get("final_dim") or None,
        )
        clusters = votes.size(500, ("label_embs_concat", 0))
    heads = settings.get("encoder_attention_heads")
    return AVHuBERTShape(
        layers=_said(settings, "encoder_layers") or votes.layers("encoder.layers."),
        width=width,
        ffn=votes.size(
            4 * width,
            (f"{layer}.feed_forward.intermediate_dense.bias", 0),
            said=settings.get("encoder_ffn_embed_dim"),
        ),
        heads=heads if isinstance(heads, int) else max(1, width // 64),
        final=final or 1,
        clusters=clusters,
        position_kernel=kernel,
        position_groups=max(1, width // max(group, 1)),
        norm_first=bool(settings.get("layer_norm_first", True)),
        stem=votes.size(
            64,
            (f"{resnet}.frontend3D.0.weight", 0),
            (f"{resnet}.frontend3D.1.weight", 0),
            (f"{resnet}.frontend3D.1.bias", 0),
        ),
        trunk=(trunk[0], trunk[1], trunk[2], trunk[3]),
        sound_width=votes.size(
            104,
            ("feature_extractor_audio.proj.weight", 1),
            ("mask_emb", 0),
            said=settings.get("audio_feat_dim"),
        ),
    )


def _group(width: int, settings: Mapping[str, Any]) -> int | None:
    groups = settings.get("conv_pos_groups")
    return width // groups if isinstance(groups, int) and groups > 0 else None


def _said(settings: Mapping[str, Any], name: str) -> int | None:
    value = settings.get(name)
    return value if isinstance(value, int) and value > 0 else None


def _decoder_shape(shapes: Shapes, settings: Mapping[str, Any], memory: int, tied: Shapes) -> DecoderShape:
    votes = _Votes({**shapes, **tied})
    width = votes.size(
        768,
        ("layers.*.final_layer_norm.weight", 0),
        ("layer_norm.weight", 0),
        said=settings.get("decoder_embed_dim"),
    )
    tokens = votes.size(1000, (_EMBEDDING, 0), *((name, 0) for name in tied))
    return DecoderShape(
        layers=_said(settings, "decoder_layers") or votes.layers("layers."),
        width=width,
        ffn=votes.size(4 * width, ("layers.*.fc1.bias", 0), said=settings.get("decoder_ffn_embed_dim")),
        heads=_said(settings, "decoder_attention_heads") or (8 if width >= 1024 else 4),
        tokens=tokens,
        memory=memory,
    )


# ---------------------------------------------------------------- what a model of a size has


@cache
def _encoder_entries(shape: AVHuBERTShape) -> Mapping[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes_of(AVHuBERT(shape).state_dict())


@cache
def _decoder_entries(shape: DecoderShape) -> Mapping[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes_of(Decoder(shape).state_dict())


def _wanted(
    names: Mapping[str, str], encoder: AVHuBERTShape, decoder: DecoderShape | None
) -> dict[str, tuple[int, ...]]:
    ours = {f"encoder.{name}": shape for name, shape in _encoder_entries(encoder).items()}
    if decoder is not None:
        ours |= {f"decoder.{name}": shape for name, shape in _decoder_entries(decoder).items()}
    ours["alignment.logit_scale_a"] = ()
    return {theirs: ours[name] for name, theirs in names.items()}
