"""What puts a measured film in step: the Warp from its sound to its picture, with drift and jumps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from genlock.core.errors import OptionError
from genlock.core.time import exact, microseconds
from genlock.core.warp import Warp
from genlock.lipsync.measurement import SyncMeasurement

__all__ = ["correction_of", "drifts", "jumps", "warp_of_stretches"]

#: Stretches of a film whose offsets differ by more cannot be put in step by one shift.
SPLICE_SECONDS = 0.040
#: A drift that moves an end of the film farther than this is taken out.
DRIFT_SECONDS = 0.010
# Half a 90 % interval holds 1.64 standard errors; a speed is changed where 0 lies 3.6 of them away.
_SURE = 2.2
_MILLION = 1_000_000


def correction_of(found: SyncMeasurement) -> Warp | None:
    """From the sound's instants to those of the picture; None: one shift does it, or nothing is known.

    A stretch in which nothing fits is moved as the one before it, or, at the beginning, as the one after it.

    Raises OptionError if the stretches are shorter than the sound that would have to be left out of them.
    """
    offset = found.estimate.offset_seconds
    if offset is None:
        return None
    if jumps(found):
        drift = _drift(found)
        stretches = []
        for part in found.segments:
            if part.offset_seconds is not None:
                away = (part.start + part.end) / 2 - found.at
                stretches.append((part.start, microseconds(part.offset_seconds) - drift * away / _MILLION))
        return warp_of_stretches(stretches, drift, found.at)
    return Warp.sync(microseconds(offset), _drift(found), found.at) if drifts(found) else None


def jumps(found: SyncMeasurement) -> bool:
    """Whether two stretches differ by more than one shift can put right."""
    offsets = [part.offset_seconds for part in found.segments if part.offset_seconds is not None]
    return len(offsets) > 1 and max(offsets) - min(offsets) > SPLICE_SECONDS


def drifts(found: SyncMeasurement) -> bool:
    """Whether the sound surely runs at another speed, by so much that an end of the film is out of step by it."""
    low, high = found.drift_interval_ppm or (0.0, 0.0)
    if found.drift_ppm is None or not found.segments:
        return False
    if abs(found.drift_ppm) <= _SURE * (high - low) / 2:
        return False
    reach = max(found.at - found.segments[0].start, found.segments[-1].end - found.at)
    return abs(found.drift_ppm) / _MILLION * float(reach) > DRIFT_SECONDS


def warp_of_stretches(
    stretches: Sequence[tuple[Fraction, Fraction]],
    drift_ppm: Fraction = Fraction(0),
    drift_at: Fraction = Fraction(0),
) -> Warp:
    """The Warp of a sound whose offset changes at stated instants.

    Parameters
    ----------
    stretches : from which of the sound's instants on it has to come by how much later, both in seconds, in order;
        before the first instant the first offset holds
    drift_ppm : how much later still it has to come with every second, in millionths
    drift_at : the instant at which drift begins to be counted, in seconds

    >>> warp = warp_of_stretches([(Fraction(0), Fraction(1, 10)), (Fraction(10), Fraction(-1, 20))])
    >>> float(warp(5)), float(warp(20))
    (5.1, 19.95)

    Raises OptionError if there is none, if they are not in order, or if one is shorter than what would have to be left
    out of it.
    """
    if not stretches:
        raise OptionError("a correction needs at least one stretch")
    if any(after <= before for (before, _), (after, _) in pairwise(stretches)):
        raise OptionError("the stretches of a correction are not in order")
    slope = 1 + drift_ppm / _MILLION

    def laid(instant: Fraction, offset: Fraction) -> Fraction:
        return instant + offset + drift_ppm / _MILLION * (instant - drift_at)

    knots = [(stretches[0][0], laid(*stretches[0]))]
    for (_, before), (start, offset) in pairwise(stretches):
        if start < knots[-1][0]:
            raise OptionError(
                f"the stretch before {float(start):.3f} s is shorter than what would have to be left out of it"
            )
        knots.append((start, laid(start, before)))
        if offset >= before:
            knots.append((start, laid(start, offset)))  # the sound waits
        else:
            # What would be heard before its predecessor has ended is left out.
            knots.append((start + (before - offset) / slope, laid(start, before)))
    return Warp(knots, before=slope, after=slope)


def _drift(found: SyncMeasurement) -> Fraction:
    """Millionths; 0 where nothing is sure."""
    return exact(f"{found.drift_ppm or 0.0:.3f}") if drifts(found) else Fraction(0)
