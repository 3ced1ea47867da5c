"""Events as files of other programs: a table (CSV), and markers on a time line (OpenTimelineIO)."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.core.time import fraction_text
from genlock.foley.events import Events
from genlock.foley.sounding import Choice

__all__ = ["EVENT_ENDINGS", "write_events"]

#: Endings of files of events.
EVENT_ENDINGS = (".csv", ".otio")
_COLUMNS = (
    "time",
    "seconds",
    "probability",
    "strength",
    "impulse",
    "size",
    "x",
    "y",
    "material",
    "end_seconds",
)


def write_events(
    target: str | os.PathLike[str],
    events: Events,
    film: str | os.PathLike[str],
    rate: Fraction | None = None,
    choices: Sequence[Choice] = (),
) -> None:
    """Write events; the ending says the form.

    Parameters
    ----------
    target : ``.csv``, or ``.otio``: a clip of the film with a marker on each event
    film : what the markers belong to
    rate : frames per second of the film, in which the markers count; None: milliseconds
    choices : what sounds on each event

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written.
    """
    ending = Path(target).suffix.lower()
    if ending not in EVENT_ENDINGS:
        raise OptionError(f"{os.fspath(target)!r}: events are written as {' or '.join(EVENT_ENDINGS)}")
    sounds = [choice.sound for choice in choices] if len(choices) == len(events) else [""] * len(events)
    if ending == ".csv":
        write_text(target, _table(events, sounds))
    else:
        write_text(
            target, json.dumps(_timeline(events, sounds, film, rate or Fraction(1000)), indent=1) + "\n"
        )


def _table(events: Events, sounds: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, "sound"])
    for event, strength, sound in zip(events, events.strengths().tolist(), sounds, strict=True):
        known = {**event.to_dict(), "strength": round(strength, 4)}
        row = ["" if known[name] is None else known[name] for name in _COLUMNS]
        writer.writerow([*row, sound])
    return out.getvalue()


def _timeline(
    events: Events, sounds: Sequence[str], film: str | os.PathLike[str], rate: Fraction
) -> dict[str, Any]:
    def at(seconds: Fraction) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(seconds * rate)}

    def span(start: Fraction, length: Fraction) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at(start), "duration": at(length)}

    markers = []
    for event, strength, sound in zip(events, events.strengths().tolist(), sounds, strict=True):
        length = Fraction(0) if event.end is None else event.end - event.instant
        markers.append(
            {
                "OTIO_SCHEMA": "Marker.2",
                "name": event.material or "event",
                "color": "RED",
                "marked_range": span(event.instant, length),
                "metadata": {
                    "genlock": {**event.to_dict(), "strength": round(strength, 4), "sound": sound},
                    "exact": fraction_text(event.instant),
                },
            }
        )
    name = Path(os.fspath(film)).name
    whole = span(events.start, events.end - events.start)
    clip = {
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "source_range": whole,
        "media_reference": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "target_url": os.fspath(film),
            "available_range": whole,
            "name": name,
            "metadata": {},
        },
        "markers": markers,
        "effects": [],
        "metadata": {},
    }
    track: dict[str, Any] = {
        "OTIO_SCHEMA": "Track.1",
        "kind": "Video",
        "name": "picture",
        "children": [clip],
        "markers": [],
        "effects": [],
        "source_range": None,
        "metadata": {},
    }
    stack: dict[str, Any] = {
        "OTIO_SCHEMA": "Stack.1",
        "name": "tracks",
        "children": [track],
        "markers": [],
        "effects": [],
        "source_range": None,
        "metadata": {},
    }
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "tracks": stack,
        "global_start_time": None,
        "metadata": {"genlock": {"finder": events.finder, "about": events.about}},
    }
