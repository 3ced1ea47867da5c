"""Tracks as bytes: quantised, and decimated where a page could not carry them."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid, Ticks
from genlock.core.track import Track

__all__ = ["Rows", "base64_text", "curve_rows", "frame_rows", "spectrogram_rows", "waveform_rows"]

Values: Any = npt.NDArray[Any]

#: Most rows that each kind carries: a page of an hour stays below 10 MB without its preview.
MOST_WAVEFORM_ROWS = 400_000
MOST_SPECTROGRAM_BYTES = 4_000_000
MOST_CURVE_ROWS = 150_000
_UNIFORM_SECONDS = 1e-7  # edges that lie on a line this closely are sent as the line
_CHUNK = 65_536


@dataclass(frozen=True)
class Rows:
    """An array for the page, and the words that go with it."""

    data: bytes
    """Little-endian bytes."""
    facts: dict[str, Any]
    """``start`` (left edge of row 0) and ``period`` (one row) in seconds, ``width`` (values a row), words."""


def base64_text(data: bytes) -> str:
    """Base64 as text.

    >>> base64_text(b"genlock")
    'Z2VubG9jaw=='
    """
    return base64.b64encode(data).decode("ascii")


def frame_rows(edges: npt.NDArray[np.float64]) -> Rows:
    """Frame edges: first and last of a constant rate, else all of them.

    >>> frame_rows(np.arange(4) / 25).facts
    {'kind': 'uniform', 'count': 3, 'first': 0.0, 'last': 0.12}
    """
    count = len(edges) - 1
    line = edges[0] + (edges[-1] - edges[0]) * np.arange(count + 1) / count
    if np.abs(line - edges).max() <= _UNIFORM_SECONDS:
        return Rows(
            b"", {"kind": "uniform", "count": count, "first": float(edges[0]), "last": float(edges[-1])}
        )
    return Rows(edges.astype("<f8").tobytes(), {"kind": "edges", "count": count})


def waveform_rows(track: Track, most: int = MOST_WAVEFORM_ROWS) -> Rows:
    """Lowest and highest sample as int8, 127 being the loudest sample of all.

    >>> rows = waveform_rows(Track(np.array([[-0.5, 0.25]]), Grid(100)))
    >>> np.frombuffer(rows.data, np.int8).tolist(), rows.facts["note"]
    ([-127, 64], 'peak −6.0 dBFS')
    """
    track = _on_grid(track)
    values = np.where(track.valid[:, None], np.nan_to_num(track.values), 0)
    group = max(1, math.ceil(len(values) / most))
    low = _grouped(values[:, 0], group, np.min)
    high = _grouped(values[:, 1], group, np.max)
    pairs = np.stack([low, high], axis=1)
    peak = max(float(np.abs(pairs).max(initial=0)), 1e-4)
    data = np.clip(np.rint(pairs / peak * 127), -127, 127).astype(np.int8).tobytes()
    level = f"{20 * math.log10(peak):.1f}".replace("-0.0", "0.0").replace("-", "−")
    return Rows(data, _facts(track, group, 2, note=f"peak {level} dBFS", signed=True))


def spectrogram_rows(track: Track, most_bytes: int = MOST_SPECTROGRAM_BYTES) -> Rows:
    """Bands as uint8: 1 at the floor, 255 at the ceiling, 0 where nothing is valid.

    The floor and the ceiling are the 2nd and the 99.9th percentile (at most 90 dB apart), so that one click
    does not darken the rest.
    """
    track = _on_grid(track)
    bands = track.values.shape[1]
    group = max(1, math.ceil(len(track) * bands / most_bytes))
    low, high = _limits(track, spread=90.0 if track.unit.lower().startswith("db") else math.inf)
    parts = []
    step = max(group, _CHUNK // group * group)
    for first in range(0, len(track), step):  # in pieces: hours of a float64 copy would not fit
        values = track.values[first : first + step].astype(np.float32)
        valid = track.valid[first : first + step] & np.isfinite(values).all(axis=1)
        mean = _grouped(np.where(valid[:, None], values, 0), group, np.sum)
        share = _grouped(valid.astype(np.float32), group, np.sum)
        levels = 1 + 254 * (mean / np.maximum(share, 1)[:, None] - low) / max(high - low, 1e-9)
        parts.append(np.where(share[:, None] > 0, np.clip(np.rint(levels), 1, 255), 0).astype(np.uint8))
    data = np.concatenate(parts).tobytes() if parts else b""
    unit = f" {track.unit}" if track.unit else ""
    text = f"{bands} bands\n{_short(low)} to {_short(high)}{unit}"
    label = track.name or "spectrogram"
    return Rows(data, _facts(track, group, bands, note=text, label=label))


def curve_rows(track: Track, most: int = MOST_CURVE_ROWS) -> Rows:
    """A curve as uint8: 1 at its lowest value, 255 at its highest, 0 where it is not valid."""
    track = _on_grid(track)
    values = track.values.reshape(len(track)).astype(np.float64)
    valid = track.valid & np.isfinite(values)
    group = max(1, math.ceil(len(values) / most))
    top = _grouped(np.where(valid, values, -np.inf), group, np.max)
    known = np.isfinite(top)
    low, high = (float(values[valid].min()), float(values[valid].max())) if valid.any() else (0.0, 1.0)
    levels = 1 + 254 * (np.where(known, top, low) - low) / max(high - low, 1e-12)
    data = np.where(known, np.clip(np.rint(levels), 1, 255), 0).astype(np.uint8).tobytes()
    unit = f" {track.unit}" if track.unit else ""
    label = (track.name or "feature").replace("_", " ")
    return Rows(
        data,
        _facts(track, group, 1, note=f"{_short(_clean(low, high))} to {_short(high)}{unit}", label=label),
    )


def _facts(track: Track, group: int, width: int, **more: Any) -> dict[str, Any]:
    assert isinstance(track.grid, Grid)
    period = track.grid.period * group
    if group > 1:
        more["note"] = f"{more['note']}\n{_short(float(period) * 1000)} ms a column"
    return {"start": float(track.grid.edge(0)), "period": float(period), "width": width, **more}


def _on_grid(track: Track) -> Track:
    """Values of a variable rate are shown on a Grid of their mean rate, each at the nearest place."""
    if not isinstance(track.grid, Ticks):
        return track
    if not len(track):
        return Track(track.values, Grid(1, 0, track.clock), name=track.name, unit=track.unit)
    rate = (len(track) / (track.end - track.start)).limit_denominator(100_000)
    return track.on(Grid(rate, track.start, track.clock), how="nearest", length=len(track))


def _grouped(values: Values, group: int, reduce: Callable[..., Values]) -> Values:
    """``reduce`` over runs of ``group`` rows; the last run may be shorter."""
    if group == 1:
        return values
    whole = len(values) // group * group
    parts = [reduce(values[:whole].reshape(-1, group, *values.shape[1:]), axis=1)]
    if whole < len(values):
        parts.append(reduce(values[whole:], axis=0, keepdims=True))
    return np.concatenate(parts)


def _limits(track: Track, spread: float) -> tuple[float, float]:
    step = max(1, len(track) // 20_000)
    sample = track.values[::step][track.valid[::step]].astype(np.float32)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(x) for x in np.percentile(sample, [2, 99.9]))
    return max(low, high - spread), max(high, low + 1e-6)


def _clean(low: float, high: float) -> float:
    """The low end of a curve, zero if it is so to the eye: "0.00064 to 0.25" tells nothing more.

    >>> _clean(0.00064, 0.25), _clean(-70.0, -13.0)
    (0.0, -70.0)
    """
    return 0.0 if abs(low) < 0.005 * (high - low) else low


def _short(value: float) -> str:
    return (f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}").replace("-", "−")
