"""Which parts of a long film are looked at: windows spread over it, and more of them where they disagree.

A constant offset of two hours needs no two hours. Windows of ten seconds lie evenly over the film, each of them saying
by itself what the offset is; where two neighbours differ, or one says nothing, others are put between, until the place
of the change is read as a whole. What is read says which change would have been seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import Exact, exact
from genlock.lipsync.course import SAME_SECONDS
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import Segment, SyncMeasurement, expected_offset

__all__ = ["PartsRead", "Spread", "SpreadOptions", "Window", "measure_spread"]

# An offset that is less probable is not believed of a film, or of a window of it.
_BELIEVED = 0.5
# By how much a window may be off and still say the same, in halves of its own 90 % interval: less than one in a hundred
# is off by more by chance, and what one splice moves is seen.
_AGREES_HALVES = 1.6
# An interval that is narrower by less than this share than before does not shrink any more.
_STILL_SHRINKS = 0.1
# Nor is one looked at any longer that is as narrow as this to either side: what is left is habits of speakers.
_NARROW_SECONDS = 0.020
# A change so near to the end of a window may as well lie beyond it.
_NEAR = Fraction(1)
# Round a place that says nothing, so many others are tried.
_MOST_TRIES = 3


class Window(NamedTuple):
    """A part of the film that is read, ``[start, end)`` on its media clock, in exact seconds."""

    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class SpreadOptions:
    """How windows are spread."""

    least_seconds: Exact = 300
    """Shorter films are read as a whole; at least twice the windows."""
    window_seconds: Exact = 10
    """Length of a window; at least 10."""
    least_windows: int = 10
    """So many are read of every film, at least 4."""
    most_windows: int = 36
    """Of a film that is a day long no more are read before they are compared."""
    apart_seconds: Exact = 60
    """How far windows lie apart between these two numbers, from start to start; above 0."""
    wide_seconds: Exact = 40
    """Length of the windows in which is searched farther off, where nothing was found nearby."""
    wide_windows: int = 6
    """How many of them."""
    part_seconds: Exact = 60
    """So much is read of each part between splices, where it lasts so long."""
    most_changes: int = 12
    """A film with more changes is read as a whole."""

    def __post_init__(self) -> None:
        if exact(self.window_seconds) < 10 or exact(self.least_seconds) < 2 * exact(self.window_seconds):
            raise OptionError(f"{self}: windows last at least 10 s, films at least two of them")
        if not 4 <= self.least_windows <= self.most_windows or exact(self.apart_seconds) <= 0:
            raise OptionError(f"{self}: at least 4 windows, no more than the most, and apart from each other")


@dataclass(frozen=True)
class PartsRead:
    """What of a film was read."""

    windows: tuple[Window, ...]
    """The parts, in order."""
    of_seconds: float
    """How long the film is."""
    change_seconds: float
    """Another offset that lasts longer than this would have been seen."""

    __repr__ = one_line

    @property
    def seconds(self) -> float:
        """How much was read."""
        return float(sum(window.end - window.start for window in self.windows))

    def to_dict(self) -> dict[str, Any]:
        """``windows[]``, ``seconds``, ``of_seconds``, ``change_seconds``."""
        return {
            "windows": [[float(window.start), float(window.end)] for window in self.windows],
            "seconds": self.seconds,
            "of_seconds": self.of_seconds,
            "change_seconds": self.change_seconds,
        }

    def __str__(self) -> str:
        lengths = {round(float(window.end - window.start)) for window in self.windows}
        size = f"of {lengths.pop()} s" if len(lengths) == 1 else f"with {self.seconds:,.0f} s"
        return (
            f"read {len(self.windows)} windows {size} of {self.of_seconds:,.0f} s; another offset that lasts longer "
            f"than {self.change_seconds:,.0f} s would have been seen (--thorough reads all)"
        )


@dataclass
class Spread:
    """The windows of one film, from the first to the last that is needed.

    Parameters
    ----------
    start, end : of the film, in exact seconds

    Examples
    --------
    >>> spread = Spread(Fraction(0), Fraction(600))
    >>> windows = spread.first()
    >>> len(windows), float(windows[1].start), float(windows[-1].end)
    (10, 65.556, 600.0)
    """

    start: Fraction
    end: Fraction
    options: SpreadOptions = field(default_factory=SpreadOptions)
    entries: Sequence[Fraction] = ()
    """Instants from which a window is read without decoding much before it, rising, in exact seconds: windows are moved
    to them where one is near. None: all are alike."""
    read: list[Window] = field(default_factory=list)
    """All windows that were given so far, in order."""
    _half: float = np.inf
    _tries: int = 0

    @property
    def seconds(self) -> Fraction:
        """Length of the film."""
        return self.end - self.start

    @property
    def worth_it(self) -> bool:
        """Whether the film is long enough."""
        return self.seconds >= exact(self.options.least_seconds)

    def first(self) -> list[Window]:
        """Evenly over the film, one at each end."""
        o = self.options
        fitting = self.seconds / exact(o.apart_seconds)
        count = min(o.most_windows, max(o.least_windows, fitting.numerator // fitting.denominator))
        return self._take(self._even(count, exact(o.window_seconds)))

    def wider(self) -> list[Window]:
        """Fewer and longer ones in the place of all, in which an offset of many seconds shows."""
        self.read = []
        self._half = np.inf
        return self._take(self._even(self.options.wide_windows, exact(self.options.wide_seconds)))

    def next(self, found: SyncMeasurement) -> list[Window] | None:
        """What is to be read next; nothing: it is enough; None: the film changes too often, all of it has to be."""
        borders = _borders(found)
        if len(borders) > self.options.most_changes:
            return None
        wanted = [between for border in borders if (between := self._between(border)) is not None]
        if not wanted:
            wanted = self._near_doubtful(found)
        if not wanted:
            wanted = self._in_short_parts(found)
        if not wanted and self._shrinks(found):
            wanted = self._in_the_widest(len(self.read) // 2)
        return self._take(wanted)

    def parts(self, found: SyncMeasurement) -> PartsRead:
        """What was read, and which change would have been seen."""
        telling = [window for window in self.read if _tells(window, found)]
        edges = [self.start, *(window.start for window in telling)]
        ends = [*(window.end for window in telling), self.end]
        longest = max((end - start for start, end in zip(edges, ends, strict=True)), default=self.seconds)
        return PartsRead(tuple(self.read), float(self.seconds), float(longest))

    # ------------------------------------------------------------ where

    def _take(self, windows: Sequence[Window]) -> list[Window]:
        new = sorted(set(windows) - set(self.read))
        self.read = sorted([*self.read, *new])
        return new

    def _even(self, count: int, length: Fraction) -> list[Window]:
        fitting = self.seconds / length
        count = max(2, min(count, fitting.numerator // fitting.denominator))
        room = self.seconds - length
        starts = [self.start + Fraction(round(room * k / (count - 1) * 1000), 1000) for k in range(count)]
        # Moved by a quarter of what lies between two, they stay apart, and spread over the film.
        most = min(length, (room / (count - 1) - length) / 4)
        starts = [
            start if k == 0 else self._near_entry(start, start - most, min(start + most, self.end - length))
            for k, start in enumerate(starts)
        ]
        return [Window(start, min(start + length, self.end)) for start in starts]

    def _near_entry(self, start: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """The instant at which reading may begin that is nearest to a window's start; itself if there is none."""
        first = bisect_left(self.entries, low)
        near = self.entries[first : bisect_right(self.entries, high)]
        return min(near, key=lambda entry: abs(entry - start), default=start)

    def _between(self, instant: Fraction) -> Window | None:
        """What lies between the windows before and after an instant, or the middle of it; None: it was read."""
        inside = next((w for w in self.read if w.start + _NEAR < instant < w.end - _NEAR), None)
        if inside is not None:
            return None
        before = max((w.end for w in self.read if w.end <= instant + _NEAR), default=self.start)
        after = min((w.start for w in self.read if w.start >= instant - _NEAR), default=self.end)
        return self._within(before, after)

    def _within(self, before: Fraction, after: Fraction) -> Window | None:
        length = exact(self.options.window_seconds)
        if after - before <= 0:
            return None
        if after - before <= 3 * length:
            return Window(before, after)
        start = Fraction(round((before + after - length) / 2 * 1000), 1000)
        start = self._near_entry(
            start, max(before, start - length / 2), min(after - length, start + length / 2)
        )
        return Window(start, start + length)

    def _near_doubtful(self, found: SyncMeasurement) -> list[Window]:
        """Beside windows that say something else or nothing, so long as there is room and patience."""
        if self._tries >= _MOST_TRIES:
            return []
        self._tries += 1
        places = []
        for number, window in enumerate(self.read):
            if _tells(window, found):
                continue
            before = self.read[number - 1].end if number else self.start
            after = self.read[number + 1].start if number + 1 < len(self.read) else self.end
            sides = [self._within(before, window.start), self._within(window.end, after)]
            rooms = [side for side in sides if side is not None]
            other = _piece_of(window, found)
            # One that says something else may be a change of its own, so both sides count.
            places += rooms if other is not None else rooms[-1:]
        return places

    def _in_short_parts(self, found: SyncMeasurement) -> list[Window]:
        """In the widest gaps of parts between splices of which little was read: each has an offset of its own."""
        places = []
        for part in found.segments if len(found.segments) > 1 else ():
            inside = [w for w in self.read if w.start < part.end and w.end > part.start]
            seen = sum((min(w.end, part.end) - max(w.start, part.start) for w in inside), Fraction(0))
            lacking = exact(self.options.part_seconds) - seen
            # Between windows, never up to a border: that lies within a frame, which both sides would read.
            gaps = [
                (x.end, y.start)
                for x, y in pairwise(self.read)
                if part.start <= (x.end + y.start) / 2 < part.end
            ]
            for before, after in sorted(gaps, key=lambda gap: gap[0] - gap[1]):
                between = self._within(before, after)
                if lacking <= 0 or between is None:
                    break
                places.append(between)
                lacking -= between.end - between.start
        return places

    def _shrinks(self, found: SyncMeasurement) -> bool:
        low, high = found.estimate.interval_seconds or (0.0, 0.0)
        half, before = (high - low) / 2, self._half
        self._half = half
        return half > _NARROW_SECONDS and half < (1 - _STILL_SHRINKS) * before and len(self.read) < 60

    def _in_the_widest(self, count: int) -> list[Window]:
        gaps = sorted(pairwise(self.read), key=lambda pair: pair[0].end - pair[1].start)[:count]
        found = [self._within(before.end, after.start) for before, after in gaps]
        return [window for window in found if window is not None]


