"""What is to be done for a dataset, what is done, and what could not be: one SQLite file beside it.

One process writes it, the one that hands out the work; whoever wants to know how far it is may read it at any time.
An item is one source file. What it was made from and how is in its *key*; an item whose key has changed, or one of
whose outputs is missing or has another length, is to be done again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

from genlock.core.errors import FormatError, OutputError

__all__ = ["Item", "Ledger", "Output", "Progress", "Status"]

_SCHEMA = 1
Status: TypeAlias = Literal["pending", "done", "quarantined"]

_TABLES = """
create table if not exists facts (name text primary key, value text not null) without rowid;
create table if not exists items (
    name text primary key, path text not null, size integer not null, modified_ns integer not null,
    plan text not null, status text not null, content text not null default '', reason text not null default '',
    attempts integer not null default 0, work_seconds real not null default 0, media_seconds real not null default 0,
    ended real, clips text not null default '[]'
) without rowid;
create index if not exists items_by_status on items (status);
create table if not exists outputs (
    path text primary key, name text not null, size integer not null, sha256 text not null
) without rowid;
create index if not exists outputs_by_name on outputs (name);
"""


@dataclass(frozen=True)
class Item:
    """One source file to be done."""

    name: str
    """Unique in the dataset: the file's stem and eight digits of the hash of its path within the source."""
    path: str
    """Where it is, relative to the source folder."""
    size: int
    """Bytes, when it was listed."""
    modified_ns: int
    """When it was changed last, in nanoseconds."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the corpus says of it: group, split, class, transcript; not kept in the ledger."""


@dataclass(frozen=True)
class Output:
    """One file of the dataset."""

    path: str
    """Relative to the dataset."""
    size: int
    """Bytes."""
    sha256: str
    """Of its bytes, hexadecimal."""


