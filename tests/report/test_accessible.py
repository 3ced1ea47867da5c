"""What axe (https://github.com/dequelabs/axe-core) finds in the report: nothing serious, in any theme or width.

axe is not installed with Genlock: ``npm pack axe-core``, unpack it, and name its ``axe.min.js`` in ``AXE_JS``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genlock.report import SeenFaces, make_preview, write_report

from .browser import open_report, resize, scheme
from .clips import HEIGHT, WIDTH, Clip
from .contents import content_of, word
from .test_faces import seen_at
from .test_hearing import COMMAND, out_of_step

AXE = Path(os.environ.get("AXE_JS", ""))
SERIOUS = """
const done = arguments[0];
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.any[0]?.message ?? ""}`))));
"""


@pytest.fixture
def page(clip: Callable[[str], Clip], tmp_path: Path) -> Path:
    """A report with everything that one can have."""
    truth, seen = clip("plain.mp4"), SeenFaces()
    for frame in range(60):
        seen(seen_at(frame, 0, 4.0 * frame))
    words = [word("one", 0.2, 0.6), word("two", 0.7, 1.1, 0.3), word("lost", None, None, reason="not found")]
    content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), words, notes=["a note"])
    content = replace(
        content,
        sync={"offset_seconds": -0.2, "probability": 0.97, "sentence": "the sound is 200 ms late"},
        measurement=out_of_step(-0.2),
        repair_command=COMMAND,
        faces=seen.rows((WIDTH, HEIGHT), [0]),
    )
    return write_report(tmp_path / "all.html", content).path


@pytest.mark.slow
@pytest.mark.skipif(not AXE.is_file(), reason="AXE_JS does not name axe-core's axe.min.js")
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(driver: Any, page: Path, light: bool, width: int) -> None:
    resize(driver, (width, 900))
    scheme(driver, light)
    open_report(driver, page)
    driver.execute_script("window.genlock.seek(0.3); document.getElementById('correct').click()")
    driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    assert driver.execute_async_script(SERIOUS) == []
    driver.execute_script("document.getElementById('help').showModal()")
    assert driver.execute_async_script(SERIOUS) == []
    scheme(driver, light=False)
    resize(driver, (1440, 1000))
