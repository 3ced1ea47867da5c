"""Words corrected in the page itself: typed anew, borders dragged, all taken back, and saved as genlock writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from genlock.report import make_preview, write_report
from genlock.speech import Word, Words
from genlock.speech.subtitles import cues_from_words, read_subtitles, srt
from genlock.speech.word_forms import textgrid

from .browser import console, open_report, requests, until
from .clips import Clip
from .contents import content_of
from .test_page import press

SPAN = (Fraction(0), Fraction(12, 5))
FOUND = Words(
    [
        Word("The", Fraction(1, 7), Fraction(2, 7), 0.9, within_50ms=0.7),
        Word("onlie", Fraction(2, 7), "0.6", 0.3, speaker="Anna"),
        Word("lost", reason="nothing in the sound fits it"),
        Word('people"', "0.7", "1.1", 0.9),
        Word("who", "1.9", "2.2", 0.8),
    ],
    recognizer="somebody",
    aligner="somebody else",
)


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may leave an error in the console, or have asked the network for anything."""
    yield
    driver = request.getfixturevalue("driver")
    driver.execute_script(
        "window.addEventListener('beforeunload', (e) => e.stopImmediatePropagation(), true)"
    )
    assert console(driver) == []
    assert requests(driver) == []


@pytest.fixture
def page(driver: Any, clip: Callable[[str], Clip], tmp_path: Path) -> Path:
    """An open report of these words."""
    truth = clip("plain.mp4")
    told = FOUND.to_dict()
    content = replace(
        content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), told["words"]),
        words_about={name: value for name, value in told.items() if name != "words"},
        cues=[{"text": c.text, "start": float(c.start), "end": float(c.end)} for c in cues_from_words(FOUND)],
        spoken_seconds=(float(SPAN[0]), float(SPAN[1])),
    )
    page = write_report(tmp_path / "words.html", content).path
    open_report(driver, page)
    driver.execute_script("document.getElementById('correct').click()")
    return page


def saved(driver: Any, form: str) -> str:
    text: str = driver.execute_script("return window.genlock.saved(arguments[0])", form)
    return text


def words_of(driver: Any) -> Words:
    return Words.from_dict(json.loads(saved(driver, "json")))


def test_what_nobody_has_touched_is_saved_as_it_was_found(driver: Any, page: Path) -> None:
    assert words_of(driver) == FOUND
    assert saved(driver, "TextGrid") == textgrid(FOUND, *SPAN)
    assert saved(driver, "srt") == srt(cues_from_words(FOUND))


def test_a_word_is_typed_anew_and_taken_back(driver: Any, page: Path) -> None:
    double_click(driver, "onlie")
    assert driver.execute_script("return document.activeElement.id") == "word-text"
    type_over(driver, "only")
    assert driver.execute_script("return document.querySelectorAll('#flow .w')[1].textContent") == "only"
    assert "1 change, not saved" in state(driver)
    title = driver.execute_script("return document.querySelector('#flow .w').title")
    assert "right to 50 ms with probability 0.70" in title, "of another word all is still known"
    right = replace(
        FOUND, items=(FOUND[0], Word("only", FOUND[1].start, FOUND[1].end, 0.3, speaker="Anna"), *FOUND[2:])
    )
    assert words_of(driver) == right
    assert saved(driver, "TextGrid") == textgrid(right, *SPAN)
    assert saved(driver, "srt") == srt(cues_from_words(FOUND)).replace("onlie", "only")
    press_with(driver, "ctrl", "z")
    assert words_of(driver) == FOUND
    press_with(driver, "ctrl", "y")
    assert words_of(driver) == right


def test_a_border_is_dragged_and_moved_by_keys(driver: Any, page: Path) -> None:
    drag(driver, 1.9, 1.75)
    moved = words_of(driver)[4]
    assert moved.start == pytest.approx(1.75, abs=0.01)
    assert (1000 * (moved.start or 0)) % 1 == 0, "to the millisecond"
    assert moved.end == FOUND[4].end
    assert moved.within_50ms is None
    press_with(driver, "alt", "→")
    assert words_of(driver)[4].start == (moved.start or 0) + Fraction(1, 100)
    # The subtitle moves along, and a border stops at its neighbour.
    cue = read_subtitles(saved(driver, "srt"))[-1]
    assert cue.start == pytest.approx(float(moved.start or 0) + 0.01, abs=0.002)
    drag(driver, float(words_of(driver)[4].start or 0), 0.2)
    assert words_of(driver)[4].start == FOUND[3].end
    for _ in range(3):
        press_with(driver, "ctrl", "z")
    assert words_of(driver) == FOUND


def test_a_word_is_divided_joined_and_removed(driver: Any, page: Path) -> None:
    driver.execute_script("document.querySelectorAll('#flow .w')[3].click(); window.genlock.pause()")
    driver.execute_script("window.genlock.seek(0.9)")
    press(driver, "s")
    assert [word.text for word in words_of(driver)][3:5] == ["peop", 'le"']
    assert words_of(driver)[3].end == words_of(driver)[4].start == Fraction(9, 10)
    press(driver, "g")
    assert words_of(driver)[3].text == 'peop le"'
    press(driver, "delete")
    assert [word.text for word in words_of(driver)] == ["The", "onlie", "lost", "who"]
    assert "people" not in saved(driver, "srt")


def test_the_file_is_saved(driver: Any, page: Path, tmp_path: Path) -> None:
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    double_click(driver, "who")
    type_over(driver, "what")
    driver.execute_script("document.querySelector('#saves [data-form=srt]').click()")
    target = tmp_path / "plain.srt"
    for _ in range(200):
        if target.exists() and target.read_text():
            break
        until(driver, "return true", "a moment")
        driver.execute_async_script("setTimeout(arguments[0], 50)")
    assert "what" in target.read_text(encoding="utf-8")
    assert "1 change, saved" in state(driver)


def state(driver: Any) -> str:
    said: str = driver.execute_script("return document.getElementById('correct-state').textContent")
    return said


def double_click(driver: Any, text: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    button = driver.execute_script(
        "return [...document.querySelectorAll('#flow .w')].find((w) => w.textContent === arguments[0])", text
    )
    ActionChains(driver).double_click(button).perform()


def type_over(driver: Any, text: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(driver).send_keys(text, Keys.ENTER).perform()


def press_with(driver: Any, modifier: str, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    held = {"ctrl": Keys.CONTROL, "alt": Keys.ALT}[modifier]
    named = {"→": Keys.ARROW_RIGHT}.get(key, key)
    ActionChains(driver).key_down(held).send_keys(named).key_up(held).perform()


def drag(driver: Any, start: float, stop: float) -> None:
    """A border of a word, by the pointer, from one instant to another."""
    from selenium.webdriver.common.action_chains import ActionChains

    driver.execute_script("document.getElementById('lanes').scrollIntoView({block: 'center'})")
    area = driver.find_element("id", "canvases")
    view = driver.execute_script("return window.genlock.view()")
    width, height = area.size["width"], area.size["height"]
    scale = width / (view["end"] - view["start"])
    x = [round((t - view["start"]) * scale - width / 2) for t in (start, stop)]
    y = 124 - height // 2
    chain = ActionChains(driver).move_to_element_with_offset(area, x[0], y).click_and_hold()
    for part in (0.3, 0.7, 1):
        chain = chain.move_to_element_with_offset(area, round(x[0] + part * (x[1] - x[0])), y)
    chain.release().perform()
