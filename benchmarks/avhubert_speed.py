"""How many times real time AV-HuBERT runs on a CPU, by size and stream, and how much memory an hour takes in windows.

Weights are random: they cost the same. Beside ours stand the published front (a 3-D convolution, as the public code
runs it) before the same transformer, by turns in the same process, and the transformer alone as ``transformers`` has it
(HuBERT's encoder of that size). The public implementation itself needs fairseq; its front is rebuilt here from torch's
own parts, and that both give the same numbers is checked first.

``--clock cpu`` counts what this process computes, in seconds of one core: figures of a machine that others use as well.

    python benchmarks/avhubert_speed.py [--sizes nano base large] [--seconds 10] [--turns 3] [--threads 2] [--hour nano] [--clock cpu]
"""

from __future__ import annotations

import argparse
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


def published_front(model: AVHuBERT, picture: torch.Tensor) -> torch.Tensor:
    """The picture's front as the public code runs it: the 3-D convolution as one."""
    resnet: Any = model.feature_extractor_video.resnet
    found = resnet.frontend3D(picture)
    frames = found.transpose(1, 2).flatten(0, 1)
    rows: torch.Tensor = model.feature_extractor_video.proj(
        resnet.trunk(frames).view(1, picture.shape[2], -1)
    )
    return rows


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


def row_of(size: str, seconds: float, turns: int, clock: str) -> dict[str, Any]:
    """Figures of one size: times real time, and how many times as fast as the published front."""
    torch.manual_seed(0)
    shape = preset(size)
    model = AVHuBERT(shape).eval()
    count = int(seconds * RATE)
    sound, picture = torch.randn(1, 104, count), torch.randn(1, 1, count, shape.crop, shape.crop)
    rows = torch.randn(1, count, shape.width)
    with torch.inference_mode():
        ours, theirs = model.feature_extractor_video(picture), published_front(model, picture)
        assert torch.allclose(ours, theirs, atol=1e-3 * float(theirs.abs().max()))
        taken = best(
            turns,
            CLOCKS[clock],
            lambda: model(sound),
            lambda: model(None, picture),
            lambda: model(sound, picture),
            lambda: model.encode(model.feature_extractor_audio(sound), published_front(model, picture)),
            lambda: model.encoder(rows),
        )
    heard, seen, both, published, transformer = (seconds / each for each in taken)
    return {
        "size": size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "sound_x_real_time": round(heard, 1),
        "lips_x_real_time": round(seen, 1),
        "both_x_real_time": round(both, 1),
        "published_front_x_real_time": round(published, 1),
        "transformer_alone_x_real_time": round(transformer, 1),
    }


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
    parser.add_argument("-o", "--output", type=Path, help="a JSON file for the figures")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(
        f"{asked.threads} threads, load {os.getloadavg()[0]:.1f}; times real time, best of {asked.turns} turns"
    )
    print("| size | numbers | sound alone | lips alone | both | both, published front | transformer alone |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for size in asked.sizes:
        row = row_of(size, asked.seconds, asked.turns, asked.clock)
        rows.append(row)
        millions = f"{row['parameters'] / 1e6:.1f} M"
        figures = [f"{value:g}" for name, value in row.items() if name.endswith("real_time")]
        print(f"| {size} | {millions} | {' | '.join(figures)} |", flush=True)
    memory = memory_of(asked.hour, asked.hours) if asked.hour else None
    if memory is not None:
        print(
            f"an hour of {memory['size']} in windows, {memory['x_real_time']} x real time: MB after each tenth:"
        )
        print(" ".join(map(str, memory["megabytes_by_tenths"])))
    if asked.output:
        asked.output.write_text(json.dumps({"rows": rows, "memory": memory}, indent=1))


if __name__ == "__main__":
    main()
