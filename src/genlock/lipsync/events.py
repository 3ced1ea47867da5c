"""The offset of a file whose pieces tell it exactly, by single events such as flashes with their beeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.core.time import exact
from genlock.lipsync.confidence import among, sure_within
from genlock.lipsync.course import SAME_SECONDS
from genlock.lipsync.estimators.base import Cue, Estimate
from genlock.lipsync.measurement import FaceOffset, Segment, SyncMeasurement, joined_segments
from genlock.lipsync.verdicts import early_or_late

__all__ = ["Event", "of_events"]

Array = npt.NDArray[np.float64]

# Exact offsets that lie on one line to within this drift, and do not jump.
_ON_LINE_SECONDS = 0.010
# Pieces so far apart tell a drift between them.
_LINE_SECONDS = 10.0
# By how much a drift may be off over a film of so many seconds where nothing says how its events scatter.
_DRIFT_PPM_SECONDS = 2e3


class Event(NamedTuple):
    """A piece of a file with its exact offset."""

    start: Fraction
    """Where the piece begins, in exact seconds."""
    end: Fraction
    """Where it ends."""
    cue: Cue
    """What is known, with an offset."""

    @property
    def offset(self) -> float:
        """Seconds; positive: the sound is early."""
        assert self.cue.offset_seconds is not None
        return self.cue.offset_seconds

    def moved(self, offset_seconds: float) -> Segment:
        """The piece with another offset of the same exactness."""
        assert self.cue.interval_seconds is not None
        low, high = (offset_seconds + (side - self.offset) for side in self.cue.interval_seconds)
        return Segment(self.start, self.end, offset_seconds, (low, high), sure_within((low, high)))


def of_events(events: Sequence[Event], estimator: str, faces: tuple[FaceOffset, ...] = ()) -> SyncMeasurement:
    """One answer out of the pieces of a file: an offset, a drift, or jumps.

    Parameters
    ----------
    events : at least one, in order
    estimator : the name of who saw them
    faces : those of the file, which had no say
    """
    events = _one_branch(events)
    cues = [event.cue for event in events]
    offsets = np.array([event.offset for event in events])
    at = np.array([event.cue.at_seconds for event in events], np.float64)
    middle = float(at.mean())
    drift = _drift_of(at, offsets, events)
    level = offsets - 1e-6 * (drift or 0.0) * (at - middle)
    segments = joined_segments([e.moved(float(x)) for e, x in zip(events, level, strict=True)], SAME_SECONDS)
    if len(segments) > 1 and drift is not None:
        segments = tuple(_at_its_middle(part, drift, middle) for part in segments)
    offset = float(np.median(level))
    half = min(float(np.ptp(cue.interval_seconds or 0.0)) / 2 for cue in cues)
    interval = (offset - half, offset + half)
    seconds = float(sum(event.end - event.start for event in events))
    others = _others_of_all(events)
    notes = ("the offset jumps: see the segments",) if len(segments) > 1 else ()
    if others:
        notes = (*notes, _that_repeats(others))
    sure = sure_within(interval) * among(offset, others)
    estimate = Estimate(
        offset, interval, sure, estimator, "; ".join(notes), curve=cues[0].curve, seconds=seconds
    )
    error = _drift_error(at, events) or _DRIFT_PPM_SECONDS / max(seconds, 1.0)
    within = None if drift is None else (drift - error, drift + error)
    pieces = tuple(event.moved(event.offset) for event in events)
    return SyncMeasurement(estimate, exact(f"{middle:.6f}"), drift, within, segments, pieces, faces, notes)


def _at_its_middle(part: Segment, drift_ppm: float, at: float) -> Segment:
    """A segment with the offset of its own middle in the place of that of the film's."""
    away = 1e-6 * drift_ppm * (float(part.start + part.end) / 2 - at)
    assert part.offset_seconds is not None
    assert part.interval_seconds is not None
    low, high = part.interval_seconds
    return replace(
        part, offset_seconds=part.offset_seconds + away, interval_seconds=(low + away, high + away)
    )


def _one_branch(events: Sequence[Event]) -> list[Event]:
    """Pieces of a signal that repeats, all by the repetition that is nearest to the offset of the first."""
    return [_nearest(event, events[0].offset) for event in events]


def _nearest(event: Event, wanted: float) -> Event:
    cue = event.cue
    near = min((event.offset, *cue.others), key=lambda offset: abs(offset - wanted))
    if near == event.offset:
        return event
    others = tuple(sorted({event.offset, *cue.others} - {near}, key=abs))
    within = event.moved(near).interval_seconds
    return event._replace(cue=replace(cue, offset_seconds=near, interval_seconds=within, others=others))


def _drift_of(at: Array, offsets: Array, events: Sequence[Event]) -> float | None:
    """The steady drift of exact offsets, in parts per million; None where nothing tells of one.

    Pieces on one line drift, if they drift so within themselves: two pieces are always on one. Those that are not
    on one jump, and the drift is that within them.
    """
    known = [
        (event.cue.drift_ppm, float(event.end - event.start))
        for event in events
        if event.cue.drift_ppm is not None
    ]
    within = [drift for drift, _ in known]
    if len(at) >= 2 and np.ptp(at) > _LINE_SECONDS:
        slope = float(
            np.median([(offsets[k] - offsets[j]) / (at[k] - at[j]) for k in range(len(at)) for j in range(k)])
        )
        bent = [abs(slope - 1e-6 * drift) * length for drift, length in known]
        if np.ptp(offsets - slope * at) <= _ON_LINE_SECONDS and max(bent, default=0.0) <= _ON_LINE_SECONDS:
            return 1e6 * slope
    return float(np.median(within)) if within else None


def _drift_error(at: Array, events: Sequence[Event]) -> float | None:
    """How far the drift may be off, in parts per million; None where the pieces do not say how they scatter.

    The line through several pieces is known better than that within one, by what lies between them.
    """
    errors = [event.cue.drift_error_ppm for event in events if event.cue.drift_error_ppm is not None]
    if not errors:
        return None
    within = float(np.median(errors))
    halves = [float(np.ptp(event.cue.interval_seconds or 0.0)) / 2 for event in events]
    if len(at) < 2 or np.ptp(at) <= _LINE_SECONDS:
        return within
    between = 1e6 * float(np.median(halves)) / float(np.sqrt(((at - at.mean()) ** 2).sum()))
    return min(within, between)


def _others_of_all(events: Sequence[Event]) -> tuple[float, ...]:
    """The other offsets that every piece allows, as those of the first piece."""
    first = events[0]

    def allows(event: Event, away: float) -> bool:
        return any(abs(other - event.offset - away) < _ON_LINE_SECONDS for other in event.cue.others)

    return tuple(
        other for other in first.cue.others if all(allows(event, other - first.offset) for event in events)
    )


def _that_repeats(others: Sequence[float]) -> str:
    said = " or ".join(early_or_late(other) for other in others[:2])
    return f"the signal repeats itself, so that {said} fits as well"
