"""All ways to say a row of words as a graph of phones, for :func:`genlock.aligners.hmm.best_path`.

Before each word, and behind the last, there may be a pause, other sound (breath, noise), or *speech that nobody wrote
down*; a word may be left out at a price. A phone takes a few frames at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.aligners.hmm import GraphBuilder, StateGraph

__all__ = ["NOBODY", "PhoneLattice", "PhonePrices", "PhoneRow", "build_phone_lattice"]

#: Stands for the word of a state that belongs to no word.
NOBODY = -1

#: The classes of the phones of one way to say a word.
PhoneRow = Sequence[int]


@dataclass(frozen=True)
class PhonePrices:
    """Prices in natural logarithms, on the scale of the network's probabilities."""

    pause: float = -1.0
    """Entering a pause."""
    other: float = -4.0
    """Entering other sound."""
    stranger: float = -30.0
    """Entering speech that nobody wrote down."""
    stranger_frame: float = -2.5
    """Each of its frames, against the likeliest class there."""
    left_out: float | None = -30.0
    """Beginning to leave out words; None: every word is there."""
    left_out_each: float = -5.0
    """Each word that is left out, on top of that: whole sentences may be missing."""


@dataclass(frozen=True, eq=False)
class PhoneLattice:
    """A graph of states, and what each stands for."""

    graph: StateGraph
    """Columns are the model's classes; one more is speech that nobody wrote down."""
    word: npt.NDArray[np.int32]
    """The word that each state belongs to, or NOBODY, [S]."""
    phone: npt.NDArray[np.int32]
    """The place of its phone in its way to say the word, [S]."""


def build_phone_lattice(
    words: Sequence[Sequence[PhoneRow]], classes: int, shortest: int = 2, prices: PhonePrices | None = None
) -> PhoneLattice:
    """The graph of all ways to say some words.

    Parameters
    ----------
    words : for each word its ways, each the classes of its phones; none is empty
    classes : how many classes the model tells apart; 0 is a pause, 1 other sound
    shortest : frames that a phone takes at least

    >>> lattice = build_phone_lattice([[[2, 3]], [[4]]], 5, shortest=1)
    >>> [(int(word), int(column)) for word, column in zip(lattice.word, lattice.graph.column) if word >= 0]
    [(0, 2), (0, 3), (1, 4)]
    """
    build = _Builder(classes, shortest, prices or PhonePrices())
    joint = start = build.graph.silent()
    skipping: int | None = None
    for number, ways in enumerate(words):
        entry = build.between(joint)
        ends = [build.row(number, way, entry) for way in ways]
        skipping = build.skip(entry, skipping)
        joint = build.graph.silent()
        for end in ends:
            build.graph.arc(end, joint)
        if skipping is not None:
            build.graph.arc(skipping, joint)
    end = build.between(joint)
    graph = build.graph.graph(start, end)
    word, phone = np.full(graph.states, NOBODY, np.int32), np.zeros(graph.states, np.int32)
    for state, (its_word, its_phone) in build.owner.items():
        word[state], phone[state] = its_word, its_phone
    return PhoneLattice(graph, word, phone)


class _Builder:
    def __init__(self, classes: int, shortest: int, prices: PhonePrices) -> None:
        self.graph, self.prices, self.shortest = GraphBuilder(), prices, shortest
        self.owner: dict[int, tuple[int, int]] = {}
        self._fillers = ((0, prices.pause), (1, prices.other), (classes, prices.stranger))

    def between(self, joint: int) -> int:
        """What may lie between two words; returns the joint behind it."""
        leave = self.graph.silent()
        self.graph.arc(joint, leave)
        made = [(self.graph.emitting(column), price) for column, price in self._fillers]
        for state, price in made:
            self.graph.arc(joint, state, price)
            self.graph.arc(state, leave)
            for other, other_price in made:
                if other != state:
                    self.graph.arc(state, other, other_price)
        return leave

    def row(self, word: int, way: PhoneRow, entry: int) -> int:
        """One way to say a word; returns its last state."""
        before = entry
        for place, column in enumerate(way):
            for _ in range(self.shortest):
                state = self.graph.emitting(column)
                self.owner[state] = (word, place)
                self.graph.arc(before, state)
                before = state
        return before

    def skip(self, entry: int, skipping: int | None) -> int | None:
        """The silent state in which a word has been left out, perhaps with those before it."""
        if self.prices.left_out is None:
            return None
        state = self.graph.silent()
        self.graph.arc(entry, state, self.prices.left_out + self.prices.left_out_each)
        if skipping is not None:
            self.graph.arc(skipping, state, self.prices.left_out_each)
        return state
