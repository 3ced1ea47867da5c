"""From phones to a moving mouth: the state of the face at any instant, on a clock of its own.

The state is a function of time, so that every frame rate, a variable one too, sees the same movement: a renderer asks
for the middles of its cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells
from genlock.core.spans import Span, Spans
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.extractors.face.pose import LIPS
from genlock.synth.talkers.face import points_of
from genlock.synth.talkers.life import LIFE, Life
from genlock.synth.talkers.speakers import Speaker
from genlock.synth.talkers.visemes import MOUTH, REST, Viseme, viseme_of

__all__ = ["STATE", "Motion", "closures_of", "lips_of", "state_of"]

Array = npt.NDArray[np.float64]

#: Columns of the state of a face: the mouth (visemes), its two contacts, then what lives beside speech.
STATE: tuple[str, ...] = (*MOUTH, "close", "tuck", *LIFE)

# Dominance falls off as a bell; its width is a time of its own and a share of the phone's length.
_REACH_SECONDS, _REACH_SHARE = 0.05, 0.5
# Rounding is prepared earlier than anything else, and fades later.
_COLUMN_REACH = np.array([1.0, 1.45, 1.25, 1.0, 1.0, 0.9])
# Silence pulls to rest; long silence is long, so its dominance is a plateau with soft ends.
_REST_HOLD, _REST_SOFT_SECONDS, _REST_INSET_SECONDS = 1.0, 0.07, 0.06
# What keeps the mean defined where no phone is near.
_FLOOR = 1e-3
_FAR_SECONDS = 1.5
_BLOCK = 512
# Lips come together this long before a closure and part this long after it.
_CLOSING_SECONDS, _OPENING_SECONDS = 0.075, 0.065
# The lower lip lies against the teeth through this part of /f v/.
_TUCKED = (0.15, 0.85)


@dataclass(frozen=True, eq=False)
class _Pulls:
    """Every pull of an utterance in order of its instant; arrays of [N] or [N, 6]."""

    at: Array
    half: Array
    reach: Array
    hold: Array
    target: Array


class Motion:
    """The face of a speaker who says these phones.

    Parameters
    ----------
    phones : ARPABET with or without stress, and silence, on the clock of the picture
    speaker : whose manner it is
    closures : when the lips are shut, where that is known better than from the phones (labels P, B, M; others are
        left out); None: shares of the phones
    seed : of what differs from one saying to the next
    words : where brows and head may underline something; None: nowhere

    Examples
    --------
    >>> edges, labels = ("0", "0.1", "0.2", "0.5", "1"), ("sil", "M", "AA", "sil")
    >>> phones = Spans(map(Span, edges, edges[1:], labels))
    >>> motion = Motion(phones, Speaker(variety=0))
    >>> state = dict(zip(STATE, motion.at([0.15, 0.34, 0.95]).T.round(2).tolist(), strict=True))
    >>> state["close"]
    [1.0, 0.0, 0.0]
    >>> state["jaw"][1] > 0.4 and state["jaw"][2] < 0.05
    True
    """

    def __init__(
        self,
        phones: Spans,
        speaker: Speaker,
        closures: Spans | None = None,
        seed: int = 0,
        words: Spans | None = None,
    ) -> None:
        self.speaker = speaker
        self._pulls = _pulls_of(phones, speaker, seed)
        shut = closures_of(phones) if closures is None else closures
        self._shut = _edges([s for s in shut if s.label.rstrip("012").upper() in ("P", "B", "M")])
        self._tucked = _edges(
            [_part(s, _TUCKED) for s in phones if (v := viseme_of(s.label)) is not None and v.tuck]
        )
        self.life = Life(speaker, seed, words)

    def at(self, seconds: npt.ArrayLike) -> Array:
        """The state at instants [T], float64 [T, len(STATE)]; the mouth's columns are 0...1 or a little beyond."""
        instants = np.atleast_1d(np.asarray(seconds, np.float64))
        speaker = self.speaker
        mouth = np.empty((len(instants), len(MOUTH)))
        for first in range(0, len(instants), _BLOCK):
            part = slice(first, first + _BLOCK)
            mouth[part] = self._shared(instants[part])
        opening = np.array([speaker.amplitude * s for s in (speaker.jaw_share, 2 - speaker.jaw_share)])
        mouth *= [opening[0], speaker.rounding, speaker.rounding, opening[1], opening[1], 1]
        contacts = np.stack(
            [
                _gate(instants, self._shut, _CLOSING_SECONDS, _OPENING_SECONDS),
                _gate(instants, self._tucked, 0.06, 0.06),
            ],
            axis=1,
        )
        return np.concatenate([mouth, contacts, self.life.at(instants)], axis=1)

    def _shared(self, instants: Array) -> Array:
        """The mean of the targets, each weighted by its dominance."""
        pulls = self._pulls
        rest = np.array(REST)
        if not len(pulls.at) or not len(instants):
            return np.tile(rest, (len(instants), 1))
        near = (pulls.at + pulls.half > instants.min() - _FAR_SECONDS) & (
            pulls.at - pulls.half < instants.max() + _FAR_SECONDS
        )
        apart = np.abs(instants[:, None] - pulls.at[near])
        outside = np.maximum(apart - pulls.half[near], 0)[:, :, None]
        dominance = pulls.hold[near] * np.exp(-((outside / pulls.reach[near]) ** 2))
        total = dominance.sum(axis=1) + _FLOOR
        return np.asarray(((dominance * pulls.target[near]).sum(axis=1) + _FLOOR * rest) / total)


