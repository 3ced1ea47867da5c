"""Grids, Ticks, Spans, Warps and records as JSON: versioned, exact, read back as they were.

Each file carries ``genlock_schema``; a file of a newer schema is refused with a message.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import FormatError
from genlock.core.files import write_text
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.warp import Warp

__all__ = [
    "SCHEMA",
    "cells_from_dict",
    "described",
    "dump_json",
    "finite_or_none",
    "load_json",
    "read_json_file",
    "spans_from_dict",
    "warp_from_dict",
    "write_json",
]

#: Version of our file forms. Keys are only ever added within one version.
SCHEMA = 1


def dump_json(data: Mapping[str, Any]) -> str:
    """JSON text: UTF-8, Fractions as ``"a/b"``, numpy numbers as numbers, NaN and infinity refused.

    >>> dump_json({"rate": Fraction(30000, 1001)})
    '{"rate": "30000/1001"}'
    """
    return json.dumps(data, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_json(target: str | os.PathLike[str], data: Mapping[str, Any]) -> None:
    """Write an object as JSON atomically, with ``genlock_schema`` as its first key."""
    body = {"genlock_schema": SCHEMA, **data}
    write_text(target, json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain, indent=1) + "\n")


def load_json(text: str, origin: str) -> dict[str, Any]:
    """Read JSON text that :func:`write_json` wrote; ``origin`` names it in errors.

    Raises FormatError if it is not ours, damaged, or of a newer schema.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{origin} is not JSON ({error}); it may be cut short: make it again") from None
    schema = data.get("genlock_schema") if isinstance(data, dict) else None
    if not isinstance(data, dict) or type(schema) is not int or schema < 1:
        raise FormatError(f"{origin} was not written by genlock: it has no genlock_schema")
    if schema > SCHEMA:
        raise FormatError(
            f"{origin} has schema {schema}, this genlock reads up to {SCHEMA}: install a newer genlock"
        )
    return data


def read_json_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """:func:`load_json` of a file.

    Raises FormatError if it cannot be read, is damaged, not ours or of a newer schema.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise FormatError(f"cannot read {str(path)!r}: {error}") from error
    return load_json(text, repr(str(path)))


@contextmanager
def described(what: str) -> Iterator[None]:
    """Turn what a damaged description raises into a FormatError."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FormatError(f"{what} ({type(error).__name__}: {error})") from error


def cells_from_dict(data: Mapping[str, Any]) -> Cells:
    """The Grid or Ticks that ``to_dict`` described.

    Raises FormatError if it describes neither.
    """
    with described("this is not a grid or ticks"):
        if data["kind"] == "grid":
            return Grid(data["rate"], data["start"], data["clock"])
        if data["kind"] == "ticks":
            pts = np.array(data["pts"], dtype=np.int64)
            return Ticks(pts, data["time_base"], data["last_duration"], data["clock"])
        raise ValueError(f"it says {data['kind']!r}")


def spans_from_dict(data: Mapping[str, Any]) -> Spans:
    """The Spans that ``to_dict`` described.

    Raises FormatError if it does not describe spans.
    """
    with described("these are not spans"):
        if data["kind"] != "spans":
            raise ValueError(f"it says {data['kind']!r}")
        items = [Span(s["start"], s["end"], s["label"], s.get("confidence")) for s in data["items"]]
        return Spans(items, data["clock"], data["name"])


def warp_from_dict(data: Mapping[str, Any]) -> Warp:
    """The Warp that ``to_dict`` described.

    Raises FormatError if it does not describe a warp.
    """
    with described("this is not a warp"):
        if data["kind"] != "warp":
            raise ValueError(f"it says {data['kind']!r}")
        knots = [(x, y) for x, y in data["knots"]]
        return Warp(knots, data["before"], data["after"], data.get("source_clock"), data.get("target_clock"))


def finite_or_none(value: float | None) -> float | None:
    """JSON has no NaN: None in its place.

    >>> finite_or_none(float("nan")) is None
    True
    """
    return None if value is None or not math.isfinite(value) else value
