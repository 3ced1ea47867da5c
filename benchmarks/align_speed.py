"""``genlock align`` on 720p of H.264 and on MPEG-4 part 2: stages, processor time, wall time, and peak memory.

    python benchmarks/align_speed.py [--minutes 2 10] [--against PYTHON] [--commands align sync prepare]
        [--outputs LIST] [--outputs-there LIST]

The films are talking clips, one after the other at 1280x720, 25 frames a second and 2.5 Mbit/s, encoded once and
repeated by copying packets. Each command runs in a process of its own. A stage is as long as its progress is told, in
seconds of the wall from the start of the command; stages run side by side, so their lengths overlap.

``--against`` names the interpreter of another checkout: each of its runs comes right after ours, on the same film, and
the table says the ratio. Compare processor seconds on a machine that others use, wall seconds on a quiet one. Where the
other checkout says outputs of ``prepare`` in other words, ``--outputs-there`` has them; both should make the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _data import DATA, TALKING, need
from sync_speed import repeat

from genlock.media import Picture, Sound, VideoForm, encode, read_audio, read_frames

SIZE, RATE, SOUND_RATE = (1280, 720), 25, 44100
CLIPS = (
    TALKING / "RD_Radio34_000.mp4",
    TALKING / "WDA_BobMenendez_000.mp4",
    DATA / "ordinary" / "obama_address_20s.mp4",
)
CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "b": "2500k", "bf": "0", "g": "250"}),
    "mpeg4": ("mpeg4", {"b": "2500k", "g": "250"}),
}

OUTPUTS = "sound@16000,mel,mouth/96,offset"

# Runs in either checkout, so it rests on nothing but what both have.
CHILD = """
import json, resource, sys, time
from genlock.tasks.align_video import align_video
from genlock.tasks.sync_video import sync_video
command, film, folder = sys.argv[1:]
began, stages = time.perf_counter(), {}

def progress(stage, done, total):
    now = time.perf_counter() - began
    stages.setdefault(stage, [now, now])[1] = now

if command == "align":
    result = align_video(film, output=folder, progress=progress)
    found = [len(result.words), result.sync.offset_seconds]
else:
    result = sync_video(film, progress=progress)
    found = [result.offset_seconds]
print(json.dumps({"stages": stages, "found": found, "inside": time.perf_counter() - began}))
"""


def make_film(folder: Path, codec: str, minutes: float) -> Path:
    """The clips one after the other, repeated until they last so long."""
    short, film = folder / f"{codec}-short.mp4", folder / f"{codec}-{minutes:g}.mp4"
    if not short.exists():
        sounds = [read_audio(clip, rate=SOUND_RATE) for clip in CLIPS]
        # Each clip lasts as many frames as lie in its sound, so that both stay together.
        counts = [len(sound) * RATE // SOUND_RATE for sound in sounds]
        wave = [s.values[: n * SOUND_RATE // RATE] for s, n in zip(sounds, counts, strict=True)]
        name, options = CODECS[codec]
        picture = Picture(_frames(counts), rate=RATE, codec=name, options=options)
        encode(short, picture, Sound(np.concatenate(wave), SOUND_RATE, codec="aac", bit_rate=128_000))
    repeat(short, film, 60 * minutes)
    return film


def _frames(counts: list[int]) -> Iterator[Any]:
    for clip, count in zip(CLIPS, counts, strict=True):
        frames = list(itertools.islice(_padded(clip), count))
        yield from frames
        yield from itertools.repeat(frames[-1], count - len(frames))


def _padded(clip: Path) -> Iterator[Any]:
    for cell in read_frames(clip, VideoForm(pixels="rgb24", rate=RATE)):
        height, width = cell.pixels.shape[:2]
        scale = min(SIZE[0] / width, SIZE[1] / height)
        inner = cv2.resize(cell.pixels, (round(width * scale), round(height * scale)))
        left, top = (SIZE[0] - inner.shape[1]) // 2, (SIZE[1] - inner.shape[0]) // 2
        yield cv2.copyMakeBorder(
            inner, top, SIZE[1] - inner.shape[0] - top, left, SIZE[0] - inner.shape[1] - left, 0
        )


def measure(python: str, command: str, film: Path, folder: Path, outputs: str) -> dict[str, Any]:
    """One run in a process of its own: wall, processor seconds, peak, and what it said of its stages."""
    target = folder / "made"
    if command == "prepare":
        sources = folder / f"sources-{film.stem}"
        sources.mkdir(exist_ok=True)
        if not (sources / film.name).exists():
            (sources / film.name).hardlink_to(film)
        call = ["-m", "genlock.cli", "prepare", str(sources), "-o", str(target), "--json"]
        call += ["--outputs", outputs, "--clip-seconds", "10", "--workers", "1"]
    else:
        call = ["-c", CHILD, command, str(film), str(target)]
    watch = ["-c", WATCH, python, *call]
    done = subprocess.run([sys.executable, *watch], check=False, capture_output=True, text=True, cwd=folder)
    made = sorted({file.parent.name for file in target.rglob("*.*") if not file.name.startswith(".")})
    shutil.rmtree(target, ignore_errors=True)
    if done.returncode:
        sys.exit(f"{command} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    *_, last = done.stderr.splitlines()
    told = json.loads(last)
    if command != "prepare":
        return told | json.loads(done.stdout.splitlines()[-1])
    return told | {"found": made, "inside": told["wall"]}


# The children's usage is that of one command, and of its workers, only in a process that has no other child.
WATCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
status = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
told = {"wall": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
print(json.dumps(told), file=sys.stderr)
sys.exit(status)
"""


