"""A Track as a file: an ``.npz``, which ``numpy.load`` reads too.

``values`` and ``valid`` are the cells, ``times`` their middles in seconds, ``about`` says in JSON what they are.
``header`` is the same JSON as UTF-8 in a byte array, which is what is read back. Nothing is pickled.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from genlock.core.errors import FormatError
from genlock.core.files import atomic_file
from genlock.core.grid import Grid
from genlock.core.json_forms import SCHEMA, cells_from_dict, described, dump_json, load_json
from genlock.core.resample import Values
from genlock.core.track import Support, Track

__all__ = ["load_track", "save_track", "track_from_bytes", "write_arrays"]


_READABLE = ("times", "about")
# Of that many cells a second and more the times would be larger than the values.
_SOUND_RATE = 1000


def save_track(
    track: Track,
    target: str | os.PathLike[str],
    beside: Mapping[str, np.ndarray[Any, Any]] = MappingProxyType({}),
    *,
    readable: bool = True,
) -> None:
    """Write a Track as ``.npz``, atomically, byte for byte the same for the same track.

    Parameters
    ----------
    beside : arrays that lie in the file under their own names, for whoever looks for them
    readable : with ``times`` [T] (float64, the middle of each cell in seconds) and ``about`` (a text), for whoever
        reads it with numpy alone; ``times`` is left out of sound itself, 1000 and more cells a second

    The zip members carry a fixed date and are not compressed: compressors differ from machine to machine,
    and features hardly shrink.

    Raises OutputError if the target cannot be written; nothing is left behind.

    >>> import tempfile
    >>> from genlock.core import Grid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_track(Track(np.zeros(3), Grid(25), name="nought"), f"{folder}/nought.npz")
    ...     print(np.load(f"{folder}/nought.npz")["times"])
    [0.02 0.06 0.1 ]
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
        **(_for_people(track, text) if readable else {}),
        **beside,
    }
    with atomic_file(target) as out:
        write_arrays(out, arrays, large=True)


def _for_people(track: Track, header: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """What numpy alone shows of a track."""
    about = {"about": np.array(header.decode("utf-8"))}
    if isinstance(track.grid, Grid) and track.grid.rate >= _SOUND_RATE:
        return about
    return {"times": track.times, **about}


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
            for name in _READABLE:
                if f"{name}.npy" in archive.NameToInfo:
                    archive.read(
                        f"{name}.npy"
                    )  # so that its checksum tells of damage, for whoever reads it next
    except FormatError:
        raise
    except _DAMAGE as error:
        raise FormatError(f"{origin} is not a whole genlock track ({error}); make it again") from error
    with described(f"make {origin} again: it has a damaged header"):
        support: Support = "whole" if header["support"] == "whole" else Fraction(header["support"])
        grid = cells_from_dict(header["grid"])
        return Track(values, grid, valid, header["name"], header["unit"], support, header["context"])


def _member(archive: zipfile.ZipFile, name: str) -> Values:
    with archive.open(f"{name}.npy") as stream:
        array: Values = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):  # also makes zipfile check the last bytes' checksum
            raise ValueError(f"{name} is longer than it says")
    return array
