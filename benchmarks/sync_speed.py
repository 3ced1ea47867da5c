"""``genlock sync`` on 720p: time of each stage, times real time; and memory on files of several lengths.

    python benchmarks/sync_speed.py [--seconds 60] [--video FILE] [--long 5 30 120] [--windows 10 120] [--paired]

The film is a short talking clip scaled to 1280x720 and repeated by copying packets, so it costs little to make.
Stages are CPU seconds spent in each consumer of the one pass, in the fusion, and in reading itself (demuxing,
decoding, converting): the rest. ``genlock sync`` itself reads in one thread and looks for faces in another, so on two
free cores it takes as long as the longer of the two, which the last rows name. Aim: 5 times real time.

``--long`` measures the peak memory of films of so many minutes (360x288, five frames a second, so that hours take
minutes), each in a process of its own: it must stay within a limit, and the longest within 1.3 times the shortest.

``--windows`` measures films of so many minutes of 720p by windows, as ``genlock sync`` does, and one of each length
whose sound is 300 ms later from seven tenths of it on; beside the shortest stands what ``--thorough`` takes, on the
same machine one after the other. Aims: ten minutes in 20 s, two hours in 120 s, on two free cores.

``--paired`` is the table of a release, seven minutes on two quiet cores: half a minute, ten minutes (with one thread
that decodes and with two), the same with ``--thorough``, two hours; beside them what SyncNet's front end alone takes
(faces cut out, coefficients of the sound; no weights), and what a tool that compares speech activity takes and finds.
All but two hours run twice, in turns: both times are printed. Each run has a process of its own.
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
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
from _data import TALKING, VIDEOS, need
from _speech_activity import right_by_activity

from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.evidence.collect import EvidenceCollector, gather
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.verdicts import sentence_of
from genlock.media import Picture, VideoForm, encode, read, read_frames
from genlock.media.remux import Copy, mux
from genlock.tasks.sync_video import SyncOptions, sync_video

SIZE, RATE = (1280, 720), 25
LONG_SIZE, LONG_EVERY = (360, 288), 5  # for memory: every fifth frame
LIMIT_MB, GROWTH = 1500, 1.3


def make_film(source: Path, folder: Path, size: tuple[int, int], every: int = 1) -> Path:
    """The clip at a size, every so manieth frame of it, with its own sound, copied."""
    picture, film = folder / f"picture{every}.mp4", folder / f"short{every}.mp4"

    def frames():
        for cell in read_frames(source, VideoForm(pixels="rgb24")):
            if cell.index % every != every // 2:
                continue
            height, width = cell.pixels.shape[:2]
            scale = min(size[0] / width, size[1] / height)
            inner = cv2.resize(cell.pixels, (round(width * scale), round(height * scale)))
            left, top = (size[0] - inner.shape[1]) // 2, (size[1] - inner.shape[0]) // 2
            yield cv2.copyMakeBorder(
                inner, top, size[1] - inner.shape[0] - top, left, size[0] - inner.shape[1] - left, 0
            )

    options = {"preset": "veryfast", "crf": "22", "bf": "0"}
    encode(picture, Picture(frames(), rate=Fraction(RATE, every), codec="libx264", options=options))
    mux(film, [Copy(picture, "video"), Copy(source, "audio")])
    return film


def repeat(source: Path, target: Path, seconds: float, jump: tuple[float, float] = (0.0, 0.0)) -> float:
    """Join copies of ``source`` until they last ``seconds``: packets copied, time stamps moved on; how long they do.

    ``jump``: from which instant on the sound is later, and by how much, in seconds.
    """
    with av.open(str(target), "w") as out, av.open(str(source)) as first:
        kept = [s for s in first.streams if s.type in ("video", "audio")]
        streams = {s.index: out.add_stream_from_template(s) for s in kept}
        sound = next(s.index for s in kept if s.type == "audio")
        # A turn is a whole number of frames of the picture, and the sound is cut to it.
        turn = next(Fraction(s.duration) * s.time_base for s in kept if s.type == "video")
        packets = [p for p in first.demux(*kept) if p.dts is not None]
        held = [
            (p.stream_index, bytes(p), p.pts, p.dts, p.time_base, p.is_keyframe, p.duration) for p in packets
        ]
        last: dict[int, int] = defaultdict(lambda: -(2**62))
        turns = max(1, -int(-seconds // turn))
        for k in range(turns):
            for index, data, pts, dts, base, key, duration in held:
                later = jump[1] if index == sound and jump[1] and k * turn >= jump[0] else 0
                move = round(k * turn / base + Fraction(later) / base)
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
    return float(turns * turn)


class Stopwatch:
    """CPU seconds of each stage; what is measured inside of another stage does not count for that one."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inside = 0.0

    def run(self, name: str, work: Any, *items: Any) -> Any:
        outer, self._inside = self._inside, 0.0
        began = time.process_time()
        result = work(*items)
        took = time.process_time() - began
        self.spent[name] += took - self._inside
        self._inside = outer + took
        return result


