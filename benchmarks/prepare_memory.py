"""Peak memory of ``genlock prepare``: over the number of sources, over the length of a source, and of the parent alone.

Each measurement is a run in a process of its own; printed are the greatest resident sizes of the parent, which keeps
the ledger, and of the largest worker. Sources are drawn here: a short film under many names, films joined from copies
of it to 1, 5 and 20 minutes, and thousands of empty files, which are quarantined at once: what they cost the parent a
source is what a million of them would cost.

    python benchmarks/prepare_memory.py [--counts 10,40,160] [--minutes 1,5,20] [--empty 500,4000] [--outputs ...]

Nothing is asserted.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from genlock.media import Picture, Sound, encode

OUTPUTS = "sound@16000,mel:specvqgan,mfcc,onset,frames@12.5/96x96,video@12.5/96x96,flow@12.5/96x96,offset"
RUN = """
import resource, sys
from genlock.data.prepare import PrepareOptions, prepare
source, dataset, outputs, length = sys.argv[1:]
made = prepare(source, dataset, PrepareOptions(outputs=outputs, clip_seconds=length, workers=2))
own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(made.clips, len(made.quarantined), own.ru_maxrss, workers.ru_maxrss, workers.ru_utime + workers.ru_stime)
"""


def short_film(path: Path, seconds: int = 10) -> None:
    """A moving texture and noise, 25 frames a second, 320 x 240."""
    random = np.random.default_rng(0)
    texture = random.integers(0, 255, (60, 120, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    frames = (texture[k % 200 : k % 200 + 240, k : k + 320] for k in range(25 * seconds))
    noise = 0.1 * random.standard_normal(44100 * seconds).astype(np.float32)
    encode(
        path,
        Picture(frames, codec="libx264", options={"preset": "veryfast"}),
        Sound(noise, 44100, codec="aac"),
    )


def repeat(source: Path, target: Path, seconds: int) -> None:
    """Join copies of a film until they last so long: packets are copied, time stamps moved on."""
    with av.open(str(target), "w") as out:
        streams: dict[int, Any] = {}
        last: dict[int, int] = {}
        turn, k = Fraction(10), 0
        while k * turn < seconds:
            with av.open(str(source)) as copy:
                wanted = list(copy.streams)
                streams = streams or {one.index: out.add_stream_from_template(one) for one in wanted}
                for packet in copy.demux(*wanted):
                    if packet.dts is None:
                        continue
                    index, move = packet.stream_index, round(k * turn / packet.time_base)
                    packet.pts, packet.dts = packet.pts + move, packet.dts + move
                    if packet.dts <= last.get(index, -(2**62)):
                        continue  # an encoder's priming overlaps the end of the copy before
                    last[index] = packet.dts
                    packet.stream = streams[index]
                    out.mux(packet)
            k += 1


def measure(title: str, source: Path, outputs: str, length: str = "10") -> None:
    """Prepare a folder, and print one line."""
    command = [sys.executable, "-c", RUN, str(source), str(source.with_suffix(".dataset")), outputs, length]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    clips, lost, own, workers = (int(word) for word in told[:4])
    print(
        f"{title:<34} {clips:6d} clips {lost:6d} in quarantine   parent {own / 1024:7.1f} MB   largest worker "
        f"{workers / 1024:7.1f} MB   {float(told[4]):7.1f} s CPU of workers"
    )
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--counts", default="10,40,160")
    parser.add_argument("--minutes", default="1,5,20")
    parser.add_argument("--empty", default="500,4000")
    parser.add_argument("--outputs", default=OUTPUTS)
    options = parser.parse_args()
    print(
        f"machine: {platform.processor() or platform.machine()}; two workers, clips of 10 s; {options.outputs}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / "film.mp4"
        short_film(film)
        for count in map(int, filter(None, options.counts.split(","))):
            folder = Path(scratch) / f"count{count}"
            folder.mkdir()
            for k in range(count):
                (folder / f"{k:06d}.mp4").symlink_to(film)
            measure(f"{count} sources of 10 s", folder, options.outputs)
        for minutes in map(int, filter(None, options.minutes.split(","))):
            folder = Path(scratch) / f"minutes{minutes}"
            folder.mkdir()
            repeat(film, folder / "long.mp4", 60 * minutes)
            measure(f"a source of {minutes} minutes", folder, options.outputs)
        for count in map(int, filter(None, options.empty.split(","))):
            folder = Path(scratch) / f"empty{count}"
            folder.mkdir()
            for k in range(count):
                (folder / f"{k:06d}.mp4").touch()
            measure(f"{count} empty files", folder, "sound@16000")


if __name__ == "__main__":
    main()
