"""Offsets of many seconds, and sound at another speed: where nothing stands out nearby, the film is searched once more.

A film dubbed, cut or muxed carelessly is often seconds out of step, and its sound may run at the speed of another
standard: 25 frames a second against 24, 44.1 against 48 kHz. Each speed is tried over ten seconds to either side; the
one whose best lag leads all others is looked at as if the sound lay there. Where none does, so are all speeds up to a
tenth off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from genlock.aligners.curves import LagCurve
from genlock.aligners.far import correlate_far, lead_of
from genlock.core.grid import Grid
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import View
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.film import KeptFilm, joined, moved
from genlock.lipsync.measurement import Segment, SyncMeasurement

__all__ = [
    "FAR_SECONDS",
    "SPEEDS",
    "Far",
    "Seeing",
    "find_far",
    "from_afar",
    "side_by_side",
    "speed_in_words",
]

#: How far offsets are looked for, to either side.
FAR_SECONDS = Fraction(10)
#: Speeds that wrong conversions leave behind: the sound's second lasts so many of the picture's.
SPEEDS: tuple[Fraction, ...] = (
    Fraction(1),
    Fraction(24, 25),
    Fraction(25, 24),
    Fraction(1000, 1001),
    Fraction(1001, 1000),
    Fraction(147, 160),
    Fraction(160, 147),
)
_CAUSES = {
    Fraction(25, 24): "25 frames a second against 24",
    Fraction(1001, 1000): "24 frames a second against 23.976",
    Fraction(160, 147): "48 kHz against 44.1",
}
_RATE = Fraction(25)
# By how much the best lag must lead, in the curve's scatter. Foreign sounds reached 1.6 in 196 stretches of 4 s, 0.66
# in 39 of 8 s; own ones began at 0.9 and 1.2.
_LEAD = 1.0
_LEAD_WHEN_SHORT = 1.7
_SHORT_SECONDS = 8.0
_LEAST_SECONDS = 4.0
# A face that is seen in less of what was looked at than this is not followed by itself.
_LEAST_SHARE = 0.2
# By how much another speed must lead the sound's own, and how far it must move the ends apart to be tried.
_CLEARLY = 0.3
_TELLING_SECONDS = 0.3
# The middle of a long film is enough to find a constant offset or a wrong speed.
_MOST_SECONDS = 600
# Speeds that no conversion leaves behind are tried too, up to a tenth off, over the middle minute: so far apart that
# the best of them is wrong by this much at most at the ends. One of so many leads by chance more often: foreign sounds
# reached 0.9 in 8 minutes, 1.3 in 10 halves of one; own ones began at 1.7 and 1.8.
_ANY_SPEED = Fraction(1, 10)
_ANY_SPEED_SECONDS = 60
_ANY_SPEED_LEAST_SECONDS = 20.0
_ANY_SPEED_OFF_SECONDS = Fraction(3, 80)
_ANY_SPEED_LEAD = 1.5


@runtime_checkable
class Seeing(Protocol):
    """An estimator that says what it compares."""

    def views(self, evidence: Evidence) -> list[tuple[FaceEvidence, list[View]]]:
        """Channels of sound and picture that should move together, for each face."""
        ...


class Far(NamedTuple):
    """Where the sound lies."""

    speed: Fraction
    """The picture's seconds for each of the sound's."""
    offset: Fraction
    """The sound's instant ``s`` belongs to the picture's ``speed * s + offset``, in seconds."""
    lead: float
    """How far that leads all other lags and speeds, in the scatter of its curve."""

    def at(self, instant: Fraction) -> float:
        """How early the sound is at an instant, in seconds."""
        return float((self.speed - 1) * instant + self.offset)

    @property
    def drift_ppm(self) -> float:
        """How much later the sound has to be moved with every second, in parts per million."""
        return 1e6 * float(self.speed - 1)


def find_far(film: KeptFilm, estimator: Seeing) -> Iterator[Far]:
    """Where the sound of a film may lie that did not match nearby: at a usual speed within ten seconds, then at any.

    Speeds of which nothing leads are left out. The next is looked for when the one before has been asked for.
    """
    if film.seconds < _LEAST_SECONDS:
        return
    speeds = _speeds(film.seconds)
    lives = _channels(_middle_of(film.pieces, _MOST_SECONDS), estimator)
    found = [far for channels in lives for far in _of_face(*channels, speeds)]
    if not found:
        return
    # Another speed has to be clearly better than none.
    best = max(found, key=lambda far: far.lead - (_CLEARLY if far.speed != 1 else 0.0))
    least = _LEAD if film.seconds >= _SHORT_SECONDS else _LEAD_WHEN_SHORT
    if best.lead >= least:
        yield best
    anywhere = _at_any_speed(film, estimator)
    if anywhere is not None:
        yield anywhere


def _at_any_speed(film: KeptFilm, estimator: Seeing) -> Far | None:
    """Where the sound lies at a speed up to a tenth off; None: at none of them."""
    pieces = _middle_of(film.pieces, _ANY_SPEED_SECONDS)
    middle = (pieces[0].start + pieces[-1].end) / 2
    low, high = (middle + side * Fraction(_ANY_SPEED_SECONDS, 2) for side in (-1, 1))
    parts = [(max(piece.start, low), min(piece.end, high), piece) for piece in pieces]
    near = [cut(piece, start, end) for start, end, piece in parts if start < end]
    seconds = sum(float(piece.end - piece.start) for piece in near)
    if seconds < _ANY_SPEED_LEAST_SECONDS:
        return None
    step = 4 * _ANY_SPEED_OFF_SECONDS / (near[-1].end - near[0].start)
    count = (_ANY_SPEED / step).__ceil__()
    speeds = [1 + k * step for k in range(-count, count + 1) if k]
    found = [far for channels in _channels(near, estimator) for far in _of_face(*channels, speeds)]
    best = max(found, key=lambda far: far.lead, default=None)
    return best if best is not None and best.lead >= _ANY_SPEED_LEAD else None


def _speeds(seconds: float) -> list[Fraction]:
    """Those that a film of this length tells from the sound's own: over a minute, 0.1 % is a drift like any other."""
    return [speed for speed in SPEEDS if speed == 1 or abs(float(speed - 1)) * seconds > _TELLING_SECONDS]


