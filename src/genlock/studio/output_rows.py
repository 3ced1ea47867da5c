"""An output of a clip as the page draws it on its time line: an outline, bands, a curve, or a strip of pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.time import fraction_text, round_fraction
from genlock.core.track import Track
from genlock.data.output_files import read_output, track_of_output
from genlock.drawing.opencv import cv2
from genlock.report.arrays import Rows, base64_text, curve_rows, spectrogram_rows, waveform_rows

__all__ = ["output_rows", "output_strip"]

_MOST_COLUMNS = 6000  # of an outline: more than any screen has
_MOST_BANDS = 512
_MOST_BYTES = 2_000_000
_STRIP = 24  # pictures of a strip
_STRIP_HEIGHT = 72


def output_rows(dataset: Path, made: Mapping[str, Any], clock: str) -> dict[str, Any]:
    """``form`` (``wave``, ``bands``, ``curve``, ``strip``, ``film``), and rows with the exact grid that they lie on.

    Raises FormatError if the output is not what the index says.
    """
    facts = {
        name: made[name] for name in ("kind", "rate", "start", "length", "shape", "dtype", "support", "valid")
    }
    try:
        track = track_of_output(made, read_output(dataset, made), clock)
    except OptionError:
        return {**facts, "form": "film"}
    shape = track.values.shape[1:]
    if _is_pictures(track):
        picked = _picked(len(track))
        times = [
            [fraction_text(track.grid.edge(int(k))), fraction_text(track.grid.edge(int(k) + 1))]
            for k in picked
        ]
        return {**facts, "form": "strip", "times": times, "label": track.name or str(made["kind"])}
    form, rows = _rows(track, shape)
    told = {**facts, "form": form, **rows.facts, "label": str(made["kind"]), "values": base64_text(rows.data)}
    if isinstance(track.grid, Grid):
        told["grid"] = track.grid.to_dict()
    return told


def output_strip(dataset: Path, made: Mapping[str, Any], clock: str) -> bytes:
    """Pictures of an output side by side, as JPEG, those of ``times`` of :func:`output_rows`."""
    track = track_of_output(made, read_output(dataset, made), clock)
    if not _is_pictures(track):
        raise OptionError(f"{made['kind']!r} holds no pictures")
    drawn = [_picture(track.values[k]) for k in _picked(len(track))]
    done, data = cv2.imencode(".jpg", np.concatenate(drawn, axis=1), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return bytes(data)


def _rows(track: Track, shape: tuple[int, ...]) -> tuple[str, Rows]:
    values = math.prod(shape)
    if not shape or values == 1:
        single = Track(
            track.values.reshape(len(track)), track.grid, track.valid, name=track.name, unit=track.unit
        )
        if isinstance(track.grid, Grid) and len(track) > _MOST_COLUMNS:
            return "wave", waveform_rows(_outline(single))
        return "curve", curve_rows(single)
    flat = np.asarray(track.values.reshape(len(track), values), np.float32)
    if values <= _MOST_BANDS:
        bands = Track(flat, track.grid, track.valid, name=track.name, unit=track.unit)
        return "bands", spectrogram_rows(bands, _MOST_BYTES)
    size = np.sqrt(np.mean(np.square(flat), axis=1))
    rows = curve_rows(Track(size, track.grid, track.valid, name=track.name))
    return "curve", Rows(
        rows.data, {**rows.facts, "note": f"{rows.facts['note']}\nroot mean square of {values} values"}
    )


def _outline(track: Track) -> Track:
    """Lowest and highest of each group of samples, on the grid of the groups."""
    assert isinstance(track.grid, Grid)
    group = math.ceil(len(track) / _MOST_COLUMNS)
    count = len(track) // group
    known = np.where(track.valid, track.values, 0)[: count * group].reshape(count, group)
    pairs = np.stack([known.min(axis=1), known.max(axis=1)], axis=1)
    return Track(pairs, Grid(track.grid.rate / group, track.grid.start, track.clock), name=track.name)


def _is_pictures(track: Track) -> bool:
    shape = track.values.shape[1:]
    return track.values.dtype == np.uint8 and (len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3)))


def _picked(count: int) -> npt.NDArray[np.int64]:
    """Frames at even distances."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, _STRIP)).astype(np.int64))


def _picture(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """One picture as the encoder takes it, blue first, of the strip's height."""
    colours = values.ndim == 3 and values.shape[-1] == 3
    grey = values.reshape(values.shape[:2])[..., None] if not colours else values
    picture = np.ascontiguousarray(np.broadcast_to(grey[..., ::-1], (*grey.shape[:2], 3)))
    width = max(1, round_fraction(Fraction(picture.shape[1] * _STRIP_HEIGHT, picture.shape[0]), "nearest"))
    return np.asarray(cv2.resize(picture, (width, _STRIP_HEIGHT)), np.uint8)
