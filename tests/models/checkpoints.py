"""Tiny checkpoints with random weights, of the architectures that are supported."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from transformers import (
    HubertConfig,
    HubertForCTC,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

SMALL = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8, 8, 8, 8, 8, 8, 8),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
    "apply_spec_augment": False,
}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False}

KINDS = {
    "wav2vec2-layer": (Wav2Vec2Model, Wav2Vec2Config, LAYER),
    "wav2vec2-group": (Wav2Vec2Model, Wav2Vec2Config, GROUP),
    "hubert-layer": (HubertModel, HubertConfig, LAYER),
    "hubert-group": (HubertModel, HubertConfig, GROUP),
    "wavlm-layer": (WavLMModel, WavLMConfig, LAYER),
    "wavlm-group": (WavLMModel, WavLMConfig, GROUP),
    "ctc-layer": (Wav2Vec2ForCTC, Wav2Vec2Config, LAYER),
    "ctc-group": (Wav2Vec2ForCTC, Wav2Vec2Config, GROUP),
    "ctc-hubert": (HubertForCTC, HubertConfig, GROUP),
}


def write_checkpoint(folder: Path, kind: str) -> Path:
    """A checkpoint of one of :data:`KINDS` in a folder of that name."""
    torch.manual_seed(0)
    model_class, config_class, own = KINDS[kind]
    model = model_class(config_class(**SMALL, **own)).eval()
    with torch.no_grad():
        # As initialised, the weights are so small that every frame comes out alike.
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "norm" not in name:
                weight *= 4
    target = folder / kind
    model.save_pretrained(target)
    settings = {
        "do_normalize": "layer" in kind,
        "sampling_rate": 16000,
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    }
    (target / "preprocessor_config.json").write_text(json.dumps(settings))
    if kind.startswith("ctc"):
        (target / "vocab.json").write_text(
            json.dumps({t: n for n, t in enumerate(("<pad>", "<unk>", "|", *"abcde"))})
        )
        names = {"pad_token": "<pad>", "unk_token": "<unk>", "word_delimiter_token": "|"}
        (target / "tokenizer_config.json").write_text(
            json.dumps({**names, "tokenizer_class": "Wav2Vec2CTCTokenizer"})
        )
    return target


def reference(folder: Path) -> tuple[transformers.PreTrainedModel, transformers.Wav2Vec2FeatureExtractor]:
    """The model and its feature extractor, as transformers itself loads them."""
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    return transformers.AutoModel.from_pretrained(folder).eval(), extractor
