"""The report of a film as a browser shows it, light and dark, on a screen and on a telephone: report-*.jpg.

The film is made: a drawn talker whose sound comes 147 ms early, so that everything on the page is true of it. Without
Chromium, chromedriver and selenium nothing is drawn, and the pictures that are there stay.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from genlock.synth.talkers.films import make_talker
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.tasks.align_video import AlignOptions, align_video

#: Name, width and height of the window, how much of the page is shown, and whether the person likes it light.
VIEWS = (
    ("report-dark", (1280, 900), 1380, False),
    ("report-light", (1280, 900), 1380, True),
    ("report-phone-dark", (390, 844), 1640, False),
    ("report-phone-light", (390, 844), 1640, True),
)
FLAGS = "--headless=new --no-sandbox --disable-gpu --hide-scrollbars --mute-audio --force-color-profile=srgb"


def main(folder: Path) -> None:
    """Draw all of them into a folder."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        print("no Chromium with chromedriver: the pictures of the report stay as they are")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        page = report(Path(made))
        browser = opened(chromium, driver, made)
        try:
            for name, window, shown, light in VIEWS:
                shot = screenshot(browser, page, window, shown, light)
                (folder / f"{name}.jpg").write_bytes(shot)
        finally:
            browser.quit()


def report(folder: Path) -> Path:
    """The page: what ``genlock align talker.mp4 --transcript talker.txt`` writes."""
    options = TalkerOptions(
        count=4,
        seed=21,
        commands=0,
        rates=("25",),
        sizes=("640x480",),
        difficulty=0.2,
        rooms=0,
        microphones=0,
        reach_seconds="0.3",
    )
    plan = next(islice(plan_talkers(options), 2, None))
    make_talker(folder, plan)
    film = next(folder.glob("*.mp4")).rename(folder / "talker.mp4")
    text = next(folder.glob("*.txt")).rename(folder / "talker.txt")
    before = Path.cwd()
    os.chdir(folder)  # so that the command on the page is short
    try:
        align_video(film.name, AlignOptions(transcript=text.name))
    finally:
        os.chdir(before)
    return folder / "talker.genlock" / "report.html"


def opened(chromium: str, driver: str, profile: str) -> Any:
    """A browser without a window."""
    from selenium import webdriver

    os.environ["SE_OFFLINE"] = "true"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}/browser"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))


def screenshot(browser: Any, page: Path, size: tuple[int, int], shown: int, light: bool) -> bytes:
    """The top of the page as JPEG, once its small pictures have come."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "light" if light else "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())
    browser.set_script_timeout(120)
    browser.execute_async_script(
        """
        const done = arguments[0];
        const when = (true_, then) => (true_() ? then() : setTimeout(when, 100, true_, then));
        when(() => window.genlock?.ready, () => {
          window.genlock.seekFrame(52);
          const still = () => !window.genlock.seeking() && window.genlock.resting();
          setTimeout(() => when(still, () => setTimeout(done, 300)), 500);
        });
        """
    )
    clip = {"x": 0, "y": 0, "width": width, "height": shown, "scale": 1}
    shape = {"format": "jpeg", "quality": 85, "captureBeyondViewport": True, "clip": clip}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", shape)
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures"))
