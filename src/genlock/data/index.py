"""The index of a dataset: one Parquet row a clip, and one for each source that could not be used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MissingDependency
from genlock.core.files import atomic_file

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise MissingDependency(
        f"datasets need pyarrow ({error}); install it: pip install 'genlock[data]'"
    ) from error

__all__ = [
    "ROW_TYPES",
    "SCHEMA_VERSION",
    "outputs_of_index",
    "read_index",
    "row_of_clip",
    "row_of_failure",
    "splits_of_sources",
    "write_index",
]

#: Version of the columns below; columns are only ever added within one version.
SCHEMA_VERSION = 2

_OUTPUT = pa.struct(
    [
        ("kind", pa.string()),
        ("path", pa.string()),
        ("rate", pa.string()),
        ("start", pa.string()),
        ("length", pa.int64()),
        ("shape", pa.list_(pa.int64())),
        ("dtype", pa.string()),
        ("support", pa.string()),
        ("valid", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("more", pa.string()),
    ]
)
_WORD = pa.struct([("text", pa.string()), ("start_seconds", pa.float64()), ("end_seconds", pa.float64())])
_EVENT = pa.struct(
    [
        ("label", pa.string()),
        ("at_seconds", pa.float64()),
        # What else a corpus knows of it, as JSON; null where it knows no more.
        ("more", pa.string()),
    ]
)
_DAMAGE = pa.struct(
    [
        ("kind", pa.string()),
        ("stream", pa.string()),
        ("start_seconds", pa.float64()),
        ("end_seconds", pa.float64()),
    ]
)
_COLUMNS = pa.schema(
    [
        ("clip", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("source", pa.string()),
        ("source_sha256", pa.string()),
        ("clock", pa.string()),
        ("number", pa.int64()),
        ("start", pa.string()),
        ("end", pa.string()),
        ("start_seconds", pa.float64()),
        ("end_seconds", pa.float64()),
        ("tail", pa.bool_()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("speaker", pa.string()),
        ("label", pa.string()),
        ("transcript", pa.string()),
        ("words", pa.list_(_WORD)),
        ("offset_seconds", pa.float64()),
        ("offset_probability", pa.float64()),
        ("outputs", pa.list_(_OUTPUT)),
        ("events", pa.list_(_EVENT)),
        # From schema 2 on.
        ("reason_kind", pa.string()),
        ("whole", pa.bool_()),
        ("sound_rate", pa.int64()),
        ("sound_samples", pa.int64()),
        ("frames", pa.int64()),
        ("copy_of", pa.string()),
        ("damage", pa.list_(_DAMAGE)),
    ]
)
#: The columns and their types, in order.
ROW_TYPES: tuple[tuple[str, pa.DataType], ...] = tuple((column.name, column.type) for column in _COLUMNS)
_ROWS_AT_ONCE = 5000
# What the corpus says of a source, and every clip of it has.
_OF_SOURCE = ("group", "split", "speaker", "label")
_OWN = ("kind", "path", "rate", "start", "length", "shape", "dtype", "support", "valid", "bytes", "sha256")


def row_of_clip(
    clip: Mapping[str, Any], *, source: str, content: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The row of one clip that is done. ``facts`` are what the corpus says of its source."""
    start, end = Fraction(clip["start"]), Fraction(clip["end"])
    timed = facts.get("words") or ()
    known = timed or clip.get("words") or ()  # the corpus knows better than a recogniser
    words = [dict(word) for word in known if start <= Fraction(word["start_seconds"]) < end]
    events = [
        dict(event) for event in facts.get("events", ()) if start <= Fraction(event["at_seconds"]) < end
    ]
    return {
        "clip": clip["clip"],
        "status": "done",
        "reason": clip.get("reason", ""),
        "source": source,
        "source_sha256": content,
        "clock": clip["clock"],
        "number": clip["number"],
        "start": clip["start"],
        "end": clip["end"],
        "start_seconds": float(start),
        "end_seconds": float(end),
        "tail": clip["tail"],
        **{key: facts.get(key) for key in _OF_SOURCE},
        "transcript": facts.get("transcript") if clip["whole"] else _spoken(words if timed else ()),
        "words": words,
        "events": events,
        "offset_seconds": clip.get("offset_seconds"),
        "offset_probability": clip.get("offset_probability"),
        "outputs": [_output(made) for made in clip["outputs"]],
        "reason_kind": "",
        "whole": clip["whole"],
        **{key: clip.get(key) for key in ("sound_rate", "sound_samples", "frames")},
        "copy_of": facts.get("copy_of", ""),
        "damage": [dict(part) for part in clip.get("damage", ())],
    }


