"""Markers on a film as OpenTimelineIO: a time line of one clip that edits and colour programs open."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.one_line import one_line
from genlock.core.time import fraction_text

__all__ = ["Marker", "otio_markers"]


@dataclass(frozen=True)
class Marker:
    """One marker."""

    name: str
    """What it says."""
    start: Fraction
    """Where it lies, in exact seconds on the media clock."""
    end: Fraction
    """Where it ends; ``start`` for an instant."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else belongs to it, under the name ``genlock``."""

    __repr__ = one_line


def otio_markers(
    film: str | os.PathLike[str],
    span: tuple[Fraction, Fraction],
    markers: Iterable[Marker],
    rate: Fraction | None = None,
    color: str = "RED",
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """The text of an ``.otio`` file.

    Parameters
    ----------
    film : what the markers belong to
    span : first instant of the clip and the first after it, in exact seconds
    rate : frames per second in which times are counted; None: milliseconds. Each marker keeps its exact start beside.

    >>> one = Marker("slate", Fraction(1, 3), Fraction(1, 3))
    >>> told = json.loads(otio_markers("film.mp4", (Fraction(0), Fraction(2)), [one], Fraction(30)))
    >>> told["tracks"]["children"][0]["children"][0]["markers"][0]["marked_range"]["start_time"]["value"]
    10.0
    """
    base = rate or Fraction(1000)

    def at(seconds: Fraction) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(base), "value": float(seconds * base)}

    def stretch(start: Fraction, end: Fraction) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at(start), "duration": at(end - start)}

    name, whole = Path(os.fspath(film)).name, stretch(*span)
    made = [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": marker.name,
            "color": color,
            "marked_range": stretch(marker.start, marker.end),
            "metadata": {"genlock": dict(marker.metadata), "exact": fraction_text(marker.start)},
        }
        for marker in markers
    ]
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": os.fspath(film),
        "available_range": whole,
        "name": name,
        "metadata": {},
    }
    clip = _item("Clip.1", name, source_range=whole, media_reference=media, markers=made)
    track = _item("Track.1", "picture", kind="Video", children=[clip], source_range=None, markers=[])
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "tracks": _item("Stack.1", "tracks", children=[track], source_range=None, markers=[]),
        "global_start_time": None,
        "metadata": {"genlock": dict(metadata or {})},
    }
    return json.dumps(timeline, indent=1) + "\n"


def _item(schema: str, name: str, **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "name": name, "effects": [], "metadata": {}, **more}
