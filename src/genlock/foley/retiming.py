"""A sound that was made elsewhere is moved onto the events of a picture: which onset belongs to which, and the Warp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.instants import match_in_order
from genlock.core.errors import InputError
from genlock.core.one_line import one_line
from genlock.core.warp import Warp
from genlock.foley.events import Events

__all__ = ["LEAD", "Move", "Retiming", "plan_retiming"]

Array = npt.NDArray[np.float64]

#: What goes with an attack: seconds before its onset.
LEAD = Fraction(8, 1000)
_REACH = 0.2  # seconds by which one blow may be moved, beside what all are moved by
_FARTHEST = 10.0  # seconds by which all may be moved
_BIN = 0.02
_LEAST_SHARE = 0.5
_SHUFFLES = 20
_FEWEST_TO_SHUFFLE = 8  # of fewer, some other order of distances fits nearly as well


@dataclass(frozen=True)
class Move:
    """One onset and the event that it was moved onto."""

    onset: Fraction
    """When it was, in exact seconds of the sound."""
    event: Fraction
    """Where it goes, in exact seconds of the film."""

    @property
    def by(self) -> Fraction:
        """Seconds by which it moves; positive: later."""
        return self.event - self.onset

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "onset_seconds": float(self.onset),
            "event_seconds": float(self.event),
            "moved_ms": round(float(self.by) * 1000, 3),
        }


@dataclass(frozen=True)
class Retiming:
    """How a sound is moved onto a picture."""

    moves: tuple[Move, ...]
    """The onsets that were matched, in order."""
    left_onsets: tuple[Fraction, ...]
    """Onsets that fit no event: they go along with what is before them."""
    left_events: tuple[Fraction, ...]
    """Events that no onset fits: nothing is heard of them."""
    warp: Warp
    """From the sound's clock to the film's, where it is cut; source time that it holds is left out."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line


def plan_retiming(onsets: Sequence[Fraction], events: Events) -> Retiming:
    """Match onsets with events: one shift for all, then each by at most 200 ms, in order, each at most once.

    Raises
    ------
    InputError
        If there is nothing to match, or the sound does not fit the picture better than one of other rhythm would.

    Examples
    --------
    >>> from genlock.foley.events import Event
    >>> events = Events([Event(t) for t in ("1", "1.5", "2.7", "3.1", "4.4")], 0, 5)
    >>> heard = [event.instant + Fraction(3, 10) for event in events]
    >>> plan = plan_retiming(heard, events)
    >>> [float(move.by) for move in plan.moves]
    [-0.3, -0.3, -0.3, -0.3, -0.3]
    """
    if not onsets or not len(events):
        what = "the sound has no onset" if not onsets else "nothing strikes in the picture"
        raise InputError(f"{what}: there is nothing to move the sound onto")
    heard, seen = np.array([float(t) for t in onsets]), events.instants()
    pairs, worth = _matched(heard, seen)
    few = min(len(heard), len(seen))
    if len(pairs) < max(1, _LEAST_SHARE * few):
        raise InputError(
            f"the sound does not fit the picture: of its {len(heard)} onsets and the {len(seen)} events only "
            f"{len(pairs)} could belong together; is it the sound of this film?"
        )
    notes: tuple[str, ...] = ()
    if few >= _FEWEST_TO_SHUFFLE:
        chance = _by_chance(heard, seen)
        if worth <= chance:
            raise InputError(
                f"the sound does not fit the picture: {len(pairs)} of {len(heard)} onsets lie near events, no better "
                "than with the same events in another rhythm; is it the sound of this film?"
            )
    else:
        notes = (f"{few} onsets are too few to tell whether the sound belongs to this film",)
    moves = tuple(Move(onsets[i], events[j].instant) for i, j in pairs)
    matched = ({i for i, _ in pairs}, {j for _, j in pairs})
    return Retiming(
        moves,
        tuple(t for i, t in enumerate(onsets) if i not in matched[0]),
        tuple(e.instant for j, e in enumerate(events) if j not in matched[1]),
        warp_of(moves),
        notes,
    )


def warp_of(moves: Sequence[Move]) -> Warp:
    """Each onset and what follows it moves as a whole, from a little before it on."""
    knots: list[tuple[Fraction, Fraction]] = []
    for before, after in zip((None, *moves), moves, strict=False):
        cut = after.onset - LEAD
        goal = cut + after.by
        if before is not None and cut + before.by <= goal:
            knots.append((cut, cut + before.by))  # a gap: nothing is there
        elif before is not None:
            knots.append(
                (max(goal - before.by, before.onset - LEAD), goal)
            )  # the end of what was before is left out
        knots.append((cut, goal))
    return Warp(knots)


def _matched(heard: Array, seen: Array) -> tuple[list[tuple[int, int]], float]:
    """Pairs after the best shift of all, and what they are worth."""
    best: tuple[list[tuple[int, int]], float] = ([], -1.0)
    for shift in _shifts(heard, seen):
        pairs = match_in_order(heard + shift, seen, _REACH)
        worth = sum(1 - abs(heard[i] + shift - seen[j]) / _REACH for i, j in pairs)
        if worth > best[1] + 1e-9:
            best = (pairs, float(worth))
    return best


def _shifts(heard: Array, seen: Array) -> list[float]:
    """No shift, and those by which most onsets come near events."""
    low = np.searchsorted(seen, heard - _FARTHEST)
    high = np.searchsorted(seen, heard + _FARTHEST)
    apart = np.concatenate([seen[a:b] - t for t, a, b in zip(heard, low, high, strict=True)])
    if not len(apart):
        return [0.0]
    count = round(2 * _FARTHEST / _BIN) + 1
    votes = np.bincount(np.round((apart + _FARTHEST) / _BIN).astype(int), minlength=count).astype(float)
    votes = np.convolve(votes, [1, 2, 3, 2, 1], "same")
    tops = np.argsort(-votes, kind="stable")[:3]
    shifts = [0.0]
    for top in tops.tolist():
        near = apart[np.abs(apart - (top * _BIN - _FARTHEST)) <= 3 * _BIN]
        shifts.append(float(np.median(near)) if len(near) else top * _BIN - _FARTHEST)
    return shifts


def _by_chance(heard: Array, seen: Array) -> float:
    """The best worth with events in another rhythm: their distances shuffled."""
    draw = np.random.default_rng(5)
    gaps = np.diff(seen)
    best = 0.0
    for _ in range(_SHUFFLES):
        other = seen[0] + np.concatenate([[0.0], np.cumsum(draw.permutation(gaps))])
        best = max(best, _matched(heard, other)[1])
    return best
