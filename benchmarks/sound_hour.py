"""How much memory and time ``genlock sound`` takes for a long film, by stage and tenth of the film.

    python benchmarks/sound_hour.py --hours 1 --rate 5                      # a film of falling squares, made here
    python benchmarks/sound_hour.py FILM --model writer --finder contacts   # another film, another model

A line a minute of film and stage, then the least and the most of each tenth, and the seconds of a core by stage.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from avsr_hour import Watch

from genlock.media import Picture, encode
from genlock.tasks.sound_video import SoundOptions, sound_video


def falling(count: int, rate: int) -> Iterator[np.ndarray]:
    """A square that falls on the ground every two seconds and is lifted again."""
    for k in range(count):
        since = k / rate % 2
        page = np.full((120, 160), 90, np.uint8)
        page[100:] = 60
        high = 60 * min(1.0, since) if since < 1.6 else 60 * (1 - ((since - 1.6) / 0.4) ** 2)
        top = round(70 - high)
        page[top : top + 30, 60:90] = 200
        yield page


def main() -> None:
    """Watch one film."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("film", nargs="?")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=5)
    parser.add_argument("--finder", default="auto")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--library")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genlock-hour-") as folder:
        film = given.film
        if film is None:
            film = f"{folder}/film.mp4"
            frames = falling(round(given.hours * 3600 * given.rate), given.rate)
            encode(film, Picture(frames, rate=given.rate, codec="libx264", options={"preset": "ultrafast"}))
        watch = Watch()
        options = SoundOptions(finder=given.finder, model=given.model, library=given.library)
        made = sound_video(film, options, Path(folder) / "out.mp4", watch)
        length = float(made.events.end - made.events.start)
    for stage in dict.fromkeys(row[0] for row in watch.rows):
        rows = [row for row in watch.rows if row[0] == stage]
        seconds = rows[-1][3] - rows[0][3]
        tenths = " ".join(f"{low:.0f}-{high:.0f}" for low, high in watch.tenths(stage))
        print(f"{stage}: {seconds:.1f} s of a core, RTF {seconds / length:.4f}; MB in each tenth: {tenths}")
    print(made)


if __name__ == "__main__":
    main()