def speed_in_words(speed: Fraction) -> str:
    """How fast the sound runs against the picture, and what leaves it so.

    >>> speed_in_words(Fraction(24, 25))
    'the sound runs 4.00 % slow, as 25 frames a second against 24 leave it'
    >>> speed_in_words(Fraction(31, 30))
    'the sound runs 3.33 % fast'
    """
    cause = _CAUSES.get(max(speed, 1 / speed))
    slow = speed < 1
    away = abs(100 * float(speed - 1))
    told = f"the sound runs {away:.2f} % {'slow' if slow else 'fast'}"
    return f"{told}, as {cause} leave it" if cause else told


def from_afar(found: SyncMeasurement, far: Far) -> SyncMeasurement:
    """A measurement of the film with its sound moved, as one of the film as it is."""

    def later(offset: float | None, at: Fraction) -> float | None:
        return None if offset is None else offset + far.at(at)

    def interval(ends: tuple[float, float] | None, at: Fraction) -> tuple[float, float] | None:
        return None if ends is None else (ends[0] + far.at(at), ends[1] + far.at(at))

    def segment(part: Segment, at: Fraction) -> Segment:
        return replace(
            part,
            offset_seconds=later(part.offset_seconds, at),
            interval_seconds=interval(part.interval_seconds, at),
        )

    def curve_at(curve: LagCurve | None, at: Fraction) -> LagCurve | None:
        return None if curve is None else replace(curve, lags_seconds=curve.lags_seconds + far.at(at))

    estimate, one = found.estimate, len(found.segments) == 1
    # Of another speed the drift says more exactly what it is.
    told = speed_in_words(far.speed) if far.speed != 1 and far.speed in SPEEDS else ""
    estimate = replace(
        estimate,
        offset_seconds=later(estimate.offset_seconds, found.at),
        interval_seconds=interval(estimate.interval_seconds, found.at),
        supposed_seconds=later(estimate.supposed_seconds, found.at),
        supposed_interval=interval(estimate.supposed_interval, found.at),
        reason="; ".join(part for part in (told, estimate.reason) if part),
        curve=curve_at(estimate.curve, found.at),
    )
    drift, within = found.drift_ppm, found.drift_interval_ppm
    if far.speed != 1:
        drift, within = _drifts(far, drift, within)
    return replace(
        found,
        estimate=estimate,
        drift_ppm=drift,
        drift_interval_ppm=within,
        segments=tuple(
            segment(part, found.at if one else _middle(part.start, part.end)) for part in found.segments
        ),
        pieces=tuple(segment(part, _middle(part.start, part.end)) for part in found.pieces),
        faces=tuple(
            replace(
                face,
                offset_seconds=later(face.offset_seconds, found.at),
                curve=curve_at(face.curve, found.at),
            )
            for face in found.faces
        ),
        curves=tuple(
            (start, end, replace(curve, lags_seconds=curve.lags_seconds + far.at(_middle(start, end))))
            for start, end, curve in found.curves
        ),
        notes=tuple(note for note in (told, *found.notes) if note),
    )


