"""How far and how wide the mouth stands open while it speaks: exact at any instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.synth.voice.articulation import closure_of, ease
from genlock.synth.voice.prosody import Segment
from genlock.synth.voice.speak import Speech

__all__ = ["Lips", "lips_of"]

Array = npt.NDArray[np.float64]
_REST_WIDTH = 0.5
# The mouth opens this long before it is heard, and is at rest this long after.
_BEFORE_SECONDS, _AFTER_SECONDS = 0.09, 0.12


@dataclass(frozen=True)
class Lips:
    """The mouth over time, as two curves through points ``(seconds, value)``."""

    aperture_points: tuple[tuple[float, float], ...]
    """Opening, 0 (lips shut) ... 1."""
    width_points: tuple[tuple[float, float], ...]
    """Width, 0 (rounded) ... 1 (spread)."""

    def aperture(self, seconds: npt.ArrayLike) -> Array:
        """Opening at instants, float64 of [T]."""
        return ease(np.atleast_1d(np.asarray(seconds, np.float64)), self.aperture_points)

    def width(self, seconds: npt.ArrayLike) -> Array:
        """Width at instants, float64 of [T]."""
        return ease(np.atleast_1d(np.asarray(seconds, np.float64)), self.width_points)

    def on(self, cells: Cells, length: int) -> tuple[Track, Track]:
        """Opening and width at the middles of cells, as Tracks of ``length`` values in 0...1."""
        centers = cells.centers(length)
        return (
            Track(self.aperture(centers), cells, name="aperture"),
            Track(self.width(centers), cells, name="mouth width"),
        )


def lips_of(speeches: Sequence[Speech], shift: Exact = 0) -> Lips:
    """The mouth that speaks these, one after the other, ``shift`` seconds after their sound is heard.

    The aperture is exactly 0 from the closing to the opening of /p b m/ and, away from speech, between words.

    >>> from genlock.synth.voice.speak import VoiceOptions, speak
    >>> speech = speak("Move.", VoiceOptions(rate=8000))
    >>> m = next(p for p in speech.phones if p.label == "M")
    >>> lips_of([speech]).aperture([float(m.start), float(m.end)]).tolist()
    [0.0, 0.0]
    """
    aperture: list[tuple[float, float]] = [(-1e9, 0.0)]
    width: list[tuple[float, float]] = [(-1e9, _REST_WIDTH)]
    for speech in speeches:
        later = speech.origin + exact(shift)
        rest = float(later) - _BEFORE_SECONDS
        _put(aperture, rest, 0.0)
        _put(width, rest, _REST_WIDTH)
        for number in range(len(speech.segments)):
            _add(aperture, width, speech.segments, number, speech.rate, later)
        rest = float(later + Fraction(len(speech.samples), speech.rate)) + _AFTER_SECONDS
        _put(aperture, rest, 0.0)
        _put(width, rest, _REST_WIDTH)
    return Lips(tuple(aperture), tuple(width))


def _put(line: list[tuple[float, float]], seconds: float, value: float) -> None:
    if seconds > line[-1][0]:
        line.append((seconds, value))


def _add(
    aperture: list[tuple[float, float]],
    width: list[tuple[float, float]],
    segments: Sequence[Segment],
    number: int,
    rate: int,
    later: Fraction,
) -> None:
    segment = segments[number]

    def at(sample: float) -> float:
        return float(later + Fraction(sample) / rate)

    phone, start, end = segment.phone, segment.start, segment.end
    length = end - start
    if phone.kind == "silence":
        after = min(_AFTER_SECONDS * rate, length / 3) if number else 0
        before = min(_BEFORE_SECONDS * rate, length / 3)
        for sample in (start + after, end - before):
            _put(aperture, at(sample), 0.0)
            _put(width, at(sample), _REST_WIDTH)
        return
    if phone.lips_shut:
        shut = closure_of(segment, rate).shut if phone.kind == "stop" else (start, end)
        for sample in shut:
            # Exact edges: the lips are shut from here to there, not around here.
            line_end = at(sample)
            if aperture[-1][0] >= line_end:
                aperture[-1] = (aperture[-1][0], 0.0)
            _put(aperture, line_end, 0.0)
        _put(width, at((shut[0] + shut[1]) / 2), phone.width)
        return
    # A diphthong: the mouth closes, so that F1 falls.
    glides = phone.formants[-1][0] < phone.formants[0][0] - 80
    loudness = 1.0 if segment.stress else 0.85
    _put(aperture, at(start + (0.35 if glides else 0.5) * length), phone.aperture * loudness)
    _put(width, at(start + (0.35 if glides else 0.5) * length), phone.width)
    if glides:
        towards = 0.35 if phone.formants[1][1] > 1400 else 0.22
        _put(aperture, at(start + 0.9 * length), towards)
        _put(width, at(start + 0.9 * length), 0.85 if phone.formants[1][1] > 1400 else 0.1)
