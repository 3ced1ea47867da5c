"""From words that may be spoken in several ways to the graph of states that an aligner searches.

Between two words there may be nothing, silence, noise, or *other sound*: speech that nobody wrote down. A
word may also be left out, at a price. Phones know their neighbours: where two words follow without a pause,
each takes the other's edge phone as its context; next to a pause the context is silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from genlock.aligners.hmm import GraphBuilder, StateGraph
from genlock.speech.sphinx.model import SILENCE, AcousticModel

__all__ = ["NOBODY", "Lattice", "LatticeOptions", "PhoneRow", "Way", "build_lattice"]

#: Stands for the word of a state that belongs to no word.
NOBODY = -1

#: Phones of one spoken word.
PhoneRow = tuple[str, ...]
#: One way to speak a written word: spoken words, each with its possible pronunciations.
Way = Sequence[Sequence[PhoneRow]]

_NOISE = "+NSN+"
# The score column of other sound, until the number of senones is known.
_OTHER_SOUND = 1 << 30


@dataclass(frozen=True)
class LatticeOptions:
    """Prices in natural logarithms, on the scale of acoustic scores (a good word scores about -1 a frame)."""

    pause: float = -1.0
    """Entering silence between two words."""
    noise: float = -4.0
    """Entering noise between two words."""
    other_sound: float = -30.0
    """Entering sound that nobody wrote down."""
    other_sound_score: float = -4.0
    """Score of each of its frames, against the best phone there."""
    left_out: float | None = -35.0
    """Beginning to leave out words; None: every word is there."""
    left_out_each: float = -5.0
    """Each word that is left out, on top of that: whole sentences may be missing."""
    context: bool = True
    """Phones in context; False takes each phone's own three senones."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """A graph of states, and what each state stands for."""

    graph: StateGraph
    """The states; columns ``0 ... len(senones) - 1`` of the score table are senones, the last one *other
    sound*."""
    senones: npt.NDArray[np.int64]
    """The senone of each score column."""
    word: npt.NDArray[np.int32]
    """The written word that each state belongs to, or NOBODY, [S]."""
    phone: tuple[str, ...]
    """The phone of each state, [S]; empty for silent states."""
    first_state: npt.NDArray[np.bool_]
    """Whether it is a phone's first state, [S]."""


@dataclass
class _Phone:
    """One phone of one pronunciation, before it is split by its contexts."""

    base: str
    word: int
    place: str
    before: list[int] = field(default_factory=list)
    """Phones that may come just before it."""
    from_joints: list[int] = field(default_factory=list)
    """Joints (silent states) that lead to it."""
    after: list[int] = field(default_factory=list)
    to_joints: list[int] = field(default_factory=list)


class _Builder:
    def __init__(self, model: AcousticModel, frame_step: float, options: LatticeOptions) -> None:
        self.model, self.options, self.frame_step = model, options, frame_step
        self.graph = GraphBuilder()
        self.phones: list[_Phone] = []
        self.columns: dict[int, int] = {}
        self.meaning: dict[int, tuple[str, int, bool]] = {}

    # -- parts of the lattice

    def row(self, phones: PhoneRow, word: int, entry: int, ends_before: Iterable[int]) -> int:
        """Add one pronunciation; returns its last phone."""
        count = len(phones)
        first = len(self.phones)
        for k, base in enumerate(phones):
            place = "single" if count == 1 else "begin" if k == 0 else "end" if k == count - 1 else "inside"
            self.phones.append(_Phone(base, word, place))
            if k:
                self.join(first + k - 1, first + k)
        self.phones[first].from_joints.append(entry)
        for end in ends_before:
            self.join(end, first)
        return first + count - 1

    def join(self, source: int, target: int) -> None:
        self.phones[source].after.append(target)
        self.phones[target].before.append(source)

    def pause(self, entry: int, fillers: Sequence[tuple[str, float]], other_sound: bool = False) -> int:
        """Optional fillers after a joint; returns the joint behind them."""
        made = [(*self._filler(phone), price) for phone, price in fillers]
        leave = self.graph.silent()
        self.graph.arc(entry, leave)
        if other_sound:
            state = self.graph.emitting(_OTHER_SOUND)
            self.meaning[state] = ("", NOBODY, True)
            made.append((state, state, 0.0, self.options.other_sound))
        for first, last, exit_weight, price in made:
            self.graph.arc(entry, first, price)
            self.graph.arc(last, leave, exit_weight)
            for other, _, _, other_price in made:
                if other != first:
                    self.graph.arc(last, other, exit_weight + other_price)
        return leave

    def _filler(self, phone: str) -> tuple[int, int, float]:
        states, exit_weight = self._states(phone, SILENCE, SILENCE, "inside", NOBODY)
        return states[0], states[-1], exit_weight

    def _states(self, phone: str, left: str, right: str, place: str, word: int) -> tuple[list[int], float]:
        """Add a phone's three states; returns them and the log weight of leaving the last one."""
        number = self.model.phone(phone)
        if self.options.context:
            senones = self.model.states(phone, left, right, place)
        else:
            senones = tuple(int(s) for s in self.model.senones[number])
        # The model's probabilities are per 10 ms; leaving gets rarer in the measure that frames get denser.
        leave = (1 - np.exp(self.model.stay[number])) * self.frame_step
        stays, leaves = np.log1p(-leave), np.log(leave)
        states: list[int] = []
        for k, senone in enumerate(senones):
            state = self.graph.emitting(self.columns.setdefault(senone, len(self.columns)), float(stays[k]))
            self.meaning[state] = (phone, word, k == 0)
            if states:
                self.graph.arc(states[-1], state, float(leaves[k - 1]))
            states.append(state)
        return states, float(leaves[-1])

    # -- phones in context

    def expand(self) -> None:
        """Split each phone by the contexts it may have, and join what fits."""
        entries: list[dict[tuple[str, str], int]] = []
        exits: list[dict[tuple[str, str], tuple[int, float]]] = []
        for phone in self.phones:
            lefts = sorted(
                {self.phones[p].base for p in phone.before} | ({SILENCE} if phone.from_joints else set())
            )
            rights = sorted(
                {self.phones[p].base for p in phone.after} | ({SILENCE} if phone.to_joints else set())
            )
            made: dict[tuple[str, str], tuple[list[int], float]] = {
                (left, right): self._states(phone.base, left, right, phone.place, phone.word)
                for left in lefts
                for right in rights
            }
            entries.append({key: states[0] for key, (states, _) in made.items()})
            exits.append({key: (states[-1], weight) for key, (states, weight) in made.items()})
        for number, phone in enumerate(self.phones):
            for (_, right), (state, weight) in exits[number].items():
                if right == SILENCE:
                    for joint in phone.to_joints:
                        self.graph.arc(state, joint, weight)
                for follower in phone.after:
                    if self.phones[follower].base == right:
                        for (its_left, _), target in entries[follower].items():
                            if its_left == phone.base:
                                self.graph.arc(state, target, weight)
            for (left, _), state in entries[number].items():
                if left == SILENCE:
                    for joint in phone.from_joints:
                        self.graph.arc(joint, state)


