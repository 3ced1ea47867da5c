"""Progress where nobody looks at a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genlock.cli import running
from genlock.cli.running import Bar


def test_a_log_gets_a_line_now_and_then_and_none_for_what_is_quick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 4.0, 12.0, 13.0, 23.5])
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Bar("[1/2] ") as bar:
        for done in (10, 20, 50, 60, 75):
            bar("reading", done, 100)
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "[1/2] reading: 50 %, some 11 s to go",
        "[1/2] reading: 75 %, some 8 s to go",
    ]