@dataclass(frozen=True)
class Progress:
    """How far a dataset is."""

    counts: dict[str, int]
    """Number of items by status."""
    reasons: dict[str, int]
    """Number of quarantined items by the class of their reason, the most frequent first."""
    media_seconds: float
    """Sound and picture done, in seconds."""
    work_seconds: float
    """What that cost, in seconds of one worker."""
    rate: float | None
    """Items a second over the last ten minutes in which any ended; None if none did."""

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until nothing is pending, at this rate; None if it is not known."""
        pending = self.counts.get("pending", 0)
        return 0.0 if not pending else None if not self.rate else pending / self.rate

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return {
            "counts": self.counts,
            "reasons": self.reasons,
            "media_seconds": self.media_seconds,
            "work_seconds": self.work_seconds,
            "items_per_second": self.rate,
            "eta_seconds": self.eta_seconds,
        }

    def __str__(self) -> str:
        done = " | ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        lines = [done or "nothing to do"]
        if self.media_seconds:
            cost = 3600 * self.work_seconds / self.media_seconds
            lines.append(
                f"{self.media_seconds / 3600:.2f} hours of media, {cost:.0f} worker seconds for each hour"
            )
        if self.rate:
            eta = self.eta_seconds or 0.0
            lines.append(f"{60 * self.rate:.1f} files a minute; {eta / 60:.0f} minutes to go")
        lines += [f"quarantined {count} x {reason}" for reason, count in self.reasons.items()]
        return "\n".join(lines)


class Ledger:
    """The ledger of one dataset. Use it with ``with``; every change is kept when its method returns.

    Raises
    ------
    FormatError
        If the file is damaged, is not a ledger, or is of a newer schema.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as error:
            raise OutputError(f"the ledger {str(path)!r} cannot be opened: {error}") from error
        try:
            # WAL: readers see a whole state while the writer goes on. FULL: what is told as done outlives a power cut.
            self._file.execute("pragma journal_mode = wal")
            self._file.execute("pragma synchronous = full")
            self._file.executescript(_TABLES)
            self._check_schema()
        except sqlite3.OperationalError as error:
            self._file.close()
            raise OutputError(f"the ledger {str(path)!r} cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise FormatError(
                f"the ledger {str(path)!r} is damaged or not a ledger ({error}); remove it: what is done will be "
                "found out anew"
            ) from error
        except FormatError:
            self._file.close()
            raise

    def _check_schema(self) -> None:
        self._file.execute("insert or ignore into facts values ('schema', ?)", (str(_SCHEMA),))
        found = int(self._file.execute("select value from facts where name = 'schema'").fetchone()[0])
        if found > _SCHEMA:
            raise FormatError(
                f"the ledger {str(self.path)!r} has schema {found}, this genlock reads up to {_SCHEMA}: "
                "install a newer genlock"
            )

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def plan(self, items: Sequence[Item], plan: str, sizes: Callable[[str], int | None]) -> list[Item]:
        """Bring the ledger to this list of items; gives those that are to be done, in order.

        Parameters
        ----------
        items : every source file there is now
        plan : text that names everything that decides about the outputs, apart from the source itself
        sizes : the length in bytes of an output of the dataset, or None if it is missing

        What is done from another state of its file, or with another plan, or whose outputs are not whole, is pending
        again; so is what was quarantined for a state that is no more. Files that are gone leave the ledger; their
        outputs are given by :meth:`orphans`.
        """
        known = {
            row[0]: row[1:]
            for row in self._each("select name, size, modified_ns, plan = ?, status from items", plan)
        }
        whole = self._whole(sizes)
        todo = []
        with self._transaction():
            for item in items:
                state = (item.size, item.modified_ns, True)
                entry = known.pop(item.name, None)
                fresh = entry is None or entry[:3] != state
                if fresh:
                    self._put(item, plan)
                elif entry is not None and entry[3] == "done" and item.name not in whole:
                    self._file.execute(
                        "update items set status = 'pending', reason = '' where name = ?", (item.name,)
                    )
                elif entry is not None and entry[3] != "pending":
                    continue
                todo.append(item)
            gone = [(name,) for name in known]
            self._file.executemany("delete from items where name = ?", gone)
            self._file.executemany("delete from outputs where name = ?", gone)
        return todo

    def _put(self, item: Item, plan: str) -> None:
        self._file.execute(
            "insert into items (name, path, size, modified_ns, plan, status) values (?, ?, ?, ?, ?, 'pending') "
            "on conflict (name) do update set path = excluded.path, size = excluded.size, "
            "modified_ns = excluded.modified_ns, plan = excluded.plan, status = 'pending', content = '', reason = '', "
            "attempts = 0",
            (item.name, item.path, item.size, item.modified_ns, plan),
        )

    def _whole(self, sizes: Callable[[str], int | None]) -> set[str]:
        """Names of the items all of whose outputs have the length that was noted."""
        whole = {row[0] for row in self._each("select name from items where status = 'done'")}
        for path, name, size in self._each("select path, name, size from outputs"):
            if name in whole and sizes(path) != size:
                whole.discard(name)
        return whole

    def done(
        self,
        name: str,
        *,
        content: str,
        outputs: Iterable[Output],
        clips: Sequence[dict[str, Any]],
        work_seconds: float = 0.0,
        media_seconds: float = 0.0,
    ) -> None:
        """An item is done: its outputs lie in the dataset, synced and under their final names."""
        with self._transaction():
            self._file.execute("delete from outputs where name = ?", (name,))
            self._file.executemany(
                "insert or replace into outputs values (?, ?, ?, ?)",
                [(output.path, name, output.size, output.sha256) for output in outputs],
            )
            self._file.execute(
                "update items set status = 'done', content = ?, reason = '', work_seconds = ?, media_seconds = ?, "
                "ended = ?, clips = ?, attempts = attempts + 1 where name = ?",
                (
                    content,
                    work_seconds,
                    media_seconds,
                    self._clock(),
                    json.dumps(list(clips), sort_keys=True),
                    name,
                ),
            )

    def quarantine(self, name: str, reason: str, work_seconds: float = 0.0) -> None:
        """An item cannot be done, for a reason that a person can act upon."""
        with self._transaction():
            self._file.execute("delete from outputs where name = ?", (name,))
            self._file.execute(
                "update items set status = 'quarantined', reason = ?, work_seconds = ?, media_seconds = 0, ended = ?, "
                "clips = '[]', attempts = attempts + 1 where name = ?",
                (reason, work_seconds, self._clock(), name),
            )

    def release_quarantine(self) -> None:
        """What is in quarantine is pending again."""
        with self._transaction():
            self._file.execute(
                "update items set status = 'pending', reason = '' where status = 'quarantined'"
            )

    def orphans(self, present: Iterable[str]) -> list[str]:
        """Of files in the dataset those that belong to no item that is done, sorted."""
        known = "select 1 from outputs where path = ?"
        return sorted(path for path in present if self._file.execute(known, (path,)).fetchone() is None)

    def outputs(self) -> list[Output]:
        """Every output of what is done, by path."""
        return [Output(*row) for row in self._rows("select path, size, sha256 from outputs order by path")]

    def finished(self) -> Iterator[tuple[str, str, str, list[dict[str, Any]]]]:
        """(name, path, content hash, clips) of every item that is done, by name, one after the other."""
        query = "select name, path, content, clips from items where status = 'done' order by name"
        for name, path, content, clips in self._each(query):
            yield name, path, content, json.loads(clips)

    def clip_count(self) -> int:
        """Clips of all items that are done."""
        query = "select total(json_array_length(clips)) from items where status = 'done'"
        return int(self._rows(query)[0][0])

    def quarantined(self) -> list[tuple[str, str, str]]:
        """(name, path, reason) of every item in quarantine, by name."""
        return [
            (row[0], row[1], row[2])
            for row in self._rows(
                "select name, path, reason from items where status = 'quarantined' order by name"
            )
        ]

    def progress(self) -> Progress:
        """How far it is."""
        counts = dict.fromkeys(("done", "pending", "quarantined"), 0)
        counts |= dict(self._rows("select status, count(*) from items group by status"))
        reasons: dict[str, int] = {}
        for (reason,) in self._rows("select reason from items where status = 'quarantined'"):
            kind = reason.split(":")[0]
            reasons[kind] = reasons.get(kind, 0) + 1
        media, work = self._rows("select total(media_seconds), total(work_seconds) from items")[0]
        ends = [
            row[0] for row in self._rows("select ended from items where ended is not null order by ended")
        ]
        return Progress(
            counts=counts,
            reasons=dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
            media_seconds=media,
            work_seconds=work,
            rate=_rate(ends),
        )

    def _each(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Rows one after the other: of a million items they are not held in memory."""
        with closing(self._file.execute(query, values)) as cursor:
            yield from cursor

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self._file.execute(query)) as cursor:
            return cursor.fetchall()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._file, self.path)


class _Transaction:
    """All of a block or nothing of it."""

    def __init__(self, file: sqlite3.Connection, path: Path) -> None:
        self._file, self._path = file, path

    def __enter__(self) -> None:
        self._file.execute("begin immediate")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.execute("commit" if error is None else "rollback")
        except sqlite3.OperationalError as failure:
            raise OutputError(
                f"the ledger {str(self._path)!r} cannot be written ({failure}); free some space and go on with the "
                "same command"
            ) from failure


def _rate(ends: Sequence[float], window: float = 600.0) -> float | None:
    """Items a second over the last ``window`` seconds of work."""
    recent = [end for end in ends if ends and end > ends[-1] - window]
    span = recent[-1] - recent[0] if recent else 0.0
    return (len(recent) - 1) / span if span > 0 else None
