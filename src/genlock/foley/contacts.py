"""Events found by a network that has learnt how motion ends where things touch, and sees nothing but motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from genlock.core.time import exact
from genlock.extractors.picture.motion_maps import MAP_FORM, MotionMapper, MotionMaps, instant_of
from genlock.foley.events import Event
from genlock.foley.finding import EventOptions
from genlock.media import VideoCell
from genlock.models.foley.contacts import (
    CONTACTS_NAME,
    OUTPUTS,
    ContactModel,
    ContactRows,
    load_contacts,
    prepared_maps,
)
from genlock.models.foley.reading import Reading, read_off
from genlock.models.layers import Array

__all__ = ["ContactFinder", "Looks", "columns_of", "events_found", "events_of_rows"]

_TICK = 1_000_000  # instants are rounded to microseconds
_AT_A_TIME = 128  # frames that are told at a time
_SIZE_AT = len(OUTPUTS) + 2  # what is told of looks comes after the place
_SIZE, _DISTANCE = 0.1, 1.0  # metres: the network knows impulses in newton seconds, and neither of these


@dataclass(frozen=True)
class Looks:
    """What things look like at the likeliest place of frames."""

    materials: tuple[str, ...]
    """Names."""
    shares: np.ndarray
    """How likely each is, float32 [T, materials]."""
    sizes: np.ndarray
    """Logarithms to base 10 of sizes in metres, float32 [T]."""


class ContactFinder:
    """A :class:`genlock.foley.finding.Finder` that knows when something touches, how hard and where, but not on what.

    ``at_a_time``: frames that are told together; fewer are told sooner, and cost more.

    Raises MissingModel if its model is not here, FormatError if it is damaged.
    """

    form = MAP_FORM
    name = "contacts"

    def __init__(self, options: EventOptions | None = None, at_a_time: int | None = None) -> None:
        how = options or EventOptions()
        self._at_a_time = at_a_time or _AT_A_TIME
        self._model: ContactModel = load_contacts(how.model or CONTACTS_NAME)
        self._where = exact(how.frame_instant)
        self.about = str(self._model.facts.get("data", "the motion in drawn films of things that touch"))
        self.reading = self._model.reading
        self.least_probability = self.reading.threshold
        self._mapper = MotionMapper()
        # Maps that are not told yet, after those that the first of them depends on.
        self._waiting: list[MotionMaps] = []
        self._known = 0
        self._instants: list[Fraction] = []
        self._told: list[ContactRows] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        maps = self._mapper.push(instant_of(cell, self._where), cell.pixels)
        if maps is None:
            return
        self._waiting.append(maps)
        reach = self._model.shape.reach
        if len(self._waiting) == self._known + self._at_a_time + reach:
            self._tell(len(self._waiting) - reach)

    def finish(self) -> None:
        """Tell the last frames."""
        self._tell(len(self._waiting))

    def events(self) -> list[Event]:
        """What was found, after ``finish``; those that are half as likely as they should be too."""
        if not self._told:
            return []
        return events_found(self._told, self._instants, self.reading)

    @property
    def frames_ahead(self) -> int:
        """Frames after one without which nothing is told of it."""
        return self._model.shape.reach

    def notes(self) -> list[str]:
        """What to beware of."""
        return []

    def take_rows(self, rows: ContactRows, instants: list[Fraction]) -> None:
        """Rows of frames that are final now; who tells events at once overrides this."""
        self._told.append(rows)
        self._instants += instants

    def _tell(self, stop: int) -> None:
        if stop <= self._known:
            return
        maps = prepared_maps(np.stack([one.maps for one in self._waiting]))
        now = slice(self._known, stop)
        final = ContactRows(*(part[now] for part in columns_of(self._model.rows_of_prepared(maps))))
        self.take_rows(final, [one.instant for one in self._waiting[now]])
        kept = max(0, stop - self._model.shape.reach)
        self._waiting, self._known = self._waiting[kept:], stop - kept


def columns_of(rows: ContactRows) -> tuple[Array, ...]:
    """Its arrays, in their order."""
    return rows.presence, rows.place, rows.impulse, rows.x, rows.y


def events_found(
    told: Sequence[ContactRows], instants: list[Fraction], reading: Reading, looks: Looks | None = None
) -> list[Event]:
    """The events of consecutive stretches, those that are half as likely as they should be too."""
    rows = ContactRows(*(np.concatenate(parts) for parts in zip(*map(columns_of, told), strict=True)))
    return events_of_rows(rows, instants, replace(reading, threshold=reading.threshold / 2), looks)


def events_of_rows(
    rows: ContactRows, instants: list[Fraction], reading: Reading, looks: Looks | None = None
) -> list[Event]:
    """The events of what is told of frames.

    Parameters
    ----------
    rows : of all frames of a film
    instants : when each was taken, in exact seconds
    reading : how they are read off
    looks : what things look like in them, if that is known
    """
    numbers = np.stack(columns_of(rows), axis=1)
    if looks is not None:
        numbers = np.concatenate([numbers, looks.sizes[:, None], looks.shares], axis=1)
    read = read_off(numbers, reading.threshold)
    seconds = np.array([float(t - instants[0]) for t in instants])
    places = np.interp(read.places - 0.5, np.arange(len(seconds)), seconds) - reading.late_seconds
    found = []
    for place, probability, told in zip(places.tolist(), read.probabilities, read.rows, strict=True):
        x, y = np.clip(told[len(OUTPUTS) : _SIZE_AT], 0, 1).tolist()
        instant = instants[0] + Fraction(round(max(place, 0.0) * _TICK), _TICK)
        event = Event(instant, float(probability), float(10.0 ** told[2]), _SIZE, x, y, distance=_DISTANCE)
        found.append(event if looks is None else _looking(event, looks.materials, told[_SIZE_AT:]))
    return found


def _looking(event: Event, materials: tuple[str, ...], told: np.ndarray) -> Event:
    shares = sorted(zip(materials, map(float, told[1:]), strict=True), key=lambda one: -one[1])
    return replace(event, size=float(10.0 ** told[0]), material=shares[0][0], materials=tuple(shares))
