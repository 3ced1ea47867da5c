"""The motion of a face as files of other programs, written as it comes: JSON, NPZ, CSV, ARKit, mouth shapes, lines."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Protocol

import numpy as np

from genlock.animation.arkit import (
    ARKIT,
    ROTATIONS,
    absent_shapes,
    live_link_timecode,
    rotation_rows,
    shape_rows,
    solved_shapes,
)
from genlock.animation.life import Life
from genlock.animation.motion import FaceMotion
from genlock.animation.visemes import ENDINGS as VISEME_ENDINGS
from genlock.animation.visemes import mouth_letter, viseme_spans, write_visemes
from genlock.animation.voice import Mover
from genlock.core.errors import OptionError
from genlock.core.files import atomic_file
from genlock.core.grid import Cells, Grid
from genlock.core.json_forms import SCHEMA, dump_json
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.mouth import width_of
from genlock.extractors.face.pose import LIPS

__all__ = ["FORMS", "MotionFile", "MotionHead", "frame_lines", "motion_file"]

#: Forms of files, and their endings; the first one is the usual one.
FORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "json": (".json",),
        "npz": (".npz",),
        "csv": (".csv",),
        "arkit": (".csv", ".json"),
        "visemes": VISEME_ENDINGS,
    }
)
_DIGITS = 5


class MotionHead:
    """What a file says of a motion as a whole.

    Parameters
    ----------
    mover : who moves the face
    cells : the frames, counted from the first sample
    sound : name of the sound
    seed : of blinks and head
    """

    def __init__(self, mover: Mover, cells: Cells, sound: str, seed: int) -> None:
        self.mover, self.cells, self.sound, self.seed = mover, cells, sound, seed

    def to_dict(self) -> dict[str, Any]:
        """``kind``, ``talker``, ``seed``, ``sound``, ``cells``."""
        return {
            "kind": "face motion",
            "talker": self.mover.name,
            "seed": self.seed,
            "sound": self.sound,
            "cells": self.cells.to_dict(),
        }


class MotionFile(Protocol):
    """A file that is being written."""

    def add(self, motion: FaceMotion, life: Life) -> None:
        """Take the next frames."""
        ...

    def finish(self, end: Fraction) -> None:
        """Nothing follows; the sound ends at ``end``."""
        ...


@contextmanager
def motion_file(target: str | os.PathLike[str], form: str, head: MotionHead) -> Iterator[MotionFile]:
    """A file to be filled; it appears whole when the block ends well, and not at all otherwise.

    Raises OptionError for an unknown form, an ending that it does not have, or shapes that the mover does not know.
    """
    if form not in FORMS:
        raise OptionError(f"the form {form!r} is unknown; there are: {', '.join(FORMS)}")
    ending = Path(target).suffix.lower()
    if ending not in FORMS[form]:
        raise OptionError(f"{os.fspath(target)!r}: {form} is written as {' or '.join(FORMS[form])}")
    if form == "visemes":
        yield _VisemeFile(target, head)
    elif form == "npz":
        with tempfile.TemporaryFile(prefix="genlock-motion-") as spool:
            yield _NpzFile(target, head, spool)
    else:
        maker: Callable[[IO[str], MotionHead], MotionFile] = {
            "json": _JsonFile,
            "csv": _CsvFile,
            "arkit": _ArkitCsv if ending == ".csv" else _ArkitJson,
        }[form]
        with atomic_file(target) as out:
            text = io.TextIOWrapper(out, "utf-8", newline="")
            yield maker(text, head)
            text.detach()


def frame_lines(motion: FaceMotion, life: Life, mover: Mover, first: int) -> Iterator[str]:
    """Each frame as one line of JSON, for whoever reads while a voice speaks.

    Parameters
    ----------
    first : number of the motion's first frame
    """
    rows = list(_frames(motion, life, mover, first))
    rest = float(width_of(motion.neutral[list(LIPS), :2]))
    for row in rows:
        row["mouth"] = mouth_letter(row["aperture"], row["width"] / rest)
        del row["points"]
        yield dump_json(row)


def _frames(motion: FaceMotion, life: Life, mover: Mover, first: int) -> Iterator[dict[str, Any]]:
    names, shapes = _shapes(motion, life, mover)
    apertures, widths = motion.aperture.values, motion.width.values
    points = motion.points.values[:, list(MESH_TO_68), :2]
    cells = motion.points.grid
    for k in range(len(motion.points)):
        yield {
            "frame": first + k,
            "start": float(cells.edge(k)),
            "end": float(cells.edge(k + 1)),
            "valid": bool(motion.points.valid[k]),
            "aperture": _short(apertures[k]),
            "width": _short(widths[k]),
            "blink": _short(life.blink[k]),
            "head": [_short(angle) for angle in life.turn[k]],
            "shapes": {name: _short(value) for name, value in zip(names, shapes[k], strict=True)},
            "points": [[_short(x), _short(y)] for x, y in points[k].tolist()],
        }


def _shapes(motion: FaceMotion, life: Life, mover: Mover) -> tuple[tuple[str, ...], Any]:
    if mover.basis is None or not mover.basis.names:
        return (), np.zeros((len(motion.points), 0), np.float32)
    return solved_shapes(mover.basis), shape_rows(motion, life, mover.basis)


def _short(value: Any) -> float:
    return round(float(value), _DIGITS)


class _JsonFile:
    """The 68 points, opening, width and shapes of each frame."""

    def __init__(self, out: IO[str], head: MotionHead) -> None:
        self._out, self._head, self._count = out, head, 0
        known = head.mover.basis is not None and bool(head.mover.basis.names)
        about = {
            "genlock_schema": SCHEMA,
            **head.to_dict(),
            "unit": "eye distances",
            "neutral": [[_short(x), _short(y)] for x, y in head.mover.neutral[list(MESH_TO_68), :2].tolist()],
            "absent_shapes": list(absent_shapes(head.mover.basis)) if known else list(ARKIT),
        }
        out.write(dump_json(about)[:-1] + ', "frames": [')

    def add(self, motion: FaceMotion, life: Life) -> None:
        for row in _frames(motion, life, self._head.mover, self._count):
            self._out.write(("\n" if self._count == 0 else ",\n") + dump_json(row))
            self._count += 1

    def finish(self, end: Fraction) -> None:
        self._out.write(f'\n], "frame_count": {self._count}, "duration": {float(end)!r}}}\n')


class _CsvFile:
    """One line a frame: times, opening, width, shapes, and x and y of the 68 points."""

    def __init__(self, out: IO[str], head: MotionHead) -> None:
        self._writer, self._head, self._count = csv.writer(out, lineterminator="\n"), head, 0
        basis = head.mover.basis
        self._names = solved_shapes(basis) if basis is not None and basis.names else ()
        points = [f"{axis}{k}" for k in range(68) for axis in "xy"]
        self._writer.writerow(
            ["frame", "start", "end", "valid", "aperture", "width", "blink", *self._names, *points]
        )

    def add(self, motion: FaceMotion, life: Life) -> None:
        for row in _frames(motion, life, self._head.mover, self._count):
            flat = [part for point in row["points"] for part in point]
            shapes = [row["shapes"][name] for name in self._names]
            numbers = [
                repr(row["start"]),
                repr(row["end"]),
                int(row["valid"]),
                row["aperture"],
                row["width"],
                row["blink"],
            ]
            self._writer.writerow([row["frame"], *numbers, *shapes, *flat])
            self._count += 1

    def finish(self, end: Fraction) -> None:
        """Every line stands for itself."""


class _ArkitCsv:
    """As Live Link Face writes a take: 52 shapes and 9 rotations; absent shapes stay 0."""

    def __init__(self, out: IO[str], head: MotionHead) -> None:
        if head.mover.basis is None:
            raise OptionError(
                "this model's face has no named shapes, so there is nothing to call by ARKit's names"
            )
        self._writer, self._basis = csv.writer(out, lineterminator="\n"), head.mover.basis
        self._places = [ARKIT.index(name) for name in solved_shapes(self._basis)]
        self._rate = head.cells.rate if isinstance(head.cells, Grid) else Fraction(60)
        names = [name[0].upper() + name[1:] for name in (*ARKIT, *ROTATIONS)]
        self._writer.writerow(["Timecode", "BlendShapeCount", *names])

    def add(self, motion: FaceMotion, life: Life) -> None:
        rows = np.zeros((len(motion.points), len(ARKIT)))
        rows[:, self._places] = shape_rows(motion, life, self._basis)
        cells = motion.points.grid
        for k, (shapes, turns) in enumerate(zip(rows, rotation_rows(life), strict=True)):
            code = live_link_timecode(cells.edge(k), self._rate)
            numbers = [f"{value:.6f}" for value in (*shapes, *turns)]
            self._writer.writerow([code, len(ARKIT) + len(ROTATIONS), *numbers])

    def finish(self, end: Fraction) -> None:
        """Every line stands for itself."""


class _ArkitJson:
    """Names, what is absent, and the weights of each frame."""

    def __init__(self, out: IO[str], head: MotionHead) -> None:
        self._names = solved_shapes(head.mover.basis)
        assert head.mover.basis is not None
        self._out, self._basis, self._count = out, head.mover.basis, 0
        about = {
            "genlock_schema": SCHEMA,
            **head.to_dict(),
            "kind": "arkit",
            "names": list(self._names),
            "absent": list(absent_shapes(self._basis)),
            "rotations": list(ROTATIONS),
        }
        out.write(dump_json(about)[:-1] + ', "frames": [')

    def add(self, motion: FaceMotion, life: Life) -> None:
        cells = motion.points.grid
        rows = zip(shape_rows(motion, life, self._basis), rotation_rows(life), strict=True)
        for k, (shapes, turns) in enumerate(rows):
            row = {
                "start": float(cells.edge(k)),
                "weights": [_short(value) for value in shapes],
                "rotations": [_short(value) for value in turns],
            }
            self._out.write(("\n" if self._count == 0 else ",\n") + json.dumps(row))
            self._count += 1

    def finish(self, end: Fraction) -> None:
        self._out.write(f'\n], "frame_count": {self._count}, "duration": {float(end)!r}}}\n')


class _NpzFile:
    """The whole mesh as a Track, and the face at rest; spooled, so that memory stays flat."""

    def __init__(self, target: str | os.PathLike[str], head: MotionHead, spool: IO[bytes]) -> None:
        self._target, self._head, self._spool = target, head, spool
        self._valid: list[Any] = []

    def add(self, motion: FaceMotion, life: Life) -> None:
        self._spool.write(np.ascontiguousarray(motion.points.values, np.float32).data)
        self._valid.append(motion.points.valid)

    def finish(self, end: Fraction) -> None:
        valid = np.concatenate(self._valid)
        self._spool.flush()
        points = np.memmap(self._spool, np.float32, "r", shape=(len(valid), 468, 3))
        cells = self._head.cells.part(range(len(valid)))
        track = Track(points, cells, valid, name="points", unit="eye distances")
        save_track(track, self._target, {"neutral": self._head.mover.neutral})


class _VisemeFile:
    """Mouth shapes of the whole."""

    def __init__(self, target: str | os.PathLike[str], head: MotionHead) -> None:
        self._target, self._head = target, head
        self._apertures: list[Any] = []
        self._widths: list[Any] = []

    def add(self, motion: FaceMotion, life: Life) -> None:
        self._apertures.append(motion.aperture.values)
        self._widths.append(motion.width.values)

    def finish(self, end: Fraction) -> None:
        rest = float(width_of(self._head.mover.neutral[list(LIPS), :2]))
        spans = viseme_spans(
            np.concatenate(self._apertures), np.concatenate(self._widths), self._head.cells, rest, end
        )
        write_visemes(self._target, spans, self._head.sound)
