"""The pictures of the report and of the studio in the documents show the pages of now."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from genlock.weights import registry

from .browser import CHROMIUM, DRIVER

DOCS = Path(__file__).resolve().parents[2] / "docs"
_SCREENS = ("face", "library", "models", "sound", "sync", "timeline", "words")
VIEWS = {
    "report": ("report-dark", "report-light", "report-phone-dark", "report-phone-light"),
    "studio": tuple(f"studio-{name}" for name in _SCREENS),
}


@pytest.fixture(scope="module")
def build() -> Any:
    """The program that makes the documents."""
    spec = spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)
@pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with chromedriver on this machine"
)
@pytest.mark.parametrize("page", VIEWS)
def test_the_pictures_of_a_page_are_those_of_now(page: str, build: Any, tmp_path: Path) -> None:
    if page == "studio":
        pytest.importorskip("fastapi", reason="the extra 'studio' is not installed")
    subprocess.run([sys.executable, DOCS / "pictures" / f"{page}.py", tmp_path], check=True)
    assert sorted(path.stem for path in tmp_path.glob("*.jpg")) == sorted(VIEWS[page])
    assert build.out_of_date(tmp_path) == []


def test_every_picture_of_a_page_is_one_that_is_made_and_is_small() -> None:
    kept = {path.stem: path.stat().st_size for path in (DOCS / "pictures").glob("*.jpg")}
    shown = {name: kept[name] for names in VIEWS.values() for name in names}
    assert sorted(shown) == sorted(name for name in kept if name.startswith(("report-", "studio-")))
    assert [name for name, size in shown.items() if size > 250_000] == []
    assert [name for name in VIEWS["studio"] if shown[name] > 150_000] == []


def test_a_card_that_has_moved_is_another_picture(build: Any, tmp_path: Path) -> None:
    kept = DOCS / "pictures" / "report-light.jpg"
    picture = cv2.imread(str(kept))
    assert picture is not None
    cv2.imwrite(str(tmp_path / "moved.png"), np.roll(picture, 12, axis=0))
    cv2.imwrite(str(tmp_path / "same.png"), np.clip(picture.astype(int) + 2, 0, 255).astype(np.uint8))
    assert build.looks_alike(kept, tmp_path / "same.png")
    assert not build.looks_alike(kept, tmp_path / "moved.png")
    assert not build.looks_alike(kept, tmp_path / "missing.png")
