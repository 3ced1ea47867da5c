"""Small models of wav2vec 2.0's form, to train from nothing.

The convolutions differ from the large models' in number, not in what a frame means: a window of 400 samples
every 320, so that frame k is centred on sample 199.5 + 320 k like theirs. Three layers instead of seven, the
first with 5 ms filters that begin as a filter bank, cost a quarter of the time and learn from minutes of
speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from transformers import Wav2Vec2Config

from genlock.core.errors import OptionError

__all__ = ["SHAPES", "Shape", "filter_bank", "make_config", "start_with_filter_bank"]


@dataclass(frozen=True)
class Shape:
    """Sizes of a model."""

    width: int
    """Width of the transformer."""
    layers: int
    """Its layers."""
    heads: int
    """Its attention heads."""
    inner: int
    """Width of its feed-forward layers."""
    channels: tuple[int, ...]
    """Channels of the convolutions."""
    kernels: tuple[int, ...]
    """Kernel sizes of the convolutions."""
    strides: tuple[int, ...]
    """Strides of the convolutions."""
    positions: int = 32
    """Kernel of the positional convolution, in frames of 20 ms."""
    norm: Literal["layer", "group"] = "layer"
    """Norm of the convolutions: ``group`` looks at the whole clip, as wav2vec2-base does."""


_SEVEN = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
#: ``micro`` is for tests; ``nano`` is ours; ``small`` has wav2vec 2.0's own convolutions; ``base`` is
#: wav2vec2-base.
SHAPES = {
    "micro": Shape(32, 1, 2, 64, (16, 16, 32), (80, 5, 4), (20, 4, 4), 16),
    "nano": Shape(192, 4, 4, 768, (96, 160, 224), (80, 5, 4), (20, 4, 4)),
    "small": Shape(256, 6, 4, 1024, (64, 64, 96, 128, 192, 256, 256), *_SEVEN),
    "base": Shape(768, 12, 12, 3072, (512,) * 7, *_SEVEN, 128, "group"),
}


def make_config(shape: str, **more: Any) -> Wav2Vec2Config:
    """The configuration of a shape by name, layer norm throughout; ``more`` goes to it as it is.

    >>> make_config("nano").hidden_size
    192
    """
    if shape not in SHAPES:
        raise OptionError(f"the shape {shape!r} is unknown; use one of {', '.join(SHAPES)}")
    s = SHAPES[shape]
    settings: dict[str, Any] = {
        "hidden_size": s.width,
        "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads,
        "intermediate_size": s.inner,
        "conv_dim": s.channels,
        "conv_kernel": s.kernels,
        "conv_stride": s.strides,
        "num_feat_extract_layers": len(s.channels),
        "conv_bias": s.norm == "layer",
        "feat_extract_norm": s.norm,
        "do_stable_layer_norm": s.norm == "layer",
        "num_conv_pos_embeddings": s.positions,
        "num_conv_pos_embedding_groups": 16 if s.norm == "group" else 8,
        "layerdrop": 0.0,
        "hidden_dropout": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.0,
        "feat_proj_dropout": 0.0,
        "final_dropout": 0.1,
        "vocab_size": 32,
        "pad_token_id": 0,
    }
    return Wav2Vec2Config(**{**settings, **more})


def filter_bank(channels: int, window: int, rate: int = 16000) -> np.ndarray:
    """Pairs of windowed cosines and sines at frequencies evenly spaced in mel, float32 [channels, window].

    >>> filter_bank(8, 80).shape
    (8, 80)
    """
    pairs = (channels + 1) // 2
    hertz = _centers(pairs)
    times = (np.arange(window) - (window - 1) / 2) / rate
    wave = 2 * np.pi * hertz[:, None] * times
    bank = np.stack([np.cos(wave), np.sin(wave)], 1).reshape(2 * pairs, window)[:channels]
    bank = bank * np.hanning(window + 2)[1:-1]
    return np.asarray(bank / np.linalg.norm(bank, axis=1, keepdims=True), np.float32)


def _centers(count: int) -> np.ndarray:
    """Frequencies evenly spaced in mel from 60 to 7600 Hz."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (60, 7600))
    return np.asarray(700 * (10 ** (np.linspace(low, high, count) / 2595) - 1))


def start_with_filter_bank(model: Any) -> None:
    """Let the convolutions of a fresh model begin as a spectrogram, where the first filters are long enough (2 ms).

    The first layer is the filter bank, louder by 6 dB an octave as speech falls; the others begin as averages
    over their window, channel by channel, with a little noise, and with a constant that keeps what is below
    the mean from being cut off. A linear probe reads phones from it nearly as well as from log-mel
    (``benchmarks/phone_probe.py``), from random filters half as well; and pretraining needs convolutions
    whose codes mean something to begin with.
    """
    first, *others = model.wav2vec2.feature_extractor.conv_layers
    channels, _, window = first.conv.weight.shape
    if window < 32:
        return
    with torch.no_grad():
        louder = np.repeat(_centers((channels + 1) // 2) / 1000, 2)[:channels, None]
        bank = (2 * louder * filter_bank(channels, window)).astype(np.float32)
        first.conv.weight.copy_(torch.from_numpy(bank)[:, None])
        for layer in others:
            weight = layer.conv.weight
            outputs, inputs, taps = weight.shape
            weight.normal_(0.0, 0.1 / (inputs * taps) ** 0.5)
            same = torch.arange(min(outputs, inputs))
            weight[same, same] += 1.0 / taps
            if hasattr(layer, "layer_norm"):
                layer.layer_norm.bias.fill_(1.0)
