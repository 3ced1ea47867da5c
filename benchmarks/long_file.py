"""Peak memory and time of ``genlock align`` on a file of two hours, made by repeating a short one.

    python benchmarks/long_file.py [--hours 2] [--video FILE]

The video is joined by copying packets, so it costs no encoding. Prints one table; asserts only the memory.
"""

from __future__ import annotations

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from _data import TALKING, need

LIMIT_MB = 1500
DEFAULT = TALKING / "RD_Radio34_000.mp4"


def repeat(source: Path, target: Path, seconds: float) -> None:
    """Join copies of ``source`` until they last ``seconds``: packets copied, time stamps moved on."""
    with av.open(str(target), "w") as out:
        streams: dict[int, Any] = {}
        last: dict[int, int] = {}
        turn = Fraction(1)
        k = 0
        while k == 0 or k * turn < seconds:
            with av.open(str(source)) as copy:
                wanted = [s for s in copy.streams if s.type in ("video", "audio")]
                if not streams:
                    streams = {s.index: out.add_stream_from_template(s) for s in wanted}
                    turn = max(Fraction(s.duration or 0) * s.time_base for s in wanted)
                for packet in copy.demux(*wanted):
                    index = packet.stream_index
                    if packet.dts is None:
                        continue
                    move = round(k * turn / packet.time_base)
                    packet.pts, packet.dts = packet.pts + move, packet.dts + move
                    # An encoder's priming overlaps the end of the copy before.
                    if packet.dts <= last.get(index, -(2**62)):
                        continue
                    last[index] = packet.dts
                    packet.stream = streams[index]
                    out.mux(packet)
            k += 1


def main() -> int:
    """Make the file, align it in a process of its own, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--video", type=Path, default=DEFAULT)
    options = parser.parse_args()
    need(options.video, "talking clip")
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / f"long{options.video.suffix}"
        repeat(options.video, video, 3600 * options.hours)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "genlock.cli", "align", str(video), "-o", f"{folder}/out"],
            check=False,
            capture_output=True,
            text=True,
        )
        took = time.perf_counter() - began
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size_mb = sum(f.stat().st_size for f in Path(folder, "out").rglob("*") if f.is_file()) / 1e6
    print(done.stdout[-1500:] + done.stderr[-1500:])
    print(f"machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(
        f"{'file, hours':>14}{'peak, MB':>12}{'limit, MB':>12}{'time, s':>10}{'x real time':>14}{'results, MB':>14}"
    )
    print(
        f"{options.hours:14.2f}{peak_mb:12.0f}{LIMIT_MB:12d}{took:10.0f}"
        f"{3600 * options.hours / took:14.1f}{size_mb:14.1f}"
    )
    return 0 if done.returncode == 0 and peak_mb < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
