"""The notebooks of examples/ run from beginning to end, with nothing that somebody would have to explain."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

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
    kept = json.loads(path.read_text("utf-8"))
    assert said(notebook) == said(kept), "the notebook shows what once was: python tools/run_notebooks.py"


def said(notebook: Any) -> list[list[str]]:
    """What each cell shows in words, without its figures, which differ a little from machine to machine."""
    shown = []
    for cell in notebook["cells"]:
        texts = []
        for output in cell.get("outputs", ()):
            told = output.get("data", {"text/plain": output.get("text", "")})
            words = "".join(told.get("text/html") or told.get("text/plain") or "")
            words = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", words, flags=re.DOTALL)
            texts.append(re.sub(r"[-−]?[0-9][0-9a-f.]*", "0", words))
        shown.append(" ".join(" ".join(texts).split()).split("; "))
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_site_shows_what_a_notebook_shows(path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (the dev extra has it)")
    page = runpy.run_path(str(ROOT / "docs" / "site.py"))["notebook"](path)
    assert page.startswith("# ")
    assert "```python\nimport tempfile" in page
    assert "<svg" in page
    assert page.count("```") % 2 == 0
    assert "genlock." in page
