"""Files of ours: written beside their target and renamed, versioned, without pickle.

A Track is an ``.npz`` of ``values``, ``valid`` and ``header`` (UTF-8 JSON in a byte array), readable by
``numpy.load`` too. Grids, Ticks, Spans and Warps are JSON. Each carries ``genlock_schema``; a file of a newer
schema is refused with a message.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from genlock.core.errors import FormatError, GenlockError, OutputError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.resample import Values
from genlock.core.spans import Span, Spans
from genlock.core.track import Support, Track
from genlock.core.warp import Warp

__all__ = [
    "SCHEMA",
    "atomic_file",
    "atomic_path",
    "cells_from_dict",
    "dump_json",
    "finite_or_none",
    "load_json",
    "load_track",
    "make_folders",
    "read_json_file",
    "save_track",
    "sha256_of",
    "spans_from_dict",
    "track_from_bytes",
    "unmake_folders",
    "warp_from_dict",
    "write_arrays",
    "write_bytes",
    "write_json",
    "write_text",
]

#: Version of the file forms below. Keys are only ever added within one version.
SCHEMA = 1


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, make_parents: bool = True) -> Iterator[Path]:
    """A path beside ``target`` to write to; renamed onto ``target`` if the block ends well, else removed.

    The temporary name keeps the target's ending, because writers choose the format by it. A target that is
    a link stays one: what it points to is replaced. Folders that had to be made go again if the block fails.

    Raises
    ------
    OutputError
        If the folder cannot be written, the target is no file, or the disk is full; nothing is left behind.
        What the block raises about anything else passes through.
    """
    try:
        final = Path(os.path.realpath(target))
        made = make_folders(final.parent) if make_parents else []
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise _cannot_write(target, error) from error
    temporary: Path | None = None
    try:
        temporary = _claim_beside(target, final)
        yield temporary
        os.replace(temporary, final)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        unmake_folders(made)
        # An OSError with the name of another file is about that file; writing names none.
        about = (None, str(temporary), str(final))
        if isinstance(error, OSError) and not isinstance(error, GenlockError) and error.filename in about:
            raise _cannot_write(target, error) from error
        raise


def _cannot_write(target: str | os.PathLike[str], error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"cannot write {os.fspath(target)!r}: {reason}; nothing was kept of it")


def make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; those that were made, the uppermost first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def unmake_folders(made: list[Path]) -> None:
    """Remove folders that :func:`make_folders` made, as far as they are still empty."""
    for folder in reversed(made):
        with suppress(OSError):  # no longer empty: another process is using it too
            folder.rmdir()


def _claim_beside(target: str | os.PathLike[str], final: Path) -> Path:
    """A new empty file beside ``final``, with the rights that a file made by hand would have."""
    if final.exists() and not final.is_file():
        what = "a folder" if final.is_dir() else "not a plain file"
        raise OutputError(f"cannot write {os.fspath(target)!r}: it is {what}; choose another target")
    temporary = final.with_name(f".genlock-{secrets.token_hex(6)}{final.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _cannot_write(target, error) from error
    return temporary


@contextmanager
def atomic_file(target: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to in the place of ``target``, as :func:`atomic_path`; on the disk before it has that name."""
    with atomic_path(target) as path, open(path, "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def write_bytes(target: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically and durably."""
    with atomic_file(target) as out:
        out.write(data)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file atomically, with the line ends that ``text`` has.

    What UTF-8 cannot say (half a surrogate pair, from a file name in another encoding) is written as the
    escape ``\\udcff``, which JSON reads back as it was.
    """
    write_bytes(target, text.encode("utf-8", "backslashreplace"))


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


def save_track(track: Track, target: str | os.PathLike[str]) -> None:
    """Write a Track as ``.npz``, atomically, byte for byte the same for the same track.

    The zip members carry a fixed date and are not compressed: compressors differ from machine to machine,
    and features hardly shrink.

    Raises OutputError if the target cannot be written; nothing is left behind.
    """
    header = {
        "genlock_schema": SCHEMA,
        "kind": "track",
        "name": track.name,
        "unit": track.unit,
        "support": track.support if track.support == "whole" else str(track.support),
        "context": track.context,
        "grid": track.grid.to_dict(),
    }
    text = dump_json(header).encode("utf-8", "backslashreplace")
    arrays = {
        "header": np.frombuffer(text, dtype=np.uint8),
        "values": np.ascontiguousarray(track.values),
        "valid": np.ascontiguousarray(track.valid),
    }
    with atomic_file(target) as out:
        write_arrays(out, arrays, large=True)


def write_arrays(out: IO[bytes], arrays: Mapping[str, np.ndarray[Any, Any]], *, large: bool = False) -> None:
    """Write arrays as an ``.npz`` without compression, the same bytes everywhere for the same arrays.

    ``large`` makes room for arrays of 2 GiB and more; the bytes of small ones differ from those without it.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # as on Unix, everywhere
            with archive.open(member, "w", force_zip64=large) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


# What zipfile and numpy raise on bytes that are not what they should be.
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_track(path: str | os.PathLike[str]) -> Track:
    """Read a Track that :func:`save_track` wrote.

    Raises FormatError if the file is not there, damaged, not ours or of a newer schema.
    """
    origin = repr(os.fspath(path))
    try:
        with open(path, "rb") as file:
            return _track_in(file, origin)
    except FormatError:
        raise
    except FileNotFoundError as error:
        raise FormatError(f"there is no file {origin}") from error
    except (OSError, ValueError) as error:
        raise FormatError(f"{origin} is not a whole genlock track ({error}); make it again") from error


def track_from_bytes(data: bytes, origin: str) -> Track:
    """The Track in the bytes of a file that :func:`save_track` wrote; ``origin`` names it in errors.

    Raises FormatError if they are damaged, not ours or of a newer schema.
    """
    return _track_in(io.BytesIO(data), origin)


def _track_in(file: IO[bytes], origin: str) -> Track:
    try:
        with zipfile.ZipFile(file) as archive:
            header = load_json(_member(archive, "header").tobytes().decode("utf-8"), origin)
            values, valid = _member(archive, "values"), _member(archive, "valid")
    except FormatError:
        raise
    except _DAMAGE as error:
        raise FormatError(f"{origin} is not a whole genlock track ({error}); make it again") from error
    with _described(f"make {origin} again: it has a damaged header"):
        support: Support = "whole" if header["support"] == "whole" else Fraction(header["support"])
        grid = cells_from_dict(header["grid"])
        return Track(values, grid, valid, header["name"], header["unit"], support, header["context"])


def _member(archive: zipfile.ZipFile, name: str) -> Values:
    with archive.open(f"{name}.npy") as stream:
        array: Values = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):  # also makes zipfile check the last bytes' checksum
            raise ValueError(f"{name} is longer than it says")
    return array


@contextmanager
def _described(what: str) -> Iterator[None]:
    """Turn what a damaged description raises into a FormatError."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FormatError(f"{what} ({type(error).__name__}: {error})") from error


def cells_from_dict(data: Mapping[str, Any]) -> Cells:
    """The Grid or Ticks that ``to_dict`` described.

    Raises FormatError if it describes neither.
    """
    with _described("this is not a grid or ticks"):
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
    with _described("these are not spans"):
        if data["kind"] != "spans":
            raise ValueError(f"it says {data['kind']!r}")
        items = [Span(s["start"], s["end"], s["label"], s.get("confidence")) for s in data["items"]]
        return Spans(items, data["clock"], data["name"])


def warp_from_dict(data: Mapping[str, Any]) -> Warp:
    """The Warp that ``to_dict`` described.

    Raises FormatError if it does not describe a warp.
    """
    with _described("this is not a warp"):
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
