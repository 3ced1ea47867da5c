"""Rows of a track in ever coarser copies on the disk, read in tiles that carry their grid: hours, in flat memory.

Level n has one row for 2^n cells of the track. A tile is a run of rows of one level, with the exact rate and start of
that level's own grid, so that whoever draws it needs to know nothing else and nothing can drift.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError
from genlock.core.grid import Grid
from genlock.core.json_forms import cells_from_dict, read_json_file, write_json
from genlock.core.one_line import one_line

__all__ = ["TILE_ROWS", "Pyramid", "SoundFile", "read_tile", "write_pyramid", "write_sound_pyramid"]

#: Rows of a tile.
TILE_ROWS = 2048
Values = npt.NDArray[Any]
Reduction = Literal["extremes", "mean"]
_CHUNK = 1 << 16
_INFO = "pyramid.json"
# Levels below this one are made of the samples when they are asked for: they would be larger than the sound.
_FIRST_STORED = 6


@dataclass(frozen=True)
class SoundFile:
    """Samples of one channel on the disk, int16, whose sample 0 lies at ``origin``."""

    path: Path
    """The file: little-endian int16, nothing else."""
    rate: int
    """Samples per second."""
    origin: Fraction
    """Instant of sample 0, in exact seconds."""

    __repr__ = one_line

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self.path.stat().st_size // 2

    def samples(self, first: int, count: int) -> npt.NDArray[np.int16]:
        """Samples ``first`` to ``first + count``, less what lies outside, int16 [n]."""
        first = max(first, 0)
        count = max(0, min(count, self.count - first))
        return np.fromfile(self.path, "<i2", count, offset=2 * first)

    def piece(self, number: int, seconds: int) -> bytes:
        """A piece of so many whole seconds, as a tile of samples. Raises InputError if there is none of that number."""
        length = seconds * self.rate
        samples = self.samples(number * length, length)
        if number < 0 or not len(samples):
            raise InputError(f"the sound has no piece {number} of {seconds} s")
        return _tile(Grid.of_samples(self.rate, self.origin), number * length, samples[:, None])


class Pyramid:
    """The levels of one track, written by :func:`write_pyramid`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = np.repeat(np.arange(1, 101, dtype=np.uint8), 2)[:, None]
    ...     pyramid = write_pyramid(Path(folder), rows, Grid(100), "mean")
    ...     grid, first, values = read_tile(pyramid.tile(1, 0))
    >>> grid.rate, first, len(values), values[:3, 0].tolist()
    (Fraction(50, 1), 0, 100, [1, 2, 3])
    """

    def __init__(self, folder: Path, sound: SoundFile | None = None) -> None:
        self._folder, self._sound = folder, sound
        told = read_json_file(folder / _INFO)
        try:
            grid = cells_from_dict(told["grid"])
            self.width: int = told["width"]
            self.dtype: str = told["dtype"]
            self.length: int = told["length"]
            self.stored: list[int] = told["stored"]
            self.facts: dict[str, Any] = told["facts"]
        except KeyError as error:
            raise FormatError(f"{str(folder / _INFO)!r} has no {error}") from error
        assert isinstance(grid, Grid)
        self.grid = grid

    @property
    def levels(self) -> int:
        """How many levels there are, the finest being 0."""
        return (max(self.length - 1, 0) // 64).bit_length() + 1

    def to_dict(self) -> dict[str, Any]:
        """What a page must know to ask for tiles."""
        return {
            "rate": str(self.grid.rate),
            "start": str(self.grid.start),
            "length": self.length,
            "width": self.width,
            "dtype": self.dtype,
            "levels": self.levels,
            "tile_rows": TILE_ROWS,
            **self.facts,
        }

    def tile(self, level: int, number: int) -> bytes:
        """Rows ``TILE_ROWS * number`` and those that follow it, of a level. Raises InputError if there are none."""
        rows = -(-self.length // 2**level) if 0 <= level < self.levels else 0
        first = number * TILE_ROWS
        if not 0 <= first < rows:
            raise InputError(f"level {level} has no tile {number}")
        count = min(TILE_ROWS, rows - first)
        grid = Grid(self.grid.rate / 2**level, self.grid.start, self.grid.clock)
        return _tile(grid, first, self._rows(level, first, count))

    def _rows(self, level: int, first: int, count: int) -> Values:
        if level in self.stored:
            size = np.dtype(self.dtype).itemsize * self.width
            path = self._folder / f"level-{level}"
            rows = np.fromfile(path, self.dtype, count * self.width, offset=first * size)
            return rows.reshape(count, self.width)
        assert self._sound is not None  # only levels of sound are left to be made
        group = 2**level
        samples = self._sound.samples(first * group, count * group)
        return _reduced(np.stack([samples, samples], axis=1), group, "extremes")


def write_pyramid(
    folder: Path, rows: Values, grid: Grid, reduction: Reduction, facts: dict[str, Any] | None = None
) -> Pyramid:
    """Write the levels of a track into a folder that is there.

    Parameters
    ----------
    rows : [T, width], uint8 or int16; may be a memory map
    reduction : ``mean`` (0 means: nothing known, and is left out), or ``extremes`` of pairs (lowest, highest)
    facts : what else a page must know
    """
    stored = []
    values, level = rows, 0
    while True:
        with open(folder / f"level-{level}", "wb") as out:
            for first in range(0, len(values), _CHUNK):
                out.write(np.ascontiguousarray(values[first : first + _CHUNK]).tobytes())
        stored.append(level)
        if len(values) <= 64:
            break
        values, level = _in_pieces(values, 2, reduction), level + 1
    return _finished(folder, rows, grid, len(rows), stored, facts)


def write_sound_pyramid(folder: Path, sound: SoundFile, facts: dict[str, Any] | None = None) -> Pyramid:
    """Write the outline of a sound into a folder that is there: lowest and highest sample, from 64 samples a row on."""
    group = 2**_FIRST_STORED
    pieces = []
    for first in range(0, sound.count, _CHUNK * group):
        samples = sound.samples(first, _CHUNK * group)
        pieces.append(_reduced(np.stack([samples, samples], axis=1), group, "extremes"))
    values = np.concatenate(pieces) if pieces else np.zeros((0, 2), np.int16)
    stored, level = [], _FIRST_STORED
    while True:
        (folder / f"level-{level}").write_bytes(values.astype("<i2").tobytes())
        stored.append(level)
        if len(values) <= 64:
            break
        values, level = _reduced(values, 2, "extremes"), level + 1
    _finished(
        folder, np.zeros((0, 2), "<i2"), Grid.of_samples(sound.rate, sound.origin), sound.count, stored, facts
    )
    return Pyramid(folder, sound)


def _finished(
    folder: Path, rows: Values, grid: Grid, length: int, stored: list[int], facts: dict[str, Any] | None
) -> Pyramid:
    write_json(
        folder / _INFO,
        {
            "grid": grid.to_dict(),
            "width": rows.shape[1],
            "dtype": rows.dtype.str.replace("|", ""),
            "length": length,
            "stored": stored,
            "facts": facts or {},
        },
    )
    return Pyramid(folder)


def _in_pieces(values: Values, group: int, reduction: Reduction) -> Values:
    step = _CHUNK * group
    return np.concatenate(
        [
            _reduced(np.asarray(values[first : first + step]), group, reduction)
            for first in range(0, len(values), step)
        ]
    )


def _reduced(values: Values, group: int, reduction: Reduction) -> Values:
    """One row for ``group`` rows; the last one may stand for fewer."""
    missing = -len(values) % group
    if missing:
        values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
    groups = values.reshape(-1, group, values.shape[1])
    if reduction == "extremes":
        return np.stack([groups[:, :, 0].min(axis=1), groups[:, :, 1].max(axis=1)], axis=1)
    known = groups > 0
    mean = groups.sum(axis=1, dtype=np.float32) / np.maximum(known.sum(axis=1), 1)
    made: Values = np.rint(mean).astype(values.dtype)
    return made


def _tile(grid: Grid, first: int, rows: Values) -> bytes:
    """A tile: the length of its header, the header (JSON, padded to four bytes), the rows."""
    header = json.dumps(
        {
            "rate": str(grid.rate),
            "start": str(grid.start),
            "first": first,
            "length": len(rows),
            "width": rows.shape[1],
            "dtype": rows.dtype.str[1:],
        }
    )
    text = header.encode("ascii")
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + rows.tobytes()


def read_tile(data: bytes) -> tuple[Grid, int, Values]:
    """The grid of a tile's level, the number of its first row there, and its rows [n, width]."""
    size = struct.unpack_from("<I", data)[0]
    header = json.loads(data[4 : 4 + size])
    values = np.frombuffer(data, f"<{header['dtype']}", offset=4 + size)
    grid = Grid(Fraction(header["rate"]), Fraction(header["start"]))
    return grid, header["first"], values.reshape(header["length"], header["width"])
