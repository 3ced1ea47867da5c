"""The ledger: what is done is not done again, what is not whole is, and nothing told as done is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from genlock.core.errors import FormatError
from genlock.data.ledger import Item, Ledger, Output, Quarantined, Todo
from genlock.data.plans import DatasetPlan

MEL, MORE = DatasetPlan("whole", {"mel": "1"}), DatasetPlan("whole", {"mel": "1", "mfcc": "1"})
A, B = Item("a-1", "a.mp4", 10, 1), Item("b-2", "b.mp4", 20, 2)


CUT = DatasetPlan("10 s", MEL.outputs)
CLIP = {"number": 0, "outputs": [{"kind": "mel", "path": "p"}]}


def finish(ledger: Ledger, item: Item, sizes: dict[str, int]) -> None:
    path = f"mel/{item.name}.npz"
    ledger.done(
        item.name,
        content="c",
        outputs=[Output(path, 5, "00")],
        clips=[CLIP],
        made=MEL.outputs,
        media_seconds=3.0,
    )
    sizes[path] = 5


def names(todo: Todo) -> list[str]:
    return [item.name for item, _ in todo.items]


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    sizes: dict[str, int] = {}
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert names(ledger.plan([A, B], MEL, sizes.get)) == ["a-1", "b-2"]
        finish(ledger, A, sizes)
        ledger.quarantine("b-2", "cannot be decoded at 3.2 s", failed=MEL.outputs)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert ledger.plan([A, B], MEL, sizes.get).items == []
        assert ledger.quarantined() == [
            Quarantined("b-2", "b.mp4", "cannot be decoded at 3.2 s", "cannot be decoded at N s")
        ]
        assert ledger.progress().reasons == {"cannot be decoded at N s": 1}
        assert list(ledger.finished()) == [("a-1", "a.mp4", "c", [CLIP])]
        assert ledger.clip_count() == 1


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("plan", ["a-1", "b-2"]),
        ("size", ["a-1"]),
        ("time", ["a-1"]),
        ("output cut short", ["a-1"]),
        ("output gone", ["a-1"]),
        ("nothing", []),
    ],
)
def test_what_changed_or_is_not_whole_is_done_again(tmp_path: Path, change: str, again: list[str]) -> None:
    sizes: dict[str, int] = {}
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.plan([A, B], MEL, sizes.get)
        finish(ledger, A, sizes)
        finish(ledger, B, sizes)
        first = {"size": Item("a-1", "a.mp4", 11, 1), "time": Item("a-1", "a.mp4", 10, 7)}.get(change, A)
        if change == "output cut short":
            sizes["mel/a-1.npz"] = 4
        if change == "output gone":
            del sizes["mel/a-1.npz"]
        assert names(ledger.plan([first, B], CUT if change == "plan" else MEL, sizes.get)) == again


def test_a_source_that_is_gone_leaves_orphans(tmp_path: Path) -> None:
    sizes: dict[str, int] = {}
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.plan([A, B], MEL, sizes.get)
        finish(ledger, A, sizes)
        finish(ledger, B, sizes)
        ledger.plan([B], MEL, sizes.get)
        assert [name for name, *_ in ledger.finished()] == ["b-2"]
        assert ledger.orphans(sizes) == ["mel/a-1.npz"]
        assert ledger.outputs() == [Output("mel/b-2.npz", 5, "00")]


def test_progress_tells_rate_and_what_is_left(tmp_path: Path) -> None:
    now = [1000.0]
    items = [Item(f"i{k}", f"{k}.mp4", 1, 1) for k in range(10)]
    with Ledger(tmp_path / "l.sqlite", clock=lambda: now[0]) as ledger:
        ledger.plan(items, MEL, {}.get)
        for item in items[:5]:
            ledger.done(item.name, content="", outputs=[], clips=[], made={}, work_seconds=4, media_seconds=8)
            now[0] += 2.0
        told = ledger.progress()
    assert told.counts == {"done": 5, "pending": 5, "quarantined": 0}
    assert told.rate == pytest.approx(0.5)
    assert told.eta_seconds == pytest.approx(10)
    assert "1800 worker seconds for each hour" in str(told)


def test_a_killed_writer_loses_nothing_that_it_was_told(tmp_path: Path) -> None:
    """A process is killed with SIGKILL between two items, without closing anything."""
    code = f"""
import os, signal
from genlock.data.ledger import Item, Ledger, Output
from genlock.data.plans import DatasetPlan
ledger = Ledger({str(tmp_path / "l.sqlite")!r})
items = [Item("a-1", "a.mp4", 10, 1), Item("b-2", "b.mp4", 20, 2)]
ledger.plan(items, DatasetPlan("whole", {{"mel": "1"}}), lambda path: None)
ledger.done("a-1", content="c", outputs=[Output("x", 1, "00")], clips=[], made={{"mel": "1"}})
ledger._file.execute("begin immediate")
ledger._file.execute("update items set status = 'done' where name = 'b-2'")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert names(ledger.plan([A, B], MEL, lambda path: 1)) == ["b-2"]


def test_damaged_foreign_and_newer_ledgers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be looked at " * 40)
    with pytest.raises(FormatError, match="not a ledger"):
        Ledger(tmp_path / "text")
    Ledger(tmp_path / "new").close()
    with sqlite3.connect(tmp_path / "new") as file:
        file.execute("update facts set value = '99' where name = 'schema'")
    with pytest.raises(FormatError, match="install a newer genlock"):
        Ledger(tmp_path / "new")
