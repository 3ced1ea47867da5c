"""The bytes of one output of a dataset, checked, and the Track in them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genlock.core.errors import FormatError, OptionError
from genlock.core.grid import Grid
from genlock.core.json_forms import cells_from_dict, described
from genlock.core.track import Track
from genlock.core.track_file import track_from_bytes
from genlock.drawing.opencv import cv2

__all__ = ["check_output", "read_output", "track_of_output", "true_cells"]


def read_output(dataset: Path, made: Mapping[str, Any], *, check: bool = True) -> bytes:
    """The bytes of one output.

    Parameters
    ----------
    dataset : the folder of the dataset
    made : its entry in ``outputs`` of a row of the index
    check : whether the bytes are compared with the SHA-256 in the index

    Raises FormatError if it cannot be read, or is not what the index says.
    """
    path = dataset / str(made["path"])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"cannot read {str(path)!r}: {error.strerror}; run genlock prepare again"
        ) from error
    if check:
        check_output(made, data, repr(str(path)), "remove it and run genlock prepare again")
    return data


def check_output(made: Mapping[str, Any], data: bytes, origin: str, advice: str) -> None:
    """Raise FormatError if bytes are not those that the index tells of."""
    if hashlib.sha256(data).hexdigest() != made["sha256"]:
        raise FormatError(f"{origin} is not what the index says it is (SHA-256 differs); {advice}")


def track_of_output(made: Mapping[str, Any], data: bytes, clock: str) -> Track:
    """The Track in the bytes of an output: a feature, sound as a waveform, -1...1, or frames, RGB uint8 [T, H, W, 3].

    Raises
    ------
    FormatError
        If they are damaged.
    OptionError
        If the output is a film.
    """
    path = str(made["path"])
    if path.endswith(".npz"):
        return track_from_bytes(data, repr(path))
    if path.endswith(".wav"):
        try:
            samples, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        except soundfile.SoundFileError as error:
            raise FormatError(f"{path!r} is no sound that can be read ({error}); make it again") from error
        valid, real = np.zeros(len(samples), bool), true_cells(made)
        valid[real.start : real.stop] = True
        for first, stop in _more(made).get("lost", ()):
            valid[first:stop] = False
        return Track(samples, Grid(made["rate"], made["start"], clock), valid, name=made["kind"])
    if path.endswith(".zip"):
        return _pictures(made, data, clock)
    raise OptionError(f"{made['kind']!r} is kept as {Path(path).suffix}: read it with a tool for such files")


def _pictures(made: Mapping[str, Any], data: bytes, clock: str) -> Track:
    """Frames on the cells that they lie on; those that only stand in for lost ones are not valid."""
    damaged = f"{made['path']!r} is damaged; remove it and run genlock prepare again"
    try:
        with described(damaged), zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            cells = cells_from_dict(json.loads(archive.read("cells.json"))).on_clock(clock)
            coded = [np.frombuffer(archive.read(name), np.uint8) for name in names]
            frames = np.stack([np.asarray(cv2.imdecode(one, cv2.IMREAD_COLOR))[..., ::-1] for one in coded])
    except (zipfile.BadZipFile, cv2.error) as error:
        raise FormatError(f"{damaged} ({error})") from error
    valid = np.ones(len(frames), bool)
    for first, stop in _more(made).get("lost", ()):
        valid[first:stop] = False
    return Track(frames, cells, valid, name=made["kind"])


def true_cells(made: Mapping[str, Any]) -> range:
    """The cells of an output that the source really has: of sound without the zeros that fill up a clip.

    >>> true_cells({"length": 100, "valid": 90, "more": '{"first_valid": 4}'})
    range(4, 94)
    """
    more = _more(made)
    first = more.get("first_valid")
    if first is None:
        return range(int(made["length"]))
    within = int(made["valid"]) + sum(stop - start for start, stop in more.get("lost", ()))
    return range(int(first), int(first) + within)


def _more(made: Mapping[str, Any]) -> dict[str, Any]:
    """What an output tells besides the columns that all have."""
    return dict(json.loads(made.get("more") or "{}"))
