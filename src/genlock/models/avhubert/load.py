"""AV-HuBERT from wherever it is: a folder of ours, the safetensors port by folder or hub name, a fairseq checkpoint.

Whatever the form, what comes out is the same: an :class:`~.recognizer.AVRecognizer`, of which a model that was only
pretrained has the encoder alone. Every entry of the checkpoint is accounted for: it is a weight, or it is told why it
is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError, MissingDependency, MissingModel, OptionError
from genlock.core.files import sha256_of
from genlock.models.avhubert.layout import Form, Layout, recognise
from genlock.models.avhubert.recognizer import CONFIG, FORM, WEIGHTS, AVRecognizer, Parts, load_avsr
from genlock.models.avhubert.tokens import SPECIALS, Tokens, read_tokens
from genlock.models.inert_pickle import StoredTensor, Stub, plain, read_inert
from genlock.models.state import fill_module, load_safetensors, shapes_of

try:
    import torch
    import transformers
    from torch import Tensor
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["PUBLISHED_MOUTH", "Loaded", "load_avhubert"]

#: The feature of the crops that public weights were trained on.
PUBLISHED_MOUTH = "mouth:avhubert/96"
_PICKLES = (".pt", ".pth", ".ckpt", ".bin")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model, and where it is from."""

    model: AVRecognizer
    """In evaluation mode; its weights do not learn until they are asked to."""
    form: Form | str
    """``genlock``, ``port``, ``pretrained`` or ``finetuned``."""
    source: str
    """The file or folder of the weights."""
    sha256: str
    """Hash of the file of weights, hexadecimal."""
    notes: tuple[str, ...] = ()
    """What of the source is left out, a sentence each."""


def load_avhubert(source: str | os.PathLike[str], tokens: str | os.PathLike[str] | None = None) -> Loaded:
    """Load AV-HuBERT, see the module.

    Parameters
    ----------
    source : a folder of ours or of the port, a name in the local Hugging Face cache (``nguyenvulebinh/AV-HuBERT``), a
        ``.safetensors`` file, or a fairseq checkpoint (``.pt``)
    tokens : the vocabulary, where the source has none: a SentencePiece model (``.model``), a fairseq dictionary
        (``.txt``) or a ``vocab.json``

    Raises
    ------
    MissingModel
        If it is not on this machine.
    FormatError
        If it is damaged, or its entries are not those of an AV-HuBERT; the message names the first that is wrong.
    InputError
        If it has a decoder, and neither it nor ``tokens`` says what the decoder writes.
    """
    path = Path(source)
    if (path / CONFIG).is_file() and _settings(path / CONFIG).get("model_type") == FORM:
        weights = path / WEIGHTS
        return Loaded(load_avsr(path), "genlock", str(path), sha256_of(weights))
    if path.is_file() and path.suffix in _PICKLES:
        return _of_fairseq(path, tokens)
    if path.is_file():
        return _of_port(path, path.parent, tokens)
    if path.is_dir():
        return _of_port(path / WEIGHTS, path, tokens)
    found = _cached(str(source), WEIGHTS)
    if found is None:
        raise MissingModel(
            f"the model {str(source)!r} is neither a file, a folder nor in the local cache; get it: "
            f"genlock models fetch {source}"
        )
    return _of_port(found, found.parent, tokens)


def _cached(name: str, file: str) -> Path | None:
    try:
        found = transformers.utils.hub.cached_file(
            name, file, local_files_only=True, _raise_exceptions_for_missing_entries=False
        )
    except (OSError, ValueError):
        # Not a name that the hub could have, or nothing in the cache.
        return None
    return None if found is None else Path(found)


def _settings(path: Path) -> dict[str, Any]:
    """A JSON file of others, or of ours; FormatError if it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{str(path)!r} is damaged ({error}); fetch it again") from error
    if not isinstance(data, dict):
        raise FormatError(f"{str(path)!r} is no list of settings")
    return data


# ---------------------------------------------------------------- the safetensors port


def _of_port(weights: Path, folder: Path, tokens: str | os.PathLike[str] | None) -> Loaded:
    state = load_safetensors(weights)
    config = folder / CONFIG
    settings = _settings(config) if config.is_file() else {}
    layout = recognise(shapes_of(state), str(weights), _numbers(settings))
    vocabulary = tokens or (folder / "vocab.json" if (folder / "vocab.json").is_file() else None)
    read = None if vocabulary is None or layout.decoder is None else read_tokens(vocabulary)
    model = _filled(layout, state, read, str(weights))
    return Loaded(model, layout.form, str(weights), sha256_of(weights), layout.notes)


def _numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The port's settings by fairseq's names: it has those of AV-HuBERT beside those of wav2vec 2.0."""
    known = {key: value for key, value in settings.items() if value is not None}
    for theirs, ours in (
        ("num_attention_heads", "encoder_attention_heads"),
        ("num_conv_pos_embeddings", "conv_pos"),
        ("num_conv_pos_embedding_groups", "conv_pos_groups"),
    ):
        if theirs in known:
            known.setdefault(ours, known[theirs])
    # Speech2Text says which function its own decoder uses; the encoder's is gelu.
    known.pop("activation_fn", None)
    known.pop("activation_function", None)
    return known


