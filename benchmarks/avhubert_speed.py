"""How many times real time AV-HuBERT runs on a CPU, by size and stream, and how much memory an hour takes in windows.

Weights are random: they cost the same. Beside ours stands the published way, by turns in the same process: the public
implementation needs fairseq, so its transformer is rebuilt here of the parts of torch that fairseq calls (attention as
``nn.MultiheadAttention`` with its shares told, frames before clips), with the same weights; that both give the same
numbers is checked first.

With ``--public FOLDER``, a checkout of the public code, its own ``resnet.py`` (which needs only torch) stands before
that transformer, again with the same weights: base and large have a column more, the whole public model on both
streams. Nano is no size of the public code.

``--clock cpu`` counts what this process computes, in seconds of one core: figures of a machine that others use as well.

    python benchmarks/avhubert_speed.py [--sizes nano base large] [--seconds 10] [--turns 3] [--hour nano] [--clock cpu]
                                        [--public FOLDER]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.avhubert.shape import preset
from genlock.models.avhubert.windows import encode_windows

RATE = 25


def resident_bytes() -> int:
    """Memory that this process holds now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Published(torch.nn.Module):
    """The transformer of an AV-HuBERT as the public code runs it."""

    def __init__(self, model: AVHuBERT) -> None:
        super().__init__()
        self.own: Any = model.encoder
        shape = model.shape
        self.attentions = torch.nn.ModuleList(
            torch.nn.MultiheadAttention(shape.width, shape.heads) for _ in range(shape.layers)
        )
        for attention, layer in zip(self.attentions, self.own.layers, strict=True):
            parts = [layer.attention.q_proj, layer.attention.k_proj, layer.attention.v_proj]
            with torch.no_grad():
                attention.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
                attention.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
                attention.out_proj.weight.copy_(layer.attention.out_proj.weight)
                attention.out_proj.bias.copy_(layer.attention.out_proj.bias)
        self.eval()

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows [B, T, W] to the last layer, normed."""
        rows = (rows + self.own.pos_conv_embed(rows)).transpose(0, 1)
        for attention, layer in zip(self.attentions, self.own.layers, strict=True):
            normed = layer.layer_norm(rows)
            rows = rows + attention(normed, normed, normed, need_weights=True)[0]
            rows = rows + layer.feed_forward(layer.final_layer_norm(rows))
        last: torch.Tensor = self.own.layer_norm(rows.transpose(0, 1))
        return last


class PublicModel(torch.nn.Module):
    """All of an AV-HuBERT as the public code runs it: its own network over pictures, and :class:`Published`."""

    def __init__(self, model: AVHuBERT, folder: Path) -> None:
        super().__init__()
        spec = importlib.util.spec_from_file_location("public_resnet", next(folder.rglob("resnet.py")))
        assert spec is not None
        assert spec.loader is not None
        code = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(code)
        self.own = model
        self.resnet = code.ResEncoder(relu_type="prelu", weights=None)
        self.resnet.load_state_dict(model.feature_extractor_video.resnet.state_dict())
        self.transformer = Published(model)
        self.eval()

    def forward(self, sound: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        """Sound [B, 104, T] and pictures [B, 1, T, H, W] to the last layer."""
        own = self.own
        seen = own.feature_extractor_video.proj(self.resnet(picture).transpose(1, 2))
        heard = own.feature_extractor_audio.proj(sound.transpose(1, 2))
        rows = own.post_extract_proj(own.layer_norm(torch.cat([heard, seen], -1)))
        last: torch.Tensor = self.transformer(rows)
        return last


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def best(turns: int, clock: Callable[[], float], *works: Callable[[], object]) -> list[float]:
    """Seconds of each work, the best of some turns; they take turns, so that a busy machine is fair to all."""
    found = [float("inf")] * len(works)
    for _ in range(turns):
        for k, work in enumerate(works):
            start = clock()
            work()
            found[k] = min(found[k], clock() - start)
    return found


def row_of(size: str, seconds: float, turns: int, clock: str, folder: Path | None = None) -> dict[str, Any]:
    """Figures of one size: times real time, and those of the published transformer."""
    torch.manual_seed(0)
    shape = preset(size)
    model = AVHuBERT(shape).eval()
    count = int(seconds * RATE)
    sound, picture = torch.randn(1, 104, count), torch.randn(1, 1, count, shape.crop, shape.crop)
    rows, published = torch.randn(1, count, shape.width), Published(model)
    whole = PublicModel(model, folder) if folder is not None and size != "nano" else None
    with torch.inference_mode():
        ours, theirs = model.encoder(rows).last_hidden_state, published(rows)
        assert torch.allclose(ours, theirs, atol=1e-3 * float(theirs.abs().max()))
        if whole is not None:
            ours, theirs = model(sound, picture).last, whole(sound, picture)
            assert torch.allclose(ours, theirs, atol=1e-3 * float(theirs.abs().max()))
        taken = best(
            turns,
            CLOCKS[clock],
            lambda: model(sound),
            lambda: model(None, picture),
            lambda: model(sound, picture),
            lambda: model.encoder(rows),
            lambda: published(rows),
            *([] if whole is None else [lambda: whole(sound, picture)]),
        )
    heard, seen, both, transformer, public = (seconds / each for each in taken[:5])
    row = {
        "size": size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "sound_x_real_time": round(heard, 1),
        "lips_x_real_time": round(seen, 1),
        "both_x_real_time": round(both, 1),
        "transformer_x_real_time": round(transformer, 1),
        "published_transformer_x_real_time": round(public, 1),
    }
    return row if whole is None else {**row, "public_model_x_real_time": round(seconds / taken[5], 1)}


def memory_of(size: str, hours: float = 1.0) -> dict[str, Any]:
    """Resident memory after each tenth of a film that is seen in windows; pictures come as they are asked for."""
    shape = preset(size)
    model = AVHuBERT(shape).eval()
    count = int(hours * 3600 * RATE)
    chance = np.random.default_rng(0)
    sound = chance.standard_normal((count, 104)).astype(np.float32)

    def pictures(first: int, stop: int) -> np.ndarray:
        return chance.standard_normal((stop - first, shape.crop, shape.crop)).astype(np.float32)

    held, start = [], time.perf_counter()
    for kept, _ in encode_windows(model, sound, pictures, count):
        if kept.stop * 10 // count > len(held):
            held.append(round(resident_bytes() / 1e6))
    elapsed = time.perf_counter() - start
    return {
        "size": size,
        "hours": hours,
        "megabytes_by_tenths": held,
        "x_real_time": round(hours * 3600 / elapsed, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["nano", "base", "large"])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hour", default="", help="a size whose memory over an hour is printed as well")
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--hours", type=float, default=1.0, help="how long that film is")
    parser.add_argument("--public", type=Path, help="a checkout of the public code")
    parser.add_argument("-o", "--output", type=Path, help="a JSON file for the figures")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(
        f"{asked.threads} threads, load {os.getloadavg()[0]:.1f}; times real time, best of {asked.turns} turns"
    )
    print(
        "| size | numbers | sound alone | lips alone | both | transformer alone | published transformer "
        "| public model |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for size in asked.sizes:
        row = row_of(size, asked.seconds, asked.turns, asked.clock, asked.public)
        rows.append(row)
        millions = f"{row['parameters'] / 1e6:.1f} M"
        figures = [f"{value:g}" for name, value in row.items() if name.endswith("real_time")]
        figures += ["-"] * (6 - len(figures))
        print(f"| {size} | {millions} | {' | '.join(figures)} |", flush=True)
    memory = memory_of(asked.hour, asked.hours) if asked.hour else None
    if memory is not None:
        print(
            f"{asked.hours:g} h of {asked.hour}, {memory['x_real_time']} x real time; MB held after each tenth:"
        )
        print(" ".join(map(str, memory["megabytes_by_tenths"])))
    if asked.output:
        asked.output.write_text(json.dumps({"rows": rows, "memory": memory}, indent=1))


if __name__ == "__main__":
    main()
