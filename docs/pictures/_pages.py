"""What pictures of films and pages have in common: the films they show, and a browser without a window."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from genlock.synth.impacts.films import make_impact
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.talkers.films import make_talker
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
_FLAGS = "--headless=new --no-sandbox --disable-gpu --hide-scrollbars --mute-audio --force-color-profile=srgb --lang=en"


def talking_film(folder: Path) -> tuple[Path, Path]:
    """``talker.mp4``, a drawn talker whose sound comes 147 ms early, and ``talker.txt``, what he says."""
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
    make_talker(folder, next(islice(plan_talkers(options), 2, None)))
    film = next(folder.glob("*.mp4")).rename(folder / "talker.mp4")
    return film, next(folder.glob("*.txt")).rename(folder / "talker.txt")


def sticks_film(folder: Path) -> Path:
    """A stick that strikes for six seconds: a film of the world of impacts."""
    options = ImpactOptions(
        count=1,
        seed=8,
        seconds=6,
        sizes=("320x240",),
        rates=("25",),
        scenes=("sticks",),
        difficulty=0.2,
        distractors=0,
    )
    make_impact(folder, next(plan_impacts(options)))
    return next(folder.glob("*.mp4"))


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A browser; whoever asks has looked whether there is one."""
    from selenium import webdriver

    os.environ["SE_OFFLINE"] = "true"
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    opened.set_script_timeout(240)
    try:
        yield opened
    finally:
        opened.quit()


def seen_as(opened: Any, size: tuple[int, int], light: bool) -> None:
    """How large the page is, and whether the person likes it light."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "light" if light else "dark"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def wait(opened: Any, condition: str) -> None:
    """Return once a condition of the page holds, and what it shows has come to rest."""
    opened.execute_async_script(
        "const done = arguments[0];"
        f"const look = () => {{ if ({condition}) setTimeout(done, 400); else setTimeout(look, 100); }}; look();"
    )


def jpeg(opened: Any, width: int, height: int, *, top: float = 0, quality: int = 85) -> bytes:
    """The page from its top on, or from so many pixels below it."""
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    shape = {"format": "jpeg", "quality": quality, "captureBeyondViewport": True, "clip": clip}
    return base64.b64decode(opened.execute_cdp_cmd("Page.captureScreenshot", shape)["data"])
