"""A dataset as the page shows it: how far it is, what is in quarantine and why, its clips, and each clip's outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MissingDependency
from genlock.data.ledger import Ledger
from genlock.data.prepare_report import prepared_of
from genlock.studio.folder import NotThere

__all__ = ["clip_of", "clips_of", "facts_of", "output_of"]

_INDEX = "index.parquet"
_LISTED = (
    "clip",
    "status",
    "source",
    "split",
    "speaker",
    "start_seconds",
    "end_seconds",
    "transcript",
    "outputs",
)
_MOST_LOST = 500


def facts_of(dataset: Path) -> dict[str, Any]:
    """What is known of a dataset; of one in preparation what its ledger says now."""
    ledger = dataset / ".genlock" / "ledger.sqlite"
    told: dict[str, Any] = {"finished": (dataset / _INDEX).is_file(), "settings": None, "progress": None}
    if ledger.is_file():
        with Ledger(ledger) as book:
            told |= prepared_of(dataset, book).to_dict()
            settings = book.fact("settings")
        told["settings"] = None if settings is None else json.loads(settings)
    told["quarantined_count"] = len(told.get("quarantined", ()))
    told["quarantined"] = list(told.get("quarantined", ()))[:_MOST_LOST]
    told.pop("dataset", None)  # where it lies is not the page's business
    return told


def clips_of(dataset: Path, first: int, most: int, text: str = "") -> dict[str, Any]:
    """``clips`` from the ``first`` on whose name, source, speaker or transcript holds a text, and ``more``."""
    parquet = _parquet()
    found = []
    try:
        with open(dataset / _INDEX, "rb") as file:
            rows = (
                row
                for batch in parquet.ParquetFile(file).iter_batches(2000, columns=list(_LISTED))
                for row in batch.to_pylist()
                if row["status"] == "done" and _holds(row, text.casefold())
            )
            found = [_short(row) for row in islice(rows, first, first + most + 1)]
    except FileNotFoundError:
        return {"clips": [], "more": False}  # it is in preparation
    except (OSError, ValueError) as error:  # Arrow's errors are ValueErrors
        raise FormatError(
            f"the index of the dataset cannot be read ({error}); run genlock prepare again"
        ) from error
    return {"clips": found[:most], "more": len(found) > most}


def clip_of(dataset: Path, name: str) -> dict[str, Any]:
    """The row of one clip. Raises NotThere."""
    parquet = _parquet()
    try:
        with open(dataset / _INDEX, "rb") as file:
            rows = parquet.read_table(file, filters=[("clip", "=", name)]).to_pylist()
    except FileNotFoundError:
        rows = []
    except (OSError, ValueError) as error:
        raise FormatError(
            f"the index of the dataset cannot be read ({error}); run genlock prepare again"
        ) from error
    if not rows:
        raise NotThere(f"the dataset has no clip {name!r}")
    return dict(rows[0])


def output_of(clip: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """An output of a clip. Raises NotThere."""
    for made in clip["outputs"] or ():
        if made["kind"] == kind:
            return dict(made)
    raise NotThere(f"the clip {clip['clip']!r} has no output {kind!r}")


def _holds(row: Mapping[str, Any], text: str) -> bool:
    return not text or any(
        text in str(row[name] or "").casefold() for name in ("clip", "source", "speaker", "transcript")
    )


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    seconds = (row["end_seconds"] or 0) - (row["start_seconds"] or 0)
    kinds = [made["kind"] for made in row["outputs"] or ()]
    told = {name: row[name] for name in ("clip", "source", "split", "speaker", "transcript")}
    return {**told, "seconds": seconds, "kinds": kinds}


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependency(f"datasets need pyarrow ({error}): pip install 'genlock[data]'") from error
    return parquet
