"""The pages that say how to write a plug-in show files that are tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
#: Pages and the files of tests/plugins/tones that they show.
PAGES = [
    ("write-a-recognizer.md", "recognizer.py"),
    ("write-an-aligner.md", "aligner.py"),
    ("write-an-estimator.md", "estimator.py"),
    ("write-a-world.md", "world.py"),
    ("write-a-bench.md", "bench.py"),
    ("write-a-corpus.md", "corpus.py"),
    ("write-an-exporter.md", "exporter.py"),
    ("write-a-face.md", "face.py"),
    ("add-a-feature.md", "feature.py"),
    ("add-a-feature.md", "brightness.py"),
    ("add-a-feature.md", "tilt.py"),
    ("add-a-feature.md", "glowing.py"),
]


@pytest.mark.parametrize(("page", "file"), PAGES)
def test_a_page_shows_the_tested_file(page: str, file: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert (HERE / "tones" / "genlock_tones" / file).read_text(encoding="utf-8") in shown
    project = (HERE / "tones" / "pyproject.toml").read_text(encoding="utf-8")
    for entry in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL):
        assert entry.strip() in project
