"""The pictures of the report in the documents show the report of now."""

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
VIEWS = ("report-dark", "report-light", "report-phone-dark", "report-phone-light")


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
def test_the_pictures_of_the_report_are_those_of_now(build: Any, tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "pictures" / "report.py", tmp_path], check=True)
    assert sorted(path.stem for path in tmp_path.glob("*.jpg")) == sorted(VIEWS)
    assert build.out_of_date(tmp_path) == []


def test_a_card_that_has_moved_is_another_picture(build: Any, tmp_path: Path) -> None:
    kept = DOCS / "pictures" / "report-light.jpg"
    picture = cv2.imread(str(kept))
    assert picture is not None
    cv2.imwrite(str(tmp_path / "moved.png"), np.roll(picture, 12, axis=0))
    cv2.imwrite(str(tmp_path / "same.png"), np.clip(picture.astype(int) + 2, 0, 255).astype(np.uint8))
    assert build.looks_alike(kept, tmp_path / "same.png")
    assert not build.looks_alike(kept, tmp_path / "moved.png")
    assert not build.looks_alike(kept, tmp_path / "missing.png")
