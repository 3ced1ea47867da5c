"""A headless Chromium, fresh for each use, and what the tests ask of it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
_FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --mute-audio
    --autoplay-policy=no-user-gesture-required --disable-features=Translate,OptimizationHints,MediaRouter
    --disable-default-apps --disable-extensions --disable-client-side-phishing-detection
    --force-color-profile=srgb
"""


@contextmanager
def chromium(profile: Path, size: tuple[int, int] = (1440, 1000), light: bool = False) -> Iterator[Any]:
    """A driver; the test is skipped, with the reason, where there is no Chromium."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed (the dev extra has it)"
    )
    if CHROMIUM is None or DRIVER is None:
        pytest.skip(
            "no Chromium with chromedriver on this machine (Debian: apt-get install chromium chromium-driver)"
        )
    os.environ["SE_OFFLINE"] = "true"
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS.split(), f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        scheme(driver, light)
        resize(driver, size)
        yield driver
    finally:
        driver.quit()


def scheme(driver: Any, light: bool) -> None:
    """What the page is told that the person prefers."""
    feature = {"name": "prefers-color-scheme", "value": "light" if light else "dark"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def resize(driver: Any, size: tuple[int, int]) -> None:
    """The size of the page's view; a headless window has a least width, this has none."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600},
    )


def open_report(driver: Any, page: Path) -> None:
    """Load a page and wait until it can show its first frame."""
    driver.get(page.resolve().as_uri())
    until(driver, "return window.genlock && window.genlock.ready", "the page is ready")


def until(driver: Any, script: str, what: str, seconds: float = 60) -> Any:
    """Wait until a script answers something true; a machine may be slow, so this is no measure of speed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = driver.execute_script(script)
        if answer:
            return answer
        time.sleep(0.02)
    state = driver.execute_script(
        "const v = document.getElementById('video');"
        "return [v.readyState, v.currentTime, v.paused, v.error && v.error.message]"
    )
    raise AssertionError(
        f"waited in vain until {what}; the video says {state}, the console {console(driver)}"
    )


def settled(driver: Any) -> None:
    """Wait until no seek is on its way and the frame is on the screen."""
    until(
        driver,
        "return !window.genlock.seeking() && document.getElementById('video').readyState >= 2",
        "the seek is done",
    )
    driver.execute_async_script(
        "const done=arguments[0];requestAnimationFrame(()=>requestAnimationFrame(()=>done()))"
    )


def frame_pixels(driver: Any, width: int = 320, height: int = 180) -> np.ndarray:
    """What the video element shows, grey [height, width]."""
    data = driver.execute_script(
        """
        const video = document.getElementById("video");
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = arguments;
        const ctx = canvas.getContext("2d");
        ctx.drawImage(video, 0, 0, canvas.width, canvas.height);
        const rgba = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
        let text = "";
        for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i]);
        return btoa(text);
        """,
        width,
        height,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width).astype(np.float64)


def console(driver: Any) -> list[str]:
    """Warnings and errors of the console since the last call, save those about the tests' own listening."""
    own = ("ScriptProcessorNode", "willReadFrequently")
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] in ("WARNING", "SEVERE") and not any(name in entry["message"] for name in own)
    ]


def requests(driver: Any) -> list[str]:
    """Addresses that the page asked for, other than itself and what lies inside it."""
    asked = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            address = message["params"]["request"]["url"]
            if not address.startswith(("data:", "blob:", "file:", "chrome:", "about:")):
                asked.append(address)
    return asked


def screenshot(driver: Any, path: Path, whole: bool = True) -> None:
    """A picture of the page (all of it, not only what is in the window)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
    path.write_bytes(base64.b64decode(shot["data"]))


def serious_faults(driver: Any) -> list[str]:
    """What axe calls serious or critical in the page that is shown: rule and element, a line each.

    axe-core is MPL-2.0 and not ours to keep: ``npm pack axe-core`` and name its axe.min.js in AXE_JS. The test is
    skipped, with the reason, where nothing is named.
    """
    path = Path(os.environ.get("AXE_JS", ""))
    if not path.is_file():
        pytest.skip("AXE_JS does not name axe-core's axe.min.js")
    driver.execute_script(path.read_text(encoding="utf-8"))
    found: list[str] = driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done("
        "violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).flatMap(({ id, nodes }) => "
        "nodes.map((node) => `${id}: ${node.html} ${node.any[0]?.message ?? ''}`))));"
    )
    return found
