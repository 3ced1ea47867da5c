"""CTC alignment: time, memory and agreement, beside other aligners on the same input, and how both grow.

Each measurement runs in a process of its own, on one thread. Memory is the highest resident set while
aligning, less the resident set just before, when everything is imported, compiled and the emissions are
loaded. Times are wall-clock; beside it the processor's, because other programs may be running.

    python benchmarks/ctc_alignment.py            one hour, the comparison, growth and its picture: minutes
    python benchmarks/ctc_alignment.py --quick    the comparison alone
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from genlock.aligners.ctc.chain import CtcChain
from genlock.aligners.ctc.planted import place_tokens, planted_emissions
from genlock.aligners.ctc.reference import best_states
from genlock.aligners.ctc.viterbi import best_path

SYMBOLS, FRAMES_A_SECOND, CHARACTERS_A_SECOND = 32, 50, 15
HOUR = 3600 * FRAMES_A_SECOND
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "ctc_growth.py"
# A tenth of the tokens are taken for another by the model that never was.
MISTAKEN = 0.1


def plant(frames: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, their true places and emissions: the same at every call."""
    random = np.random.default_rng(0)
    tokens = random.integers(1, SYMBOLS - 2, length)
    places = place_tokens(tokens, frames, random)
    return tokens, places, planted_emissions(tokens, places, frames, SYMBOLS, random, mistaken=MISTAKEN)


# ---------------------------------------------------------------- the aligners: each gives a function to be
# timed

#: What an aligner found: first frame of each token, the state in each frame if it says so, and remarks.
Found = tuple[np.ndarray, np.ndarray | None, str]


def starts_of(states: np.ndarray) -> np.ndarray:
    frames = np.nonzero(states % 2)[0]
    return frames[np.unique(states[frames], return_index=True)[1]]


def genlock(method: str, holes: bool = False) -> Callable[[np.ndarray, np.ndarray], Callable[[], Found]]:
    def prepare(emissions: np.ndarray, tokens: np.ndarray) -> Callable[[], Found]:
        def chain_of(ids: np.ndarray) -> CtcChain:
            if not holes:
                return CtcChain(ids, SYMBOLS)
            gaps = [*range(0, len(ids), 6), len(ids)]
            return CtcChain(ids, SYMBOLS, gaps=gaps, gap_cost=2.0, hole_costs=np.diff(gaps, prepend=0) * 3.0)

        for warm in ("exact", "band"):
            best_path(emissions[:600], chain_of(tokens[:60]), method=warm)
        chain = chain_of(tokens)

        def align() -> Found:
            path = best_path(emissions, chain, method=method)
            how = f"band of {path.band}" if path.band else path.method
            return (
                path.token_frames()[:, 0],
                path.states,
                how + (", proven" if path.proven else ", not proven"),
            )

        return align

    return prepare


def plain_trellis(emissions: np.ndarray, tokens: np.ndarray) -> Callable[[], Found]:
    chain = CtcChain(tokens, SYMBOLS)

    def align() -> Found:
        states, _ = best_states(emissions, chain)
        return starts_of(states), states, "numpy, whole trellis"

    return align


def hirschberg(name: str) -> Callable[[np.ndarray, np.ndarray], Callable[[], Found]]:
    def prepare(emissions: np.ndarray, tokens: np.ndarray) -> Callable[[], Found]:
        import hirschberg_viterbi
        import torch

        torch.set_num_threads(1)
        function = getattr(hirschberg_viterbi, name)
        scores, targets = torch.from_numpy(emissions), torch.from_numpy(tokens.astype(np.int32))
        function(scores[:400], targets[:40])

        def align() -> Found:
            states = function(scores, targets).numpy().astype(np.int64)
            return starts_of(states), states, "float32 sums"

        return align

    return prepare


