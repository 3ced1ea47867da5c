"""Events seen in a film: the instants at which something strikes, how hard, where, and on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import overload

import numpy as np

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Cells, require_same_clock
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, fraction_text
from genlock.core.track import Track

__all__ = ["Event", "Events", "heard_impulse"]

# Loudness grows with this power of the impulse, and falls with the distance.
_LOUDNESS = 0.75
# What is nearer sounds no louder, metres.
_NEAREST = 0.3
# A blow of full strength where nothing is compared, newton seconds from one metre away.
_HARDEST = 1.0


def heard_impulse(impulse: float, distance: float) -> float:
    """The impulse that sounds as loud from one metre away as this one does from so many.

    >>> heard_impulse(0.2, 1.0), round(heard_impulse(0.2, 2.0), 3)
    (0.2, 0.079)
    """
    return float(impulse / max(distance, _NEAREST) ** (1 / _LOUDNESS))


@dataclass(frozen=True)
class Event:
    """One thing that strikes, bounces, scrapes or rolls.

    >>> Event("1.5", impulse=0.4, x=0.25).instant
    Fraction(3, 2)

    Raises
    ------
    OptionError
        If it ends before it begins, a share lies outside 0...1, or impulse or size are below zero.
    """

    instant: Fraction
    """When the contact begins, in exact seconds on the film's clock."""
    probability: float = 1.0
    """How sure the finder is, 0...1."""
    impulse: float = 1.0
    """How hard: newton seconds where ``distance`` is given, else in the finder's own unit, of which only the ratio to
    other events of the film counts, see :meth:`Events.strengths`."""
    size: float = 0.1
    """How large what is struck is, in metres, where ``distance`` is given; else size of what moves, as a share of the
    picture's height."""
    x: float = 0.5
    """Where, as a share of the picture's width from the left."""
    y: float = 0.5
    """Where, as a share of its height from the top."""
    material: str = ""
    """What is struck; empty where the finder knows no materials."""
    materials: tuple[tuple[str, float], ...] = ()
    """How likely each material is, where the finder says so; the most likely first."""
    end: Fraction | None = None
    """When the contact is over, where it lasts (a scrape, a roll); None: a blow."""
    distance: float | None = None
    """How far from the camera, in metres, where impulse and size are known in newton seconds and metres: then the event
    is as loud as they say, and not only louder than others of its film. A finder that knows them and no distance
    says 1. None: they are not known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "instant", exact(self.instant))
        object.__setattr__(self, "end", None if self.end is None else exact(self.end))
        shares = (self.probability, self.x, self.y)
        if not all(0 <= share <= 1 for share in shares):
            raise OptionError(f"probability, x, y = {shares} of an event lie in 0...1")
        if not (self.impulse >= 0 and self.size >= 0):
            raise OptionError(f"impulse={self.impulse} and size={self.size} of an event are not below zero")
        if self.distance is not None and not self.distance > 0:
            raise OptionError(f"distance={self.distance} of an event is above zero, in metres")
        if self.end is not None and self.end < self.instant:
            raise OptionError(f"an event ends at {self.end} s, before it begins at {self.instant} s")

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "time": fraction_text(self.instant),
            "seconds": float(self.instant),
            "probability": round(self.probability, 4),
            "impulse": round(self.impulse, 6),
            "size": round(self.size, 4),
            "x": round(self.x, 4),
            "y": round(self.y, 4),
            "material": self.material,
            "end_seconds": None if self.end is None else float(self.end),
            "distance": None if self.distance is None else round(self.distance, 4),
            "materials": {name: round(share, 4) for name, share in self.materials},
        }


@dataclass(frozen=True)
class Events(Sequence[Event]):
    """Events in order of time on one clock, and the span of the film in which they were looked for.

    >>> found = Events([Event(1, impulse=2), Event("0.5", impulse=1)], 0, 2)
    >>> [float(event.instant) for event in found], found.strengths().tolist()
    ([0.5, 1.0], [0.5, 1.0])

    Raises
    ------
    OptionError
        If the span ends before it begins.
    """

    items: tuple[Event, ...]
    """The events, sorted by their instants."""
    start: Fraction
    """First instant of the picture that was looked at, in exact seconds."""
    end: Fraction
    """First instant after it."""
    clock: str = DEFAULT_CLOCK
    """Name of the time axis."""
    finder: str = ""
    """Who found them."""
    about: str = field(default="")
    """What the finder has learnt from, in a sentence."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line

    def __init__(
        self,
        items: Iterable[Event],
        start: Exact,
        end: Exact,
        clock: str = DEFAULT_CLOCK,
        finder: str = "",
        about: str = "",
        notes: Iterable[str] = (),
    ) -> None:
        low, high = exact(start), exact(end)
        if high < low:
            raise OptionError(f"the picture ends at {high} s, before it begins at {low} s")
        object.__setattr__(self, "items", tuple(sorted(items, key=lambda event: event.instant)))
        object.__setattr__(self, "start", low)
        object.__setattr__(self, "end", high)
        object.__setattr__(self, "clock", clock)
        object.__setattr__(self, "finder", finder)
        object.__setattr__(self, "about", about)
        object.__setattr__(self, "notes", tuple(notes))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Events: ...
    def __getitem__(self, index: int | slice) -> Event | Events:
        return replace(self, items=self.items[index]) if isinstance(index, slice) else self.items[index]

    def instants(self) -> np.ndarray:
        """When, float64 [n], in seconds."""
        return np.array([float(event.instant) for event in self.items], np.float64)

    @property
    def absolute(self) -> bool:
        """Whether impulses, sizes and distances of all are known in newton seconds and metres."""
        return bool(self.items) and all(event.distance is not None for event in self.items)

    def strengths(self) -> np.ndarray:
        """How hard each is, float64 [n], 0...1.

        Where they are :attr:`absolute`, 1 is a newton second from a metre away or more: films compare. Else each is
        told beside the hard ones of its film: the 95th percentile of the impulses is 1, so that one freak does not
        make all others soft.

        >>> Events([Event(1, impulse=0.25, distance=1)], 0, 2).strengths().tolist()
        [0.25]
        """
        if self.absolute:
            heard = [heard_impulse(event.impulse, event.distance or 1.0) for event in self.items]
            return np.clip(np.array(heard) / _HARDEST, 0, 1)
        impulses = np.array([event.impulse for event in self.items], np.float64)
        top = float(np.quantile(impulses, 0.95, method="higher")) if len(impulses) else 0.0
        return np.clip(impulses / top, 0, 1) if top > 0 else np.ones(len(impulses))

    def likely(self, least: float) -> Events:
        """Those whose probability is at least so high."""
        return replace(self, items=tuple(e for e in self.items if e.probability >= least))

    def spans(self, seconds: Exact = 0) -> Spans:
        """As spans that begin at the contacts, labelled by material (``event`` where that is not known).

        Parameters
        ----------
        seconds : length of a blow; shorter where the next event begins before
        """
        length, made = exact(seconds), []
        for number, event in enumerate(self.items):
            end = event.instant + length if event.end is None else event.end
            if number + 1 < len(self.items):
                end = min(end, self.items[number + 1].instant)
            made.append(Span(event.instant, end, event.material or "event", event.probability))
        return Spans(made, self.clock, "events")

    def track(self, cells: Cells, length: int | None = None) -> Track:
        """On cells: the likeliest event whose instant lies in each, float32 [T, 5].

        The columns are probability, place of the instant within the cell (0...1), strength, x and y; all are zero
        where no event is. ``length`` is the number of cells from cell 0 (default: up to the picture's end).
        """
        require_same_clock(self.clock, cells.clock, "put events on the grid")
        count = cells.length if length is None else length
        if count is None:
            count = max(0, cells.index(self.end, "ceil"))
        rows = np.zeros((count, 5), np.float32)
        for event, strength in zip(self.items, self.strengths().tolist(), strict=True):
            k = cells.index(event.instant)
            if 0 <= k < count and event.probability > rows[k, 0]:
                left, right = cells.edge(k), cells.edge(k + 1)
                place = float((event.instant - left) / (right - left))
                rows[k] = (event.probability, place, strength, event.x, event.y)
        grid = cells if cells.length is None or cells.length == count else cells.part(range(count))
        return Track(rows, grid, name="events")

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "kind": "events",
            "clock": self.clock,
            "start": fraction_text(self.start),
            "end": fraction_text(self.end),
            "finder": self.finder,
            "about": self.about,
            "notes": list(self.notes),
            "events": [event.to_dict() for event in self.items],
        }