def closures_of(phones: Spans) -> Spans:
    """When the lips are shut, as shares of /p b m/; for phones whose closures nobody knows.

    >>> [(s.label, float(s.start)) for s in closures_of(Spans([Span(0, 1, "P"), Span(1, 2, "AA")]))]
    [('P', 0.05)]
    """
    found = []
    for span in phones:
        viseme = viseme_of(span.label)
        if viseme is not None and viseme.shut is not None:
            found.append(_part(span, viseme.shut))
    return Spans(found, phones.clock, "closures")


def state_of(
    phones: Spans,
    speaker: Speaker,
    cells: Cells,
    length: int,
    *,
    closures: Spans | None = None,
    seed: int = 0,
    words: Spans | None = None,
) -> Track:
    """The state of a face at the middles of cells, float64 [length, len(STATE)].

    See :class:`Motion`; sound that is heard early must be put on the picture's clock first (``phones.shifted``).
    """
    motion = Motion(phones, speaker, closures, seed, words)
    return Track(motion.at(cells.centers(length)), cells, name="face state")


def lips_of(
    phones: Spans,
    speaker: Speaker,
    cells: Cells,
    length: int,
    *,
    closures: Spans | None = None,
    seed: int = 0,
) -> Track:
    """The lips at the middles of cells: points :data:`~genlock.extractors.face.pose.LIPS`, float32 [length, 40, 2].

    Upright, in eye distances, without noise: what ``landmarks:lips`` would be if a face that looks ahead were tracked
    perfectly.

    >>> from genlock.core.grid import Grid
    >>> edges, labels = ("0", "0.1", "0.2", "0.5", "1"), ("sil", "M", "AA", "sil")
    >>> phones = Spans(map(Span, edges, edges[1:], labels))
    >>> lips = lips_of(phones, Speaker(), Grid(25), 25)
    >>> gap = lips.values[:, LIPS.index(14), 1] - lips.values[:, LIPS.index(13), 1]
    >>> [round(float(gap[k]), 2) + 0.0 for k in (3, 24)], bool(gap[8] > 0.08)
    ([0.0, 0.0], True)
    """
    state = state_of(phones, speaker, cells, length, closures=closures, seed=seed)
    points = points_of(state.values, speaker)[:, list(LIPS), :2].astype(np.float32)
    return Track(points, cells, name="lips", unit="eye distances")


# ---------------------------------------------------------------- phones


def _part(span: Span, share: tuple[float, float]) -> Span:
    first, last = (span.start + _share(where) * span.duration for where in share)
    return Span(first, last, span.label)


def _share(where: float) -> Fraction:
    return exact(str(where))


def _pulls_of(phones: Spans, speaker: Speaker, seed: int) -> _Pulls:
    """All targets, each a little off by the speaker's variety; the same for the same seed."""
    draw = np.random.default_rng([seed, 21])
    rows = []
    for span in phones:
        viseme = viseme_of(span.label)
        if viseme is None:
            rows += _rest(span)
        else:
            rows += list(_held(span, viseme, speaker, draw))
    if not rows:
        empty = np.zeros((0, len(MOUTH)))
        return _Pulls(np.zeros(0), np.zeros(0), empty, empty, empty)
    at, half, reach, hold, target = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    return _Pulls(at, half, reach, hold, target)


_Row = tuple[float, float, Array, Array, Array]


def _rest(span: Span) -> list[_Row]:
    length = float(span.duration)
    inset = min(_REST_INSET_SECONDS, 0.4 * length)
    half = length / 2 - inset
    # A gap of a few milliseconds between words is no rest.
    hold = np.full(len(MOUTH), _REST_HOLD * min(1.0, length / 0.15) ** 2 + 1e-9)
    middle = float(span.start + span.duration / 2)
    return [(middle, half, np.full(len(MOUTH), _REST_SOFT_SECONDS), hold, np.array(REST))]


def _held(span: Span, viseme: Viseme, speaker: Speaker, draw: np.random.Generator) -> Iterator[_Row]:
    length = float(span.duration)
    share = length / len(viseme.pulls)
    for pull in viseme.pulls:
        at = float(span.start) + pull.place * length - speaker.lead_seconds
        reach = (_REACH_SECONDS + _REACH_SHARE * share) * speaker.sluggish * _COLUMN_REACH
        loose = np.exp(speaker.variety * np.clip(draw.standard_normal(len(MOUTH)), -2.5, 2.5))
        yield at, 0.0, reach, np.array(pull.hold), np.array(pull.target) * loose


def _edges(spans: Sequence[Span]) -> Array:
    return np.array([[float(s.start), float(s.end)] for s in spans]).reshape(-1, 2)


def _gate(instants: Array, edges: Array, before: float, after: float) -> Array:
    """1 within spans, 0 away from them, smooth between; [T]."""
    gate = np.zeros(len(instants))
    if not len(edges) or not len(instants):
        return gate
    near = (edges[:, 1] > instants.min() - 1) & (edges[:, 0] < instants.max() + 1)
    for start, end in edges[near]:
        ahead = np.clip((start - instants) / before, 0, 1)
        behind = np.clip((instants - end) / after, 0, 1)
        apart = np.maximum(ahead, behind)
        # It closes fast at the end and opens fast at the beginning: lips meet with speed.
        gate = np.maximum(gate, (1 - apart) ** 2 * (1 + 0.5 * apart))
    return gate