def main() -> None:
    """Make the films, run the commands, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0])
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument("--commands", nargs="+", choices=("align", "sync", "prepare"), default=["align"])
    parser.add_argument("--against", help="the interpreter of another checkout")
    parser.add_argument("--outputs", default=OUTPUTS, help="what prepare makes (default: %(default)s)")
    parser.add_argument("--outputs-there", help="the same in the words of the other checkout")
    parser.add_argument("--repeats", type=int, default=1, help="pairs of runs; the fastest counts")
    options = parser.parse_args()
    for clip in CLIPS:
        need(clip, "talking clip")
    pythons = {"here": sys.executable} | ({"there": options.against} if options.against else {})
    outputs = {"here": options.outputs, "there": options.outputs_there or options.outputs}
    rows = []
    with tempfile.TemporaryDirectory(prefix="genlock-speed-") as name:
        folder = Path(name)
        for codec in options.codecs:
            for minutes in options.minutes:
                film = make_film(folder, codec, minutes)
                for command in options.commands:
                    runs: dict[str, list[dict[str, Any]]] = {which: [] for which in pythons}
                    for _ in range(options.repeats):
                        for which, python in pythons.items():
                            runs[which].append(measure(python, command, film, folder, outputs[which]))
                    rows.append(report(command, codec, minutes, film, runs))
                film.unlink()
    print(f"\nmachine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(
        f"{'command':9}{'picture':9}{'minutes':>8}{'checkout':>10}{'wall, s':>9}{'x real time':>13}"
        f"{'CPU, s':>9}{'peak, MB':>10}"
    )
    print("\n".join(line for row in rows for line in row))


def report(
    command: str, codec: str, minutes: float, film: Path, runs: dict[str, list[dict[str, Any]]]
) -> list[str]:
    """Print the stages of one film; the lines for the table at the end."""
    from genlock.media import probe

    seconds = float(probe(film).duration or Fraction(0))
    lines, best = [], {}
    for which, all_runs in runs.items():
        run = {key: min(each[key] for each in all_runs) for key in ("wall", "cpu", "peak")}
        best[which] = run
        fastest = min(all_runs, key=lambda each: each["wall"])
        print(f"\n{command} of {minutes:g} minutes of {codec}, {film.stat().st_size / 1e6:.0f} MB, {which}:")
        for stage, (first, last) in sorted(fastest.get("stages", {}).items(), key=lambda item: item[1]):
            print(f"  {stage:14}{first:8.1f} to {last:6.1f} s  {last - first:7.1f} s")
        if "found" in fastest:
            print(f"  all           {fastest['inside']:25.1f} s   found {fastest['found']}")
        lines.append(
            f"{command:9}{codec:9}{minutes:8g}{which:>10}{run['wall']:9.1f}{seconds / run['wall']:13.1f}"
            f"{run['cpu']:9.1f}{run['peak']:10.0f}"
        )
    if len(best) == 2:
        here, there = best["here"], best["there"]
        ratios = [there[key] / here[key] for key in ("wall", "cpu", "peak")]
        lines.append(f"{'':26}{'there/here':>10}{ratios[0]:9.2f}{'':13}{ratios[1]:9.2f}{ratios[2]:10.2f}")
    return lines


if __name__ == "__main__":
    main()
