"""Progress where nobody looks at a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genlock.cli import running
from genlock.cli.running import Bar, Pace


def test_a_log_gets_a_line_now_and_then_and_none_for_what_is_quick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.0, 1.0, 4.0, 12.0, 13.0, 23.5])
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Bar("[1/2] ") as bar:
        for done in (10, 20, 50, 60, 75):
            bar("reading", done, 100)
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "[1/2] reading: 50 %, some 12 s to go",
        "[1/2] reading: 75 %, some 8 s to go",
    ]


def test_many_files_of_which_each_is_quick_are_told_of_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file had ten seconds of its own, so that an hour of short ones was silent."""
    now = [0.0]
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: now[0]))
    pace = Pace()
    for number in range(6):
        with Bar(f"[{number + 1}/6] ", pace) as bar:
            for done in (1, 2):
                now[0] += 1.5
                bar("reading", done, 3)
    assert capsys.readouterr().err.splitlines() == ["[4/6] reading: 33 %, some 3 s to go"]


def test_the_time_left_of_what_tells_late_that_it_began(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recogniser that told of a fifth of its work after 20 seconds was said to be done in one more."""
    clock = iter([0.0, 0.0, 20.0])
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Bar("") as bar:
        bar("recognise", 20, 100)
    assert capsys.readouterr().err == "recognise: 20 %, some 80 s to go\n"
