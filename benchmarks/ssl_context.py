"""What a frame of wav2vec 2.0 depends on, and what cutting the sound costs: by experiment, on the true
shapes.

First the input gradient: which samples frame k of the convolutions reacts to, and the centre of its reaction.
Then a stretch of 2 s is computed with 0 to 8 s of context on both sides and compared with the same frames of
the whole 20 s. The weights are random (the shapes are those of wav2vec2-base and wav2vec2-large-lv60); the
transformer is cut to a few layers. A random transformer listens everywhere alike, so trained ones need less
context than the last column says; the window, the centre and the columns of the convolutions do not depend on
training.

    python benchmarks/ssl_context.py [--layers 2] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from genlock.models.speech.encoder import SpeechEncoder

Samples = npt.NDArray[np.float32]

RATE, HOP, WINDOW = 16000, 320, 400
CONTEXTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
SHAPES = {
    "wav2vec2-base": Wav2Vec2Config(),
    "wav2vec2-large-lv60": Wav2Vec2Config(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
    ),
}


def make_encoder(name: str, layers: int) -> SpeechEncoder:
    """A model of the true shape with random weights, and as many of its layers as are asked for."""
    torch.manual_seed(0)
    config = SHAPES[name]
    config.num_hidden_layers = layers
    model = Wav2Vec2Model(config).eval()
    return SpeechEncoder(
        model, name, tuple(config.conv_kernel), tuple(config.conv_stride), RATE, normalize=True
    )


def make_sound(seconds: float) -> Samples:
    """Something like speech: voiced and unvoiced syllables that grow louder, with pauses."""
    random, times = np.random.default_rng(0), np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(130 + 30 * np.sin(2 * np.pi * 0.7 * times)) / RATE
    voice = sum(np.sin(k * pitch) / k for k in range(1, 20)) / 3
    hiss = random.standard_normal(len(times)) * (np.sin(2 * np.pi * 1.7 * times) > 0.6)
    syllables = np.clip(np.sin(2 * np.pi * 2.1 * times) + 0.3, 0, None) * (0.2 + times / times[-1])
    return (0.2 * syllables * (voice + 0.5 * hiss) + 0.002 * random.standard_normal(len(times))).astype(
        np.float32
    )


def reaction(encoder: SpeechEncoder, k: int) -> tuple[int, int, float]:
    """First and last sample that frame k reacts to, and the centre of its window."""
    samples = torch.from_numpy(make_sound(0.4))[None].requires_grad_()
    layer = encoder.base.feature_extractor.conv_layers[0]
    own = layer.layer_norm
    if encoder.group_norm:
        # Its norm over the clip couples all frames by a little; the convolutions are what is asked about.
        layer.layer_norm = torch.nn.Identity()
    try:
        encoder.base.feature_extractor(samples)[0, :, k].square().sum().backward()
    finally:
        layer.layer_norm = own
    assert samples.grad is not None
    touched = np.flatnonzero(samples.grad[0].numpy())
    return int(touched[0]), int(touched[-1]), (touched[0] + touched[-1]) / 2


def far(found: Samples, expected: Samples) -> float:
    """Root mean square difference, relative to the spread of the values."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


@contextmanager
def clip_norm(encoder: SpeechEncoder, sound: Samples, mean: float, deviation: float) -> Iterator[None]:
    """Group norm with the statistics of the whole clip."""
    with encoder.with_clip_norm(lambda a, b: sound[a:b], len(sound), mean, deviation):
        yield


def context_table(encoder: SpeechEncoder, sound: Samples) -> list[dict[str, float]]:
    """For each context the difference of a stretch of 2 s from the same frames of the whole clip."""
    statistics = encoder.clip_statistics(lambda a, b: sound[a:b], len(sound))
    whole = encoder.prepared(sound, *statistics)[None]
    expected = {"conv": encoder.convolved(whole)[0], "last": encoder.hidden(whole)[-1][0].numpy()}
    keep = range(9 * 50, 11 * 50)
    rows = []
    for seconds in CONTEXTS:
        more = round(seconds * 50)
        first, last = keep.start - more, keep.stop + more
        piece = sound[first * HOP : (last - 1) * HOP + WINDOW]
        row = {"context_seconds": seconds}
        for norm in ("own", "clip"):
            own = encoder.clip_statistics(lambda a, b, piece=piece: piece[a:b], len(piece))
            prepared = encoder.prepared(piece, *(own if norm == "own" else statistics))[None]
            with nullcontext() if norm == "own" else clip_norm(encoder, sound, *statistics):
                found = {
                    "conv": encoder.convolved(prepared)[0],
                    "last": encoder.hidden(prepared)[-1][0].numpy(),
                }
            for part, values in found.items():
                kept = values[more : more + len(keep)]
                row[f"{part}, {norm}"] = far(kept, expected[part][keep.start : keep.stop])
        rows.append(row)
    return rows


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=2, help="transformer layers to keep (all: 12 and 24)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    sound = make_sound(20.0)
    figures: dict[str, object] = {"layers": options.layers}
    for name in SHAPES:
        encoder = make_encoder(name, options.layers)
        norm = "group norm" if encoder.group_norm else "layer norm"
        print(f"\n{name} ({norm}), random weights, {options.layers} transformer layers")
        reactions = []
        for k in (0, 1, 7, 15):
            first, last, center = reaction(encoder, k)
            expected = (320 * k, 320 * k + 399, 199.5 + 320 * k)
            print(f"  frame {k:2}: samples {first} ... {last}, centre {center}   expected {expected}")
            assert (first, last, center) == expected
            reactions.append([k, first, last, center])
        table = context_table(encoder, sound)
        columns = list(table[0])
        print("  " + "".join(f"{column:>18}" for column in columns))
        for row in table:
            print("  " + "".join(f"{value:>18.2g}" for value in row.values()))
        figures[name] = {"norm": norm, "reactions": reactions, "contexts": table}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
