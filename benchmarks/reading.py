"""What more consumers cost: picture and sound read once for one consumer of each, and for more, as a ratio.

All decode the same streams once. The base is 16 kHz sound and the full RGB picture; added are a second rate
of sound, a small grey picture, and both. Aim: at most 1.3 times the base. Times are the least CPU time of
several interleaved rounds, which another program's load disturbs least.

    python benchmarks/reading.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from _data import DATA, TALKING, VIDEOS, need

from genlock.media import AudioForm, VideoForm, read

LIMIT = 1.3


class Count:
    """A consumer that only counts, so that reading is all that is measured."""

    def __init__(self, form: Any) -> None:
        self.form, self.items = form, 0

    def push(self, item: Any) -> None:
        self.items += 1

    def finish(self) -> None:
        """Nothing to do."""


SOUND, OTHER_SOUND = AudioForm(16000), AudioForm(22050)
SMALL, FULL = VideoForm((96, 96), "gray"), VideoForm(None, "rgb24")
BASE = "16 kHz + rgb"
SETS: dict[str, list[Any]] = {
    BASE: [SOUND, FULL],
    "16 kHz + 22 kHz + rgb": [SOUND, OTHER_SOUND, FULL],
    "16 kHz + rgb + grey": [SOUND, FULL, SMALL],
    "16 kHz + 22 kHz + rgb + grey": [SOUND, OTHER_SOUND, FULL, SMALL],
    "(16 kHz + small grey)": [SOUND, SMALL],
}


def seconds(clips: list[Path], forms: list[Any]) -> float:
    """CPU seconds that one reading of all clips takes."""
    began = time.process_time()
    for clip in clips:
        read(clip, [Count(form) for form in forms])
    return time.process_time() - began


def main() -> int:
    """Print the table; status 1 if three consumers cost more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    groups = {"GRID, MPEG-1 360x288": need(VIDEOS)[:12], "talking, 512x512": sorted(TALKING.glob("*.mp4"))}
    worst = 0.0
    for name, clips in groups.items():
        if not clips:
            print(f"{name}: not here ({DATA})")
            continue
        # Rounds are interleaved, so that another program's load falls on all sets alike.
        times: dict[str, list[float]] = {label: [] for label in SETS}
        for _ in range(options.rounds):
            for label, forms in SETS.items():
                times[label].append(seconds(clips, forms))
        print(f"{name}, {len(clips)} clips")
        for label, values in times.items():
            ratio = min(values) / min(times[BASE])
            print(f"  {label:30s} {min(values):7.3f} s   x {ratio:.2f}")
            worst = max(worst, ratio)
    print(f"worst ratio {worst:.2f} (limit {LIMIT})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
