"""Clips and the command line for the tests of the tasks: real files, the real program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.cli import main
from genlock.media import Picture, Sound, encode


@dataclass(frozen=True)
class Run:
    """One finished run of ``genlock``."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def genlock(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command line, in this process: importing everything anew each time would take minutes."""

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # the parser of the command line ends so
            status = exit.code if isinstance(exit.code, int) else 1
        shown = capsys.readouterr()
        return Run(status, shown.out, shown.err)

    return run


@pytest.fixture(scope="session")
def tone_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of grey frames at 25 a second with a tone: a sound without any word."""
    path = tmp_path_factory.mktemp("clips") / "tone.mp4"
    frames = [np.full((96, 128, 3), 2 * k, np.uint8) for k in range(50)]
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * 48000) / 48000)
    encode(path, Picture(frames, rate=25), Sound(tone, 48000))
    return path
