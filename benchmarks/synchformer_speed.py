"""What Synchformer costs on a CPU, in seconds of one core for a second of film: reading, its front end, its network.

Weights are random and of the public size (``--width 24``: a toy); they cost the same. The film is made: a picture that
moves, in H.264 at 720p, 25 frames a second, and noise. Reading alone stands beside reading with pictures that are
scaled and cut.

    python benchmarks/synchformer_speed.py [--seconds 10] [--segments 3] [--threads 1] [--width 768]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.both.segments import SEEN_FORM, STEP_SECONDS, heard_segments, middle_of
from genlock.media import FrameTimes, read
from genlock.media.consumers import Tap, VideoCell
from genlock.media.encode import Picture, Sound, encode
from genlock.models.synchformer.net import Synchformer
from genlock.models.synchformer.sizes import SEGMENTS, Sizes

WINDOW_SECONDS = 4.8
MOVES = 5


def cpu_of(work: Callable[[], object]) -> float:
    """Seconds of CPU that it takes, all threads together."""
    before = time.process_time()
    work()
    return time.process_time() - before


def moving(seconds: int) -> Iterator[np.ndarray]:
    """Pictures of 1280 x 720 of a pattern that drifts."""
    pattern = np.random.default_rng(1).integers(0, 256, (45, 100, 3)).astype(np.uint8)
    large = np.kron(pattern, np.ones((16, 16, 1), np.uint8))
    for k in range(25 * seconds):
        yield np.ascontiguousarray(large[:, k % 320 : k % 320 + 1280])


def keep_middle(cell: VideoCell) -> None:
    """What is done with each picture until its segment is complete."""
    middle_of(cell.pixels).copy()


def network(width: int) -> Synchformer:
    """One of the public size, or narrower, with random weights."""
    with torch.device("meta"):
        empty = Synchformer(Sizes(width))
    net = empty.to_empty(device="cpu")
    for each in net.parameters():
        each.normal_(0, 0.02)
    return net


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=10, help="length of the film that is read")
    parser.add_argument("--segments", type=int, default=3, help="segments of pictures that are seen")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--width", type=int, default=768)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    noise = 0.1 * np.random.default_rng(2).standard_normal(16000 * asked.seconds)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mkv"
        encode(
            film, Picture(moving(asked.seconds), rate=25, codec="libx264"), Sound(noise, 16000, codec="aac")
        )
        decoding = cpu_of(lambda: read(film, [Tap(FrameTimes(), lambda cell: None)]))
        seeing = cpu_of(lambda: read(film, [Tap(SEEN_FORM, keep_middle)]))
    sound = Track(noise.astype(np.float32), Grid(16000))
    starts = [k * STEP_SECONDS + Fraction(move, 25) for k in range(SEGMENTS) for move in range(MOVES)]
    banding = cpu_of(lambda: heard_segments(sound, starts))
    bands = heard_segments(sound, starts).bands
    net = network(asked.width)
    pictures = np.random.default_rng(3).integers(0, 256, (16, 224, 224, 3)).astype(np.uint8)
    net.see(pictures)  # the first time something is set up
    towering = cpu_of(lambda: [net.see(pictures) for _ in range(asked.segments)]) / asked.segments
    hearing = cpu_of(lambda: net.hear(bands))
    rows = np.zeros((MOVES, SEGMENTS, 8, asked.width), np.float32)
    heard = np.zeros((MOVES, SEGMENTS, 6, asked.width), np.float32)
    judging = cpu_of(lambda: net.judge(rows, heard))
    each = {
        "reading": decoding / asked.seconds,
        "pictures scaled and cut": (seeing - decoding) / asked.seconds,
        "bands, sound moved five times": banding / WINDOW_SECONDS,
        "tower of pictures": towering / float(STEP_SECONDS),
        "tower of sound, moved five times": hearing / WINDOW_SECONDS,
        "joint transformer, five times": judging / WINDOW_SECONDS,
    }
    print("seconds of CPU for a second of film")
    for what, seconds in each.items():
        print(f"  {what:34} {seconds:8.3f}")
    print(f"  {'all':34} {sum(each.values()):8.3f}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"most memory: {most / 1e6:,.0f} MB")
    print(json.dumps({"cpu_seconds_of_a_second": each, "most_bytes": most, "threads": asked.threads}))


if __name__ == "__main__":
    main()
