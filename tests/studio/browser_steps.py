"""What the tests of the studio's page do in a browser, and what they read off the screen."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from tests.report.browser import console
from tests.report.clips import BITS, HEIGHT, WIDTH, read_barcode

from .conftest import Served

__all__ = ["frames_at", "open_screen", "press", "seen", "until"]


def until(driver: Any, script: str, what: str, *given: Any, seconds: float = 180) -> Any:
    """What a script answers, as soon as it answers something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = driver.execute_script(script, *given)
        if answer:
            return answer
        time.sleep(0.03)
    banner = driver.execute_script("return document.getElementById('banner').textContent")
    raise AssertionError(
        f"waited in vain until {what}; the page says {banner!r}, the console {console(driver)}"
    )


def open_screen(driver: Any, studio: Served, screen: str, name: str | None = None) -> None:
    """Load a screen anew, of a file if one is named, and wait until it shows it."""
    tail = "" if name is None else f"/{studio.ident(name)}"
    driver.get("about:blank")
    driver.get(f"http://127.0.0.1:{studio.port}/#/{screen}{tail}")
    until(driver, "return window.studio && window.studio.ready", f"{screen} of {name} is ready")


#: Seeks into each frame, waits until a frame is said to stand, and reads the middles of the blocks off the screen.
_LOOK = """
const [places, columns, rows, width, height] = arguments;
const done = arguments[arguments.length - 1];
const { studio } = window;
const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [width, height];
const ctx = canvas.getContext("2d", { willReadFrequently: true });
const read = () => {
  ctx.drawImage(document.getElementById("still"), 0, 0, width, height);
  return rows.map((y) => columns.map((x) => ctx.getImageData(x, y, 1, 1).data[1]));
};
(async () => {
  const found = [];
  const { frames } = studio.screen.model;
  for (const [k, share] of places) {
    studio.screen.player.seek(frames.edge(k) + share * (frames.edge(k + 1) - frames.edge(k)));
    const said = studio.frame();
    for (let n = 0; studio.still() !== said && n < 6000; n += 1) await new Promise((go) => setTimeout(go, 5));
    found.push([said, studio.still(), studio.screen.stills.by, read()]);
  }
  done(found);
})();
"""


def frames_at(driver: Any, places: list[tuple[int, float]]) -> list[tuple[int, int, int, str]]:
    """For each instant: the frame that is said, the one said to stand, the one whose blocks are seen, who decoded it.

    An instant is the number of a frame, and how far into it, 0...1.
    """
    columns = [round((bit + 0.5) * (WIDTH // BITS)) for bit in range(BITS)]
    answers = driver.execute_async_script(_LOOK, places, columns, [40, 80], WIDTH, HEIGHT)
    found = []
    for said, stands, by, rows in answers:
        image = np.zeros((HEIGHT, WIDTH))
        for y, values in zip((40, 80), rows, strict=True):
            image[y, columns] = values
        found.append((said, stands, read_barcode(image), by))
    return found


def seen(driver: Any, frame: int) -> int:
    """The number in the picture on the screen, once a frame is said to stand there."""
    until(driver, "return window.studio.still() === arguments[0]", f"frame {frame} stands", frame)
    ((_, _, number, _),) = frames_at(driver, [(frame, 0.5)])
    return number


def press(driver: Any, *keys: str) -> None:
    """Keys one after the other; the last one goes down while those before it are held."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    named = {
        "→": Keys.ARROW_RIGHT,
        "←": Keys.ARROW_LEFT,
        "alt": Keys.ALT,
        "ctrl": Keys.CONTROL,
        "shift": Keys.SHIFT,
        "enter": Keys.ENTER,
        "tab": Keys.TAB,
    }
    actions = ActionChains(driver)
    for key in keys[:-1]:
        actions.key_down(named[key])
    actions.send_keys(named.get(keys[-1], keys[-1]))
    for key in reversed(keys[:-1]):
        actions.key_up(named[key])
    actions.perform()
