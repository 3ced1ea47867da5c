"""Films of many people with planted offsets, and sounds that belong to somebody else: what a judgement is fitted on.

What tells own sound from another's must mean the same for whoever speaks. So films are joined from the clips of one
person each, and everything that is fitted to them is also fitted without each person and tried on that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from genlock.aligners.curves import LagCurve, find_peak, pool, weighted
from genlock.core.errors import InputError
from genlock.core.time import exact
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import with_offset
from genlock.train.lipsync.calibration import Kind, Trials

__all__ = ["Measured", "People", "curve_of", "in_place", "in_step_as_seen", "measure_people"]

#: Evidence of each clip by name, by who speaks.
People: TypeAlias = Mapping[str, Mapping[str, Evidence]]

#: Lengths of the films, in seconds, and what is planted in how many of each for every person.
LENGTHS = (2.0, 4.0, 8.0, 15.0)
_OWN: Sequence[Kind] = ("clean", "clean", "clean", "worse")
_FOREIGN: Sequence[Kind] = ("voice-over", "voice-over", "voice-over", "noise", "music", "covered")
#: Of people who have so many clips: other sentences of theirs.
_LEAST_FOR_OTHERS = 8
_OTHER_SENTENCES: Sequence[Kind] = ("other sentence", "other sentence", "other sentence")


@dataclass(frozen=True, eq=False)
class Measured:
    """One film as an estimator saw it."""

    person: str
    """Whose face it shows."""
    seconds: float
    """How long it is."""
    kind: Kind
    """What was done to it."""
    curve: LagCurve
    """Similarity over lags."""
    truth: float | None
    """The planted offset; None where the sound belongs to no mouth in it."""


def in_place(
    people: People, estimator: LinearSync, ordinary: Sequence[str]
) -> dict[str, dict[str, Evidence]]:
    """The same with the clips of some people put where the estimator sees each of them.

    Ordinary clips are out of step by up to a quarter of a second as they come; corpora are not, and stay as they are.

    Raises InputError if one of them is not there.
    """
    missing = sorted(set(ordinary) - set(people))
    if missing:
        raise InputError(f"nobody is called {', '.join(missing)}; there are {', '.join(sorted(people))}")
    return {
        who: {
            name: in_step_as_seen(clip, estimator) if who in ordinary else clip
            for name, clip in clips.items()
        }
        for who, clips in people.items()
    }


def in_step_as_seen(clip: Evidence, estimator: LinearSync) -> Evidence:
    """A clip with its sound moved to where the estimator sees it; as it is where nothing is seen."""
    curve = curve_of(clip, estimator)
    peak = None if curve is None else find_peak(weighted(curve))
    return clip if peak is None else with_offset(clip, -exact(f"{peak.lag_seconds:.6f}"))


def curve_of(film: Evidence, estimator: LinearSync) -> LagCurve | None:
    """Similarity over the whole of a film with one face; None where there is nothing to compare."""
    curves = [cue.curve for _, _, cues in estimator.windows(film) for cue in cues if cue.curve is not None]
    whole = pool(curves) if curves else None
    return None if whole is None or whole.empty else whole


def measure_people(
    people: People,
    estimator: Callable[[str], LinearSync],
    times: int = 2,
    seed: int = 0,
    lengths: Sequence[float] = LENGTHS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Measured]:
    """What estimators see of films of everybody, each of every length and kind.

    A person of whom there is little gets films no longer than that.

    Parameters
    ----------
    people : by name; the sound of a voice-over is that of all others
    estimator : gives that for a person's films, such as one that was learnt without him
    times : how many times four films with their own sound and six to nine with another are made of every length, at
        least 1
    """
    found: list[Measured] = []
    for number, who in enumerate(sorted(people)):
        others = {f"{q}/{n}": clip for q in sorted(people) if q != who for n, clip in people[q].items()}
        trials = Trials(people[who], seed + 1000 * number, others)
        for seconds in lengths:
            if seconds > trials.seconds:
                continue
            others_too = _OTHER_SENTENCES if len(people[who]) >= _LEAST_FOR_OTHERS else ()
            for kind in (*_OWN, *_FOREIGN, *others_too) * times:
                trial = trials.draw(kind, seconds, _most(trials.seconds, seconds))
                curve = curve_of(trial.evidence, estimator(who))
                if curve is not None:
                    found.append(Measured(who, seconds, kind, curve, trial.offset_seconds))
        progress(number + 1, len(people))
    return found


def _most(whole: float, seconds: float) -> float:
    """The largest offset that leaves real sound at the ends, 0.6 s where there is enough."""
    return float(np.clip((whole - seconds) / 2, 0.2, 0.6))
