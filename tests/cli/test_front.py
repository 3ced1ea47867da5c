"""What somebody meets who types ``genlock`` for the first time."""

from __future__ import annotations

import platform

import pytest

import genlock
from genlock.cli import main


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