def build_lattice(
    words: Sequence[Sequence[Way]],
    model: AcousticModel,
    options: LatticeOptions | None = None,
    frame_step: float = 1.0,
) -> Lattice:
    """The graph of all ways to speak a row of words.

    Parameters
    ----------
    words : for each written word its ways; a way is a row of spoken words, each with its pronunciations
    model : the acoustic model whose senones the states name
    frame_step : seconds from frame to frame over 0.01 s

    Examples
    --------
    >>> from genlock.speech.sphinx.model import load_acoustic_model
    >>> a = build_lattice([[[[("AH",), ("EY",)]]]], load_acoustic_model())
    >>> sorted({p for p, w in zip(a.phone, a.word) if w == 0})
    ['AH', 'EY']
    """
    settings = options or LatticeOptions()
    build = _Builder(model, frame_step, settings)
    fillers = ((SILENCE, settings.pause), (_NOISE, settings.noise))
    joint = start = build.graph.silent()
    skipping: int | None = None
    ends: list[int] = []
    for number, ways in enumerate(words):
        leave = build.pause(joint, fillers, other_sound=True)
        ends_of_word: list[int] = []
        for way in ways:
            entry, before = leave, ends
            for place, pronunciations in enumerate(way):
                last = [build.row(row, number, entry, before) for row in pronunciations]
                if place + 1 < len(way):
                    middle = build.graph.silent()
                    for end in last:
                        build.phones[end].to_joints.append(middle)
                    entry = build.pause(middle, fillers[:1])
                    before = last
                else:
                    ends_of_word += last
        # Joints point forward: the one behind this word is made after all that lead to it.
        skipping = _skip(build, leave, skipping)
        joint = build.graph.silent()
        for end in ends_of_word:
            build.phones[end].to_joints.append(joint)
        if skipping is not None:
            build.graph.arc(skipping, joint)
        ends = ends_of_word
    end = build.pause(joint, fillers, other_sound=True)
    build.expand()
    return _finished(build, start, end)


def _skip(build: _Builder, leave: int, skipping: int | None) -> int | None:
    """Add the silent state in which this word has been left out, perhaps with those before it."""
    first, each = build.options.left_out, build.options.left_out_each
    if first is None:
        return None
    state = build.graph.silent()
    build.graph.arc(leave, state, first + each)
    if skipping is not None:
        build.graph.arc(skipping, state, each)
    return state


def _finished(build: _Builder, start: int, end: int) -> Lattice:
    count = len(build.columns)
    graph = build.graph.graph(start, end)
    column = np.where(graph.column >= count, count, graph.column).astype(np.int32)
    nothing = ("", NOBODY, False)
    meaning = [build.meaning.get(state, nothing) for state in range(graph.states)]
    return Lattice(
        graph=StateGraph(
            column, graph.stay, graph.first_arc, graph.source, graph.weight, graph.start, graph.end
        ),
        senones=np.array(list(build.columns), dtype=np.int64),
        word=np.array([word for _, word, _ in meaning], dtype=np.int32),
        phone=tuple(phone for phone, _, _ in meaning),
        first_state=np.array([first for _, _, first in meaning], dtype=np.bool_),
    )
