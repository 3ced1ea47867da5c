"""In a real browser: a text is placed anew, a border is drawn to a shot change, a splice is closed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.browser import chromium, console

from genlock.core.json_forms import write_json
from genlock.media.encode import Picture, Sound, encode
from genlock.speech import Word, Words
from genlock.synth.voice.speak import VoiceOptions, speak

from .browser_steps import open_screen, press, until
from .conftest import Served

TEXT = "hello listen the clock to seven moves at nine from picture four"
RATE = 25


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Word]]:
    """A voice made by rule over three shots that stand still, with one word that was misheard."""
    folder = tmp_path_factory.mktemp("films")
    said = speak(TEXT, VoiceOptions(rate=16000))
    rng = np.random.default_rng(7)
    shots = [
        np.kron(rng.integers(0, 255, (6, 8, 3)).astype(np.uint8), np.ones((15, 20, 1), np.uint8))
        for _ in range(3)
    ]
    count = round(len(said.samples) / 16000 * RATE)
    frames = [shots[min(2, k // 20)] for k in range(count)]
    encode(
        folder / "talk.mp4", Picture(frames, rate=RATE), Sound(np.asarray(said.samples, np.float32), 16000)
    )
    words = [Word(span.label, span.start, span.end, 0.9) for span in said.words]
    heard = [*words[:3], Word("lock", words[3].start, words[3].end, 0.4), *words[4:]]
    (folder / "talk.genlock").mkdir()
    write_json(folder / "talk.genlock" / "words.json", Words(heard).to_dict())
    return folder, words


@pytest.fixture(scope="module")
def studio(serve: Callable[..., Served], truth: tuple[Path, list[Word]]) -> Served:
    return serve(truth[0])


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.set_script_timeout(600)
        yield browser
        assert console(browser) == []


def ask_for(driver: Any, kind: str, ident: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """A job, once it has ended."""
    script = (
        "const [kind, file, options, done] = arguments;"
        "window.studio.jobs.ask(kind, [file], options).then(([id]) => window.studio.jobs.wait(id)).then(done);"
    )
    return dict(driver.execute_async_script(script, kind, ident, options or {}))


@pytest.mark.slow
def test_a_text_is_corrected_and_placed_anew_by_keyboard(
    driver: Any, studio: Served, truth: tuple[Path, list[Word]]
) -> None:
    _, words = truth
    open_screen(driver, studio, "words", "talk.mp4")
    line = until(driver, "return document.querySelector('#cues li textarea')", "the first line is there")
    assert "lock" in line.get_attribute("value")
    driver.execute_script("arguments[0].focus()", line)
    press(driver, "ctrl", "a")
    for letter in TEXT:
        press(driver, letter)
    press(driver, "ctrl", "enter")
    until(driver, "return window.studio.screen.editor.list[3]?.text === 'clock'", "it is placed")
    until(driver, "return window.studio.saved()", "it is saved")
    kept = studio.get(f"/api/clips/{studio.ident('talk.mp4')}/words").json()["words"]
    assert [word["text"] for word in kept] == TEXT.split()
    for place, (found, planted) in enumerate(zip(kept, words, strict=True)):
        if place != 3:
            assert (Fraction(found["start"]), Fraction(found["end"])) == (planted.start, planted.end)
    assert words[3].start is not None
    assert abs(Fraction(kept[3]["start"]) - words[3].start) < Fraction(1, 20)


@pytest.mark.slow
def test_lanes_are_shown_and_shot_changes_draw_borders(driver: Any, studio: Served) -> None:
    ident = studio.ident("talk.mp4")
    open_screen(driver, studio, "timeline", "talk.mp4")
    job = ask_for(driver, "lanes", ident, {"feature": "flow-energy,shots"})
    assert job["state"] == "done", job["message"]
    until(driver, "return window.studio.screen.editor.shots.length === 2", "the shot changes are there")
    shots = driver.execute_script("return window.studio.screen.editor.shots.map(String)")
    assert [Fraction(shot) for shot in shots] == [Fraction(20, RATE), Fraction(40, RATE)]
    lanes = driver.execute_script("return window.studio.screen.timeline.lanes.map((lane) => lane.label)")
    assert {"phones", "shots", "flow-energy"} <= set(lanes)
    # A border three frames away from a change is drawn to it, unless that is switched off.
    near = "return String(window.studio.screen.editor.snapped(17 / 25 + 0.005))"
    assert Fraction(driver.execute_script(near)) == Fraction(20, RATE)
    press(driver, "c")
    assert Fraction(driver.execute_script(near)) == Fraction(17, RATE)
    press(driver, "c")


@pytest.mark.slow
def test_knots_of_the_warp_are_dragged_and_moved_by_arrows(driver: Any, studio: Served) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ask_for(driver, "sync", studio.ident("talk.mp4"))
    open_screen(driver, studio, "sync", "talk.mp4")
    driver.execute_script("document.getElementById('warp-add').click()")
    values = "return [...document.querySelectorAll('#warp-rows input')].map((input) => Number(input.value))"
    before = driver.execute_script(values)
    knot = driver.find_elements("css selector", ".knot")[1]
    driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", knot)
    # The picture's own axes say what so many pixels are.
    left, up = driver.execute_script(
        "const { place } = window.studio.sync.picture;"
        "return [place.at(60) - place.at(0), place.offset(0) - place.offset(40)]"
    )
    ActionChains(driver).drag_and_drop_by_offset(knot, -60, -40).perform()
    after = driver.execute_script(values)
    assert after[:2] == before[:2]
    assert abs(after[3] - before[3] - 1000 * up) < 1000 * up / 20
    assert abs(before[2] - after[2] - left) < left / 20
    driver.execute_script("arguments[0].focus()", knot)
    press(driver, "→")
    press(driver, "shift", "→")
    moved = driver.execute_script(values)
    assert abs(moved[2] - after[2] - 0.44) < 1e-6
    assert moved[3] == after[3]


@pytest.mark.slow
def test_a_warp_by_hand_is_written_and_measured(driver: Any, studio: Served) -> None:
    open_screen(driver, studio, "sync", "talk.mp4")
    job = ask_for(driver, "sync", studio.ident("talk.mp4"))
    assert job["state"] == "done", job["message"]
    open_screen(driver, studio, "sync", "talk.mp4")
    driver.execute_script(
        "const fill = (input, value) => { input.value = value; input.dispatchEvent(new Event('input')); };"
        "document.getElementById('warp-add').click();"
        "const inputs = document.querySelectorAll('#warp-rows input');"
        "[0, 40, 1, -20].forEach((value, k) => fill(inputs[k], value));"
        "document.getElementById('warp-mend').click();"
    )
    said = until(
        driver,
        "const text = document.getElementById('repair-result').textContent; return text.includes('wrote') && text",
        "the file is written",
    )
    assert "talk.mended.mp4" in said
    assert "0.060 s of sound left out" in said
    assert (studio.root / "talk.mended.mp4").is_file()
