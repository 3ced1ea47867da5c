"""The same content at other frame rates: how far the measured offset moves.

Clips of one speaker are joined to some twelve seconds with a planted offset, and rendered again at each rate: every new
frame shows what is on show at its middle, so a rate that is no multiple shifts each picture by up to half a cell of the
source, on average by nothing. Clips on which the built-in model was trained are left out.

    python benchmarks/rerender.py [FOLDER_OF_VIDEOS] [--films 4]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from _data import VIDEOS, need

from genlock.bench.tool import measure
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.evidence.collect import gather
from genlock.synth.corrupt import CorruptOptions, corrupt
from genlock.tasks.files import expand_files

RATES = ("25", "24000/1001", "24", "30000/1001", "30", "50", "60", "variable")
CLIPS = 4
LIMIT_MS = 10.0


def main() -> int:
    """Print the table; status 1 if the median disagreement at a rate exceeds 10 ms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=VIDEOS)
    parser.add_argument("--films", type=int, default=4)
    chosen = parser.parse_args()
    need(chosen.folder)
    files = [f for f in expand_files([str(chosen.folder)])[0] if split_by_name(Path(f).stem) == "test"]
    draw = np.random.default_rng(3)
    draw.shuffle(files)
    moved: dict[str, list[float]] = {rate: [] for rate in RATES}
    wrong: dict[str, list[float]] = {rate: [] for rate in RATES}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as where:
        for film in range(chosen.films):
            offset = Fraction(int(draw.integers(-400_000, 400_000)), 10**6)
            first: float | None = None
            for rate in RATES:
                path = Path(where) / "film.mp4"
                variable = rate == "variable"
                options = CorruptOptions(
                    offset_seconds=offset,
                    rate=25 if variable else Fraction(rate),
                    variable_rate=variable,
                    quality=16,
                    seed=film,
                )
                corrupt(files[film * CLIPS : (film + 1) * CLIPS], path, options)
                answer = measure(gather(path))
                found = answer.offset_seconds
                if found is None:
                    print(f"film {film} at {rate}: no answer: {answer.reason}", flush=True)
                    continue
                first = found if first is None else first
                moved[rate].append(1000 * (found - first))
                wrong[rate].append(1000 * (found - float(offset)))
    print(
        f"{'rate':12s} {'films':>5s} {'against 25 fps: median ms':>26s} {'most ms':>8s} {'own error, median ms':>21s}"
    )
    worst = 0.0
    for rate in RATES:
        gaps = np.abs(moved[rate])
        if not len(gaps):
            continue
        worst = max(worst, float(np.median(gaps)))
        print(
            f"{rate:12s} {len(gaps):5d} {np.median(gaps):26.1f} {gaps.max():8.1f} {np.median(wrong[rate]):13.1f}"
        )
    print(
        f"worst median disagreement {worst:.1f} ms (limit {LIMIT_MS:g}); {time.perf_counter() - began:.0f} s"
    )
    return 0 if worst <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
