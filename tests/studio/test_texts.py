"""Every text of the page is in one file for each language, with the same keys; no key is missing or left over."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import genlock

STATIC = Path(str(files(genlock))) / "studio" / "static"
#: Keys that are put together while the page runs.
MADE = r"(key|does|job|state|verdict|take|no_take|make|items|figure|column)_\w+"


def texts(language: str) -> dict[str, str]:
    return dict(json.loads((STATIC / "texts" / f"{language}.json").read_text(encoding="utf-8")))


def test_both_languages_say_the_same_things() -> None:
    english, german = texts("en"), texts("de")
    assert list(english) == list(german)
    for key in english:
        assert german[key].strip()
        assert sorted(re.findall(r"\{\w+\}", english[key])) == sorted(re.findall(r"\{\w+\}", german[key])), (
            key
        )


def test_every_text_is_used_and_every_use_has_a_text() -> None:
    english = texts("en")
    used: set[str] = set()
    for path in [*STATIC.glob("*.js"), STATIC / "index.html"]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\bt\("(\w+)"', text))
        used |= set(re.findall(r'data-(?:t|label|hint)="(\w+)"', text))
        used |= {key for pair in re.findall(r'\bt\([^)]*\? "(\w+)" : "(\w+)"', text) for key in pair}
        used |= set(re.findall(r'\b(?:button|card|turn)\((?:[\w.]+, )?"(\w+)"', text))
        used |= set(re.findall(r'#did\([^;]*?, "(\w+)"\)', text))
    assert used - set(english) == set()
    assert {key for key in set(english) - used if not re.fullmatch(MADE, key)} == set()


def imported(start: str) -> list[str]:
    """A module of the page and all that it imports while it is loaded, as their addresses."""
    roots = {"static": STATIC, "page": STATIC.parents[1] / "report" / "page"}
    found, waiting = [], [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.append(name)
        part, file = name.split("/", 1)
        text = (roots[part] / file).read_text(encoding="utf-8")
        for address in re.findall(r'^import .* from "(.+?)";$', text, re.MULTILINE):
            waiting.append(address[3:] if address.startswith("../page/") else f"{part}/{address[2:]}")
    return found


def test_what_the_timeline_imports_is_asked_for_in_one_round() -> None:
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'<(?:link rel="modulepreload" href|script type="module"[^>]* src)="/(.+?)"', index)
    needed = {*imported("static/app.js"), *imported("static/timeline_screen.js")} - {"static/api.js"}
    assert sorted(named) == sorted(needed)  # api.js comes with early.js, which is run at once


def test_nothing_asks_the_network() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://", text), path.name
            assert "innerHTML" not in text