class Timed:
    """A consumer whose time is counted."""

    def __init__(self, inner: Any, name: str, watch: Stopwatch) -> None:
        self.form, self.inner, self.name, self.watch = inner.form, inner, name, watch

    def push(self, item: Any) -> None:
        self.watch.run(self.name, self.inner.push, item)

    def finish(self) -> None:
        self.watch.run(self.name, self.inner.finish)


def stages(film: Path, seconds: float) -> float:
    """Measure a film, print the CPU time of each stage; times real time."""
    watch, fusion = Stopwatch(), Fusion()
    reading, judging = "demux, decode, convert", "estimators and fusion"
    collector = EvidenceCollector(lambda evidence: watch.run(judging, fusion.add, evidence))
    names = ["sound", "faces", "small picture, flashes, motion"]
    consumers = [
        Timed(each, names[k] if len(collector.consumers) == 3 else f"consumer {k}", watch)
        for k, each in enumerate(collector.consumers)
    ]
    watch.run(reading, read, film, consumers)
    estimate = watch.run(judging, fusion.finish).estimate
    rows = dict(watch.spent)
    total = sum(rows.values())
    frames = seconds * RATE
    print(f"{'stage':34}{'CPU, s':>9}{'ms a frame':>12}{'x real time':>13}")
    for name, value in {**rows, "all": total}.items():
        print(f"{name:34}{value:9.2f}{1000 * value / frames:12.2f}{seconds / max(value, 1e-9):13.1f}")
    longer = max(rows[reading], total - rows[reading])
    print(
        f"{'the longer thread of the two':34}{longer:9.2f}{1000 * longer / frames:12.2f}{seconds / longer:13.1f}"
    )
    began, cpu = time.perf_counter(), time.process_time()
    sync_video(film, SyncOptions(thorough=True))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{'genlock sync, CPU':34}{cpu:9.2f}{1000 * cpu / frames:12.2f}{seconds / cpu:13.1f}")
    print(
        f"{'genlock sync, on the wall':34}{took:9.2f}{1000 * took / frames:12.2f}{seconds / took:13.1f}"
        f"   (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )
    print(sentence_of(estimate.offset_seconds, estimate.interval_seconds, estimate.reason))
    return seconds / total


class Run(NamedTuple):
    """One ``genlock sync`` in a process of its own."""

    peak_mb: float
    cpu: float
    wall: float
    said: list[str]


_SYNC = "from genlock.cli import main\nstatus = main(['sync', *sys.argv[1:]])"
_TWO_THREADS = """
from genlock.media import ReadOptions
from genlock.tasks.sync_video import SyncOptions, sync_video
print(sync_video(sys.argv[1], SyncOptions(reading=ReadOptions(threads=2))).sentence)
status = 0
"""
# What stands before SyncNet's weights: the faces cut out of every picture, 13 coefficients of every window of sound.
_FRONT_END = """
from genlock.core.grid import Grid
from genlock.lipsync.estimators.syncnet import heard_windows
from genlock.lipsync.evidence.collect import gather
pieces = gather(sys.argv[1], mouths="mouth:syncnet/224")
for piece in pieces:
    cells = Grid(25, piece.start, piece.waveform.clock)
    heard_windows(piece.waveform, cells, round((piece.end - piece.start) * 25))
seen = sum(len(face.mouth) for piece in pieces for face in piece.faces if face.mouth is not None)
status = 0
print(f"{seen} faces of 224 x 224 pixels, no offset")
"""
# Speech against a mouth that moves, as bits: the faces are looked for, the rest is nothing.
_ACTIVITY = """
from _speech_activity import offset_of
from genlock.lipsync.evidence.collect import gather
film = gather(sys.argv[1])[0]
status = 0
print(f"{1000 * offset_of(film):+.0f} ms, no interval, no probability")
"""


def run(film: Path, *options: str) -> Run:
    """What ``genlock sync`` takes and says."""
    return measured(_SYNC, film, *options)


def measured(what: str, film: Path, *options: str) -> Run:
    """Peak memory, seconds, and what a program said about a film."""
    began = time.perf_counter()
    program = (
        f"import resource, sys\n{what}\nuse = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(use.ru_maxrss / 1024, use.ru_utime + use.ru_stime)\nsys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(film), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    *said, last = done.stdout.splitlines()
    most, cpu = map(float, last.split())
    return Run(most, cpu, time.perf_counter() - began, said)


def by_windows(short: Path, folder: Path, minutes: list[float]) -> None:
    """Print what films of several lengths take by windows, plain and with a splice; the shortest thoroughly too."""
    print(f"\n{'length, min':>12}{'film':>10}{'wall, s':>9}{'CPU, s':>8}{'x real time':>13}{'peak, MB':>10}")
    film = folder / "long.mp4"
    for length in sorted(minutes):
        for name, jump in (("plain", (0.0, 0.0)), ("spliced", (42 * length, 0.3))):
            seconds = repeat(short, film, 60 * length, jump)
            ways: list[list[str]] = [[]]
            if length == min(minutes) and name == "plain":
                ways.append(["--thorough"])
            for options in ways:
                got = run(film, *options)
                called = "thorough" if options else name
                print(
                    f"{seconds / 60:12.1f}{called:>10}{got.wall:9.1f}{got.cpu:8.1f}{seconds / got.wall:13.1f}"
                    f"{got.peak_mb:10.0f}   {got.said[0]}"
                )
                print("\n".join(f"{'':14}{line}" for line in got.said[1:] if "windows" in line), flush=True)


def paired(short: Path, folder: Path) -> None:
    """Print the table of a release: everything but two hours twice, in turns."""
    films = {name: folder / f"{name}.mp4" for name in ("short", "ten", "hours")}
    lasts = {
        name: repeat(short, films[name], seconds)
        for name, seconds in (("short", 30.0), ("ten", 600.0), ("hours", 7200.0))
    }
    rows: list[tuple[str, str, Callable[[], Run], int]] = [
        ("half a minute", "short", lambda: run(films["short"]), 2),
        ("ten minutes", "ten", lambda: run(films["ten"]), 2),
        ("the same, two threads decode", "ten", lambda: measured(_TWO_THREADS, films["ten"]), 2),
        ("ten minutes, --thorough", "ten", lambda: run(films["ten"], "--thorough"), 2),
        ("two hours", "hours", lambda: run(films["hours"]), 1),
        ("SyncNet's front end, half a minute", "short", lambda: measured(_FRONT_END, films["short"]), 2),
        ("speech activity, half a minute", "short", lambda: measured(_ACTIVITY, films["short"]), 2),
    ]
    got: dict[str, list[Run]] = {name: [] for name, *_ in rows}
    for turn in range(2):
        for name, _, work, times in rows:
            if turn < times:
                got[name].append(work())
    print(f"\n{'':36}{'wall, s':>16}{'CPU, s':>16}{'x real time':>13}{'peak, MB':>10}")
    for name, film, *_ in rows:
        walls, cpus = (
            [f"{value:.1f}" for value in each]
            for each in zip(*((r.wall, r.cpu) for r in got[name]), strict=True)
        )
        best = min(r.wall for r in got[name])
        print(
            f"{name:36}{', '.join(walls):>16}{', '.join(cpus):>16}{lasts[film] / best:13.1f}"
            f"{max(r.peak_mb for r in got[name]):10.0f}   {got[name][0].said[0].split('):')[0]}"
        )
    files = [file for file in need(VIDEOS) if split_by_name(file.stem) == "test"][:24]
    clips = [piece for file in files for piece in gather(file)]
    print(right_by_activity([clip for clip in clips if clip.faces and clip.loudness is not None]))


def memory(short: Path, folder: Path, minutes: list[float]) -> bool:
    """Print the peak memory of films of several lengths; True if it stays within the limits."""
    print(f"\n{'length, min':>12}{'peak, MB':>10}{'wall, s':>9}{'x real time':>13}")
    peaks = []
    for length in sorted(minutes):
        film = folder / "long.mp4"
        seconds = repeat(short, film, 60 * length)
        got = run(film, "--thorough")
        peaks.append(got.peak_mb)
        print(
            f"{seconds / 60:12.1f}{got.peak_mb:10.0f}{got.wall:9.0f}{seconds / got.wall:13.1f}   {got.said[0]}",
            flush=True,
        )
    print(
        f"limit {LIMIT_MB} MB; the longest takes {peaks[-1] / peaks[0]:.2f} times the memory of the shortest"
    )
    return peaks[-1] <= min(LIMIT_MB, GROWTH * peaks[0])


def main() -> int:
    """Print the tables; status 1 if memory grows or is too much."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--video", type=Path, default=TALKING / "RD_Radio34_000.mp4")
    parser.add_argument("--long", type=float, nargs="+", default=[], metavar="MINUTES")
    parser.add_argument("--windows", type=float, nargs="+", default=[], metavar="MINUTES")
    parser.add_argument("--paired", action="store_true", help="the table of a release, and nothing else")
    options = parser.parse_args()
    need(options.video, "talking clip")
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="genlock-speed-") as name:
        folder = Path(name)
        if options.paired:
            paired(make_film(options.video, folder, SIZE), folder)
            return 0
        if options.seconds > 0:
            film = folder / "film.mp4"
            seconds = repeat(make_film(options.video, folder, SIZE), film, options.seconds)
            print(f"\n{SIZE[0]}x{SIZE[1]} H.264, {seconds:.0f} s:")
            stages(film, seconds)
        if options.windows:
            by_windows(make_film(options.video, folder, SIZE), folder, options.windows)
        if not options.long:
            return 0
        short = make_film(options.video, folder, LONG_SIZE, LONG_EVERY)
        return 0 if memory(short, folder, options.long) else 1


if __name__ == "__main__":
    sys.exit(main())
