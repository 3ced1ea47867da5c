"""Subtitles of another cut of a film: shifted, at another speed, with scenes that are missing or too many.

What is known of the film is when somebody speaks, and perhaps when which word is said. Each subtitle should stand where
somebody speaks, the time between two of them where nobody does, and a word that both have where it is said. Of all
speeds that films are converted by, and of all ways to move stretches of subtitles by a time each, the one is taken that
fits best; each change of the time costs as much as some seconds that do not fit. (ffsubsync looks for one time and one
speed, alass for changes of the time; this looks for all at once, by dynamic programming over subtitles and times.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.time import round_fraction
from genlock.speech.subtitles.cue import Cue

__all__ = ["SPEEDS", "Moved", "Retimed", "Spoken", "retimed"]

Array = npt.NDArray[np.float64]

#: What times are multiplied by from one kind of film to another: 23.976, 24 and 25 frames a second.
SPEEDS = (
    Fraction(1),
    Fraction(24000, 25025),
    Fraction(25025, 24000),
    Fraction(24, 25),
    Fraction(25, 24),
    Fraction(1000, 1001),
    Fraction(1001, 1000),
)
# Steps of time a second: in the search, and in the last look at each stretch.
_RATE, _FINE = 20, 100
# Beyond the time that fits most subtitles others are looked for so far away, in seconds.
_REACH = 180
# What a change of the time costs, in seconds that do not fit, and as how many seconds one subtitle counts at most: none
# is moved for its own sake. What another speed than the film's own must gain, as a share.
_CHANGE, _MOST, _OTHER_SPEED = 6.0, 2.5, 0.02
# Subtitles may overlap by so many seconds after a cut.
_OVERLAP = 0.2
# Time after a subtitle in which nobody should speak: longer pauses say little, for not all speech has subtitles.
_LONGEST_PAUSE = 4.0
# What a word in its place is worth, in seconds that fit, and how far off it may be.
_WORD, _WORD_REACH = 1.5, 0.6
# Fewer seconds of subtitles than these are no evidence.
_LEAST = 5.0
# How far an edge of a subtitle lies from where speech begins or ends, in seconds, as a rule: times that fit worse by no
# more than such edges make, two a subtitle and each by chance, fit as well. From where on that is said, in seconds.
_EDGE, _UNSURE = 0.3, 0.25


@dataclass(frozen=True)
class Spoken:
    """What is known of the film."""

    start: Fraction
    """Where its sound begins, in seconds on the clock."""
    end: Fraction
    """Where it ends."""
    speech: tuple[tuple[Fraction, Fraction], ...]
    """From when to when somebody speaks, in order."""
    words: tuple[tuple[Fraction, Fraction], ...] = ()
    """Words that the subtitles and the film have in common: when it should be said by the subtitles, and when it is."""


@dataclass(frozen=True)
class Moved:
    """Subtitles that follow each other and were moved by the same time."""

    first: int
    """Number of the first one, from 0."""
    count: int
    """How many."""
    shift: Fraction
    """What was added to their times after these were multiplied by the speed, in seconds."""
    fits: float
    """How well they stand where somebody speaks, -1...1."""
    within: Fraction
    """How far from the shift other shifts lie that fit as well, in seconds; large where subtitles are few."""

    def __str__(self) -> str:
        said = (
            f"{self.count} subtitles from number {self.first + 1} on were moved by {float(self.shift):+.2f} s"
        )
        if self.within <= _UNSURE:
            return said
        return (
            f"{said}, which may be off by {float(self.within):.1f} s: so few do not say it nearer "
            "(--retime-by words hears their words)"
        )


@dataclass(frozen=True)
class Retimed:
    """Subtitles with times of another cut."""

    cues: tuple[Cue, ...]
    """Those that have a place, in order."""
    left_out: tuple[Cue, ...]
    """Those of scenes that the film does not have, with their old times."""
    speed: Fraction
    """What all times were multiplied by."""
    moved: tuple[Moved, ...]
    """By how much which subtitles were moved."""

    __repr__ = one_line

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, in sentences."""
        said = [] if self.speed == 1 else [f"times were multiplied by {self.speed} ({float(self.speed):.6f})"]
        said += map(str, self.moved)
        if self.left_out:
            shown = ", ".join(repr(cue.plain[:40]) for cue in self.left_out[:5])
            said.append(f"{len(self.left_out)} belong to scenes that the film does not have: {shown}")
        return tuple(said)


