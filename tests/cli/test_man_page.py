"""The manual page says what the commands say of themselves, and is one that `man` can show."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from genlock.cli.table import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "genlock.1"


def test_the_page_is_that_of_the_commands_of_now() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "write_man.py"))["man_page"]()
    assert PAGE.read_text("utf-8") == written, "run tools/write_man.py"


def test_man_shows_it_whole() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff on this machine (Debian: apt-get install groff)")
    shown = subprocess.run(
        [groff, "-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u", str(PAGE)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    for name in COMMANDS:
        assert f"usage: genlock {name}" in shown.stdout
    for said in ("--least-probability FLOAT", "130, 143", "talk.srt"):
        assert said in shown.stdout
    assert "{None" not in shown.stdout