def measure_spread(
    spread: Spread,
    look: Callable[[Window], Sequence[Evidence]],
    fusion: Callable[[], Fusion],
    progress: Progress = silent,
    *,
    first_alone: bool = False,
) -> tuple[SyncMeasurement, PartsRead] | None:
    """What the windows of a film say of it.

    Parameters
    ----------
    look : gives the evidence in a window
    fusion : gives one that has seen nothing yet
    first_alone : nothing but the first windows is read, whatever they say, for whoever looks needs a minute for each

    Returns
    -------
    the measurement, and what it rests on; None where all of the film has to be read: no offset is known by its
    windows, or it changes too often
    """
    kept: dict[Window, tuple[Evidence, ...]] = {}
    faces = 0

    def see(windows: Sequence[Window]) -> SyncMeasurement:
        nonlocal faces
        for window in windows:
            progress("read", len(kept), max(len(spread.read), len(kept)))
            pieces = look(window)
            # Nobody follows faces from one window to the next: those of each are others.
            kept[window] = tuple(_renumbered(piece, faces) for piece in pieces)
            faces += 1 + max((face.face for piece in pieces for face in piece.faces), default=-1)
        together = fusion()
        for piece in _apart([piece for window in spread.read for piece in kept[window]]):
            together.add(piece)
        return together.finish()

    found = see(spread.first())
    if first_alone:
        progress("read", len(kept), len(kept))
        return found, spread.parts(found)
    if not believed(found):
        found = see(spread.wider())
    while believed(found):
        wanted = spread.next(found)
        if wanted is None:
            return None
        if not wanted:
            progress("read", len(kept), len(kept))
            return found, spread.parts(found)
        found = see(wanted)
    return None