def retimed(cues: Sequence[Cue], film: Spoken) -> Retimed:
    """Move subtitles to where they belong in a film.

    Parameters
    ----------
    cues : the subtitles, in order
    film : when somebody speaks in it

    Raises
    ------
    OptionError
        If there are too few subtitles, or too little speech, to say anything.

    >>> said = [(Fraction(k * k, 3), Fraction(k * k, 3) + 1) for k in range(4, 30)]
    >>> late = [Cue("x", start + 7, end + 7) for start, end in said]
    >>> found = retimed(late, Spoken(Fraction(0), Fraction(400), tuple(said)))
    >>> found.speed, [round(float(part.shift), 1) for part in found.moved]
    (Fraction(1, 1), [-7.0])
    """
    shown = sum(float(cue.end - cue.start) for cue in cues)
    spoken = sum(float(end - start) for start, end in film.speech)
    if shown < _LEAST or spoken < _LEAST:
        raise OptionError(
            f"{len(cues)} subtitles of {shown:.1f} s and {spoken:.1f} s of speech are too little to compare; "
            "give the words with --transcript"
        )
    best: tuple[float, Fraction, _Search, Array] | None = None
    for speed in SPEEDS:
        search = _Search(cues, film, speed)
        steps, score = search.best_steps()
        worth = score if speed == 1 else score - _OTHER_SPEED * abs(score)
        if best is None or worth > best[0]:
            best = (worth, speed, search, steps)
    assert best is not None
    return _made(cues, film, *best[1:])


class _Search:
    """All ways to move the subtitles at one speed."""

    def __init__(self, cues: Sequence[Cue], film: Spoken, speed: Fraction) -> None:
        self._film, self._speed = film, float(speed)
        self._starts = np.array([float(cue.start * speed) for cue in cues])
        self._ends = np.array([float(cue.end * speed) for cue in cues])
        self._sums = _sums(film, _RATE)
        self._first = float(film.start)
        centre = self._centre()
        self._shifts = (
            np.arange(round((centre - _REACH) * _RATE), round((centre + _REACH) * _RATE) + 1) / _RATE
        )

    def _centre(self) -> float:
        """The time that most subtitles fit at, of all times."""
        length = float(self._film.end - self._film.start)
        low = min(float(self._starts.min()), 0.0)
        count = round((float(self._ends.max()) - low + length) * _RATE) + 2
        shown, said = np.zeros(count), np.zeros(count)
        for start, end in zip(self._starts - low, self._ends - low, strict=True):
            shown[round(start * _RATE) : round(end * _RATE)] = 1.0
        speech = np.diff(self._sums)
        said[: len(speech)] = speech - speech.mean()
        both = np.fft.irfft(
            np.fft.rfft(said, 2 * count) * np.fft.rfft(shown - shown.mean(), 2 * count).conj()
        )
        place = int(np.argmax(both))
        lag = place - 2 * count if place >= count else place
        return lag / _RATE + self._first - low

    def _spoken(self, times: Array) -> Array:
        """Seconds of speech less seconds without, from the start of the film to each time."""
        places = np.clip((times - self._first) * _RATE, 0, len(self._sums) - 1)
        return np.interp(places, np.arange(len(self._sums)), self._sums) / _RATE

    def scores(self, number: int) -> Array:
        """How well a subtitle fits at each time that it may be moved by, in seconds."""
        start, end = self._starts[number], self._ends[number]
        after = self._starts[number + 1] if number + 1 < len(self._starts) else end + _LONGEST_PAUSE
        pause = min(max(end, after), end + _LONGEST_PAUSE)
        low, high, last = (self._spoken(self._shifts + t) for t in (start, end, pause))
        worth: Array = np.clip((high - low) - 0.5 * (last - high), -_MOST, _MOST)
        # Outside of the film nothing can be shown.
        outside = (self._shifts + end <= self._first) | (self._shifts + start >= float(self._film.end))
        worth = np.where(outside, -_MOST, worth)
        for should, said in self._words(start, end):
            worth += _WORD * np.maximum(0.0, 1 - np.abs(said - should - self._shifts) / _WORD_REACH)
        return worth

    def _words(self, start: float, end: float) -> list[tuple[float, float]]:
        pairs = [(float(old) * self._speed, float(new)) for old, new in self._film.words]
        return [(old, new) for old, new in pairs if start <= old < end]

    def best_steps(self) -> tuple[Array, float]:
        """The time of each subtitle, in the best way, and its score."""
        count = len(self._starts)
        came = np.zeros((count, len(self._shifts)), np.int32)
        here = np.arange(len(self._shifts), dtype=np.int32)
        total = self.scores(0)
        for number in range(1, count):
            top = int(np.argmax(total))
            jump = total[top] - _CHANGE > total
            came[number] = np.where(jump, top, here)
            total = np.where(jump, total[top] - _CHANGE, total) + self.scores(number)
        place = int(np.argmax(total))
        score = float(total[place])
        path = []
        for number in range(count - 1, -1, -1):
            path.append(self._shifts[place])
            place = int(came[number, place])
        return np.array(path[::-1]), score

    def fits(self, steps: Array) -> Array:
        """How well each subtitle stands where somebody speaks at its time, -1...1."""
        lengths = np.maximum(self._ends - self._starts, 1e-3)
        shares: Array = (self._spoken(self._ends + steps) - self._spoken(self._starts + steps)) / lengths
        return shares

    def within(self, first: int, stop: int, step: float) -> Fraction:
        """How far from a time other times lie at which some subtitles fit as well."""
        worth = sum((self.scores(number) for number in range(first, stop)), np.zeros(len(self._shifts)))
        here = worth[int(np.argmin(np.abs(self._shifts - step)))]
        as_well = worth >= here - _EDGE * np.sqrt(2 * (stop - first))
        return Fraction(round(float(np.abs(self._shifts[as_well] - step).max()) * _RATE), _RATE)


