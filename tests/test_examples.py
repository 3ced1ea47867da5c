"""The notebooks of examples/ run from beginning to end, with nothing that somebody would have to explain."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def test_there_is_a_notebook_for_each_of_three_roles() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["captioner", "data_engineer", "talking_head"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    pytest.importorskip("nbclient", reason="nbclient is not installed (the dev extra has it)")
    notebook = runpy.run_path(str(ROOT / "tools" / "run_notebooks.py"))["run_notebook"](path)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.get("name") != "stderr", output["text"]
            assert "/tmp" not in str(output), "a folder of this machine is shown"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_site_shows_what_a_notebook_shows(path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (the dev extra has it)")
    page = runpy.run_path(str(ROOT / "docs" / "site.py"))["notebook"](path)
    assert page.startswith("# ")
    assert "```python\nimport tempfile" in page
    assert "<svg" in page
    assert page.count("```") % 2 == 0
    assert "genlock." in page