def _drifts(
    far: Far, drift: float | None, within: tuple[float, float] | None
) -> tuple[float, tuple[float, float]]:
    """The drift of a wrong speed with what is left of one at that speed; unknown remainders may be 0.1 %."""
    low, high = within or (-1000.0, 1000.0)

    def both(ppm: float) -> float:
        return 1e6 * (float(far.speed) * (1 + 1e-6 * ppm) - 1)

    return both(drift or 0.0), (both(low), both(high))


def _middle(start: Fraction, end: Fraction) -> Fraction:
    return (start + end) / 2


def _of_face(sound: Track, picture: Track, weights: Sequence[float], speeds: Sequence[Fraction]) -> list[Far]:
    """The best lag at each speed."""
    found = []
    for speed in speeds:
        there = moved(sound, speed, Fraction(0)).on(picture.grid, length=len(picture))
        curve = correlate_far(there, picture, FAR_SECONDS, weights=weights)
        if not curve.empty:
            lag, lead = lead_of(curve)
            found.append(Far(speed, exact(f"{lag:.6f}"), lead))
    return found


def _channels(pieces: Sequence[Evidence], estimator: Seeing) -> list[tuple[Track, Track, list[float]]]:
    """Sound on its own cells and picture on 25 cells a second, for each face that is seen long enough.

    Where identities end at cuts, or at the ends of windows, nobody is seen long: the face that is seen longest in each
    piece is followed too.
    """
    lives: dict[int | None, list[tuple[Track, Track, list[float]]]] = {}
    for piece in pieces:
        seen = [(face, side_by_side(views)) for face, views in estimator.views(piece)]
        for face, channels in seen:
            lives.setdefault(face.face, []).append(channels)
        if seen:
            lives.setdefault(None, []).append(max(seen, key=lambda each: int(each[0].lips.valid.sum()))[1])
    longest = [_seconds_of(parts) for face, parts in lives.items() if face is not None]
    if len(longest) == 1:
        del lives[None]
    least = max(_LEAST_SECONDS, _LEAST_SHARE * _seconds_of(lives.get(None, [])))
    return [_on_one_grid(parts) for parts in lives.values() if _seconds_of(parts) >= least]


def _seconds_of(parts: Sequence[tuple[Track, Track, list[float]]]) -> float:
    return sum(float(np.diff(picture.edges)[picture.valid].sum()) for _, picture, _ in parts)


def _on_one_grid(parts: Sequence[tuple[Track, Track, list[float]]]) -> tuple[Track, Track, list[float]]:
    pictures = [picture for _, picture, _ in parts]
    cells = Grid(_RATE, pictures[0].start, pictures[0].clock)
    count = max(1, cells.index(pictures[-1].end, "ceil"))
    seen = joined([picture.on(cells, length=count) for picture in pictures])
    return joined([sound for sound, _, _ in parts]), seen, parts[0][2]


def side_by_side(views: Sequence[View]) -> tuple[Track, Track, list[float]]:
    """The channels of several views as those of one."""
    weights = [
        view.share * float(weight) / float(np.sum(view.weights))
        for view in views
        for weight in np.asarray(view.weights)
    ]
    sound = replace(views[0].sound, values=np.hstack([view.sound.values for view in views]))
    picture = replace(views[0].picture, values=np.hstack([view.picture.values for view in views]))
    return sound, picture, weights


def _middle_of(pieces: Sequence[Evidence], most_seconds: int) -> list[Evidence]:
    """The pieces in the middle that last so long together, in order."""
    middle = (pieces[0].start + pieces[-1].end) / 2
    near = sorted(pieces, key=lambda piece: abs((piece.start + piece.end) / 2 - middle))
    taken, seconds = [], Fraction(0)
    for piece in near:
        if seconds >= most_seconds:
            break
        taken.append(piece)
        seconds += piece.end - piece.start
    return sorted(taken, key=lambda piece: piece.start)
