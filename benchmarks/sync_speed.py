"""``genlock sync`` on 720p: time of each stage, times real time, and memory on a file of two hours.

    python benchmarks/sync_speed.py [--seconds 60] [--hours 2] [--video FILE] [--no-long]

The film is a short talking clip scaled to 1280x720 and repeated by copying packets, so it costs little to make.
Stages are CPU seconds spent in each consumer of the one pass, in the fusion, and in reading itself (demuxing,
decoding, converting): the rest. The long file is measured in a process of its own; its peak memory must stay within
a limit, and within 1.3 times that of a file of a twelfth of its length. Aim: 5 times real time.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2

from genlock.lipsync.collect import EvidenceCollector
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.verdicts import sentence_of
from genlock.media import Picture, VideoForm, encode, read, read_frames
from genlock.media.write import Copy, mux
from genlock.tasks import sync_video

DATA = Path(os.environ.get("GENLOCK_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))
SIZE = (1280, 720)
LIMIT_MB, GROWTH = 1500, 1.3


def make_720p(source: Path, folder: Path) -> Path:
    """The clip at 1280x720 with its own sound, copied."""
    picture, film = folder / "picture.mp4", folder / "short.mp4"

    def frames():
        for cell in read_frames(source, VideoForm(pixels="rgb24")):
            height, width = cell.pixels.shape[:2]
            scale = min(SIZE[0] / width, SIZE[1] / height)
            inner = cv2.resize(cell.pixels, (round(width * scale), round(height * scale)))
            left, top = (SIZE[0] - inner.shape[1]) // 2, (SIZE[1] - inner.shape[0]) // 2
            yield cv2.copyMakeBorder(
                inner, top, SIZE[1] - inner.shape[0] - top, left, SIZE[0] - inner.shape[1] - left, 0
            )

    encode(
        picture,
        Picture(frames(), rate=25, codec="libx264", options={"preset": "veryfast", "crf": "22", "bf": "0"}),
    )
    mux(film, [Copy(picture, "video"), Copy(source, "audio")])
    return film


def repeat(source: Path, target: Path, seconds: float) -> None:
    """Join copies of ``source`` until they last ``seconds``: packets copied, time stamps moved on."""
    with av.open(str(target), "w") as out, av.open(str(source)) as first:
        kept = [s for s in first.streams if s.type in ("video", "audio")]
        streams = {s.index: out.add_stream_from_template(s) for s in kept}
        # A turn is a whole number of frames of the picture, and the sound is cut to it.
        turn = next(Fraction(s.duration) * s.time_base for s in kept if s.type == "video")
        packets = [p for p in first.demux(*kept) if p.dts is not None]
        held = [
            (p.stream_index, bytes(p), p.pts, p.dts, p.time_base, p.is_keyframe, p.duration) for p in packets
        ]
        last: dict[int, int] = defaultdict(lambda: -(2**62))
        for k in range(int(seconds / turn) + 1):
            for index, data, pts, dts, base, key, duration in held:
                move = round(k * turn / base)
                if dts + move <= last[index] or (k and dts < 0) or dts * base >= turn:
                    continue
                packet = av.Packet(data)
                packet.stream, packet.time_base = streams[index], base
                packet.pts, packet.dts, packet.is_keyframe, packet.duration = (
                    pts + move,
                    dts + move,
                    key,
                    duration,
                )
                last[index] = dts + move
                out.mux(packet)


class Timed:
    """A consumer whose time is counted."""

    def __init__(self, inner: Any, name: str, spent: dict[str, float]) -> None:
        self.inner, self.form, self.name, self.spent = inner, inner.form, name, spent

    def push(self, item: Any) -> None:
        began = time.process_time()
        self.inner.push(item)
        self.spent[self.name] += time.process_time() - began

    def finish(self) -> None:
        began = time.process_time()
        self.inner.finish()
        self.spent[self.name] += time.process_time() - began


def stages(film: Path, seconds: float) -> float:
    """Measure a film, print the CPU time of each stage; times real time."""
    spent: dict[str, float] = defaultdict(float)
    inside: list[float] = []
    fusion = Fusion()

    def add(evidence: Any) -> None:
        began = time.process_time()
        fusion.add(evidence)
        inside.append(time.process_time() - began)

    collector = EvidenceCollector(add)
    names = ["sound", "faces", "small picture, flashes, motion"]
    consumers = [
        Timed(each, names[k] if len(collector.consumers) == 3 else f"consumer {k}", spent)
        for k, each in enumerate(collector.consumers)
    ]
    began, wall = time.process_time(), time.perf_counter()
    read(film, consumers)
    middle = time.process_time()
    found = fusion.finish()
    end = time.process_time()
    total, estimate = end - began, found.estimate
    # Evidence is handed over inside of a push.
    rows = {
        "demux, decode, convert": middle - began - sum(spent.values()),
        **spent,
        "estimators and fusion": sum(inside) + end - middle,
    }
    last = max(spent, key=lambda name: spent[name] if "picture" in name else -1.0)
    rows[last] -= sum(inside)
    print(f"{'stage':34}{'CPU, s':>9}{'x real time':>13}")
    for name, value in rows.items():
        print(f"{name:34}{value:9.2f}{seconds / max(value, 1e-9):13.1f}")
    print(f"{'all':34}{total:9.2f}{seconds / total:13.1f}   (wall {time.perf_counter() - wall:.1f} s)")
    began = time.perf_counter()
    sync_video(film)
    took = time.perf_counter() - began
    print(
        f"{'genlock sync, on the wall':34}{took:9.2f}{seconds / took:13.1f}   (decoding and faces in two threads)"
    )
    print(sentence_of(estimate.offset_seconds, estimate.interval_seconds, estimate.reason))
    return seconds / total


def peak(film: Path) -> tuple[float, float, str]:
    """Peak memory in MB, seconds, and what ``genlock sync`` said, in a process of its own."""
    began = time.perf_counter()
    program = (
        "import resource,sys\nfrom genlock.cli import main\nstatus=main(['sync', sys.argv[1]])\n"
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\nsys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(film)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    *said, last = done.stdout.splitlines()
    return float(last.split()[1]), time.perf_counter() - began, said[0]


def main() -> int:
    """Print the tables; status 1 if memory grows or is too much."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--video", type=Path, default=DATA / "talking" / "RD_Radio34_000.mp4")
    parser.add_argument("--no-long", action="store_true")
    options = parser.parse_args()
    if not options.video.exists():
        print(f"skipped: {options.video.name} is not at hand; name another with --video")
        return 0
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="genlock-speed-") as name:
        folder = Path(name)
        short, film = make_720p(options.video, folder), folder / "film.mp4"
        repeat(short, film, options.seconds)
        print(f"\n{SIZE[0]}x{SIZE[1]} H.264, {options.seconds:.0f} s:")
        stages(film, options.seconds)
        if options.no_long:
            return 0
        print(f"\n{'length, min':>12}{'peak, MB':>10}{'wall, s':>9}{'x real time':>13}")
        peaks = []
        for minutes in (5 * options.hours, 60 * options.hours):
            repeat(short, film, 60 * minutes)
            most, took, said = peak(film)
            peaks.append(most)
            print(f"{minutes:12.1f}{most:10.0f}{took:9.0f}{60 * minutes / took:13.1f}   {said}", flush=True)
    growing = peaks[1] > GROWTH * peaks[0]
    print(
        f"limit {LIMIT_MB} MB; the long file takes {peaks[1] / peaks[0]:.2f} times the memory of the short one"
    )
    return 1 if growing or peaks[1] > LIMIT_MB else 0


if __name__ == "__main__":
    sys.exit(main())
