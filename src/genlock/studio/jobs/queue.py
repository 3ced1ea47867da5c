"""The queue of jobs, in SQLite: what waits, what runs and how far it is, what became of the rest.

Every change is one transaction on the disk, so that nothing is lost when the machine goes down. A job that was running
then is begun again, twice at most: a job that ends its worker each time is not tried for ever. ``docs/adr`` says why
this is no library.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genlock.core.json_forms import dump_json
from genlock.core.one_line import one_line
from genlock.studio.folder import NotThere

__all__ = ["MOST_ATTEMPTS", "Job", "JobQueue", "State"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]

#: So often is a job begun at most.
MOST_ATTEMPTS = 2
_ENDED = ("done", "failed", "cancelled")
_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, file TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', attempt INTEGER NOT NULL DEFAULT 0,
    stop INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '', done REAL NOT NULL DEFAULT 0, total REAL,
    message TEXT NOT NULL DEFAULT '', result TEXT,
    created REAL NOT NULL, started REAL, ended REAL, change INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, id);
CREATE INDEX IF NOT EXISTS jobs_by_change ON jobs (change);
CREATE TABLE IF NOT EXISTS lines (job INTEGER NOT NULL, at REAL NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS lines_by_job ON lines (job);
CREATE TABLE IF NOT EXISTS counter (change INTEGER NOT NULL);
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
"""


