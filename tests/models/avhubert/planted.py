"""Weights and inputs that are functions of their names, as the conformance vectors were made with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from genlock.models.avhubert.decoder import Decoder
from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.avhubert.names import our_name
from genlock.models.avhubert.shape import AVHuBERTShape, DecoderShape
from genlock.models.state import fill_module

VECTORS = Path(__file__).parents[2] / "data" / "avhubert"

TINY = AVHuBERTShape(
    layers=3, width=64, ffn=128, heads=4, final=32, clusters=20, position_kernel=16, position_groups=4
)
TINY_DECODER = DecoderShape(layers=2, width=48, ffn=96, heads=4, tokens=30, memory=64)


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of an entry of a state dict, float32."""
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    last = name.rsplit(".", 1)[-1]
    if last in ("running_var", "weight_g"):
        return 1 + 0.1 * np.abs(noise)
    if last in ("running_mean", "bias", "mask_emb"):
        return 0.1 * noise
    if last == "weight" and noise.ndim == 1:
        return 1 + 0.1 * noise
    fan_in = int(np.prod(shape[1:])) if noise.ndim > 1 else 1
    return noise / np.float32(np.sqrt(max(fan_in, 1)))


def signal(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A standard normal input."""
    seed = zlib.crc32(("input " + name).encode())
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def listing(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a public state dict: ``tiny``, ``base_decoder`` ..."""
    found = json.loads((VECTORS / f"{name}_names.json").read_text())
    return {entry: tuple(shape) for entry, shape in found.items()}


def planted(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The state dict of a listing, under its own names."""
    return {
        name: torch.zeros(shape, dtype=torch.int64)
        if name.endswith("num_batches_tracked")
        else torch.from_numpy(np.asarray(weight(name, shape)))
        for name, shape in shapes.items()
    }


def tiny_encoder() -> AVHuBERT:
    """The tiny encoder with its planted weights."""
    model = AVHuBERT(TINY).eval()
    state = {our_name(name): tensor for name, tensor in planted(listing("tiny")).items()}
    fill_module(model, state, "tiny", "the tiny encoder")
    return model


def tiny_decoder() -> Decoder:
    """The tiny decoder with its planted weights."""
    decoder = Decoder(TINY_DECODER).eval()
    state = planted(listing("tiny_decoder"))
    fill_module(
        decoder,
        {name.removeprefix("decoder."): tensor for name, tensor in state.items()},
        "tiny",
        "the tiny decoder",
    )
    return decoder
