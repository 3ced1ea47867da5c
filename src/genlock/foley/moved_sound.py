"""A sound is taken apart before its onsets and put together again where they belong: cut, or stretched in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from genlock.core.time import round_fraction
from genlock.foley.mixing import Placed
from genlock.foley.retiming import LEAD, Move
from genlock.foley.spool import SpooledSound

__all__ = ["moved_pieces"]

Samples: TypeAlias = npt.NDArray[np.float32]

_FADE = Fraction(4, 1000)
_ATTACK = Fraction(60, 1000)  # is never stretched
_LONGEST = 10  # seconds of a piece, and of what is stretched


@dataclass(frozen=True)
class _Segment:
    first: int
    stop: int
    at: int
    room: int
    """Samples of output until the next segment begins."""


def moved_pieces(
    sound: SpooledSound,
    moves: Sequence[Move],
    start: Fraction,
    end: Fraction,
    by: Literal["cut", "stretch"] = "cut",
) -> list[Placed]:
    """What to mix so that every onset lies on its event.

    Parameters
    ----------
    sound : the sound, whose clock the moves' onsets are on
    moves : in order
    start, end : of the output, on the film's clock; sample 0 lies at ``start``
    by : ``cut`` leaves gaps silent and drops what overlaps; ``stretch`` plays what is between the attacks faster or
        slower, so that it fills its room
    """
    placed: list[Placed] = []
    fade = round_fraction(_FADE * sound.rate, "nearest")
    for number, each in enumerate(_segments(sound, moves, start, end)):
        length = min(each.stop - each.first, each.room)
        if by == "stretch" and each.room != each.stop - each.first and each.stop < sound.count:
            length = _stretched(sound, each, fade, placed)
        step = _LONGEST * sound.rate
        for offset in range(0, length, step):
            stop = min(offset + step, length)
            fades = (fade if number and not offset else 0, fade if stop == length else 0)
            made = _maker(sound, each.first + offset, each.first + stop, fades)
            placed.append(Placed(each.at + offset, made))
    return placed


def _segments(sound: SpooledSound, moves: Sequence[Move], start: Fraction, end: Fraction) -> list[_Segment]:
    rate = sound.rate
    cuts = [round_fraction((move.onset - LEAD - sound.start) * rate, "nearest") for move in moves]
    # The onset's own sample lands on the event's: both are rounded once, the cut follows.
    onsets = [round_fraction((move.onset - sound.start) * rate, "nearest") for move in moves]
    goals = [round_fraction((move.event - start) * rate, "nearest") for move in moves]
    places = [goal - (onset - cut) for goal, onset, cut in zip(goals, onsets, cuts, strict=True)]
    total = round_fraction((end - start) * rate, "ceil")
    head = max(0, cuts[0] - places[0])  # sound before the film's beginning is not heard
    segments = [_Segment(head, cuts[0], places[0] - (cuts[0] - head), cuts[0] - head)]
    for k, (cut, place) in enumerate(zip(cuts, places, strict=True)):
        stop = cuts[k + 1] if k + 1 < len(cuts) else sound.count
        room = (places[k + 1] if k + 1 < len(cuts) else total) - place
        segments.append(_Segment(cut, stop, place, max(room, 0)))
    return segments


def _stretched(sound: SpooledSound, each: _Segment, fade: int, placed: list[Placed]) -> int:
    """Place the stretched end of a segment; gives the length of what goes before it, unstretched."""
    own = each.stop - each.first
    kept = max(round_fraction((LEAD + _ATTACK) * sound.rate, "nearest"), own - _LONGEST * sound.rate)
    kept = min(kept, own - 4 * fade, each.room - 4 * fade)
    if kept <= 0:
        return min(own, each.room)
    before, after = own - kept, each.room - kept

    def make() -> Samples:
        part = sound.part(each.first + kept, each.stop + 2 * fade)
        moved = np.asarray(soxr.resample(part, float(before), float(after)), np.float32)[: after + fade]
        return _faded(moved, fade, fade)

    placed.append(Placed(each.at + kept, make))
    return kept


def _maker(sound: SpooledSound, first: int, stop: int, fades: tuple[int, int]) -> Callable[[], Samples]:
    return lambda: _faded(sound.part(first, stop + fades[1]), *fades)


def _faded(samples: Samples, rise: int, fall: int) -> Samples:
    """Fades that add up to 1 with those of a neighbour."""
    out = samples.copy()
    if rise and len(out) >= rise:
        out[:rise] *= ((np.arange(rise) + 0.5) / rise).astype(np.float32)[:, None]
    if fall and len(out) >= fall:
        out[-fall:] *= ((fall - 0.5 - np.arange(fall)) / fall).astype(np.float32)[:, None]
    return out
