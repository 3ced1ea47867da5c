"""What each output of ``genlock prepare`` costs: CPU seconds and bytes for an hour of clips, on this machine.

Each output is made alone, in this process, with one thread, of the same clips, and then all of them at once: the
difference is what reading each source once saves. Costs contain reading, encoding, syncing and hashing. The first clip
is done beforehand (imports, compilation, models) and does not count. The outputs take turns over several rounds, and
the cheapest round counts: other programs only ever make it dearer.

``--scaling N`` also prepares N clips with one and two workers, in turns. On a machine that has other work that says how
much of it the scheduler gives to one and to two processes, too.

    python benchmarks/prepare_costs.py [FOLDER] [--clips 6] [--rounds 2] [--scaling 0] [--record FILE]

With --record the figures are written as JSON, from which docs/pictures/prepare_costs.py draws.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from _data import VIDEOS, need

from genlock.data.ledger import Item
from genlock.data.one_source import Plan, make_clips

OUTPUTS = (
    "sound@16000",
    "mel:specvqgan",
    "mfcc",
    "frames@21.5/340x256",
    "video@21.5",
    "flow@21.5/340x256",
    "landmarks,mouth/96",
    "rgb:WEIGHTS@21.5",
    "offset",
    "words",
)


@dataclass(frozen=True)
class Cost:
    """What one hour of clips costs."""

    processor_seconds: float
    """Of one core."""
    bytes: float
    """Of all files."""


def random_weights(folder: Path) -> str:
    """BN-Inception with weights of no use, which take as long as others."""
    from safetensors.torch import save_file

    from genlock.models.bninception import BNInception

    save_file(BNInception(3).state_dict(), folder / "random.safetensors")
    return str(folder / "random.safetensors")


def once(clips: Sequence[Path], outputs: str, weights: str, scratch: Path) -> Cost:
    """Make the outputs of the clips after the first one."""
    plan = Plan(outputs.replace("WEIGHTS", weights))
    with tempfile.TemporaryDirectory(dir=scratch) as dataset:
        processor = written = media = 0.0
        for number, clip in enumerate(clips):
            state = clip.stat()
            item = Item(f"c{number}", clip.name, state.st_size, state.st_mtime_ns)
            began = time.process_time()
            made = make_clips(item, clip.parent, Path(dataset), plan)
            if number:
                processor += time.process_time() - began
                written += sum(output.size for output in made.outputs)
                media += made.media_seconds
    return Cost(3600 * processor / media, 3600 * written / media)


def scaling(clips: Sequence[Path], scratch: Path, rounds: int) -> dict[str, list[float]]:
    """Wall and CPU seconds with one and with two workers, summed over the rounds."""
    source = scratch / "scaling"
    source.mkdir()
    for clip in clips:
        (source / clip.name).symlink_to(clip.resolve())
    totals = {"1": [0.0, 0.0], "2": [0.0, 0.0]}
    for turn in range(rounds):
        for workers in ("1", "2") if turn % 2 == 0 else ("2", "1"):
            command = [
                sys.executable,
                "-m",
                "genlock.cli",
                "prepare",
                str(source),
                "-o",
                str(scratch / f"{turn}-{workers}"),
                "--outputs",
                "sound@22050,mel:specvqgan,frames@21.5/340x256,video@21.5",
                "--workers",
                workers,
            ]
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            totals[workers][0] += time.monotonic() - began
            totals[workers][1] += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return totals


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=VIDEOS)
    parser.add_argument("--clips", type=int, default=6, help="for the table; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scaling", type=int, default=0, help="clips for one against two workers")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    videos = need(options.folder)
    if len(videos) < 2:
        sys.exit(f"there are not two clips in {options.folder}; name a folder of videos")
    machine = (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"machine: {machine}; {options.clips} clips of {options.folder.parent.name}; an hour of clips costs"
    )
    sets = (
        {**{outputs: outputs for outputs in OUTPUTS}, "all of these": ",".join(OUTPUTS)}
        if options.clips
        else {}
    )
    found: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as scratch:
        weights = random_weights(Path(scratch))
        for _ in range(options.rounds):
            for name, outputs in sets.items():
                cost = once(videos[: options.clips + 1], outputs, weights, Path(scratch))
                if name not in found or cost.processor_seconds < found[name].processor_seconds:
                    found[name] = cost
        for name, cost in found.items():
            print(f"  {name:<24} {cost.processor_seconds:9.0f} CPU seconds {cost.bytes / 1e6:9.1f} MB")
        if found:
            apart = sum(found[outputs].processor_seconds for outputs in OUTPUTS)
            ratio = apart / found["all of these"].processor_seconds
            print(f"  {'one after the other':<24} {apart:9.0f} CPU seconds, x {ratio:.2f}")
        if options.scaling:
            totals = scaling(videos[: options.scaling], Path(scratch), options.rounds)
            for workers, (wall, processor) in totals.items():
                print(
                    f"  {workers} workers: {wall:7.1f} s wall, {processor:7.1f} s CPU, {options.scaling} clips"
                )
            print(f"  two workers are {totals['1'][0] / totals['2'][0]:.2f} times as fast")
    if options.record:
        rows = [
            {"name": name, "processor_seconds": c.processor_seconds, "bytes": c.bytes}
            for name, c in found.items()
        ]
        options.record.write_text(
            json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
    if not threads.items() <= os.environ.items():  # as workers have it; libraries look when they are imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **threads})
    main()
