"""What ``sync`` and ``align`` say of 22 made films in which nobody talks: film by film, and how many got an offset.

Nothing in these films is in step with anything, so that any offset in a headline is a false answer. The films are made
by this program (weather, games, cartoons, screens, music, somebody who tells off screen; 12 s each) and are the same
each time.

    python benchmarks/sync_no_talk.py [--count 22] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from _films_without_talk import FILMS, write_film

from genlock.lipsync.summary import is_known
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.sync_video import sync_video

HEADLINE = "sound against picture: "


def main() -> None:
    """A row for each film: its picture, its sound, and the headline of each command."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=len(FILMS), help="so many of the films")
    asked.add_argument("--keep", type=Path, help="leave the films and reports here")
    words = asked.parse_args()
    told = 0
    print("| picture | sound | `sync` says | `align` says |\n|---|---|---|---|")
    with ExitStack() as stack:
        folder = words.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for number, (picture, sound) in enumerate(FILMS[: words.count]):
            film = folder / f"{picture.__name__}.mp4"
            write_film(number, film)
            measured = sync_video(film)
            aligned = align_video(film, AlignOptions(), folder / f"{picture.__name__}.genlock")
            known = [is_known(result.measurement) for result in (measured, aligned.sync)]
            told += any(known)
            names = f"{picture.__name__} | {sound.__name__}".replace("_", " ")
            print(f"| {names} | {measured.sentence} | {headline(str(aligned))} |", flush=True)
    print(f"\n{told} of {min(words.count, len(FILMS))} films got an offset")


def headline(told: str) -> str:
    """What ``align`` prints of the offset."""
    lines = [line for line in told.splitlines() if line.startswith(HEADLINE)]
    return "; ".join(line.removeprefix(HEADLINE) for line in lines) or "nothing"


if __name__ == "__main__":
    main()
