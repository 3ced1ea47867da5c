"""Events that somebody has corrected or placed by hand: a table is read, and nothing is looked for."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from genlock.core.errors import FormatError, GenlockError
from genlock.core.time import exact
from genlock.foley.events import Event
from genlock.media import FrameTimes, VideoCell

__all__ = ["EVENT_NUMBERS", "GivenEvents", "event_of", "read_events"]

#: What of an event is a number without a time.
EVENT_NUMBERS = ("probability", "impulse", "size", "x", "y", "distance")


def read_events(path: str | os.PathLike[str]) -> list[Event]:
    """The events of a table as :func:`genlock.foley.event_files.write_events` writes it; ``time`` alone is enough.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "hits.csv").write_text("time,material\\n1001/30000,wood\\n2.5,\\n")
    ...     [(event.instant, event.material) for event in read_events(f"{folder}/hits.csv")]
    [(Fraction(1001, 30000), 'wood'), (Fraction(5, 2), '')]

    Raises
    ------
    FormatError
        If it cannot be read, has no column ``time``, or a row is no event.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"the events {os.fspath(path)!r} cannot be read: {error}") from error
    rows = csv.DictReader(io.StringIO(text))
    if "time" not in (rows.fieldnames or ()):
        raise FormatError(
            f"{os.fspath(path)!r} has no column 'time': give a table as --events hits.csv writes it"
        )
    return [_event(row, f"line {number} of {os.fspath(path)!r}") for number, row in enumerate(rows, 2)]


def _event(row: Mapping[str, str], place: str) -> Event:
    try:
        numbers = {name: float(text) for name in EVENT_NUMBERS if (text := row.get(name) or "")}
        event = event_of(
            row["time"] or "", numbers, row.get("material") or "", row.get("end_seconds") or None
        )
        shares = _shares(row.get("materials") or "")
        # Whoever has named another material knows better than what was found.
        kept = bool(shares) and shares[0][0] == event.material
        return replace(event, materials=shares) if kept else event
    except (GenlockError, ValueError, TypeError) as error:
        raise FormatError(f"{place} is no event: {error}") from error


def _shares(text: str) -> tuple[tuple[str, float], ...]:
    """How likely each material is, the most likely first, of ``wood=0.7 metal=0.3``."""
    told = [part.rpartition("=") for part in text.split()]
    return tuple(sorted(((name, float(share)) for name, _, share in told), key=lambda one: -one[1]))


def event_of(
    time: str, numbers: Mapping[str, float] = MappingProxyType({}), material: str = "", end: str | None = None
) -> Event:
    """An event of what a table or a page tells of it; what it does not tell is as usual.

    >>> event_of("1/2", {"x": 0.25}).x
    0.25

    Raises FormatError or OptionError if it is none.
    """
    plain = Event(exact(time), material=material, end=None if end is None else exact(end))
    return Event(
        plain.instant,
        numbers.get("probability", plain.probability),
        numbers.get("impulse", plain.impulse),
        numbers.get("size", plain.size),
        numbers.get("x", plain.x),
        numbers.get("y", plain.y),
        material,
        end=plain.end,
        distance=numbers.get("distance"),
    )


class GivenEvents:
    """A :class:`genlock.foley.finding.Finder` that has found already: it gives the events of a table.

    >>> finder = GivenEvents([Event(1)], "hits.csv")
    >>> finder.name, len(finder.events())
    ('given', 1)
    """

    form = FrameTimes()
    name = "given"
    least_probability = 0.0

    def __init__(self, events: Sequence[Event], origin: str) -> None:
        self._events = list(events)
        self.about = f"nothing was looked for: the events are those of {origin}"

    def push(self, cell: VideoCell) -> None:
        """Nothing is looked at."""

    def finish(self) -> None:
        """Nothing is held."""

    def events(self) -> list[Event]:
        """The events as they were given."""
        return self._events

    def notes(self) -> list[str]:
        """None: whoever gave them knows."""
        return []
