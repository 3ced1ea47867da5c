"""Events as files of other programs: a table (CSV), and markers on a time line (OpenTimelineIO)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.foley.events import Events
from genlock.foley.sounding import Choice
from genlock.media.markers import Marker, otio_markers

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
    "distance",
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
        write_text(target, _markers(events, sounds, film, rate))


def _table(events: Events, sounds: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, "sound", "materials"])
    for event, strength, sound in zip(events, events.strengths().tolist(), sounds, strict=True):
        known = {**event.to_dict(), "strength": round(strength, 4)}
        row = ["" if known[name] is None else known[name] for name in _COLUMNS]
        shares = " ".join(f"{name}={share:.4f}" for name, share in event.materials)
        writer.writerow([*row, sound, shares])
    return out.getvalue()


def _markers(
    events: Events, sounds: Sequence[str], film: str | os.PathLike[str], rate: Fraction | None
) -> str:
    markers = []
    for event, strength, sound in zip(events, events.strengths().tolist(), sounds, strict=True):
        end = event.instant if event.end is None else event.end
        told = {**event.to_dict(), "strength": round(strength, 4), "sound": sound}
        markers.append(Marker(event.material or "event", event.instant, end, told))
    about = {"finder": events.finder, "about": events.about}
    return otio_markers(film, (events.start, events.end), markers, rate, metadata=about)
