"""The site of the documents is built, found through, and read on a phone, in light and dark."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .report.browser import chromium, resize, scheme, serious_faults

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[1]
SHOWN = ("index.html", "sync.html", "python.html", "commands.html", "gallery.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every page; a link that leads nowhere would have ended it."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (the dev extra has it)")
    target = tmp_path_factory.mktemp("site")
    build = [sys.executable, str(REPOSITORY / "docs" / "build.py"), "--pages", str(target)]
    subprocess.run(build, check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def test_commands_names_and_decisions_are_found(site: Path) -> None:
    found = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    places = {row["location"] for row in found}
    assert {"commands.html#genlock-sync", "python.html#genlock.api.sync", "how-time-works.html"} <= places
    assert any(row["location"].startswith("adr/") for row in found)


def test_every_page_is_in_the_menu(site: Path) -> None:
    start = (site / "index.html").read_text("utf-8")
    for page in (REPOSITORY / "docs").glob("*.md"):
        assert f'href="{page.stem}.html"' in start or page.stem == "index"


def test_no_page_asks_another_site(site: Path, driver: Any) -> None:
    for name in SHOWN:
        driver.get((site / name).as_uri())
        urls = driver.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
        assert all(url.startswith(("file:", "blob:", "data:")) for url in urls)


@pytest.mark.parametrize("light", [True, False])
def test_pages_fit_a_phone_in_light_and_dark(site: Path, driver: Any, light: bool) -> None:
    scheme(driver, light)
    driver.get((site / SHOWN[0]).as_uri())
    driver.execute_script("localStorage.clear()")  # what was chosen stays chosen
    for width in (390, 1280):
        resize(driver, (width, 900))
        for name in SHOWN:
            driver.get((site / name).as_uri())
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            shade = driver.execute_script("return document.body.getAttribute('data-md-color-scheme')")
            assert shade == ("default" if light else "slate")


@pytest.mark.parametrize("light", [True, False])
def test_axe_finds_nothing_serious(site: Path, driver: Any, light: bool) -> None:
    scheme(driver, light)
    resize(driver, (1280, 900))
    driver.get((site / SHOWN[0]).as_uri())
    driver.execute_script("localStorage.clear()")  # what was chosen stays chosen
    every: dict[str, list[str]] = {}
    for name in SHOWN:
        driver.get((site / name).as_uri())
        time.sleep(1)  # the theme colours code and makes it reachable by keys after it is shown
        every[name] = serious_faults(driver)
    assert not any(every.values()), every
