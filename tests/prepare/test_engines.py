"""Hostile sources take nothing else along: a reader that hangs, crashes, or wants too much memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.prepare.sources import film, fingerprint

from genlock.core.errors import OptionError

pytest.importorskip("pyarrow")

from genlock.data.engines import make_engine
from genlock.data.prepare import PrepareOptions, prepare


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    film(folder / "a.mkv", seconds=1, seed=1)
    film(folder / "bright.mkv", seconds=1, events=tuple(k / 25 + 0.001 for k in range(25)))
    film(folder / "c.mkv", seconds=1, seed=2)
    return folder


def options(net: str, **more: object) -> PrepareOptions:
    outputs = f"sound@16000,rgb:tests.prepare.hostile:{net}@25/32x24"
    return PrepareOptions("folder", outputs=outputs, clip_seconds="whole", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("net", "reason", "more"),
    [
        ("hang", "took longer than 8 s", {"limit_seconds": 8.0}),
        ("crash", "crashed its reader: signal 6 (SIGABRT)", {}),
    ],
)
def test_a_hostile_file_is_quarantined_and_the_others_are_done(
    corpus: Path, tmp_path: Path, net: str, reason: str, more: dict[str, object]
) -> None:
    result = prepare(corpus, tmp_path / "d", options(net, **more))
    assert result.quarantined == (("bright.mkv", reason),)
    assert result.clips == 2
    assert not [path for path in fingerprint(tmp_path / "d") if "bright" in path]


def test_what_crashes_once_is_done_the_second_time(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_TEST_MARK", str(tmp_path / "mark"))
    result = prepare(corpus, tmp_path / "d", options("crash_once"))
    assert (result.clips, result.quarantined) == (3, ())


def test_too_little_memory_is_said(corpus: Path, tmp_path: Path) -> None:
    result = prepare(corpus, tmp_path / "d", options("fill_memory"))
    assert {reason for _, reason in result.quarantined} == {"too large: the memory was not enough"}
    again = prepare(corpus, tmp_path / "d", options("fill_memory"))
    assert again.quarantined == result.quarantined  # not tried again for nothing
    assert prepare(corpus, tmp_path / "d", options("means", retry=True)).clips == 3


def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """Files of more than 250 kB cannot be written, as on a disk that is nearly full."""
    film(tmp_path / "s/a.mkv", seconds=2, seed=1)
    film(tmp_path / "s/b.mkv", seconds=9, seed=1)
    code = (
        "import resource, signal, sys; from genlock.data.prepare import *; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY)); "
        "prepare(*sys.argv[2:], PrepareOptions('folder', outputs='sound@16000', clip_seconds='whole'))"
    )
    command = [sys.executable, "-c", code]
    places = [str(tmp_path / "s"), str(tmp_path / "d")]
    stopped = subprocess.run([*command, "250000", *places], capture_output=True, text=True, check=False)
    assert "OutputError" in stopped.stderr
    assert "give the same command again" in stopped.stderr
    assert not list((tmp_path / "d").rglob("b-*.wav"))
    subprocess.run([*command, "-1", *places], check=True)
    assert len(list((tmp_path / "d").rglob("*.wav"))) == 2


def test_engines_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="spark"):
        make_engine("spark", 2, 600)
    with pytest.raises(OptionError, match="--engine ray"):
        make_engine("local", 2, 600, "10.0.0.1:6379")
    with pytest.raises(OptionError, match="at least one worker"):
        make_engine("local", 0, 600)


def test_a_worker_that_finds_no_words_imports_no_recogniser() -> None:
    """Every worker of every run would pay a second and 80 MB for it."""
    look = "import sys, genlock.data.worker; print(*{'numba', 'faster_whisper', 'pocketsphinx'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""
