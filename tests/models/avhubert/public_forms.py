"""Checkpoints in the forms in which the public weights come, with random values: to test with, and to measure with.

    python tests/models/avhubert/public_forms.py FORM SIZE FILE

FORM is pretrained, finetuned, align or port; SIZE tiny, base or large; FILE a ``.pt`` (of ``port``: a folder).
"""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Shapes = Mapping[str, tuple[int, ...]]
FORMS = ("pretrained", "finetuned", "align", "port")

_PRETRAINING = ("mask_emb", "label_embs_concat", "final_proj.weight", "final_proj.bias")
_IN_LAYER = {
    "self_attn.": "attention.",
    "self_attn_layer_norm.": "layer_norm.",
    "fc1.": "feed_forward.intermediate_dense.",
    "fc2.": "feed_forward.output_dense.",
}


def entries(form: str, encoder: Shapes, decoder: Shapes) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a checkpoint of a form, from the listings of the encoder and of its decoder."""
    if form in ("pretrained", "align"):
        return {**encoder, **({"logit_scale_a": ()} if form == "align" else {})}
    body = {name: shape for name, shape in encoder.items() if name not in _PRETRAINING}
    if form == "finetuned":
        return {f"encoder.w2v_model.{name}": shape for name, shape in body.items()} | dict(decoder)
    named = {f"model.encoder.{_of_port(name)}": shape for name, shape in body.items()}
    return named | {f"model.{name}": shape for name, shape in decoder.items()}


def _of_port(name: str) -> str:
    if not name.startswith("encoder.layers."):
        return name.replace("pos_conv.0", "pos_conv_embed.conv")
    for theirs, ours in _IN_LAYER.items():
        number, _, rest = name.removeprefix("encoder.layers.").partition(".")
        if rest.startswith(theirs):
            return f"encoder.layers.{number}.{ours}{rest.removeprefix(theirs)}"
    return name


def random_state(shapes: Shapes, seed: int = 0, half: bool = False) -> dict[str, torch.Tensor]:
    """Random values that a network can run on."""
    chance = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.zeros((), dtype=torch.int64)
            continue
        fan_in = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 1
        noise = torch.randn(shape, generator=chance) / fan_in**0.5
        positive = name.endswith(("running_var", "weight_g")) or (name.endswith("weight") and len(shape) == 1)
        state[name] = 1 + 0.1 * noise.abs() if positive else noise
    return {n: t.half() if half and t.is_floating_point() else t for n, t in state.items()}


@contextmanager
def foreign_classes() -> Iterator[dict[str, Any]]:
    """Classes under the names of fairseq and omegaconf, for as long as something is pickled."""
    made: dict[str, Any] = {}
    modules = {
        "fairseq": None,
        "fairseq.data": None,
        "fairseq.data.dictionary": "Dictionary",
        "fairseq.meters": "AverageMeter",
        "omegaconf": None,
        "omegaconf.dictconfig": "DictConfig",
        "omegaconf.nodes": "AnyNode",
    }
    kept = {name: sys.modules.get(name) for name in modules}
    for name, cls in modules.items():
        module = types.ModuleType(name)
        if cls:
            made[cls] = type(cls, (), {"__module__": name})
            setattr(module, cls, made[cls])
        sys.modules[name] = module
    try:
        yield made
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def write_fairseq(
    path: Path,
    state: Mapping[str, torch.Tensor],
    model: Mapping[str, Any],
    symbols: list[str] | None = None,
    *,
    as_objects: bool = False,
    legacy: bool = False,
) -> None:
    """A checkpoint as fairseq's trainer writes it: settings, task state, optimiser history and all.

    ``as_objects``: settings are OmegaConf's objects, as older versions left them.
    """
    with foreign_classes() as classes:
        task_state = {}
        if symbols is not None:
            dictionary = classes["Dictionary"]()
            vars(dictionary).update(
                bos_word="<s>",
                unk_word="<unk>",
                symbols=symbols,
                count=[1] * len(symbols),
                indices={symbol: k for k, symbol in enumerate(symbols)},
            )
            task_state = {"target_dictionary": dictionary}
        meter = classes["AverageMeter"]()
        meter.__dict__.update(val=torch.tensor(1.5), sum=3.0)
        settings: Any = {"_name": None, "model": dict(model), "task": {"_name": "av_hubert_pretraining"}}
        if as_objects:
            settings = _configuration(settings, classes)
        checkpoint = {
            "cfg": settings,
            "args": argparse.Namespace(seed=1) if as_objects else None,
            "model": dict(state),
            "optimizer_history": [{"optimizer_name": "FairseqAdam", "num_updates": 7}],
            "task_state": task_state,
            "extra_state": {"metrics": [("default", meter)]},
            "last_optimizer_state": None,
        }
        torch.save(checkpoint, path, _use_new_zipfile_serialization=not legacy)


def _configuration(value: Any, classes: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        made = classes["DictConfig"]()
        vars(made).update(_content={k: _configuration(v, classes) for k, v in value.items()}, _metadata=None)
        return made
    node = classes["AnyNode"]()
    vars(node).update(_val=value, _metadata=None)
    return node


def settings_of(form: str, size: str) -> dict[str, Any]:
    """The part of fairseq's settings that says how a model of a public size is built."""
    layers, width, ffn, heads = {
        "tiny": (3, 64, 128, 4),
        "base": (12, 768, 3072, 12),
        "large": (24, 1024, 4096, 16),
    }[size]
    inner = {
        "_name": "av_hubert",
        "encoder_layers": layers,
        "encoder_embed_dim": width,
        "encoder_ffn_embed_dim": ffn,
        "encoder_attention_heads": heads,
        "layer_norm_first": True,
        "modality_fuse": "concat",
        "final_dim": {"tiny": 32}.get(size, 256),
        "resnet_relu_type": "prelu",
        "activation_fn": "gelu",
        "audio_feat_dim": 104,
        "conv_pos": {"tiny": 16}.get(size, 128),
        "conv_pos_groups": {"tiny": 4}.get(size, 16),
        "sub_encoder_layers": 0,
    }
    if form != "finetuned":
        return inner
    count, wide, deep, several = {
        "tiny": (2, 48, 96, 4),
        "base": (6, 768, 3072, 4),
        "large": (9, 1024, 4096, 8),
    }[size]
    return {
        "_name": "av_hubert_seq2seq",
        "w2v_args": {"model": inner, "task": {"normalize": True}},
        "decoder_layers": count,
        "decoder_embed_dim": wide,
        "decoder_ffn_embed_dim": deep,
        "decoder_attention_heads": several,
        "decoder_normalize_before": True,
        "share_decoder_input_output_embed": True,
    }


