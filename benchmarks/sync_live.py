"""``genlock sync --live`` on a talking face: how fast, how far behind, and whether its memory grows.

A talk is looped into a pipe, as fast as it is taken for ``--minutes``, then at its own pace for ``--paced`` seconds.
Told are times real time, processor seconds a second of film, memory after the first two minutes and at its most later,
how far windows lie behind what was read (media clock), and, at its own pace, behind what was sent (wall clock), with
the share of windows that were answered.

    python benchmarks/sync_live.py [FILM] [--minutes 60] [--paced 60] [--rate 10]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _data import TALKING, need

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SETTLED_SECONDS = 120


@dataclass
class Watched:
    """What one run told."""

    ends: list[float] = field(default_factory=list)
    """Of the windows, on the media clock, in seconds."""
    behind: list[float] = field(default_factory=list)
    """How far they lie behind what was read."""
    told: list[float] = field(default_factory=list)
    """When they were told, in seconds since the sender began."""
    memory: list[int] = field(default_factory=list)
    """In bytes."""
    answered: int = 0
    wall: float = 0.0
    cpu: float = 0.0


def looped(film: Path, folder: Path, rate: str) -> Path:
    """About a minute of the film over and over, as a transport stream whose times run on."""
    made = folder / "minute.ts"
    taken = ["-stream_loop", "-1", "-i", str(film), "-t", "60"]
    taken += ["-r", rate] if rate else []
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-c:a", "aac", "-f", "mpegts"]
    subprocess.run(["ffmpeg", "-v", "error", *taken, *coded, str(made)], check=True)
    return made


def watched(part: Path, seconds: float, *, paced: bool) -> Watched:
    """Pipe so many seconds into ``genlock sync --live -`` and read its lines."""
    pace = ["-re"] if paced else []
    loop = [
        *pace,
        "-stream_loop",
        "-1",
        "-i",
        str(part),
        "-t",
        f"{seconds:g}",
        "-c",
        "copy",
        "-f",
        "mpegts",
        "-",
    ]
    began = time.monotonic()
    sender = subprocess.Popen(["ffmpeg", "-v", "error", *loop], stdout=subprocess.PIPE)
    call = [sys.executable, "-m", "genlock.cli", "sync", "--live", "-"]
    running = subprocess.Popen(call, stdin=sender.stdout, stdout=subprocess.PIPE)
    assert sender.stdout is not None
    assert running.stdout is not None
    sender.stdout.close()
    found = Watched()
    stat = Path(f"/proc/{running.pid}")
    for line in running.stdout:
        said = json.loads(line)
        found.told.append(time.monotonic() - began)
        found.ends.append(said["end_seconds"])
        found.behind.append(said["behind_seconds"])
        found.answered += said["offset_seconds"] is not None
        found.memory.append(int((stat / "statm").read_text().split()[1]) * _PAGE)
        ticks = (stat / "stat").read_text().rsplit(")", 1)[1].split()
        found.cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    running.wait()
    sender.wait()
    found.wall = time.monotonic() - began
    return found


def report(found: Watched, seconds: float, *, paced: bool) -> str:
    """One paragraph."""
    megabytes = np.array(found.memory) / 1e6
    later = megabytes[np.array(found.ends) - found.ends[0] > _SETTLED_SECONDS]
    lines = [
        f"{'At its own pace' if paced else 'As fast as it goes'}: {seconds:g} s in {found.wall:.0f} s "
        f"({seconds / found.wall:.1f} times real time), {found.cpu / seconds:.3f} CPU seconds a second",
        f"  windows {len(found.ends)}, answered {found.answered / len(found.ends):.2f}; behind what was read: median "
        f"{np.median(found.behind):.2f} s, at most {max(found.behind):.2f} s",
    ]
    if paced:
        # The first window tells where the media clock began against the wall clock, at the earliest.
        late = np.array(found.told) - (np.array(found.ends) - found.ends[0] + 8.0)
        lines.append(
            f"  behind what was sent, start of Python included: median {np.median(late[:-1]):.2f} s, last but one "
            f"{late[-2]:.2f} s"
        )
    if len(later):
        lines.append(
            f"  memory {later[0]:.0f} MB after two minutes, {later.max():.0f} MB at its most, {later[-1]:.0f} MB last"
        )
    return "\n".join(lines)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path, nargs="?", help="a talk; that of $GENLOCK_DATA if not given")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--paced", type=float, default=60.0, help="seconds at the film's own pace; 0: none")
    parser.add_argument(
        "--rate", default="", help="frames a second that are kept of the film; all if not given"
    )
    chosen = parser.parse_args()
    film = need(chosen.film or TALKING, "talking faces")[0]
    with tempfile.TemporaryDirectory() as folder:
        part = looped(film, Path(folder), chosen.rate)
        for seconds, paced in ((60 * chosen.minutes, False), (chosen.paced, True)):
            if seconds:
                print(report(watched(part, seconds, paced=paced), seconds, paced=paced), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
