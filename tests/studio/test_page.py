"""The studio in a real browser: the frame that stands is the one that is said, words are corrected by keyboard."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.browser import chromium, console, screenshot
from tests.report.clips import VARIABLE_PTS, Clip, planted, read_barcode

from genlock.core.json_forms import write_json
from genlock.speech import Word, Words

from .conftest import Served

CLIPS: dict[str, dict[str, Any]] = {
    "plain.mp4": {"count": 100},
    "ntsc.mp4": {"rate": "30000/1001", "sound_start": "0.3", "count": 120},
    "film.mkv": {"rate": "24000/1001", "start": "0.25", "count": 100},
    "fifty.mp4": {"rate": "50", "count": 150},
    "variable.mp4": {"pts": VARIABLE_PTS, "sound_start": "0.01"},
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("films")
    made = {name: planted(folder / name, **how) for name, how in CLIPS.items()}
    for name, clip in made.items():
        words = [
            Word(f"flash{n}", clip.cells.edge(k), clip.cells.edge(k + 6), 0.9)
            for n, k in enumerate(clip.flashes[:3])
        ]
        results = folder / f"{Path(name).stem}.genlock"
        results.mkdir()
        write_json(results / "words.json", Words([*words, Word("<i>lost</i>", reason="not there")]).to_dict())
    return made


@pytest.fixture(scope="module")
def studio(serve: Callable[..., Served], films: dict[str, Clip]) -> Served:
    return serve(films["plain.mp4"].path.parent)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.get("about:blank")
        yield browser


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may leave a warning or an error in the console."""
    yield
    assert console(request.getfixturevalue("driver")) == []


def until(driver: Any, script: str, what: str, *given: Any, seconds: float = 180) -> Any:
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


def seen(driver: Any, frame: int) -> int:
    """The number that stands on the screen, once the frame that was asked for is said to stand there."""
    until(driver, "return window.studio.still() === arguments[0]", f"frame {frame} stands", frame)
    data = driver.execute_script(
        """
        const image = document.getElementById("still");
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [320, 180];
        const ctx = canvas.getContext("2d");
        ctx.drawImage(image, 0, 0, 320, 180);
        const rgba = ctx.getImageData(0, 0, 320, 180).data;
        let text = "";
        for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode(rgba[i]);
        return btoa(text);
        """
    )
    return read_barcode(np.frombuffer(base64.b64decode(data), np.uint8).reshape(180, 320).astype(float))


def look(driver: Any, studio: Served, clip: Clip, count: int) -> None:
    open_screen(driver, studio, "timeline", clip.path.name)
    rng = np.random.default_rng(16)
    edges = clip.edges
    for frame in (0, clip.count - 1, *rng.integers(0, clip.count, count - 2).tolist()):
        instant = edges[frame] + rng.uniform(0.001, 0.999) * (edges[frame + 1] - edges[frame])
        driver.execute_script("window.studio.screen.player.seek(arguments[0])", instant)
        assert driver.execute_script("return window.studio.frame()") == frame
        assert seen(driver, frame) == frame


@pytest.mark.parametrize("name", ["plain.mp4", "variable.mp4"])
def test_the_frame_that_stands_is_the_frame_that_is_said(
    name: str, driver: Any, studio: Served, films: dict[str, Clip]
) -> None:
    look(driver, studio, films[name], 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CLIPS))
def test_of_a_thousand_seeks_none_shows_another_frame(
    name: str, driver: Any, studio: Served, films: dict[str, Clip]
) -> None:
    look(driver, studio, films[name], 200)


