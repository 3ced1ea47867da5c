"""Events found by a watcher that has learnt what sounds in a picture."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.time import exact
from genlock.core.track import Track
from genlock.foley.events import Event
from genlock.foley.finding import EventOptions
from genlock.media import VideoCell, VideoForm
from genlock.models.foley.reading import read_off
from genlock.models.foley.watcher import EVENT_CHANNELS, WATCHER_NAME, Watcher, WatcherStream, load_watcher

__all__ = ["LearnedFinder", "events_of"]

_TICK = 1_000_000  # instants are rounded to microseconds
_AT_A_TIME = 16  # frames that are looked at together
_LASTS = 0.5  # probability from which on something scrapes or rolls
_SHORTEST = Fraction(1, 10)  # seconds of what lasts


class LearnedFinder:
    """A :class:`genlock.foley.finding.Finder` that says what sounds, how hard, of what size and material.

    Raises MissingModel if its model is not here, FormatError if it is damaged.
    """

    name = "learned"

    def __init__(self, options: EventOptions | None = None) -> None:
        how = options or EventOptions()
        self._watcher: Watcher = load_watcher(how.model or WATCHER_NAME)
        side = self._watcher.shape.side
        self.form = VideoForm(size=(side, side))
        self.about = str(
            self._watcher.facts.get("data", "drawn films of things that strike, bounce and scrape")
        )
        self.least_probability = self._watcher.reading.threshold
        # It learnt with frames at their stamps; who says that they were taken elsewhere, moves what is found.
        self._moved = exact(how.frame_instant) - exact(EventOptions().frame_instant)
        self._stream: WatcherStream | None = None
        self._pictures: list[npt.NDArray[np.uint8]] = []
        self._spans: list[tuple[Fraction, Fraction]] = []
        self._parts: list[Track] = []
        self._longest = Fraction(0)

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        if self._stream is None:
            self._stream = self._watcher.stream(cell.start, cell.clock)
        move = self._moved * (cell.end - cell.start)
        self._pictures.append(cell.pixels)
        self._spans.append((cell.start + move, cell.end + move))
        self._longest = max(self._longest, cell.end - cell.start)
        if len(self._pictures) == _AT_A_TIME:
            self._look()

    def finish(self) -> None:
        """Nothing follows."""
        if self._stream is not None:
            self._look()
            self._parts.append(self._stream.finish())

    def _look(self) -> None:
        if self._pictures and self._stream is not None:
            self._parts.append(self._stream.push(np.stack(self._pictures), self._spans))
            self._pictures, self._spans = [], []

    def posterior(self) -> Track | None:
        """What it says of every column, after ``finish``; None if there was no frame."""
        if not self._parts:
            return None
        values = np.concatenate([part.values for part in self._parts])
        return Track(values, self._parts[0].grid, name="events", support="whole")

    def events(self) -> list[Event]:
        """What was found, after ``finish``; those that are half as likely as they should be too."""
        track = self.posterior()
        return [] if track is None else events_of(track, self._watcher, self.least_probability / 2)

    def notes(self) -> list[str]:
        """What to beware of."""
        return []


def events_of(posterior: Track, watcher: Watcher, least: float | None = None) -> list[Event]:
    """The events of a posterior, the first first; by default those that are as likely as the watcher advises."""
    rows = np.asarray(posterior.values, np.float32)
    read = read_off(rows, watcher.reading.threshold if least is None else least)
    start, period = posterior.grid.edge(0), posterior.grid.edge(1) - posterior.grid.edge(0)
    lasting = rows[:, EVENT_CHANNELS.index("sustained")] >= _LASTS
    found = []
    for place, probability, told in zip(read.places, read.probabilities, read.rows, strict=True):
        seconds = place * float(period) - watcher.reading.late_seconds
        instant = max(start + Fraction(round(seconds * _TICK), _TICK), start)
        shares = sorted(
            zip(watcher.materials, map(float, told[len(EVENT_CHANNELS) :]), strict=True),
            key=lambda one: -one[1],
        )
        column = min(int(place), len(rows) - 1)
        end = _end_of(lasting, column, start, period)
        found.append(
            Event(
                instant,
                probability=float(probability),
                impulse=float(10.0 ** told[2]),
                size=float(10.0 ** told[3]),
                x=float(np.clip(told[4], 0, 1)),
                material=shares[0][0] if shares else "",
                materials=tuple(shares),
                end=end if end is not None and end > instant else None,
            )
        )
    return found


def _end_of(
    lasting: npt.NDArray[np.bool_], column: int, start: Fraction, period: Fraction
) -> Fraction | None:
    """When a scrape or a roll ends that goes on just after a column; None if there is none."""
    begin = next((k for k in range(column, min(column + 3, len(lasting))) if lasting[k]), None)
    if begin is None:
        return None
    stops = np.flatnonzero(~lasting[begin:])
    stop = begin + (int(stops[0]) if len(stops) else len(lasting) - begin)
    return start + stop * period if (stop - begin) * period >= _SHORTEST else None