@dataclass(frozen=True)
class Job:
    """One job, as it stands."""

    id: int
    """Its number; later jobs have higher ones."""
    kind: str
    """What is done, such as ``align``."""
    file: str
    """The number of the file that it is done to."""
    name: str
    """That file's name, for people."""
    options: Mapping[str, Any]
    """What was asked for, as the form sent it."""
    state: State
    """``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``."""
    attempt: int
    """How often it was begun."""
    stage: str
    """What is being done now."""
    done: float
    """How much of the stage, in its own unit."""
    total: float | None
    """How much there is of the stage; None: not known."""
    message: str
    """What became of it, in words."""
    result: Mapping[str, Any] | None
    """What came out."""
    created: float
    """When it was asked for, seconds of the epoch."""
    started: float | None
    """When it was begun."""
    ended: float | None
    """When it ended."""
    change: int
    """Number of the last change of any job when this one changed."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form, without the result."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del told["result"]
        return told


class JobQueue:
    """The jobs of one folder. May be used by several threads and processes at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     queue = JobQueue(Path(folder) / "jobs.sqlite")
    ...     number = queue.add("align", "0123", "talk.mp4", {})
    ...     job = queue.begin()
    ...     queue.finish(job, "done", "12 words")
    ...     (job.id == number, queue.job(number).state, queue.begin())
    (True, 'done', None)
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as base:
            base.executescript(f"PRAGMA journal_mode=WAL; {_TABLES}")

    @contextmanager
    def _open(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction: no thread ever meets that of another, and readers wait for nobody."""
        base = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            base.row_factory = sqlite3.Row
            base.execute("PRAGMA synchronous=NORMAL")
            base.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield base
            if base.in_transaction:
                base.execute("COMMIT")
        finally:
            base.close()  # what was not committed is undone

    # ------------------------------------------------------------ asking

    def job(self, number: int) -> Job:
        """A job by its number. Raises NotThere."""
        with self._open(write=False) as base:
            row = base.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise NotThere(f"there is no job {number}")
        return _job(row)

    def changed_since(self, change: int, most: int = 500) -> list[Job]:
        """The jobs that changed after a number of change, the newest ``most`` of them, in the order of their change."""
        with self._open(write=False) as base:
            rows = base.execute(
                "SELECT * FROM jobs WHERE change > ? ORDER BY change DESC LIMIT ?", (change, most)
            ).fetchall()
        return [_job(row) for row in reversed(rows)]

    def lines(self, number: int, most: int = 1000) -> list[tuple[float, str]]:
        """The last lines of a job's log: when, and what."""
        with self._open(write=False) as base:
            rows = base.execute(
                "SELECT at, text FROM lines WHERE job = ? ORDER BY rowid DESC LIMIT ?", (number, most)
            ).fetchall()
        return [(row["at"], row["text"]) for row in reversed(rows)]

    def wants_stop(self, number: int) -> bool:
        """Whether somebody has asked for a running job to end."""
        with self._open(write=False) as base:
            row = base.execute("SELECT stop FROM jobs WHERE id = ?", (number,)).fetchone()
        return bool(row and row["stop"])

    # ------------------------------------------------------------ changing

    def add(self, kind: str, file: str, name: str, options: Mapping[str, Any]) -> int:
        """Ask for a job; its number. The same job that waits already is not asked for twice."""
        with self._open() as base:
            asked = dump_json(options)
            same = base.execute(
                "SELECT id FROM jobs WHERE state = 'waiting' AND kind = ? AND file = ? AND options = ?",
                (kind, file, asked),
            ).fetchone()
            if same is not None:
                return int(same["id"])
            made = base.execute(
                "INSERT INTO jobs (kind, file, name, options, created, change) VALUES (?, ?, ?, ?, ?, ?)",
                (kind, file, name, asked, time.time(), _next_change(base)),
            )
            return int(made.lastrowid or 0)

    def begin(self) -> Job | None:
        """The job that has waited longest, which is running from now on; None if none waits."""
        with self._open() as base:
            row = base.execute("SELECT id FROM jobs WHERE state = 'waiting' ORDER BY id LIMIT 1").fetchone()
            if row is None:
                return None
            base.execute(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, stage = '', done = 0, total = NULL, "
                "message = '', started = ?, ended = NULL, change = ? WHERE id = ?",
                (time.time(), _next_change(base), row["id"]),
            )
            return _job(base.execute("SELECT * FROM jobs WHERE id = ?", (row["id"],)).fetchone())

    def progress(self, job: Job, stage: str, done: float, total: float | None) -> None:
        """Note how far a running job is; ignored if this is not its latest attempt."""
        with self._open() as base:
            base.execute(
                "UPDATE jobs SET stage = ?, done = ?, total = ?, change = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (stage, done, total, _next_change(base), job.id, job.attempt),
            )

    def say(self, number: int, text: str) -> None:
        """Write a line into a job's log."""
        with self._open() as base:
            base.execute("INSERT INTO lines (job, at, text) VALUES (?, ?, ?)", (number, time.time(), text))

    def finish(self, job: Job, state: State, message: str, result: Mapping[str, Any] | None = None) -> None:
        """Note what became of a job. One that has ended already, or was begun anew, stays as it is."""
        told = None if result is None else dump_json(result)
        with self._open() as base:
            base.execute(
                "UPDATE jobs SET state = ?, message = ?, result = ?, ended = ?, change = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (state, message, told, time.time(), _next_change(base), job.id, job.attempt),
            )

    def stop(self, number: int) -> Job:
        """End a job: one that waits at once, one that runs as soon as its worker has put its things away."""
        with self._open() as base:
            change = _next_change(base)
            base.execute(
                "UPDATE jobs SET state = 'cancelled', message = 'cancelled before it began', ended = ?, change = ? "
                "WHERE id = ? AND state = 'waiting'",
                (time.time(), change, number),
            )
            base.execute(
                "UPDATE jobs SET stop = 1, change = ? WHERE id = ? AND state = 'running'", (change, number)
            )
        return self.job(number)

    def recover(self) -> list[Job]:
        """After a start: jobs that ran when the studio went down wait again; the second time they have failed.

        Nobody else may be working on the queue. Gives those jobs as they are now.
        """
        with self._open() as base:
            rows = base.execute("SELECT id, attempt, stop FROM jobs WHERE state = 'running'").fetchall()
            for row in rows:
                change, now = _next_change(base), time.time()
                if row["stop"]:
                    state, why = "cancelled", "cancelled; the studio was ended before its worker had stopped"
                elif row["attempt"] < MOST_ATTEMPTS:
                    state, why = "waiting", "the studio was ended while this ran: it is begun again"
                else:
                    state = "failed"
                    why = f"the studio was ended {row['attempt']} times while this ran; ask for it again"
                base.execute(
                    "UPDATE jobs SET state = ?, message = ?, ended = ?, change = ? WHERE id = ?",
                    (state, why, None if state == "waiting" else now, change, row["id"]),
                )
                base.execute("INSERT INTO lines (job, at, text) VALUES (?, ?, ?)", (row["id"], now, why))
        return [self.job(row["id"]) for row in rows]


def _next_change(base: sqlite3.Connection) -> int:
    base.execute("UPDATE counter SET change = change + 1")
    return int(base.execute("SELECT change FROM counter").fetchone()["change"])


def _job(row: sqlite3.Row) -> Job:
    told = {name: row[name] for name in Job.__dataclass_fields__}
    told["options"] = json.loads(row["options"])
    told["result"] = None if row["result"] is None else json.loads(row["result"])
    return Job(**told)