def press(driver: Any, *keys: str) -> None:
    """Keys one after the other; the last one goes down while those before it are held."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    named = {
        "→": Keys.ARROW_RIGHT,
        "←": Keys.ARROW_LEFT,
        "alt": Keys.ALT,
        "ctrl": Keys.CONTROL,
        "enter": Keys.ENTER,
    }
    actions = ActionChains(driver)
    for key in keys[:-1]:
        actions.key_down(named[key])
    actions.send_keys(named.get(keys[-1], keys[-1]))
    for key in reversed(keys[:-1]):
        actions.key_up(named[key])
    actions.perform()


def test_words_are_corrected_by_keyboard_alone(driver: Any, studio: Served, films: dict[str, Clip]) -> None:
    clip, name = films["ntsc.mp4"], "ntsc.mp4"

    def kept() -> list[dict[str, Any]]:
        until(driver, "return window.studio.saved()", "it is saved")
        return list(studio.get(f"/api/clips/{studio.ident(name)}/words").json()["words"])

    open_screen(driver, studio, "timeline", name)
    before = kept()
    first = clip.flashes[0]
    # The first word is chosen: its end goes on by two frames, then its start back by one.
    press(driver, "b")
    press(driver, "alt", "→")
    press(driver, "alt", "→")
    press(driver, "b")
    press(driver, "alt", "←")
    moved = kept()
    assert Fraction(moved[0]["end"]) == clip.cells.edge(first + 8)
    assert Fraction(moved[0]["start"]) == clip.cells.edge(first - 1)
    assert moved[1:] == before[1:]
    # Opened again it is the same, to the last digit.
    open_screen(driver, studio, "timeline", name)
    assert kept() == moved
    exact = driver.execute_script(
        "return window.studio.screen.editor.list.map((word) => [word.start, word.end])"
    )
    assert exact == [[word["start"], word["end"]] for word in moved]
    # Typed anew, split where the playhead is, joined again, and all of it taken back.
    press(driver, "e")
    press(driver, "ctrl", "a")
    for letter in "blitz":
        press(driver, letter)
    press(driver, "enter")
    driver.execute_script("window.studio.screen.player.seekFrame(arguments[0])", first + 3)
    press(driver, "s")
    split = kept()
    assert [word["text"] for word in split[:2]] in (["bl", "itz"], ["bli", "tz"])
    assert Fraction(split[0]["end"]) == Fraction(split[1]["start"])
    press(driver, "g")
    assert len(kept()) == len(moved)
    for _ in range(3):
        press(driver, "ctrl", "z")
    assert kept() == moved
    press(driver, "ctrl", "y")
    assert kept()[0]["text"] == "blitz"


def test_a_border_is_dragged(driver: Any, studio: Served, films: dict[str, Clip]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    clip, name = films["fifty.mp4"], "fifty.mp4"
    open_screen(driver, studio, "timeline", name)
    x, y, scale = driver.execute_script(
        """
        const { timeline, editor } = window.studio.screen;
        document.getElementById("lanes").scrollIntoView({ block: "center" });
        const box = document.getElementById("canvases").getBoundingClientRect();
        const lane = timeline.lanes.find((each) => each.key === "words");
        return [timeline.view.x(editor.list[1].from) - box.width / 2, lane.y + lane.height / 2 - box.height / 2,
          timeline.view.scale];
        """
    )
    area = driver.find_element("id", "canvases")
    by = scale * 4.2 / 50  # four frames and a bit: it snaps to four
    ActionChains(driver).move_to_element_with_offset(
        area, round(x), round(y)
    ).click_and_hold().move_by_offset(round(by / 2), 0).move_by_offset(round(by / 2), 0).release().perform()
    until(driver, "return window.studio.saved()", "it is saved")
    words = studio.get(f"/api/clips/{studio.ident(name)}/words").json()["words"]
    start = Fraction(words[1]["start"])
    near = abs(start - clip.cells.edge(clip.flashes[1] + 4))
    assert near <= Fraction(1, 50)
    assert start in [clip.cells.edge(k) for k in range(clip.count)]


def test_every_screen_is_shown_and_kept_as_a_picture(driver: Any, studio: Served, repository: Path) -> None:
    """For people, in build/; what a machine can say of them: hostile text stays text, nothing is out of view."""
    for screen, name in (("library", None), ("timeline", "plain.mp4"), ("sync", "plain.mp4"), ("jobs", None)):
        open_screen(driver, studio, screen, name)
        if screen == "timeline":
            until(driver, "return window.studio.still() !== null", "the first frame stands")
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert driver.execute_script("return document.querySelectorAll('#flow i').length") == 0
        unnamed = driver.execute_script(
            "return [...document.querySelectorAll('button, input, select')].filter((e) => e.checkVisibility() && "
            "!(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length || e.role === 'status'))"
            ".map((e) => e.outerHTML)"
        )
        assert unnamed == []
        screenshot(driver, repository / "build" / f"studio-{screen}.png")


def test_the_second_language_says_everything(driver: Any, studio: Served) -> None:
    open_screen(driver, studio, "library")
    driver.find_element("id", "language").click()
    until(driver, "return document.documentElement.lang === 'de' && window.studio?.ready", "it is German")
    assert driver.find_element("id", "tab-library").text == "Bibliothek"
    driver.find_element("id", "language").click()
    until(driver, "return document.documentElement.lang === 'en' && window.studio?.ready", "it is English")


@pytest.mark.slow
def test_axe_finds_nothing_serious_on_any_screen(driver: Any, studio: Served) -> None:
    """axe-core is MPL-2.0 and not ours to keep: ``npm pack axe-core`` and name its axe.min.js in AXE_JS."""
    path = os.environ.get("AXE_JS")
    if path is None:
        pytest.skip("AXE_JS does not name axe-core's axe.min.js")
    axe = Path(path).read_text(encoding="utf-8")
    for screen, name in (("library", None), ("timeline", "plain.mp4"), ("sync", "plain.mp4"), ("jobs", None)):
        open_screen(driver, studio, screen, name)
        driver.execute_script(axe)
        found = driver.execute_async_script(
            "const done = arguments[0]; axe.run({ resultTypes: ['violations'] }).then((r) => done(r.violations"
            ".filter((v) => ['serious', 'critical'].includes(v.impact))"
            ".map((v) => [v.id, v.nodes.map((n) => n.html)])));"
        )
        assert found == [], screen
