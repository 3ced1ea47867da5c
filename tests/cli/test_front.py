"""What somebody meets who types ``genlock`` for the first time."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import import_module

import pytest

import genlock
from genlock.cli import main
from genlock.cli.table import COMMANDS


def test_genlock_alone_shows_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    for said in ("genlock align talk.mp4", "genlock sync talk.mp4", "prepare"):
        assert said in told


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_names_python_and_system(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"genlock {genlock.__version__}, Python {platform.python_version()}, ")


def test_help_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys; from genlock.cli import main; main([]); print(sorted(sys.modules), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "av", "cv2", "numba", "tyro", "rich", "faster_whisper"):
        assert f"'{heavy}'" not in told.stderr


def test_a_command_imports_no_other_ones() -> None:
    program = (
        "import sys; from genlock.cli import main\n"
        "try: main(['probe', '--help'])\n"
        "except SystemExit: print(sorted(sys.modules), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for heavy in (
        "genlock.tasks.align_video",
        "genlock.tasks.sync_video",
        "faster_whisper",
        "numba",
        "torch",
    ):
        assert f"'{heavy}'" not in told.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_each_command_says(name: str) -> None:
    command = COMMANDS[name]
    docstring = getattr(import_module(command.module), name).__doc__
    assert docstring.split("\n")[0] == command.title


def test_an_unknown_command_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wrods", "talk.mp4"]) == 2
    assert "did you mean 'words'?" in capsys.readouterr().err
