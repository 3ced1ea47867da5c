"""The Makefile: odd file names reach the command whole, set-up runs once, and too old a Python is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")

# Through sh, because the interpreter's own path may hold a space, which a first line `#!` cannot.
ECHO = f"""#!/bin/sh
exec '{sys.executable}' -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"
"""
ODD_NAMES = [
    "two words.mp4",
    'it\'s "quoted".mp4',
    "$HOME and $(HOME) and `id`.mp4",
    "back\\slash;semi&amp#hash.mp4",
    "видео 影片.mp4",
    "*.mp4",
]


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    """A copy of the project's set-up whose .venv is up to date and whose genlock says what it was told."""
    folder = tmp_path / "a project"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(repository / name, folder)
    shutil.copytree(repository / "tools", folder / "tools")
    table = folder / "src" / "genlock" / "weights" / "table.toml"
    table.parent.mkdir(parents=True)
    table.touch()
    genlock = folder / ".venv" / "bin" / "genlock"
    genlock.parent.mkdir(parents=True)
    genlock.write_text(ECHO)
    genlock.chmod(0o755)
    (folder / ".venv" / "pyvenv.cfg").touch()
    stamps = folder / ".venv" / ".stamps"
    stamps.mkdir()
    later = time.time() + 10
    for name in ("core", "dev", "weights"):
        (stamps / name).touch()
        os.utime(stamps / name, (later, later))
    return folder


def make(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        ["make", "-j2", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_reach_the_command_whole(project: Path, name: str) -> None:
    done = make(project, "align", f"VIDEO={name}", f"TRANSCRIPT={name}.txt", f"OUT=out of {name}")
    assert json.loads(done.stdout) == ["align", name, "--transcript", name + ".txt", "-o", "out of " + name]


def test_only_what_is_given_is_handed_on(project: Path) -> None:
    assert json.loads(make(project, "align", "VIDEO=a.mp4").stdout) == ["align", "a.mp4"]
    assert json.loads(make(project, "align", "VIDEO=a.mp4", "ARGS=--json --end 3").stdout)[2:] == [
        "--json",
        "--end",
        "3",
    ]


def test_bench_hands_names_and_options_to_the_runner(project: Path) -> None:
    shutil.copy(project / ".venv" / "bin" / "genlock", project / ".venv" / "bin" / "python")
    later = time.time() + 20
    stamp = project / ".venv" / ".stamps" / "bench"
    stamp.touch()
    os.utime(stamp, (later, later))
    done = make(project, "bench", "ARGS=--whole timing")
    assert json.loads(done.stdout) == ["tools/run_benchmarks.py", "--whole", "timing"], done.stderr
    assert (project / "tools" / "run_benchmarks.py").is_file()


def test_align_without_a_video_says_what_to_say(project: Path) -> None:
    done = make(project, "align")
    assert done.returncode != 0
    assert "make align VIDEO=talk.mp4" in done.stderr


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_set_up_runs_again_only_when_its_inputs_changed(project: Path, changed: str) -> None:
    assert make(project, "-q", "setup").returncode == 0
    later = time.time() + 20
    os.utime(project / changed, (later, later))
    assert make(project, "-q", "setup").returncode == 1


def test_too_old_a_python_is_refused_with_what_was_found(project: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("make", "sh", "rm", "mkdir", "touch", "sed"):
        (programs / name).symlink_to(str(shutil.which(name)))
    old = programs / "python3"
    # What the real one of 3.9 does with the two questions that the script asks.
    old.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1;; *print*) echo 3.9.18;; esac\n')
    old.chmod(0o755)
    shutil.rmtree(project / ".venv")
    done = make(project, "setup", path=str(programs))
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "python3: 3.9.18" in done.stderr
    assert "python3.13: not found" in done.stderr
    assert not (project / ".venv").exists()


def test_help_lists_the_public_targets(project: Path) -> None:
    shown = make(project).stdout
    for target in ("align", "demo", "test", "bench", "check"):
        assert target in shown


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_what_the_demo_makes_is_nothing_to_commit(repository: Path) -> None:
    if not (repository / ".git").exists():
        pytest.skip("this is no clone")
    ask = ["git", "check-ignore", "--quiet", "genlock-demo/testcard.mp4"]
    assert subprocess.run(ask, cwd=repository, check=False).returncode == 0
