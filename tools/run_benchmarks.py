"""Runs the benchmarks of benchmarks/ one after the other: ``make bench``.

    make bench                              all, quickly: each a true but small measurement
    make bench ARGS=--whole                 all, with the defaults of each: hours
    make bench ARGS='sync_grid flashbeep'   only these
    make bench ARGS=--list                  what there is, and what each needs

It goes on after a failure, and ends with one line for each. Status 1 if any failed. What needs recordings or packages
that are not here is skipped, and says so.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = REPOSITORY / "benchmarks"


@dataclass(frozen=True)
class Benchmark:
    """How one is run."""

    quick: str = ""
    """Arguments of a small measurement; ``{scratch}`` is a folder that is empty before and gone afterwards, so that no
    small run is ever taken for a whole one that was stopped."""
    packages: tuple[str, ...] = ()
    """Packages of the extras that it cannot do without."""
    recordings: str = ""
    """Recordings that it cannot do without; it looks for them itself (benchmarks/_data.py)."""


MODELS = ("torch", "transformers")
TRAINING = (*MODELS, "accelerate")
GRID, TALKING = "GRID", "talking faces"

TABLE: dict[str, Benchmark] = {
    "align_speed": Benchmark("--minutes 0.5", (), TALKING),
    "animate_speed": Benchmark("--seconds 4"),
    "avhubert_speed": Benchmark("--sizes nano --seconds 2 --turns 1", MODELS),
    "clicks": Benchmark(),
    "ctc_alignment": Benchmark("--quick"),
    "ctc_borders": Benchmark("--steps 200 --keep {scratch}", TRAINING, GRID),
    "ctc_chunks": Benchmark("--count 1", MODELS),
    "ctc_recognition": Benchmark("--seconds 60 --rounds 1", MODELS),
    "features_speed": Benchmark("--count 10", ("librosa",), GRID),
    "flashbeep": Benchmark("--quick"),
    "foley_speed": Benchmark("2"),
    "landmarks": Benchmark("--clips 20", (), GRID),
    "long_file": Benchmark("--hours 0.02", (), TALKING),
    "lossless_repair": Benchmark("--count 10"),
    "mouth_crops": Benchmark("--count 2", (), GRID),
    "phone_probe": Benchmark("--clips 20", MODELS, GRID),
    "prepare_chain": Benchmark("--clips 6 --bare-clips 4 --same-clips 4 --flow-clips 0", ("librosa",), GRID),
    "prepare_costs": Benchmark("--clips 1 --rounds 1", ("torch",), GRID),
    "prepare_memory": Benchmark("--counts 2,4 --minutes 1 --empty 100"),
    "pretraining_helps": Benchmark("--steps 60 --seeds 1 --minutes 5 --keep {scratch}", TRAINING, GRID),
    "reading": Benchmark("--rounds 5", (), GRID),
    "repair": Benchmark("--count 5", (), GRID),
    "repair_courses": Benchmark("--minutes 1 --only 1.5", (), GRID),
    "rerender": Benchmark("--films 1", (), GRID),
    "sound_hour": Benchmark("--hours 0.02"),
    "ssl_context": Benchmark("", MODELS),
    "studio_load": Benchmark("--clients 10 --rounds 3 --queue 20", ("fastapi", "uvicorn")),
    "studio_two_hours": Benchmark("--minutes 2 --words 250", ("fastapi", "uvicorn", "selenium")),
    "subtitles_hour": Benchmark("--minutes 2 --folder {scratch}", ("pysubs2",), GRID),
    "sync_bias": Benchmark("--count 2"),
    "sync_clips_own": Benchmark("--clips 20", (), GRID),
    "sync_courses": Benchmark("--clips 12 --minutes 2 --clean 2", (), GRID),
    "sync_drift": Benchmark("--clips 8 --each 1 --films 2", (), GRID),
    "sync_faces": Benchmark("--seconds 4 --grid", (), TALKING),
    "sync_faults": Benchmark("--films 1", (), f"{GRID}, {TALKING}"),
    "sync_grid": Benchmark("--clips 20 --films 6", (), GRID),
    "sync_live": Benchmark("--minutes 0.5 --paced 15", (), TALKING),
    "sync_no_talk": Benchmark("--count 2"),
    "sync_protocols": Benchmark("--clips 6", (), GRID),
    "sync_side_on": Benchmark("--talkers 2 --seconds 4"),
    "sync_speed": Benchmark("--seconds 16", (), TALKING),
    "synchformer_speed": Benchmark("--seconds 2 --segments 1 --width 24", MODELS),
    "talker_clock": Benchmark("--seconds 10 --hours 0.05"),
    "talker_strangers": Benchmark("", TRAINING, GRID),
    "talker_voices": Benchmark("talker-nano --count 2 --voices own:light flite:awb", ("torch",)),
    "talkers": Benchmark("--count 3 --parts make,tracking", (), GRID),
    "timing": Benchmark(),
    "training_speed": Benchmark("--blocks 2 --updates 2 --keep {scratch}", TRAINING, GRID),
    "word_borders": Benchmark("--clips 2", (), GRID),
    "word_confidence": Benchmark("--clips 2", (), GRID),
    "words_beside_others": Benchmark("--sounds 1", (), GRID),
    "words_by_mouths": Benchmark("--pairs 1 --turns 4", (), GRID),
    "words_grid": Benchmark("--clips 40", (), GRID),
    "words_languages": Benchmark("{scratch} --clips 4 --languages es", ("hama",)),
    "wrong_text": Benchmark("--cases 20", (), GRID),
}

#: Programs of benchmarks/ that measure nothing by themselves.
NO_BENCHMARKS = {
    "avhubert_probe": "measures models that one names",
    "avhubert_sync": "measures a model that one names",
    "avsr_few": "trains on a dataset that one names",
    "avsr_hour": "measures a film that one names",
    "landmarks_oracle": "called by landmarks.py --oracle, in an environment with MediaPipe",
    "found_contacts": "judges finders on films that are named, of genlock synth impacts or strikes_on_pictures",
    "strikes_on_pictures": "makes films that found_contacts judges finders on",
    "modal_library": "makes the library that a benchmark places",
    "pretraining_record": "writes the record of a pretraining run that pictures are drawn from",
    "sync_ablation": "learns from datasets that one names",
    "sync_people": "measures films of people that one names",
    "writer_ablations": "trains on a dataset that one names",
}


@dataclass(frozen=True)
class Outcome:
    """What came of one."""

    name: str
    seconds: float
    said: str
    """``ok``, ``skipped: reason`` or ``failed: reason``."""

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.said.startswith("failed")


def run(name: str, benchmark: Benchmark, folder: Path, *, whole: bool = False) -> Outcome:
    """Run one under a heading, its output passed on as it comes."""
    with tempfile.TemporaryDirectory(prefix=f"genlock-{name}-") as scratch:
        given = [] if whole else [part.format(scratch=scratch) for part in shlex.split(benchmark.quick)]
        shown = Path(os.path.relpath(folder / f"{name}.py", REPOSITORY))
        print(f"\n== {name}\n$ {shlex.join(['python', str(shown), *given])}", flush=True)
        missing = [package for package in benchmark.packages if find_spec(package) is None]
        if missing:
            said = f"skipped: {', '.join(missing)} not installed"
            print(said, flush=True)
            return Outcome(name, 0.0, said)
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, folder / f"{name}.py", *given],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        ) as process:
            assert process.stdout is not None
            skipped = ""
            for line in process.stdout:
                print(line, end="", flush=True)
                if line.startswith("skipped: "):
                    skipped = line.strip()
        seconds = time.monotonic() - began
    said = f"failed: status {process.returncode}" if process.returncode else skipped or "ok"
    return Outcome(name, seconds, said)


def main(arguments: Sequence[str], table: Mapping[str, Benchmark] = TABLE, folder: Path = BENCHMARKS) -> int:
    """Run the benchmarks that are named, or all; 1 if any failed."""
    parser = argparse.ArgumentParser(
        prog="run_benchmarks.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    parser.add_argument("--whole", action="store_true", help="with the defaults of each, not quickly")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args(arguments)
    names = [Path(name).stem for name in options.names] or list(table)
    for name in names:
        if name not in table:
            why = NO_BENCHMARKS.get(name, f"there are {', '.join(table)}")
            parser.error(f"{name} is no benchmark: {why}")
    if options.list:
        show_table(table)
        return 0
    outcomes = [run(name, table[name], folder, whole=options.whole) for name in names]
    print("\n== all")
    for outcome in outcomes:
        print(f"{outcome.name:<20}{outcome.seconds:>8.1f} s  {outcome.said}")
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.said.startswith("skipped") for outcome in outcomes)
    print(
        f"{len(outcomes)} benchmarks, {failed} failed, {skipped} skipped, "
        f"{sum(outcome.seconds for outcome in outcomes) / 60:.1f} minutes"
    )
    return 1 if failed else 0


def show_table(table: Mapping[str, Benchmark]) -> None:
    """What there is."""
    print(f"{'':<20}{'quick arguments':<62}needs")
    for name, benchmark in table.items():
        needs = ", ".join(filter(None, [benchmark.recordings, *benchmark.packages]))
        print(f"{name:<20}{benchmark.quick:<62}{needs}".rstrip())
    for name, why in NO_BENCHMARKS.items():
        print(f"({name}: no benchmark of its own, {why})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