def ctc_segmentation(emissions: np.ndarray, tokens: np.ndarray) -> Callable[[], Found]:
    import ctc_segmentation as package

    config = package.CtcSegmentationParameters(char_list=[str(n) for n in range(SYMBOLS)], index_duration=1.0)
    config.blank = 0

    def run(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        text, _ = package.prepare_token_list(config, [ids])
        return np.asarray(package.ctc_segmentation(config, rows, text)[0])[2:-1]

    run(emissions[:400], tokens[:40])

    def align() -> Found:
        return run(emissions, tokens).astype(np.int64), None, "a window of 8000 frames, another objective"

    return align


ALIGNERS: dict[str, tuple[str | None, Callable[[np.ndarray, np.ndarray], Callable[[], Found]]]] = {
    "genlock, exact": (None, genlock("exact")),
    "genlock, auto": (None, genlock("auto")),
    "genlock, auto, words may be missing": (None, genlock("auto", holes=True)),
    "genlock, exact, words may be missing": (None, genlock("exact", holes=True)),
    "plain trellis": (None, plain_trellis),
    "hirschberg-viterbi": ("hirschberg_viterbi", hirschberg("raw_hirschberg_viterbi")),
    "hirschberg-viterbi, its full trellis": ("hirschberg_viterbi", hirschberg("raw_viterbi")),
    "hirschberg-viterbi, pruned": ("hirschberg_viterbi", hirschberg("raw_pruned_hirschberg_viterbi")),
    "ctc-segmentation": ("ctc_segmentation", ctc_segmentation),
}


# ---------------------------------------------------------------- one measurement, in a process of its own


def resident_mib(what: str) -> float:
    """VmRSS (now) or VmHWM (the highest) of this process, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # not Linux: only the highest is known
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            2**20 if sys.platform == "darwin" else 2**10
        )
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def forget_highest() -> None:
    """Give back what is free, and count the highest resident set from here on."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    # Where that cannot be done, what was used before counts too, and the figure is too high.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def measure(name: str, frames: int, length: int, repeats: int, target: Path) -> None:
    tokens, places, emissions = plant(frames, length)
    align = ALIGNERS[name][1](emissions, tokens)
    forget_highest()
    before = resident_mib("VmRSS")
    wall, processor = [], []
    for _ in range(repeats):
        begun, begun_processor = time.perf_counter(), time.process_time()
        starts, states, remark = align()
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - begun_processor)
    peak = resident_mib("VmHWM") - before
    score = None
    if states is not None:
        labels = np.where(states % 2, tokens[np.minimum(states // 2, length - 1)], 0)
        score = float(emissions[np.arange(frames), labels].astype(np.float64).sum())
    np.save(target, starts)
    right = float(np.mean(np.abs(starts - places[:, 0]) <= 1))
    print(
        json.dumps(
            {
                "name": name,
                "frames": frames,
                "tokens": length,
                "seconds": min(wall),
                "processor_seconds": min(processor),
                "mib": peak,
                "score": score,
                "remark": remark,
                "right": right,
            }
        )
    )


def in_own_process(name: str, frames: int, length: int, repeats: int = 1) -> dict[str, Any] | None:
    """Measure in a new process; None if the aligner is not installed or fails (then its last words are
    shown)."""
    package = ALIGNERS[name][0]
    if package and find_spec(package) is None:
        print(f"{name}: not installed (pip install {package})")
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "starts.npy")
        settings = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        # Arrays that are freed go back to the system, so that none is filled again unseen.
        settings["MALLOC_MMAP_THRESHOLD_"] = "131072"
        command = [
            sys.executable,
            __file__,
            "--case",
            name,
            str(frames),
            str(length),
            str(repeats),
            str(target),
        ]
        done = subprocess.run(
            command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{name}: failed: {(done.stderr.strip().splitlines() or ['killed'])[-1]}")
            return None
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        result["starts"] = np.load(target)
        return result


# ---------------------------------------------------------------- tables


def table(title: str, names: Sequence[str], frames: int, length: int, repeats: int) -> None:
    print(f"\n{title}: {frames} frames, {length} tokens, {SYMBOLS} symbols")
    print(f"{'':38}{'s':>8}{'s CPU':>8}{'MiB':>8}  {'score':>14}  same starts  true to 1 frame")
    exact: np.ndarray | None = None
    for name in names:
        got = in_own_process(name, frames, length, repeats)
        if got is None:
            continue
        exact = got["starts"] if exact is None else exact
        score = "" if got["score"] is None else f"{got['score']:.4f}"
        print(
            f"{name:38}{got['seconds']:8.2f}{got['processor_seconds']:8.2f}{got['mib']:8.1f}  {score:>14}"
            f"  {np.mean(got['starts'] == exact):11.2%}  {got['right']:15.2%}  {got['remark']}",
            flush=True,
        )


def grow(record: Path, longest: int) -> None:
    """Time and memory against frames, and against text at a fixed length of sound: a table, a record, a picture."""
    names = ["genlock, exact", "genlock, auto", "hirschberg-viterbi", "plain trellis"]
    limits = {"hirschberg-viterbi": 45_000, "plain trellis": 9_000}
    lengths = [n for n in (2250, 4500, 9000, 18_000, 45_000, 90_000, 180_000) if n <= longest]
    fixed = min(36_000, longest)
    print(f"\ngrowth, at {CHARACTERS_A_SECOND} characters a second of {FRAMES_A_SECOND} frames, then by text")
    print(f"{'':24}{'frames':>8}{'tokens':>8}{'s CPU':>9}{'MiB':>9}")
    cases = [(name, n, n * CHARACTERS_A_SECOND // FRAMES_A_SECOND) for n in lengths for name in names]
    cases += [
        (name, fixed, fixed * rate // FRAMES_A_SECOND)
        for rate in (2, 5, 10, 15, 20, 25)
        for name in names[:2]
    ]
    rows: list[dict[str, Any]] = []
    for name, frames, tokens in cases:
        if frames > limits.get(name, frames) or (got := in_own_process(name, frames, tokens)) is None:
            continue
        rows.append({key: got[key] for key in ("name", "frames", "tokens", "processor_seconds", "mib")})
        print(f"{name:24}{frames:8}{tokens:8}{got['processor_seconds']:9.2f}{got['mib']:9.1f}", flush=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"record: {record}")
    if find_spec("matplotlib") is None:
        print("no picture: matplotlib is not installed")
        return
    subprocess.run([sys.executable, PICTURE, record.parent, record], check=True)
    print(f"picture: {record.parent / 'ctc_growth.svg'}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the comparison alone")
    parser.add_argument(
        "--longest", type=int, default=HOUR, help="frames of the longest case (default: one hour)"
    )
    record = Path("build/ctc_growth.json")
    parser.add_argument(
        "--record", type=Path, default=record, help="where the figures of growth and their picture go"
    )
    parser.add_argument("--only", choices=["hour", "comparison", "growth"], help="one of the three parts")
    parser.add_argument("--case", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        name, frames, length, repeats, target = options.case
        measure(name, int(frames), int(length), int(repeats), Path(target))
        return
    parts = (
        [options.only]
        if options.only
        else ["comparison"]
        if options.quick
        else ["hour", "comparison", "growth"]
    )
    if "comparison" in parts:
        table(
            "six minutes",
            [n for n in ALIGNERS if "missing" not in n],
            18_000,
            5400,
            1 if options.quick else 3,
        )
    if "hour" in parts:
        length = options.longest * CHARACTERS_A_SECOND // FRAMES_A_SECOND
        table("the longest", [n for n in ALIGNERS if n.startswith("genlock")], options.longest, length, 1)
    if "growth" in parts:
        grow(options.record, options.longest)


if __name__ == "__main__":
    main()
