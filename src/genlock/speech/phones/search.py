"""Where each word lies in the probabilities of a phone model: exactly, and finer than its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.aligners.hmm import best_path
from genlock.speech.phones.lattice import NOBODY, PhoneLattice, PhonePrices, PhoneRow, build_phone_lattice

__all__ = ["FoundWord", "find_words"]

Array = npt.NDArray[np.float32]

#: Frames that a phone takes at least: tried in this order, until the words fit into the sound.
_SHORTEST = (2, 1)
# How far from the edge of a frame a border may lie, in frames: up to the middles of the frames beside it; less where a
# phone takes one frame alone, so that something is left of it.
_REACH, _SHORT_REACH = 0.5, 0.25


@dataclass(frozen=True)
class FoundWord:
    """One word in a piece of sound."""

    start: float
    """In frames from the beginning of the piece: 0 is the first edge of the first frame."""
    end: float
    """After ``start``, by a frame at least."""
    fit: float
    """Mean over its frames of ln(probability of its phone / probability of the likeliest class), 0 at best."""
    phones: tuple[tuple[int, float, float], ...]
    """Class, start and end of each of its phones."""


def find_words(
    chances: Array, words: Sequence[Sequence[PhoneRow]], prices: PhonePrices | None = None
) -> list[FoundWord | None] | None:
    """Place words.

    Parameters
    ----------
    chances : ln of the probability of each class in each frame, float32 [T, classes]; 0 is a pause, 1 other sound
    words : for each word its ways, each the classes of its phones

    Returns
    -------
    One for each word, None where it was left out; None at all if the words do not fit into the sound.

    >>> plan = [0, 0, 2, 2, 2, 3, 3, 0, 0]
    >>> chances = np.log(np.where(np.arange(4) == np.array(plan)[:, None], 0.97, 0.01)).astype(np.float32)
    >>> [(word.start, word.end) for word in find_words(chances, [[[2, 3]]])]
    [(2.0, 7.0)]
    """
    settings = prices or PhonePrices()
    likeliest = chances.max(axis=1, keepdims=True)
    table = np.ascontiguousarray(np.hstack([chances, likeliest + settings.stranger_frame]), np.float32)
    for shortest in _SHORTEST:
        lattice = build_phone_lattice(words, chances.shape[1], shortest, settings)
        path = best_path(table, lattice.graph)
        if path is not None:
            return _read(table, chances, lattice, path.states, len(words))
    return None


def _read(
    table: Array, chances: Array, lattice: PhoneLattice, states: npt.NDArray[np.int32], words: int
) -> list[FoundWord | None]:
    column, owner, place = lattice.graph.column[states], lattice.word[states], lattice.phone[states]
    changed = np.flatnonzero((np.diff(owner) != 0) | (np.diff(place) != 0)) + 1
    firsts = [0, *changed.tolist()]
    lengths = np.diff([*firsts, len(states)])
    borders = [
        _border(table, column, first, _SHORT_REACH if min(lengths[k : k + 2]) == 1 else _REACH)
        for k, first in enumerate(firsts[1:])
    ]
    edges = [0.0, *borders, float(len(states))]
    likeliest = chances.max(axis=1)
    rows: dict[int, list[int]] = {}
    for part, first in enumerate(firsts):
        if owner[first] != NOBODY:
            rows.setdefault(int(owner[first]), []).append(part)
    found: list[FoundWord | None] = [None] * words
    stops = [*firsts[1:], len(states)]
    for word, parts in rows.items():
        frames = np.arange(firsts[parts[0]], stops[parts[-1]])
        fit = float((table[frames, column[frames]] - likeliest[frames]).mean())
        phones = tuple((int(column[firsts[part]]), edges[part], edges[part + 1]) for part in parts)
        found[word] = FoundWord(edges[parts[0]], edges[parts[-1] + 1], fit, phones)
    return found


def _border(table: Array, column: npt.NDArray[np.int32], first: int, reach: float) -> float:
    """Where one state gives way to the next, within so many frames of where the frames part.

    There the straight line through the differences of their ln probabilities crosses zero. A border of two like
    phones stays where the frames part.
    """
    before, after = int(column[first - 1]), int(column[first])
    if before == after:
        return float(first)
    left = float(table[first - 1, before] - table[first - 1, after])
    right = float(table[first, before] - table[first, after])
    # Not above 0, or not below 0, where the path did not go for the likelier one of both.
    share = 0.0 if left <= 0 else 1.0 if right >= 0 else left / (left - right)
    return first + min(max(share - 0.5, -reach), reach)
