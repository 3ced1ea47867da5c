"""The studio in a real browser: words are corrected by keyboard and by dragging, each screen is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.report.browser import chromium, console, screenshot, serious_faults
from tests.report.clips import VARIABLE_PTS, Clip, planted

from genlock.core.json_forms import write_json
from genlock.speech import Word, Words

from .browser_steps import open_screen, press, until
from .conftest import Served

CLIPS: dict[str, dict[str, Any]] = {
    "plain.mp4": {"count": 100},
    "ntsc.mp4": {"rate": "30000/1001", "sound_start": "0.3", "count": 120},
    "film.mkv": {"rate": "24000/1001", "start": "0.25", "count": 100},
    "fifty.mp4": {"rate": "50", "count": 150},
    "variable.mp4": {"pts": VARIABLE_PTS, "sound_start": "0.01"},
}


#: Screens, and the film that each shows.
SCREENS = (
    ("library", None),
    ("timeline", "plain.mp4"),
    ("words", "plain.mp4"),
    ("sync", "plain.mp4"),
    ("jobs", None),
)


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


@pytest.mark.slow
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


#: What the pieces of the lanes show together; how many of its pixels differ from those of the same view drawn anew.
MOVED = """
const [steps, done] = arguments;
const { timeline } = window.studio.screen;
const { base } = timeline;
const shown = () => {
  const whole = new OffscreenCanvas(timeline.width, timeline.height);
  const ctx = whole.getContext("2d");
  for (const piece of document.querySelectorAll("#base canvas:not([hidden])")) {
    ctx.drawImage(piece, Number(/-?[\\d.]+/.exec(piece.style.transform)[0]), 0);
  }
  return ctx.getImageData(0, 0, whole.width, whole.height).data;
};
const frame = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
(async () => {
  for (let n = 0; timeline.strip.pictures.size < 4 && n < 200; n += 1) await new Promise((go) => setTimeout(go, 50));
  timeline.show(0.4, 1.4);
  await frame();
  const before = shown();
  let drawn = 0;
  const { paint } = base;
  base.paint = (...given) => { drawn += 1; paint(...given); };
  for (const step of steps) { timeline.pan(step); await frame(); }
  const moved = shown();
  const count = drawn;
  timeline.sizes = null; // as if the window had another size: all is drawn anew, from another origin
  timeline.resize();
  await frame();
  const fresh = shown();
  const apart = (one, two) => one.reduce((sum, value, k) => sum + (Math.abs(value - two[k]) > 60), 0) / one.length;
  done([apart(moved, fresh), apart(before, fresh), count, drawn - count]);
})();
"""


@pytest.mark.slow
def test_lanes_that_were_moved_look_as_if_drawn_anew(driver: Any, studio: Served) -> None:
    open_screen(driver, studio, "timeline", "plain.mp4")
    steps = [0.03, 0.071, 0.05, 0.113, 0.09, 0.06, -0.02, 0.044, 0.037, 0.05]
    apart, without, drawn, anew = driver.execute_async_script(MOVED, steps)
    assert apart < 0.002
    assert without > 0.02  # it has really moved
    assert drawn < 2 * len(
        steps
    )  # pieces, those whose pictures came meanwhile among them; all of it is four each time
    assert anew >= 4


@pytest.mark.slow
def test_every_screen_is_shown_and_kept_as_a_picture(driver: Any, studio: Served, repository: Path) -> None:
    """For people, in build/; what a machine can say of them: hostile text stays text, nothing is out of view."""
    for screen, name in (
        ("library", None),
        ("timeline", "plain.mp4"),
        ("words", "plain.mp4"),
        ("sync", "plain.mp4"),
    ):
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


@pytest.mark.slow
def test_the_second_language_says_everything(driver: Any, studio: Served) -> None:
    open_screen(driver, studio, "library")
    driver.find_element("id", "language").click()
    until(driver, "return document.documentElement.lang === 'de' && window.studio?.ready", "it is German")
    assert driver.find_element("id", "tab-library").text == "Bibliothek"
    driver.find_element("id", "language").click()
    until(driver, "return document.documentElement.lang === 'en' && window.studio?.ready", "it is English")


@pytest.mark.slow
def test_axe_finds_nothing_serious_on_any_screen(driver: Any, studio: Served) -> None:
    for screen, name in (
        ("library", None),
        ("timeline", "plain.mp4"),
        ("words", "plain.mp4"),
        ("sync", "plain.mp4"),
    ):
        open_screen(driver, studio, screen, name)
        found = serious_faults(driver)
        assert found == [], screen
