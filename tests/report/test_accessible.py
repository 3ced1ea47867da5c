"""What axe (https://github.com/dequelabs/axe-core) finds in the report: nothing serious, in any theme or width.

axe is not installed with Genlock; ``serious_faults`` says how to get it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genlock.report import SeenFaces, make_preview, write_report

from .browser import open_report, resize, scheme, serious_faults
from .clips import HEIGHT, WIDTH, Clip
from .contents import content_of, word
from .test_faces import seen_at
from .test_hearing import COMMAND, out_of_step


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
        sync={"offset_seconds": -0.2, "probability": 0.97, "sentence": "sound 200 ms late"},
        measurement=out_of_step(-0.2),
        repair_command=COMMAND,
        faces=seen.rows((WIDTH, HEIGHT), [0]),
    )
    return write_report(tmp_path / "all.html", content).path


@pytest.mark.slow
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(driver: Any, page: Path, light: bool, width: int) -> None:
    resize(driver, (width, 900))
    scheme(driver, light)
    open_report(driver, page)
    driver.execute_script("window.genlock.seek(0.3); document.getElementById('correct').click()")
    driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert serious_faults(driver) == []
    driver.execute_script("document.getElementById('help').showModal()")
    assert serious_faults(driver) == []
    scheme(driver, light=False)
    resize(driver, (1440, 1000))