def _sums(film: Spoken, rate: int) -> Array:
    """Running sum over the film: 1 a step where somebody speaks, -1 where nobody does, the share of both between."""
    count = round_fraction((film.end - film.start) * rate, "ceil")
    said = np.zeros(count + 1)
    for start, end in film.speech:
        low, high = (float((t - film.start) * rate) for t in (start, end))
        first, last = int(low), min(int(high), count)
        said[first:last] = 1.0
    return np.concatenate([[0.0], np.cumsum(2 * said[:count] - 1)])


def _made(cues: Sequence[Cue], film: Spoken, speed: Fraction, search: _Search, steps: Array) -> Retimed:
    fits = search.fits(steps)
    edges = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(cues)]
    parts = []
    for first, stop in pairwise(edges):
        shift = _fine_shift(cues[first:stop], film, speed, float(steps[first]))
        within = search.within(first, stop, float(steps[first]))
        parts.append(Moved(first, stop - first, shift, float(np.mean(fits[first:stop])), within))
    new = [
        replace(cue, start=cue.start * speed + part.shift, end=cue.end * speed + part.shift)
        for part in parts
        for cue in cues[part.first : part.first + part.count]
    ]
    gone = {k for k, cue in enumerate(new) if cue.start >= film.end or cue.end <= film.start}
    if len(parts) > 1:
        gone |= set(range(len(new))) - _in_order(cues, new, fits)
    kept = tuple(cue for k, cue in enumerate(new) if k not in gone)
    moved = (part for part in parts if not gone.issuperset(range(part.first, part.first + part.count)))
    return Retimed(kept, tuple(cues[k] for k in sorted(gone)), speed, tuple(moved))


def _in_order(cues: Sequence[Cue], new: Sequence[Cue], fits: Array) -> set[int]:
    """Subtitles that may all stay, because time goes forward from each to the next: those that fit best together.

    What overlapped before may overlap as much again.
    """
    old_starts, old_ends = (
        np.array([float(t) for t in row]) for row in zip(*((c.start, c.end) for c in cues), strict=True)
    )
    starts, ends = (
        np.array([float(t) for t in row]) for row in zip(*((c.start, c.end) for c in new), strict=True)
    )
    totals, before = np.zeros(len(new)), np.full(len(new), -1)
    for k in range(len(new)):
        totals[k] = 1.5 + fits[k]
        over = ends[:k] - starts[k]
        fitting = over <= np.maximum(_OVERLAP, old_ends[:k] - old_starts[k])
        if fitting.any():
            best = int(np.argmax(np.where(fitting, totals[:k], -np.inf)))
            totals[k] += totals[best]
            before[k] = best
    kept, k = set(), int(np.argmax(totals))
    while k >= 0:
        kept.add(k)
        k = int(before[k])
    return kept


def _fine_shift(cues: Sequence[Cue], film: Spoken, speed: Fraction, about: float) -> Fraction:
    """The time of a stretch to a hundredth: the middle of those at which it fits best."""
    sums = _sums(film, _FINE)
    shifts = np.arange(-15, 16) / _FINE + about
    worth = np.zeros(len(shifts))
    for cue in cues:
        low, high = (float(t * speed - film.start) for t in (cue.start, cue.end))
        for sign, edge in ((-1, low), (1, high)):
            places = np.clip((shifts + edge) * _FINE, 0, len(sums) - 1)
            worth += sign * np.interp(places, np.arange(len(sums)), sums)
    best = np.flatnonzero(worth >= worth.max() - 1e-6)
    return Fraction(round(float(np.mean(shifts[best])) * 100), 100)
