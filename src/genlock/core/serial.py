"""Files of ours: written beside their target and renamed, versioned, without pickle.

A Track is an ``.npz`` of ``values``, ``valid`` and ``header`` (UTF-8 JSON in a byte array). Grids, Ticks,
Spans and Warps are JSON. Each carries ``genlock_schema``; a file of a newer schema is refused with a message.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import FormatError, InputError, OutputError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.track import Support, Track
from genlock.core.warp import Warp

__all__ = [
    "SCHEMA", "atomic_path", "cells_from_dict", "dump_json", "load_json", "load_track", "read_json_file",
    "save_track", "spans_from_dict", "warp_from_dict", "write_bytes", "write_json", "write_text",
]  # fmt: skip

#: Version of the file forms below. Keys are only ever added within one version.
SCHEMA = 1


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, make_parents: bool = True) -> Iterator[Path]:
    """A path beside ``target`` to write to; renamed onto ``target`` if the block ends well, else removed.

    The temporary name keeps the target's ending, because writers choose the format by it.

    Raises
    ------
    OutputError
        If the folder cannot be written, or the disk is full; nothing is left behind.
    """
    final = Path(target)
    try:
        if make_parents:
            final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_dir():
            raise IsADirectoryError(f"{final} is a directory")
        handle, name = tempfile.mkstemp(prefix=".genlock-", suffix=final.suffix, dir=final.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"cannot write {str(final)!r}: {error.strerror or error}; choose another target") from error
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, final)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        if isinstance(error, InputError):  # the block failed on its input, not on the target
            raise
        raise OutputError(f"cannot write {str(final)!r}: {error.strerror or error}; nothing was kept of it") from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(target: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically and durably."""
    with atomic_path(target) as path, open(path, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file atomically, with the line ends that ``text`` has."""
    write_bytes(target, text.encode("utf-8"))


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
    except ValueError as error:
        raise FormatError(f"{origin} is not JSON ({error}); it may be cut short: make it again") from None
    if not isinstance(data, dict) or not isinstance(data.get("genlock_schema"), int):
        raise FormatError(f"{origin} was not written by genlock: it has no genlock_schema")
    if data["genlock_schema"] > SCHEMA:
        raise FormatError(
            f"{origin} has schema {data['genlock_schema']}, this genlock reads up to {SCHEMA}: install a newer genlock"
        )
    return data


def read_json_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """:func:`load_json` of a file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot read {str(path)!r}: {error}") from error
    return load_json(text, repr(str(path)))


def save_track(track: Track, target: str | os.PathLike[str]) -> None:
    """Write a Track as ``.npz``, atomically, byte for byte the same for the same track.

    The zip members carry a fixed date, so that two runs give equal files.
    """
    header = {
        "genlock_schema": SCHEMA, "kind": "track", "name": track.name, "unit": track.unit,
        "support": track.support if track.support == "whole" else str(track.support),
        "context": track.context, "grid": track.grid.to_dict(),
    }  # fmt: skip
    arrays = {
        "header": np.frombuffer(dump_json(header).encode("utf-8"), dtype=np.uint8),
        "values": np.ascontiguousarray(track.values),
        "valid": track.valid,
    }
    with atomic_path(target) as path, open(path, "wb") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(member, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
        out.flush()
        os.fsync(out.fileno())


def load_track(path: str | os.PathLike[str]) -> Track:
    """Read a Track that :func:`save_track` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    origin = repr(str(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = load_json(archive["header"].tobytes().decode("utf-8"), origin)
            values, valid = archive["values"], archive["valid"]
    except FormatError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"{origin} is not a whole genlock track ({error}); make it again") from error
    try:
        support: Support = "whole" if header["support"] == "whole" else Fraction(header["support"])
        grid = cells_from_dict(header["grid"])
        return Track(values, grid, valid, header["name"], header["unit"], support, header["context"])
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(f"{origin} has a damaged header ({error}); make it again") from error


def cells_from_dict(data: Mapping[str, Any]) -> Cells:
    """The Grid or Ticks that ``to_dict`` described."""
    if data.get("kind") == "grid":
        return Grid(data["rate"], data["start"], data["clock"])
    if data.get("kind") == "ticks":
        return Ticks(np.array(data["pts"], dtype=np.int64), data["time_base"], data["last_duration"], data["clock"])
    raise FormatError(f"{data.get('kind')!r} is neither 'grid' nor 'ticks'")


def spans_from_dict(data: Mapping[str, Any]) -> Spans:
    """The Spans that ``to_dict`` described."""
    if data.get("kind") != "spans":
        raise FormatError(f"{data.get('kind')!r} is not 'spans'")
    items = [Span(s["start"], s["end"], s["label"], s.get("confidence")) for s in data["items"]]
    return Spans(items, data["clock"], data["name"])


def warp_from_dict(data: Mapping[str, Any]) -> Warp:
    """The Warp that ``to_dict`` described."""
    if data.get("kind") != "warp":
        raise FormatError(f"{data.get('kind')!r} is not 'warp'")
    knots = [(x, y) for x, y in data["knots"]]
    return Warp(knots, data["before"], data["after"], data.get("source_clock"), data.get("target_clock"))


def finite_or_none(value: float | None) -> float | None:
    """JSON has no NaN: None in its place.

    >>> finite_or_none(float("nan")) is None
    True
    """
    return None if value is None or not math.isfinite(value) else value
