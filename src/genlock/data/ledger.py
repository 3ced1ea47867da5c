"""What is to be done for a dataset, what is done, and what could not be: one SQLite file beside it.

One process writes it, the one that hands out the work; whoever wants to know how far it is may read it at any time.
An item is one source file. Beside each item stand the state of its file, how it was cut, and for each output a hash of
what decides about it: an item is done again if its file or its cut changed or a file of the dataset is not whole, and
else only the outputs that it lacks are made.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

from genlock.core.errors import FormatError, OutputError
from genlock.core.one_line import one_line
from genlock.core.progress import in_words
from genlock.data.corpora.listing import Trouble, printable
from genlock.data.plans import DatasetPlan, plan_of_schema_1
from genlock.data.quarantine_reasons import kind_of_reason

__all__ = ["DatasetProgress", "Item", "Ledger", "Output", "Quarantined", "Status", "Todo"]

_SCHEMA = 2
_WORTH_TELLING_SECONDS = 36.0  # less is 0.00 hours
#: ``incomplete``: an output that was asked for later could not be made; those made before stay.
Status: TypeAlias = Literal["pending", "done", "incomplete", "quarantined"]

_TABLES = """
create table if not exists facts (name text primary key, value text not null) without rowid;
create table if not exists items (
    name text primary key, path text not null, size integer not null, modified_ns integer not null,
    plan text not null, status text not null, content text not null default '', reason text not null default '',
    attempts integer not null default 0, work_seconds real not null default 0, media_seconds real not null default 0,
    ended real, clips text not null default '[]', kind text not null default '', made text not null default '{}',
    failed text not null default '{}', listed integer not null default 0
) without rowid;
create index if not exists items_by_status on items (status);
create table if not exists outputs (
    path text primary key, name text not null, size integer not null, sha256 text not null
) without rowid;
create index if not exists outputs_by_name on outputs (name);
"""
_SINCE_SCHEMA_2 = """
alter table items add column kind text not null default '';
alter table items add column made text not null default '{}';
alter table items add column failed text not null default '{}';
alter table items add column listed integer not null default 0;
"""


_WITH_CLIPS = "('done', 'incomplete')"
_WITH_REASON = "('quarantined', 'incomplete')"


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
    """What the corpus says of it: group, class, transcript; not kept in the ledger."""
    trouble: Trouble | None = None
    """Why it cannot be used, known before it is opened."""

    @property
    def shown(self) -> str:
        """Its path as the ledger and the index have it: in Unicode, whatever the name."""
        return printable(self.path)


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
class Quarantined:
    """A source that could not be used, or of which an output could not be made."""

    name: str
    """Of the item."""
    path: str
    """Relative to the source folder."""
    reason: str
    """What a person can act upon."""
    kind: str
    """What the reason has in common with others."""


@dataclass(frozen=True)
class Todo:
    """What is to be done."""

    items: list[tuple[Item, list[str]]]
    """Items with the outputs that are to be made of them, in order."""
    gone: list[str]
    """Paths that the ledger knew and that are no longer listed; it has forgotten them."""
    again: int
    """Items of which everything is made again, though something was made before."""


@dataclass(frozen=True)
class DatasetProgress:
    """How far a dataset is."""

    counts: dict[str, int]
    """Number of items by status."""
    reasons: dict[str, int]
    """Number of quarantined and incomplete items by the kind of their reason, the most frequent first."""
    media_seconds: float
    """Sound and picture done, in seconds."""
    work_seconds: float
    """What that cost, in seconds of one worker."""
    rate: float | None
    """Items a second over the last ten minutes in which any ended; None if none did."""

    __repr__ = one_line

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
        if self.media_seconds >= _WORTH_TELLING_SECONDS:
            cost = 3600 * self.work_seconds / self.media_seconds
            lines.append(
                f"{self.media_seconds / 3600:.2f} hours of media, {cost:.0f} worker seconds for each hour"
            )
        if self.rate and self.eta_seconds:
            lines.append(f"{60 * self.rate:.1f} files a minute; {in_words(self.eta_seconds)} to go")
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
            self._open_schema()
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

    def _open_schema(self) -> None:
        old = self._file.execute("select 1 from sqlite_master where name = 'items'").fetchone() is not None
        if not old:
            self._file.executescript(_TABLES)
            self.note("schema", str(_SCHEMA))
        found = int(self.fact("schema") or 1)
        if found > _SCHEMA:
            raise FormatError(
                f"the ledger {str(self.path)!r} has schema {found}, this genlock reads up to {_SCHEMA}: "
                "install a newer genlock"
            )
        if found < 2:
            self._from_schema_1()

    def _from_schema_1(self) -> None:
        """What was made under one plan as a whole was made under the plan of each of its outputs."""
        with self._transaction():
            for statement in _SINCE_SCHEMA_2.strip().split("\n"):
                self._file.execute(statement)
            for (text,) in self._rows("select distinct plan from items"):
                plan = plan_of_schema_1(text)
                made = json.dumps(dict(plan.outputs), sort_keys=True)
                self._file.execute(
                    "update items set made = case when status = 'done' then ? else '{}' end, "
                    "failed = case when status = 'quarantined' then ? else '{}' end, plan = ? where plan = ?",
                    (made, made, plan.cutting, text),
                )
            for (reason,) in self._rows("select distinct reason from items where status = 'quarantined'"):
                self._file.execute(
                    "update items set kind = ? where reason = ?", (kind_of_reason(reason), reason)
                )
            self.note("schema", str(_SCHEMA))

    def fact(self, name: str) -> str | None:
        """Something noted of the dataset as a whole; None if it was not."""
        found = self._rows("select value from facts where name = ?", name)
        return None if not found else str(found[0][0])

    def note(self, name: str, value: str) -> None:
        """Note something of the dataset as a whole."""
        self._file.execute("insert or replace into facts values (?, ?)", (name, value))

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def cuttings(self) -> list[str]:
        """How the items of which something was made were cut; more than one only where a change was interrupted."""
        return [row[0] for row in self._rows("select distinct plan from items where made != '{}'")]

    def outputs_made(self) -> list[str]:
        """Every output that any item has, sorted."""
        found = self._rows("select distinct made from items")
        return sorted({text for (made,) in found for text in json.loads(made)})

    def paths(self) -> list[str]:
        """Every source that is known, sorted."""
        return [row[0] for row in self._rows("select path from items order by path")]

    def plan(
        self,
        items: Sequence[Item],
        plan: DatasetPlan,
        sizes: Callable[[str], int | None],
        *,
        replace: bool = False,
    ) -> Todo:
        """Bring the ledger to this list of items; gives what is to be done.

        Parameters
        ----------
        items : every source file there is now
        plan : how they are cut, and what decides about each output
        sizes : the length in bytes of an output of the dataset, or None if it is missing
        replace : whether items that have other outputs than these are done again as a whole

        What is done from another state of its file or another cut, or whose outputs are not whole, is pending again; so
        is what was quarantined for a state that is no more, or lacks an output that was not tried. Files that are gone
        leave the ledger; their outputs are given by :meth:`orphans`. An item in trouble is quarantined, and what was
        made of it is kept until the trouble is over.
        """
        known: dict[str, tuple[Any, ...]] = {
            row[0]: row[1:]
            for row in self._each(
                "select name, size, modified_ns, plan, status, made, failed, listed, path from items"
            )
        }
        whole, texts = self._whole(sizes), _Texts()
        todo: list[tuple[Item, list[str]]] = []
        again = 0
        with self._transaction():
            for item in items:
                entry = known.pop(item.name, None)
                if item.trouble is not None:
                    self._put_in_trouble(item, plan, item.trouble, fresh=entry is None)
                    continue
                made = {} if entry is None else texts.read(entry[4])
                same = entry is not None and entry[:3] == (item.size, item.modified_ns, plan.cutting)
                if entry is None or not same:
                    self._put(item, plan)
                    again += bool(made)
                    todo.append((item, list(plan.outputs)))
                    continue
                kept = made if item.name in whole and not (replace and set(made) - set(plan.outputs)) else {}
                again += bool(made) and not kept
                tried = {} if entry[6] else texts.read(entry[5])
                missing = plan.missing(entry[2], kept)
                untried = [text for text in missing if tried.get(text) != plan.outputs[text]]
                if entry[3] == "pending":
                    untried = missing
                if missing and untried:
                    todo.append((item, untried if kept else missing))
                self._resume(item, entry, kept, missing, untried)
            gone = [(name,) for name in known]
            self._file.executemany("delete from items where name = ?", gone)
            self._file.executemany("delete from outputs where name = ?", gone)
        return Todo(todo, sorted(str(entry[7]) for entry in known.values()), again)

    def _resume(
        self,
        item: Item,
        entry: tuple[Any, ...],
        kept: Mapping[str, str],
        missing: Sequence[str],
        untried: Sequence[str],
    ) -> None:
        """Bring the status of an item that is as it was to what is known of its outputs."""
        if missing and not untried:
            return  # in quarantine or incomplete, for the same reason as before
        status = "pending" if missing else "done"
        if status != entry[3] or not kept or entry[6]:
            self._file.execute(
                "update items set status = ?, reason = '', kind = '', failed = '{}', listed = 0, made = ? "
                "where name = ?",
                (status, json.dumps(dict(kept), sort_keys=True), item.name),
            )

    def _put(self, item: Item, plan: DatasetPlan) -> None:
        self._file.execute(
            "insert into items (name, path, size, modified_ns, plan, status) values (?, ?, ?, ?, ?, 'pending') "
            "on conflict (name) do update set path = excluded.path, size = excluded.size, "
            "modified_ns = excluded.modified_ns, plan = excluded.plan, status = 'pending', content = '', reason = '', "
            "kind = '', made = '{}', failed = '{}', listed = 0, clips = '[]', attempts = 0",
            (item.name, item.shown, item.size, item.modified_ns, plan.cutting),
        )

    def _put_in_trouble(self, item: Item, plan: DatasetPlan, trouble: Trouble, *, fresh: bool) -> None:
        if fresh:
            self._put(item, plan)
        self._file.execute(
            "update items set status = 'quarantined', reason = ?, kind = ?, listed = 1 where name = ?",
            (trouble.message, trouble.kind, item.name),
        )

    def _whole(self, sizes: Callable[[str], int | None]) -> set[str]:
        """Names of the items all of whose outputs have the length that was noted."""
        whole = {row[0] for row in self._each("select name from items where made != '{}'")}
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
        made: Mapping[str, str],
        work_seconds: float = 0.0,
        media_seconds: float = 0.0,
    ) -> None:
        """Outputs of an item are made: they lie in the dataset, synced and under their final names.

        Parameters
        ----------
        content : SHA-256 of the source
        made : the outputs that were asked for, with the hash of what decides about each; what was made of the same
            content before stays beside them
        """
        with self._transaction():
            before = self._rows("select content, made, clips, work_seconds from items where name = ?", name)[
                0
            ]
            if before[0] == content and before[1] != "{}":
                made = {**json.loads(before[1]), **made}
                clips = _merged(json.loads(before[2]), clips)
                work_seconds += before[3]
            else:
                self._file.execute("delete from outputs where name = ?", (name,))
            self._file.executemany(
                "insert or replace into outputs values (?, ?, ?, ?)",
                [(output.path, name, output.size, output.sha256) for output in outputs],
            )
            self._file.execute(
                "update items set status = 'done', content = ?, reason = '', kind = '', failed = '{}', made = ?, "
                "work_seconds = ?, media_seconds = ?, ended = ?, clips = ?, attempts = attempts + 1 where name = ?",
                (
                    content,
                    json.dumps(dict(made), sort_keys=True),
                    work_seconds,
                    media_seconds,
                    self._clock(),
                    json.dumps(list(clips), sort_keys=True),
                    name,
                ),
            )

    def quarantine(
        self,
        name: str,
        reason: str,
        kind: str | None = None,
        *,
        failed: Mapping[str, str] | None = None,
        work_seconds: float = 0.0,
    ) -> None:
        """Outputs of an item cannot be made, for a reason that a person can act upon; what it has it keeps.

        Parameters
        ----------
        kind : what the reason has in common with others; None: found in the reason
        failed : the outputs that were tried, with the hash of what decides about each
        """
        with self._transaction():
            self._file.execute(
                "update items set status = case when made = '{}' then 'quarantined' else 'incomplete' end, reason = ?, "
                "kind = ?, failed = ?, work_seconds = work_seconds + ?, ended = ?, attempts = attempts + 1 "
                "where name = ?",
                (
                    reason,
                    kind_of_reason(reason) if kind is None else kind,
                    json.dumps(dict(failed or {}), sort_keys=True),
                    work_seconds,
                    self._clock(),
                    name,
                ),
            )
            self._file.execute(
                "delete from outputs where name in (select name from items where name = ? and made = '{}')",
                (name,),
            )

    def release_quarantine(self) -> None:
        """What is in quarantine, and what is incomplete, is tried again."""
        with self._transaction():
            self._file.execute(
                "update items set status = 'pending', reason = '', kind = '', failed = '{}' "
                "where status in ('quarantined', 'incomplete')"
            )

    def orphans(self, present: Iterable[str]) -> list[str]:
        """Those of the files in the dataset that belong to no item that is done, sorted."""
        known = "select 1 from outputs where path = ?"
        return sorted(path for path in present if self._file.execute(known, (path,)).fetchone() is None)

    def outputs(self) -> list[Output]:
        """Every output of what is done, by path."""
        return [Output(*row) for row in self._rows("select path, size, sha256 from outputs order by path")]

    def finished(self) -> Iterator[tuple[str, str, str, list[dict[str, Any]]]]:
        """(name, path, content hash, clips) of every item that has clips, by name, one after the other."""
        query = f"select name, path, content, clips from items where status in {_WITH_CLIPS} order by name"
        for name, path, content, clips in self._each(query):
            yield name, path, content, json.loads(clips)

    def clip_count(self) -> int:
        """Clips of all items that have some."""
        query = f"select total(json_array_length(clips)) from items where status in {_WITH_CLIPS}"
        return int(self._rows(query)[0][0])

    def quarantined(self) -> list[Quarantined]:
        """Every item in quarantine or incomplete, by name."""
        query = f"select name, path, reason, kind from items where status in {_WITH_REASON} order by name"
        return [Quarantined(*row) for row in self._rows(query)]

    def progress(self) -> DatasetProgress:
        """How far it is."""
        counts = dict.fromkeys(("done", "pending", "quarantined"), 0)
        counts |= dict(self._rows("select status, count(*) from items group by status"))
        reasons: dict[str, int] = {}
        for kind, count in self._rows(
            f"select kind, count(*) from items where status in {_WITH_REASON} group by kind"
        ):
            reasons[kind] = count
        media, work = self._rows("select total(media_seconds), total(work_seconds) from items")[0]
        ends = [
            row[0] for row in self._rows("select ended from items where ended is not null order by ended")
        ]
        return DatasetProgress(
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

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(self._file.execute(query, values)) as cursor:
            return cursor.fetchall()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._file, self.path)


class _Texts:
    """JSON objects that many rows share, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def read(self, text: str) -> dict[str, str]:
        if text not in self._known:
            self._known[text] = dict(json.loads(text))
        return self._known[text]


def _merged(before: Sequence[Mapping[str, Any]], clips: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The clips of one content and one cut with the outputs of both, those made last going first."""
    old = {clip["number"]: clip for clip in before}
    found = []
    for clip in clips:
        known = old.get(clip["number"], {})
        outputs = {made["kind"]: made for made in (*known.get("outputs", ()), *clip["outputs"])}
        found.append({**known, **clip, "outputs": [outputs[kind] for kind in sorted(outputs)]})
    return found


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