# ---------------------------------------------------------------- fairseq


def _of_fairseq(path: Path, tokens: str | os.PathLike[str] | None) -> Loaded:
    checkpoint = read_inert(path)
    entries = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise FormatError(
            f"{str(path)!r} is no fairseq checkpoint: it has no 'model'; its settings lie elsewhere"
        )
    strange = [name for name, each in entries.items() if not isinstance(each, StoredTensor)]
    if strange:
        raise FormatError(f"{str(path)!r} has {strange[0]!r} in its model, which is no tensor")
    settings = _fairseq_settings(checkpoint)
    shapes = {str(name): tensor.shape for name, tensor in entries.items()}
    layout = recognise(shapes, str(path), settings)
    read = None
    if layout.decoder is not None:
        read = read_tokens(tokens) if tokens is not None else _dictionary(checkpoint)
    state = {str(name): tensor.read() for name, tensor in entries.items()}
    model = _filled(layout, state, read, str(path))
    left = [key for key in checkpoint if key not in ("model", "cfg", "args", "task_state")]
    notes = (
        *layout.notes,
        *([f"{', '.join(map(str, left))}: of the training, not of the model"] if left else ()),
    )
    return Loaded(model, layout.form, str(path), sha256_of(path), notes)


def _fairseq_settings(checkpoint: Mapping[Any, Any]) -> dict[str, Any]:
    """Settings of the encoder, and of the decoder beside them; of a fine-tuned model they lie within one another."""
    configuration = plain(checkpoint.get("cfg")) or {}
    old = plain(checkpoint.get("args")) or {}
    outer = configuration.get("model") if isinstance(configuration, dict) else None
    outer = outer if isinstance(outer, dict) else old if isinstance(old, dict) else {}
    inner = outer.get("w2v_args")
    if isinstance(inner, dict):
        within = inner.get("model", inner)
        inner = within if isinstance(within, dict) else inner
    else:
        inner = outer
    decoder = {key: value for key, value in outer.items() if str(key).startswith("decoder_")}
    return {**{str(key): value for key, value in inner.items() if value is not None}, **decoder}


def _dictionary(checkpoint: Mapping[Any, Any]) -> Tokens | None:
    """The tokens that fairseq kept as an object of its own."""
    state = checkpoint.get("task_state")
    state = state if isinstance(state, dict) else {}
    several = state.get("dictionaries")
    candidates = [state.get("target_dictionary"), *(several if isinstance(several, list) else [])]
    for each in candidates:
        symbols = (
            each.state.get("symbols") if isinstance(each, Stub) and isinstance(each.state, dict) else None
        )
        if isinstance(symbols, list) and tuple(symbols[: len(SPECIALS)]) == SPECIALS:
            return Tokens(tuple(map(str, symbols)), "pieces")
    return None


# ---------------------------------------------------------------- building


def _filled(layout: Layout, state: Mapping[str, Tensor], tokens: Tokens | None, source: str) -> AVRecognizer:
    if layout.decoder is not None and tokens is None:
        raise InputError(
            f"{source!r} has a decoder but not what it writes; name its vocabulary: --tokens FILE (a SentencePiece "
            "model, a fairseq dictionary or a vocab.json)"
        )
    for copy in layout.copies:
        if not torch.equal(state[copy], state[layout.names["decoder.embed_tokens.weight"]]):
            raise FormatError(
                f"{source!r} has another {copy!r} than the matrix of its tokens; only one for both is known"
            )
    parts = Parts(layout.encoder, layout.decoder, alignment=layout.aligns)
    try:
        with torch.device("meta"):
            model = AVRecognizer(
                parts, tokens if layout.decoder is not None else None, {"mouth": PUBLISHED_MOUTH}
            )
    except OptionError as error:
        raise FormatError(f"{source!r}: {error}") from error
    given = {ours: state[theirs] for ours, theirs in layout.names.items() if theirs in state}
    fill_module(model, given, source, "AV-HuBERT", layout.names)
    return model.eval().requires_grad_(False)
