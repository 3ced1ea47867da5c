"""The editor's own logic, run by node where it is installed: exact borders, neighbours, undo to the last digit."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

import genlock

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_six_hundred_drags_never_break_the_order_and_are_taken_back(tmp_path: Path) -> None:
    package = Path(str(files(genlock)))
    shutil.copytree(package / "studio" / "static", tmp_path / "static")
    shutil.copytree(package / "report" / "page", tmp_path / "page")
    shutil.copy(Path(__file__).with_name("editor_check.js"), tmp_path / "check.js")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = subprocess.run([str(NODE), "check.js"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "all taken back" in done.stdout
