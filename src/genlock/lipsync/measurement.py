"""What a whole file says about its offset: the estimate, how it changes in time, and whose mouth it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.lipsync.confidence import sure_within
from genlock.lipsync.estimators.base import Estimate

__all__ = [
    "AGREES_SECONDS",
    "FaceOffset",
    "Segment",
    "SyncMeasurement",
    "agreeing_share",
    "at_odds",
    "by_chance",
    "expected_offset",
    "joined_segments",
    "notes_of_parts",
    "of_longest",
    "segment_of",
    "sure_share",
]


_MOST_NAMED = 3  # segments in a note
#: By so much a piece may be off and still say the same.
AGREES_SECONDS = 0.1


@dataclass(frozen=True)
class FaceOffset:
    """What one face's mouth says."""

    face: int
    """Identity within the file, from 0 in order of appearance."""
    seconds: float
    """How long it was seen."""
    share: float
    """Share of the frames of the picture in which it was seen, 0...1."""
    offset_seconds: float | None
    """Offset by this mouth alone; None if it cannot be told."""
    probability: float | None
    """That the error is at most 40 ms, 0...1; None without an offset."""
    speaks: bool
    """Whether this is the mouth that the sound belongs to."""
    reason: str = ""
    """Why there is no offset, or why it was not taken."""
    curve: LagCurve | None = field(default=None, repr=False, compare=False)
    """Similarity of this mouth and the sound over lags; None if it was not compared."""

    __repr__ = one_line


@dataclass(frozen=True)
class Segment:
    """A stretch of the file, ``[start, end)`` on its media clock, with the offset that holds in it."""

    start: Fraction
    """Where it begins, in exact seconds."""
    end: Fraction
    """Where it ends, in exact seconds."""
    offset_seconds: float | None
    """Positive: the sound is early; where it drifts, at the middle of the stretch. None: it cannot be told here."""
    interval_seconds: tuple[float, float] | None
    """90 % interval, low and high."""
    probability: float | None
    """That the error is at most 40 ms, 0...1."""
    reason: str = ""
    """Why there is no offset."""
    face: int | None = None
    """The face that speaks, where it is one."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise OptionError(f"a segment ends at {self.end} s, before its start at {self.start} s")


@dataclass(frozen=True, eq=False)
class SyncMeasurement:
    """The offset of a file with everything that is known about it."""

    estimate: Estimate
    """Offset, interval, probability, reason and curve of the whole."""
    at: Fraction
    """The instant at which the offset is quoted, in exact seconds: the middle of what was measured."""
    drift_ppm: float | None = None
    """How much later the sound has to be moved with every second, in parts per million; None: not known."""
    drift_interval_ppm: tuple[float, float] | None = None
    """90 % interval of the drift."""
    segments: tuple[Segment, ...] = ()
    """Stretches between splices, each with its own offset: one where the offset holds throughout."""
    pieces: tuple[Segment, ...] = ()
    """The pieces that were measured one by one, in order: the offset over time."""
    faces: tuple[FaceOffset, ...] = ()
    """Every face, in order of identity."""
    notes: tuple[str, ...] = field(default=())
    """What to beware of, in words."""
    curves: tuple[tuple[Fraction, Fraction, LagCurve], ...] = field(default=(), repr=False)
    """Start and end of each stretch that was compared, and its similarity over lags."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        for name in ("segments", "pieces"):
            spans = getattr(self, name)
            if any(after.start < before.end for before, after in pairwise(spans)):
                raise OptionError(f"{name} of a measurement are in order and apart")


def segment_of(start: Fraction, end: Fraction, estimate: Estimate) -> Segment:
    """An estimate as that of the stretch ``[start, end)``."""
    return Segment(
        start,
        end,
        estimate.offset_seconds,
        estimate.interval_seconds,
        estimate.probability,
        estimate.reason,
        estimate.face,
    )


def expected_offset(found: SyncMeasurement, at: Fraction) -> float | None:
    """What is said of an instant of the film, in seconds; None where nothing is.

    >>> parts = [Segment(Fraction(k), Fraction(k + 1), offset, None, 0.9) for k, offset in enumerate((0.1, None))]
    >>> told = SyncMeasurement(Estimate(0.1, (0.0, 0.2), 0.9, "lips"), Fraction(0), segments=tuple(parts))
    >>> expected_offset(told, Fraction(1, 2)), expected_offset(told, Fraction(3, 2))
    (0.1, None)
    """
    if len(found.segments) > 1:
        part = next((part for part in reversed(found.segments) if part.start <= at), found.segments[0])
        return part.offset_seconds
    if found.estimate.offset_seconds is None:
        return None
    return found.estimate.offset_seconds + 1e-6 * (found.drift_ppm or 0.0) * float(at - found.at)


def agreeing_share(found: SyncMeasurement, least_probability: float) -> float:
    """The share of the pieces that say by themselves what is said of the film; 1 where it is said of its parts.

    >>> whole = Estimate(0.0, (-0.01, 0.01), 0.75, "lips")
    >>> pieces = [Segment(Fraction(k), Fraction(k + 1), 0.3 * k, None, 0.9) for k in range(4)]
    >>> agreeing_share(SyncMeasurement(whole, Fraction(2), segments=(), pieces=tuple(pieces)), 0.5)
    0.25
    """
    offset = found.estimate.offset_seconds
    if not found.pieces or len(found.segments) > 1 or offset is None:
        return 1.0
    agreeing = 0
    for piece in found.pieces:
        expected = expected_offset(found, (piece.start + piece.end) / 2) or 0.0
        known = piece.offset_seconds is not None and (piece.probability or 0.0) >= least_probability
        agreeing += known and abs((piece.offset_seconds or 0.0) - expected) < AGREES_SECONDS
    return agreeing / len(found.pieces)


