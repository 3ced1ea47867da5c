"""The report of a film as a browser shows it, light and dark, on a screen and on a telephone: report-*.jpg.

The film is made: a drawn talker whose sound comes 147 ms early, so that everything on the page is true of it. Without
Chromium, chromedriver and selenium nothing is drawn, and the pictures that are there stay.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from _pages import CHROMIUM, DRIVER, browser, jpeg, seen_as, talking_film, wait

from genlock.tasks.align_video import AlignOptions, align_video

#: Name, width and height of the window, how much of the page is shown, and whether the person likes it light.
VIEWS = (
    ("report-dark", (1280, 900), 1380, False),
    ("report-light", (1280, 900), 1380, True),
    ("report-phone-dark", (390, 844), 1640, False),
    ("report-phone-light", (390, 844), 1640, True),
)


def main(folder: Path) -> None:
    """Draw all of them into a folder."""
    if CHROMIUM is None or DRIVER is None:
        print("no Chromium with chromedriver: the pictures of the report stay as they are")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        page = report(Path(made))
        with browser(Path(made) / "browser") as opened:
            for name, window, shown, light in VIEWS:
                shot = screenshot(opened, page, window, shown, light)
                (folder / f"{name}.jpg").write_bytes(shot)


def report(folder: Path) -> Path:
    """The page: what ``genlock align talker.mp4 --transcript talker.txt`` writes."""
    film, text = talking_film(folder)
    before = Path.cwd()
    os.chdir(folder)  # so that the command on the page is short
    try:
        align_video(film.name, AlignOptions(transcript=text.name))
    finally:
        os.chdir(before)
    return folder / "talker.genlock" / "report.html"


def screenshot(opened: Any, page: Path, size: tuple[int, int], shown: int, light: bool) -> bytes:
    """The top of the page as JPEG, once its small pictures have come."""
    seen_as(opened, size, light)
    opened.get(page.as_uri())
    wait(opened, "window.genlock?.ready")
    opened.execute_script("window.genlock.seekFrame(52)")
    wait(opened, "!window.genlock.seeking() && window.genlock.resting()")
    return jpeg(opened, size[0], shown)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures"))
