"""The site of the documents is built, found through, and read on a phone, in light and dark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .report.browser import chromium, resize, scheme

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
    """axe-core is MPL-2.0 and not ours to keep: ``npm pack axe-core`` and name its axe.min.js in AXE_JS."""
    path = os.environ.get("AXE_JS")
    if not path or not Path(path).is_file():
        pytest.skip("AXE_JS does not name axe-core's axe.min.js")
    scheme(driver, light)
    resize(driver, (1280, 900))
    every: dict[str, list[str]] = {}
    for name in SHOWN:
        driver.get((site / name).as_uri())
        driver.execute_script(Path(path).read_text(encoding="utf-8"))
        found = driver.execute_async_script(
            # The theme makes wide code reachable by keys once it has seen how wide it is.
            "const done = arguments[0]; setTimeout(() => axe.run({ resultTypes: ['violations'] }).then((r) => done("
            "r.violations.filter((v) => ['serious', 'critical'].includes(v.impact))"
            ".map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html).join(' ')))), 1000)"
        )
        every[name] = found
    assert not any(every.values()), every