def sure_share(found: SyncMeasurement, least_probability: float) -> float:
    """The share of the time of the segments in which an offset is known so surely, 0...1."""
    whole = sum(part.end - part.start for part in found.segments)
    sure = sum(part.end - part.start for part in _sure(found, least_probability))
    return float(sure / whole) if whole else 0.0


def at_odds(found: SyncMeasurement, least_probability: float) -> bool:
    """Whether the sure segments are the smaller part of the film, and contradict each other.

    >>> whole = Estimate(-1.1, (-1.11, -1.09), 0.95, "lips")
    >>> said = [(0, None, None), (90, -1.1, 0.95), (100, None, None), (190, 0.9, 0.9)]
    >>> parts = [Segment(Fraction(a), Fraction(a + 10), offset, None, p) for a, offset, p in said]
    >>> parts[0], parts[2] = replace(parts[0], end=Fraction(90)), replace(parts[2], end=Fraction(190))
    >>> at_odds(SyncMeasurement(whole, Fraction(100), segments=tuple(parts)), 0.5)
    True
    """
    offsets = [part.offset_seconds or 0.0 for part in _sure(found, least_probability)]
    return (
        len(offsets) > 1
        and sure_share(found, least_probability) < 0.5
        and max(offsets) - min(offsets) > AGREES_SECONDS
    )


def by_chance(found: SyncMeasurement, least_probability: float) -> bool:
    """Whether the surest segment of a film that matches in its smaller part may be the luckiest of many: as often as
    it fits into the film, so often it may be wrong (Bonferroni).

    >>> whole = Estimate(-1.1, (-1.11, -1.09), 0.9, "lips")
    >>> nothing = Segment(Fraction(0), Fraction(90), None, None, None)
    >>> lucky = Segment(Fraction(90), Fraction(100), -1.1, None, 0.9)
    >>> by_chance(SyncMeasurement(whole, Fraction(50), segments=(nothing, lucky)), 0.5)
    True
    """
    sure = _sure(found, least_probability)
    if len(found.segments) < 2 or not sure or sure_share(found, least_probability) >= 0.5:
        return False
    whole = float(sum(part.end - part.start for part in found.segments))
    wrong = [(1 - (part.probability or 0.0)) * whole / float(part.end - part.start) for part in sure]
    return min(wrong) > 1 - least_probability


def _sure(found: SyncMeasurement, least_probability: float) -> list[Segment]:
    return [
        part
        for part in found.segments
        if part.offset_seconds is not None and (part.probability or 0.0) >= least_probability
    ]


def of_longest(estimate: Estimate, segments: Sequence[Segment], reason: str) -> Estimate:
    """The offset of the longest segment that is known speaks for a film of several, for the reason that is given."""
    known = [s for s in segments if s.offset_seconds is not None]
    if not known:
        return estimate
    longest = max(known, key=lambda s: s.end - s.start)
    return replace(
        estimate,
        offset_seconds=longest.offset_seconds,
        interval_seconds=longest.interval_seconds,
        probability=longest.probability,
        seconds=min(estimate.seconds, float(sum(s.end - s.start for s in known))),
        reason=reason,
        belongs=None,
        supposed_seconds=None,
        supposed_interval=None,
    )


def notes_of_parts(segments: Sequence[Segment], by_person: bool = False) -> tuple[str, ...]:
    """What to beware of in a film of several segments: that the offset jumps, or is another for each person (as in a
    film that was cut from several recordings), and where nothing fits."""
    known = [s for s in segments if s.offset_seconds is not None]
    jumps = "the faces have offsets of their own" if by_person else "the offset jumps"
    notes = [f"{jumps}: see the segments"] if len(known) > 1 else []
    away = [s for s in segments if s.offset_seconds is None]
    if away and known:
        where = ", ".join(f"{float(s.start):.1f} to {float(s.end):.1f} s" for s in away[:_MOST_NAMED])
        notes.append(
            f"no mouth was matched to the sound from {where}{' and elsewhere' if len(away) > _MOST_NAMED else ''}"
        )
    return tuple(notes)


def joined_segments(pieces: Sequence[Segment], same_seconds: float) -> tuple[Segment, ...]:
    """Neighbouring pieces of exact offsets that differ by no more than ``same_seconds``, as one segment."""
    joined: list[list[Segment]] = []
    for piece in pieces:
        last = joined[-1][-1] if joined else None
        assert piece.offset_seconds is not None
        meets = (
            last is not None
            and last.offset_seconds is not None
            and abs(last.offset_seconds - piece.offset_seconds) <= same_seconds
        )
        if meets:
            joined[-1].append(piece)
        else:
            joined.append([piece])
    out = []
    for number, group in enumerate(joined):
        offset = float(np.median([p.offset_seconds for p in group if p.offset_seconds is not None]))
        half = min(float(np.ptp(p.interval_seconds)) / 2 for p in group if p.interval_seconds is not None)
        end = joined[number + 1][0].start if number + 1 < len(joined) else group[-1].end
        interval = (offset - half, offset + half)
        out.append(Segment(group[0].start, end, offset, interval, sure_within(interval)))
    return tuple(out)
