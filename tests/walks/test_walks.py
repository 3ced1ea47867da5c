"""What somebody meets who tries Genlock in one of five roles: what each command says is kept, and read by people.

A walk is a file of commands; what they said the last time that somebody looked lies beside it (``.seen``). It is walked
in a folder of its own with a home that is empty but for the models, and without the variables of whoever runs it.
Numbers that differ from machine to machine (times that it took, sizes, shares of sureness) are told by ``#``.

    GENLOCK_WALKS=write python -m pytest -m slow tests/walks        writes what is said now; read it before you commit
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genlock.speech.whisper.recognizer import FasterWhisper
from genlock.weights import default_registry

HERE = Path(__file__).parent
WALKS = sorted(HERE.glob("*.walk"))
#: Numbers are left out wherever they stand alone: they are what other tests measure.
NUMBER = re.compile(r"(?<![\w#])[-+]?\d+(?:[.,:]\d+)*(?![\w#])")
PROGRESS = re.compile(r"(\[\d+/\d+\] )?\w+: \d+ %|.*( to go$|worker seconds| a minute;)")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people who speak, drawn: everything that is said of them can be made again."""
    folder = tmp_path_factory.mktemp("walks") / "films"
    call = ["synth", "talkers", "-n", "2", "--rates", "25", "--sizes", "320x240", "--seed", "3"]
    subprocess.run(
        [sys.executable, "-m", "genlock", *call, "-o", str(folder)], check=True, capture_output=True
    )
    for kept in [path for path in folder.iterdir() if path.suffix not in (".mp4", ".txt")]:
        kept.unlink()
    return folder


def walk(commands: list[str], where: Path) -> str:
    """What a person sees who types these; how far a command had come is no part of it."""
    cache = default_registry().cache.parent
    environment = {
        "HOME": str(where),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        # In the order of a terminal, where both streams are one and no line waits.
        "PYTHONUNBUFFERED": "1",
        "GENLOCK_CACHE": str(cache),
    }
    seen = []
    for command in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=where,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )
        said = "\n".join(line for line in done.stdout.splitlines() if not PROGRESS.match(line))
        said = said.replace(str(where), "HERE").replace(str(cache), "CACHE").rstrip()
        seen.append(
            f"$ {command}\n{said}\n{f'(status {done.returncode})' if done.returncode else ''}".rstrip()
        )
    return "\n\n".join(seen) + "\n"


def without_numbers(text: str) -> list[str]:
    """Lines to compare; sums of files differ with the encoder."""
    lines = [re.sub(r"[#-][0-9a-f]{8}\b", "#", line) for line in text.splitlines()]
    return [re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip() for line in lines]


@pytest.mark.parametrize("path", WALKS, ids=lambda path: path.stem)
def test_a_walk_says_what_was_read(path: Path, films: Path, tmp_path: Path) -> None:
    if FasterWhisper.missing():
        pytest.skip(str(FasterWhisper.missing()))
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    shutil.copytree(films, tmp_path / "films")
    commands = [line[2:] for line in path.read_text("utf-8").splitlines() if line.startswith("$ ")]
    seen, kept = walk(commands, tmp_path), path.with_suffix(".seen")
    assert "Traceback" not in seen
    if os.environ.get("GENLOCK_WALKS") == "write":
        kept.write_text(seen, "utf-8")
    assert without_numbers(seen) == without_numbers(kept.read_text("utf-8"))
