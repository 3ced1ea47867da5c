"""A Whisper of random weights and some kilobytes, in faster-whisper's form, made by the converter that makes real ones.

It hears nothing sensible; it loads, runs and answers as every size of Whisper does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genlock.core.errors import MissingDependency

__all__ = ["make_tiny_whisper"]


def make_tiny_whisper(folder: str | os.PathLike[str], *, multilingual: bool = True, seed: int = 0) -> Path:
    """Make the model; returns its folder.

    Parameters
    ----------
    folder : does not exist yet
    multilingual : whether it knows Whisper's hundred languages, or English alone
    seed : of the random weights

    Raises
    ------
    MissingDependency
        If torch or transformers is not installed.
    """
    try:
        import torch
        from ctranslate2.converters import TransformersConverter
        from faster_whisper.tokenizer import _LANGUAGE_CODES
        from transformers import WhisperConfig, WhisperForConditionalGeneration
    except ImportError as error:
        raise MissingDependency(
            f"making a Whisper needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
        ) from error
    target = Path(folder)
    source = target.parent / f"{target.name}-transformers"
    source.mkdir(parents=True)
    languages = _LANGUAGE_CODES if multilingual else ("en",)
    tokens = _tokens(languages)
    numbers = {token: number for number, token in enumerate(tokens)}
    _write_tokenizer(source, tokens)
    config = WhisperConfig(
        vocab_size=len(tokens),
        num_mel_bins=80,
        d_model=16,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        bos_token_id=numbers["<|endoftext|>"],
        eos_token_id=numbers["<|endoftext|>"],
        pad_token_id=numbers["<|endoftext|>"],
        decoder_start_token_id=numbers["<|startoftranscript|>"],
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    generation: Any = model.generation_config
    generation.no_timestamps_token_id = numbers["<|notimestamps|>"]
    generation.alignment_heads = [[0, 0], [0, 1]]
    generation.suppress_tokens = generation.begin_suppress_tokens = []
    model.save_pretrained(source)
    TransformersConverter(str(source), copy_files=["tokenizer.json"]).convert(str(target))
    settings = json.loads((target / "config.json").read_text())
    # The converter reads them off settings that newer transformers do not keep.
    settings["lang_ids"] = [numbers[f"<|{code}|>"] for code in languages] if multilingual else []
    (target / "config.json").write_text(json.dumps(settings))
    return target


def _tokens(languages: Sequence[str]) -> list[str]:
    """Vocabulary in the order of Whisper's: letters, then what is not text, then instants of 20 ms."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = [chr(n) for n in range(ord("a"), ord("z") + 1)]
    words = [*sorted(ByteLevel.alphabet()), *(f"Ġ{c}" for c in letters)]
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in languages)]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>", *(f"<|{k / 50:.2f}|>" for k in range(1501))]
    # CTranslate2 takes a model for one of many languages if its vocabulary has an empty token, as Whisper's has.
    return [*words, *([""] if len(languages) > 1 else []), *special]


def _write_tokenizer(folder: Path, tokens: list[str]) -> None:
    """The files that tell transformers and faster-whisper how text is cut."""
    special = [token for token in tokens if token.startswith("<|")]
    plain = {token: number for number, token in enumerate(tokens) if token not in set(special)}
    added = [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number, token in enumerate(tokens)
        if token.startswith("<|")
    ]
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": plain,
            "merges": [],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