def _spoken(words: Sequence[Mapping[str, Any]]) -> str | None:
    """What is said in a clip that was cut out of its source: its own words, or None where no word is known in it."""
    return " ".join(str(word["text"]) for word in words) or None


def _output(made: Mapping[str, Any]) -> dict[str, Any]:
    more = {key: value for key, value in made.items() if key not in _OWN}
    return {**{key: made.get(key) for key in _OWN}, "more": json.dumps(more, sort_keys=True)}


def row_of_failure(
    name: str, source: str, reason: str, kind: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The row of a source in quarantine: it has no clip, and says why; ``kind`` is what such reasons have in common."""
    known = {key: facts.get(key) for key in (*_OF_SOURCE, "transcript")}
    why = {"reason": reason, "reason_kind": kind}
    return {"clip": name, "status": "quarantined", **why, "source": source, **known}


def write_index(rows: Iterable[Mapping[str, Any]], target: Path, about: Mapping[str, str]) -> None:
    """Write rows in the order in which they come, some thousands at a time, atomically; always the same bytes."""
    schema = _COLUMNS.with_metadata({"genlock_schema": str(SCHEMA_VERSION), **about})
    left = iter(rows)
    with atomic_file(target) as out, pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while some := [dict(row) for row in islice(left, _ROWS_AT_ONCE)]:
            writer.write_table(pa.Table.from_pylist(some, schema=schema))


def read_index(path: str | Path) -> pa.Table:
    """The table of an index.

    Raises FormatError if it is damaged, is not ours or is of a newer schema.
    """
    try:
        with open(path, "rb") as file:  # Arrow takes no name that is not UTF-8
            table = pq.read_table(file)
    except FileNotFoundError:
        raise FormatError(
            f"{str(Path(path).parent)!r} is no dataset of genlock prepare: it has no index.parquet; name one, or make "
            "it: genlock prepare VIDEOS -o DATASET"
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise FormatError(
            f"the index {str(path)!r} cannot be read ({error}); run genlock prepare again"
        ) from error
    found = (table.schema.metadata or {}).get(b"genlock_schema")
    if found is None:
        raise FormatError(f"{str(path)!r} is not the index of a genlock dataset")
    if int(found) > SCHEMA_VERSION:
        raise FormatError(
            f"the index {str(path)!r} has schema {int(found)}, this genlock reads up to {SCHEMA_VERSION}: install a "
            "newer genlock"
        )
    return table if int(found) == SCHEMA_VERSION else _from_version_1(table)


def _from_version_1(table: pa.Table) -> pa.Table:
    """An index of schema 1 with the columns of today. There each clip had the text of its whole source."""
    rows = table.to_pylist()
    clips = Counter(row["source"] for row in rows)
    for row in rows:
        alone = clips[row["source"]] == 1
        if row["status"] == "done":
            row["whole"] = alone
            if not alone:
                row["transcript"] = _spoken(row["words"] or ()) if row["transcript"] else None
        row["copy_of"] = ""
    return pa.Table.from_pylist(rows, _COLUMNS.with_metadata(table.schema.metadata))


def outputs_of_index(path: str | Path) -> Iterator[dict[str, Any]]:
    """``clip`` and ``outputs`` of every row of an index, some thousands at a time; none if it is damaged."""
    try:
        with open(path, "rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_ONCE, columns=["clip", "outputs"]):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError):
        return


def splits_of_sources(path: str | Path) -> dict[str, str]:
    """The split of every source of an index; empty if there is none, or it is damaged."""
    try:
        with open(path, "rb") as file:
            table = pq.read_table(file, columns=["source", "split"])
    except (pa.ArrowException, OSError):
        return {}
    return dict(zip(table["source"].to_pylist(), table["split"].to_pylist(), strict=True))
