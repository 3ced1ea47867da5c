"""Sound that comes out while the picture goes in, a stated time later: for cameras, games and films without end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from genlock.core.grid import Grid
from genlock.core.time import Exact, exact_rate, round_fraction
from genlock.extractors.picture.motion_maps import MAP_FORM
from genlock.foley.contacts import ContactFinder, columns_of, events_of_rows
from genlock.foley.events import Event, Events
from genlock.foley.finding import EventOptions
from genlock.foley.generation import Generator, WrittenSound, posterior_of
from genlock.foley.sounding import Samples
from genlock.media import VideoCell
from genlock.models.foley.columns import COLUMN_RATE, EVENT_CHANNELS
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.vocoder import SOUND_RATE
from genlock.models.layers import Array

__all__ = ["LiveSound"]

# Rows after one within which an event may still move, and how many are kept before it.
_MAY_MOVE, _KEPT = 4, 64


class _LiveContacts(ContactFinder):
    """Contacts as soon as they are certain; nothing of what was told before is kept."""

    def __init__(self, options: EventOptions, at_a_time: int) -> None:
        super().__init__(options, at_a_time)
        self.final: Fraction | None = None
        self._rows: Array = np.zeros((0, 5), np.float32)
        self._times: list[Fraction] = []

    def take_rows(self, rows: ContactRows, instants: list[Fraction]) -> None:
        """Rows of frames that are final now."""
        self._rows = np.concatenate([self._rows, np.stack(columns_of(rows), axis=1)])
        self._times += instants

    def since(self, least: float, *, last: bool = False) -> list[Event]:
        """Events that are certain by now and were not told yet, in order; from ``final`` on they are not."""
        if not self._times:
            return []
        late = Fraction(round(self.reading.late_seconds * 1_000_000), 1_000_000)
        upto = self._times[max(len(self._times) - 1 - _MAY_MOVE, 0)] - late
        before, reading = self.final, replace(self.reading, threshold=least)
        found = events_of_rows(ContactRows(*self._rows.T), self._times, reading)
        self.final = upto
        kept = max(0, len(self._times) - _KEPT)
        self._rows, self._times = self._rows[kept:], self._times[kept:]
        return [e for e in found if (before is None or e.instant >= before) and (last or e.instant < upto)]


class LiveSound:
    """A consumer of frames that gives sound: mono samples, 24,000 a second, from the instant of the first frame on.

    What it gives depends neither on how fast frames come nor on how they are grouped. What strikes is found by motion
    alone (the finder ``contacts``), so materials are not known.

    Parameters
    ----------
    generator : who writes sound; None: the one that comes with Genlock
    options : how events are found; the finder is ``contacts``
    seed : of what is drawn at random
    at_a_time : frames that are looked at together: fewer come sooner and cost more

    Examples
    --------
    >>> live = LiveSound(at_a_time=8)
    >>> pieces = []
    >>> for k in range(50):
    ...     picture = np.full((48, 64), 90, np.uint8)
    ...     pieces.append(live.push(VideoCell(picture, k, Fraction(k, 25), Fraction(k + 1, 25), "film")))
    >>> len(np.concatenate([*pieces, live.finish()])), round(float(live.latency(25)), 2)
    (48000, 0.98)
    """

    form = MAP_FORM
    rate = SOUND_RATE

    def __init__(
        self,
        generator: Generator | None = None,
        options: EventOptions | None = None,
        seed: int = 0,
        at_a_time: int = 8,
    ) -> None:
        how = options or EventOptions()
        self._generator = generator or Generator()
        self._at_a_time = at_a_time
        self._finder = _LiveContacts(replace(how, finder="contacts"), at_a_time)
        least = how.least_probability
        self._least = self._finder.least_probability if least is None else least
        self._sound = WrittenSound(self._generator, seed)
        self._waiting: list[Event] = []
        self._grid: Grid | None = None
        self._columns, self._given = 0, 0
        self._end = Fraction(0)
        #: What was heard so far.
        self.events: list[Event] = []

    def latency(self, frame_rate: Exact) -> Fraction:
        """Seconds after which what a frame shows is heard at the latest, beside the time that computing takes."""
        frames = self._finder.frames_ahead + self._at_a_time + _MAY_MOVE + 1
        return frames / exact_rate(frame_rate) + 1 / COLUMN_RATE + self._generator.latency

    def push(self, cell: VideoCell) -> Samples:
        """Take the next frame; gives the samples that are certain now, float32 [n], perhaps none."""
        if self._grid is None:
            self._grid = Grid(COLUMN_RATE, cell.start, cell.clock)
        self._end = cell.end
        self._finder.push(cell)
        self._waiting += self._finder.since(self._least)
        return self._give(self._finder.final)

    def finish(self) -> Samples:
        """The rest: no frame follows."""
        if self._grid is None:
            return np.zeros(0, np.float32)
        self._finder.finish()
        self._waiting += self._finder.since(self._least, last=True)
        parts = [self._give(None), self._sound.finish()]
        whole = round_fraction((self._end - self._grid.edge(0)) * SOUND_RATE, "ceil")
        rest = np.concatenate(parts)
        return rest[: max(whole - self._given + len(parts[0]), 0)]

    def _give(self, upto: Fraction | None) -> Samples:
        """Sound for the columns before an instant; None: for all."""
        assert self._grid is not None
        last = upto is None
        stop = self._grid.index(self._end, "ceil") if upto is None else max(self._grid.index(upto), 0)
        if stop <= self._columns:
            return np.zeros(0, np.float32)
        start, end = self._grid.edge(self._columns), self._grid.edge(stop)
        now = [event for event in self._waiting if last or event.instant < end]
        self._waiting = self._waiting[len(now) :]
        piece = Events(now, start, end, self._grid.clock)
        writer = self._generator.writer
        made = self._sound.push(posterior_of(piece, writer.channels[len(EVENT_CHANNELS) :], writer), now)
        self._columns = stop
        self._given += len(made)
        self.events += now
        return made
