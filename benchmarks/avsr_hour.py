"""How much memory ``genlock words --recognizer avsr:...`` holds while it reads a long film, minute by minute.

Both passes are watched: the one that decodes the film and finds the mouths, and the one that reads. A line a minute of
film and pass, then the least and the most of each tenth of the film.

    python benchmarks/avsr_hour.py FILM [--model avsr-nano] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from avhubert_speed import resident_bytes

from genlock.core.files import write_text
from genlock.tasks.find_words import WordOptions, find_words


class Watch:
    """Takes what is held whenever a pass is a minute of film further."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, float, float]] = []
        self._last = ("", -1)

    def __call__(self, stage: str, done: float, total: float | None = None) -> None:
        """A :class:`~genlock.core.progress.Progress`."""
        minute = int(done // 60)
        if (stage, minute) != self._last:
            self._last = stage, minute
            row = stage, minute, resident_bytes() / 1e6, time.process_time()
            self.rows.append(row)
            print(f"{stage:>12} {minute:3d} min: {row[2]:6.0f} MB, {row[3]:6.1f} s of a core", flush=True)

    def tenths(self, stage: str) -> list[tuple[float, float]]:
        """The least and the most MB held in each tenth of a pass."""
        rows = [row for row in self.rows if row[0] == stage]
        parts = [rows[len(rows) * k // 10 : len(rows) * (k + 1) // 10] for k in range(10)]
        return [(min(row[2] for row in part), max(row[2] for row in part)) for part in parts if part]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("film")
    parser.add_argument("--model", default="avsr-nano")
    parser.add_argument("--json")
    asked = parser.parse_args()
    watch = Watch()
    found = find_words(asked.film, WordOptions(recognizer=f"avsr:{asked.model}"), progress=watch)
    for stage in dict.fromkeys(row[0] for row in watch.rows):
        tenths = " ".join(f"{low:.0f}-{high:.0f}" for low, high in watch.tenths(stage))
        print(f"{stage}: MB in each tenth: {tenths}")
    print(f"{len(found.words)} words, {time.process_time():.0f} s of a core")
    if asked.json:
        write_text(Path(asked.json), json.dumps(watch.rows) + "\n")


if __name__ == "__main__":
    main()