def _apart(pieces: Sequence[Evidence]) -> list[Evidence]:
    """Pieces in order, none beginning before its neighbour ends: where windows meet within a frame, both read it."""
    apart: list[Evidence] = []
    for piece in pieces:
        start = max(piece.start, apart[-1].end) if apart else piece.start
        if start < piece.end:
            apart.append(replace(piece, start=start))
    return apart


def _renumbered(piece: Evidence, first: int) -> Evidence:
    return replace(piece, faces=tuple(replace(face, face=first + face.face) for face in piece.faces))


def believed(found: SyncMeasurement) -> bool:
    """Whether an offset of the film is known as well as not."""
    return (found.estimate.probability or 0.0) >= _BELIEVED


def _borders(found: SyncMeasurement) -> list[Fraction]:
    return [part.start for part in found.segments[1:]]


def _piece_of(window: Window, found: SyncMeasurement) -> Segment | None:
    """What a window says by itself and surely."""
    for piece in found.pieces:
        middle = (piece.start + piece.end) / 2
        if window.start <= middle < window.end and (piece.probability or 0.0) >= _BELIEVED:
            return piece
    return None


def _tells(window: Window, found: SyncMeasurement) -> bool:
    """Whether a window says by itself what is said of that place of the film."""
    piece = _piece_of(window, found)
    if piece is None or piece.offset_seconds is None:
        return False
    expected = expected_offset(found, (piece.start + piece.end) / 2)
    low, high = piece.interval_seconds or (0.0, 0.0)
    off = max(SAME_SECONDS, _AGREES_HALVES * (high - low) / 2)
    return expected is not None and abs(piece.offset_seconds - expected) < off
