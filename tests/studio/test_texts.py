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


def test_nothing_asks_the_network() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://", text), path.name
            assert "innerHTML" not in text
