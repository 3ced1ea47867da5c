"""Events as a page sends them, checked, and as the table that ``genlock sound --events-from`` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from genlock.core.errors import FormatError, OptionError
from genlock.core.time import fraction_text
from genlock.foley.events import Event
from genlock.foley.given import EVENT_NUMBERS, event_of

__all__ = ["events_sent", "table_of"]

_MOST = 100_000
_LONGEST_NAME = 200
_COLUMNS = ("time", *EVENT_NUMBERS, "material", "end_seconds")


def events_sent(told: Any) -> list[Event]:
    """The events of a request. Raises OptionError if one is none.

    >>> [event.instant for event in events_sent([{"time": "1001/30000", "x": 0.2}])]
    [Fraction(1001, 30000)]
    """
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told) or len(told) > _MOST:
        raise OptionError(f"events is a list of at most {_MOST} events")
    return [_event(each) for each in told]


def _event(told: dict[str, Any]) -> Event:
    numbers = {name: told[name] for name in EVENT_NUMBERS if told.get(name) is not None}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers.values()):
        raise OptionError(f"an event's {', '.join(numbers)} are numbers: {numbers}")
    time, material, end = told.get("time"), told.get("material") or "", told.get("end_seconds")
    if not isinstance(time, str) or not isinstance(material, str) or len(material) > _LONGEST_NAME:
        raise OptionError("an event has its time as exact text, and the name of a material or none")
    if end is not None and (isinstance(end, bool) or not isinstance(end, int | float)):
        raise OptionError(f"an event's end_seconds {end!r} is no number")
    try:
        return event_of(
            time,
            {name: float(value) for name, value in numbers.items()},
            material,
            None if end is None else str(end),
        )
    except (FormatError, ValueError, OverflowError) as error:
        raise OptionError(f"{time!r} is no instant that can be read: {error}") from error


def table_of(events: Sequence[Event]) -> str:
    """The table, with exact times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for event in events:
        end = "" if event.end is None else fraction_text(event.end)
        values = [getattr(event, name) for name in EVENT_NUMBERS]
        numbers = ["" if value is None else repr(value) for value in values]
        writer.writerow([fraction_text(event.instant), *numbers, event.material, end])
    return out.getvalue()