def symbols_of(tokens: int) -> list[str]:
    """As many made-up pieces, the special ones first."""
    return ["<s>", "<pad>", "</s>", "<unk>", *(f"\u2581p{k}" for k in range(tokens - 4))]


def write_port(folder: Path, state: Mapping[str, torch.Tensor], size: str, tokens: int) -> None:
    """A folder as the safetensors port has it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    settings = settings_of("finetuned", size)
    inner = settings["w2v_args"]["model"]
    config = {
        "model_type": "wav2vec2",
        "num_attention_heads": inner["encoder_attention_heads"],
        "decoder_attention_heads": settings["decoder_attention_heads"],
        "decoder_layers": settings["decoder_layers"],
        "activation_function": "relu",
        **{k: v for k, v in inner.items() if k != "_name"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.json").write_text(json.dumps({s: k for k, s in enumerate(symbols_of(tokens))}))


def listing(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a public state dict."""
    place = Path(__file__).parents[2] / "data" / "avhubert" / f"{name}_names.json"
    return {entry: tuple(shape) for entry, shape in json.loads(place.read_text()).items()}


def decoder_listing(size: str) -> dict[str, tuple[int, ...]]:
    """Of the decoder of a size."""
    return listing(f"{size}_decoder")


def write(form: str, size: str, target: Path, seed: int = 0) -> None:
    """A checkpoint of a form and size."""
    decoder = decoder_listing(size)
    state = random_state(entries(form, listing(size), decoder), seed)
    tokens = decoder["decoder.embed_tokens.weight"][0]
    if form == "port":
        write_port(target, state, size, tokens)
    else:
        symbols = symbols_of(tokens) if form == "finetuned" else None
        write_fairseq(target, state, settings_of(form, size), symbols)


if __name__ == "__main__":
    asked_form, asked_size, asked_file = sys.argv[1:]
    write(asked_form, asked_size, Path(asked_file))
