"""What a report of a short English film on a wide screen does not show: a telephone, and words from right to left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from genlock.report import make_preview, write_report

from .browser import open_report, resize
from .clips import Clip
from .contents import content_of, word
from .test_hearing import COMMAND, out_of_step

# What is wider than its card, or than what holds it and does not scroll; the lanes draw what is in view.
_TOO_WIDE = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll("main .card *, main .facts *")]
  .filter((e) => !e.closest("#canvases, .sr, #streams thead"))
  .filter((e) => { const box = e.getBoundingClientRect(); return box.width && (box.right > wide - 8 || box.left < 0); })
  .map((e) => `${e.tagName} ${e.id} ${e.textContent.slice(0, 40)}`);
"""


def test_nothing_is_cut_and_nothing_scrolls_sideways_on_a_phone(
    driver: Any, clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    truth = clip("late_sound.mp4")
    content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), [word("one", 0.8, 1.1)])
    content = replace(
        content,
        sync={"offset_seconds": -0.2, "probability": 0.97, "sentence": "the sound is 200 ms late"},
        measurement=out_of_step(-0.2),
        repair_command=COMMAND,
    )
    page = write_report(tmp_path / "phone.html", content).path
    resize(driver, (390, 844))
    open_report(driver, page)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
    assert driver.execute_script(_TOO_WIDE) == []
    drawn = (
        "return ['wide', 'narrow'].map((name) => document.querySelector(`#sync .${name}`).clientWidth > 0)"
    )
    assert driver.execute_script(drawn) == [False, True]
    named = "return getComputedStyle(document.querySelector('#streams td'), '::before').content"
    assert driver.execute_script(named) == '"#"'  # the first column's name, beside its value
    resize(driver, (1280, 900))
    assert driver.execute_script(drawn) == [True, False]
    assert driver.execute_script(named) == "none"
    resize(driver, (1440, 1000))


def test_words_from_right_to_left_follow_each_other_so(
    driver: Any, clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    truth = clip("plain.mp4")
    said = ("שלום", "לכולם", "כאן")
    words = [word(text, 0.2 + 0.4 * k, 0.5 + 0.4 * k) for k, text in enumerate(said)]
    content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), words)
    open_report(driver, write_report(tmp_path / "rtl.html", content).path)
    driver.execute_script("window.genlock.seek(0.3)")
    left = "return [...document.querySelectorAll('#flow .w')].map((w) => w.getBoundingClientRect().left)"
    places = driver.execute_script(left)
    assert places == sorted(places, reverse=True)
    assert (
        driver.execute_script("return getComputedStyle(document.getElementById('caption')).direction")
        == "rtl"
    )
