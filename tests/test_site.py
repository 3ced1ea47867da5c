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

from .report.browser import chromium, resize, scheme, serious_faults, until

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = tuple(
    f"notebook-{path.stem.replace('_', '-')}.html"
    for path in sorted((REPOSITORY / "examples").glob("*.ipynb"))
)
SHOWN = (
    "index.html",
    "sync.html",
    "languages.html",
    "studio.html",
    "from-other-tools.html",
    "python.html",
    "commands.html",
    "gallery.html",
    *NOTEBOOKS,
)


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
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(site: Path, driver: Any, width: int, light: bool) -> None:
    scheme(driver, light)
    resize(driver, (width, 900))
    driver.get((site / SHOWN[0]).as_uri())
    driver.execute_script("localStorage.clear()")  # what was chosen stays chosen
    every: dict[str, list[str]] = {}
    for name in SHOWN:
        driver.get((site / name).as_uri())
        time.sleep(1)  # the theme colours code and makes it reachable by keys after it is shown
        every[name] = serious_faults(driver)
    assert not any(every.values()), every


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_that_is_opened_as_a_file_is_searched(site: Path, driver: Any, width: int) -> None:
    resize(driver, (width, 900))
    driver.get((site / SHOWN[0]).as_uri())
    driver.execute_script("document.getElementById('__search').click()")
    words = driver.find_element("css selector", ".md-search__input")
    until(
        driver, "return document.querySelector('.md-search__input').checkVisibility()", "the search is open"
    )
    words.send_keys("genlock sync")
    found = "return [...document.querySelectorAll('.md-search-result__link')].map((link) => link.href)"
    links = until(
        driver, f"const links = (() => {{ {found} }})(); return links.length && links", "pages are found"
    )
    assert any("/commands.html" in link for link in links)


def test_the_menu_of_a_phone_leads_to_every_page_of_a_part(site: Path, driver: Any) -> None:
    resize(driver, (390, 844))
    driver.get((site / SHOWN[0]).as_uri())
    seen = (
        "const link = document.querySelector('.md-nav a[href=\"sync.html\"]'); return link.checkVisibility()"
    )
    driver.execute_script("document.querySelector('label.md-header__button[for=__drawer]').click()")
    driver.execute_script(
        "[...document.querySelectorAll('.md-nav__link')].find((e) => /^\\s*Tasks/.test(e.textContent)).click()"
    )
    until(driver, seen, "the pages of a part are listed")
