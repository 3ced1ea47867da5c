"""The walk of a film through the house: which room is at work when, watched while ``genlock align`` runs."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from _style import BLUE, INK, PALE, save, sheet
from floors import SOURCE, floors

from genlock.synth import CardOptions, make_card
from genlock.tasks.align_video import align_video

EVERY = 0.01
"""Seconds between two looks."""
CELLS = 80
"""Cells of the picture from left to right."""


def room_at_work(frame: FrameType | None) -> str | None:
    """The room whose function is innermost on a stack; None where no function of ours is."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if SOURCE in path.parents:
            return path.relative_to(SOURCE).parts[0].removesuffix(".py")
        frame = frame.f_back
    return None


def watched() -> list[tuple[float, str]]:
    """(seconds since the start, room) of every look at every thread, while a test card is aligned."""
    seen: list[tuple[float, str]] = []
    done = threading.Event()

    def watch() -> None:
        begin = time.perf_counter()
        while not done.wait(EVERY):
            now = time.perf_counter() - begin
            for frame in sys._current_frames().values():
                room = room_at_work(frame)
                if room is not None:
                    seen.append((now, room))

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "talk.mp4"
        make_card(film, CardOptions())
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        align_video(film, None, Path(folder) / "out")
        done.set()
        watcher.join()
    return seen


if __name__ == "__main__":
    looks = watched()
    rooms = [room for floor in floors() for room in floor if any(room == seen for _, seen in looks)]
    last = max(when for when, _ in looks)
    cell = last / CELLS
    counts = Counter((room, int(when / cell)) for when, room in looks)
    # On a busy machine there are fewer looks: the share of those that there were counts.
    looked = Counter(int(when / cell) for when, _ in {(when, "") for when, _ in looks})
    figure, (ax,) = sheet(0.34 * len(rooms) + 0.9)
    for row, room in enumerate(rooms):
        ax.axhspan(-row - 0.4, -row + 0.4, color=PALE, lw=0)
        ax.text(-0.01 * last, -row, room, ha="right", va="center", color=INK, fontsize=10)
        for (name, place), count in counts.items():
            if name == room:
                share = min(1.0, count / looked[place])
                ax.barh(-row, cell, left=place * cell, height=0.8 * max(share, 0.12), color=BLUE, lw=0)
    ax.set(xlim=(0, last), ylim=(-len(rooms) + 0.4, 0.6), xlabel="seconds since `genlock align` was called")
    save(figure, "walk")
