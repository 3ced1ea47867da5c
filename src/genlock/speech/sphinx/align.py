"""Words on the clock by the CMU Sphinx acoustic model and our own exact search.

The model's frames are 410-sample windows, centred; the search is :func:`genlock.aligners.hmm.best_path` over
the lattice of all ways to speak the text. Boundaries are then found again three times for the chosen phones
(frames moved by half a step; phones without context), and the median of the four is taken: it is a quarter of
a frame finer than a single search and less at the mercy of one model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.hmm import Path, best_path
from genlock.core import Grid
from genlock.speech.sound import SAMPLE_RATE, level_db
from genlock.speech.sphinx.features import HOP, feature_grid, features
from genlock.speech.sphinx.lattice import NOBODY, Lattice, LatticeOptions, PhoneRow, Way, build_lattice
from genlock.speech.sphinx.model import AcousticModel, load_acoustic_model
from genlock.speech.sphinx.pronounce import load_pronouncer
from genlock.speech.text import Token
from genlock.speech.word_edges import Lateness, in_time, into_pauses
from genlock.speech.word_trust import Known, features_of, load_word_trust

__all__ = ["Placed", "SphinxAligner"]

Array = npt.NDArray[np.float32]

#: Below this level nothing can be heard; nothing is aligned there.
SILENT_DB = -75.0
#: States times frames that one search may hold in memory, at one byte each.
LARGEST_SEARCH = 400_000_000
#: How late the model hears words: 20 ms after a pause, 7 ms between words. Medians of 126 and 944 edges of the GRID
#: speakers s1, s2, s3, s4, s30 and s31, each speaker counted alike.
LATE = Lateness(after_pause=320, between=112)
# Frames whose scores are picked at a time.
_ROWS = 256


@dataclass(frozen=True)
class Placed:
    """Where a word lies in a piece of sound.

    >>> Placed(None, None, 0.0, "not found").start is None
    True
    """

    start: Fraction | None
    """First instant, in exact seconds on the clock; None if it was not placed."""
    end: Fraction | None
    """First instant after it."""
    confidence: float
    """How well the sound fits the word, 0...1."""
    reason: str | None = None
    """Why it was not placed."""
    within_50ms: float | None = None
    """Probability that both edges lie within 50 ms of the truth; None where the aligner knows none."""


class SphinxAligner:
    """Aligns English words with sound.

    Examples
    --------
    >>> from genlock.speech.text import tokenize
    >>> aligner = SphinxAligner()
    >>> [p.reason for p in aligner.align(np.zeros(16000, np.float32), tokenize("hello"))]
    ['the sound is silent here']
    """

    #: The name that results carry.
    name = "pocketsphinx"
    #: ISO 639-1 codes of the languages that it knows.
    languages: tuple[str, ...] = ("en",)
    #: It may align several pieces at a time, in as many threads.
    concurrent = True

    def __init__(self, options: LatticeOptions | None = None, searches: int = 4) -> None:
        """``searches``: 1 for the first search alone, up to 4 for the median of several."""
        self.options = options or LatticeOptions()
        self.searches = searches

    def load(self) -> None:
        """Load the models, which is otherwise done by the first piece, or in several threads by each of the first."""
        load_acoustic_model()
        load_pronouncer()

    def align(
        self,
        samples: npt.NDArray[np.floating],
        tokens: Sequence[Token],
        origin: Fraction = Fraction(0),
        clock: str = "media",
    ) -> list[Placed]:
        """Place words in a piece of sound of at most some minutes.

        Parameters
        ----------
        samples : float [n], 16 kHz, full scale +-1
        tokens : the words, from :func:`genlock.speech.text.tokenize`
        origin : instant of sample 0, in exact seconds

        Returns
        -------
        list of Placed
            One for each token, in order; those with times do not overlap and lie within the sound.
        """
        ways = [_ways(token) for token in tokens]
        spoken = [k for k, choices in enumerate(ways) if choices]
        results = [Placed(None, None, 0.0, token.reason or _no_pronunciation(token)) for token in tokens]
        if not spoken:
            return results
        search = self._search(samples, [ways[k] for k in spoken])
        if isinstance(search, str):
            return _refuse(results, spoken, search)
        known = self._known(samples, search, len(spoken))
        trust = load_word_trust().probabilities(features_of(samples, list(known.values())))
        within = dict(zip(known, trust.tolist(), strict=True))
        grid = Grid(SAMPLE_RATE, origin, clock)
        for place, token in enumerate(spoken):
            if place not in known:
                results[token] = Placed(None, None, 0.0, "not found in the sound where its neighbours are")
                continue
            word = known[place]
            start, end = grid.edge(word.first), grid.edge(word.stop)
            results[token] = Placed(start, end, word.confidence, within_50ms=within[place])
        return results

    def known(self, samples: npt.NDArray[np.floating], tokens: Sequence[Token]) -> list[Known | None]:
        """What is known of each word that :meth:`align` places: what its ``within_50ms`` is computed from.

        Parameters
        ----------
        samples : float [n], 16 kHz, full scale +-1
        tokens : the words, from :func:`genlock.speech.text.tokenize`

        >>> from genlock.speech.text import tokenize
        >>> SphinxAligner().known(np.zeros(16000, np.float32), tokenize("hello"))
        [None]
        """
        ways = [_ways(token) for token in tokens]
        spoken = [k for k, choices in enumerate(ways) if choices]
        search = self._search(samples, [ways[k] for k in spoken]) if spoken else "there are no words"
        found: list[Known | None] = [None] * len(tokens)
        if not isinstance(search, str):
            for place, word in self._known(samples, search, len(spoken)).items():
                found[spoken[place]] = word
        return found

    def phones(
        self, samples: npt.NDArray[np.floating], tokens: Sequence[Token]
    ) -> list[tuple[str, float, float]]:
        """The phones of the words, as the first search found them.

        Parameters
        ----------
        samples : float [n], 16 kHz, full scale +-1
        tokens : the words, from :func:`genlock.speech.text.tokenize`

        Returns
        -------
        list of (phone, start, end)
            Seconds from sample 0, to half a frame of 10 ms, in order; pauses and other sound have no entry. Empty
            where :meth:`align` would place no word.
        """
        ways = [choices for token in tokens if (choices := _ways(token))]
        search = self._search(samples, ways) if ways else "there are no words"
        if isinstance(search, str):
            return []
        lattice, path = search.lattice, search.path
        start, step = feature_grid(HOP).start, Fraction(HOP, SAMPLE_RATE)
        found: list[tuple[str, float, float]] = []
        before = -1
        for frame, state in enumerate(path.states.tolist()):
            if lattice.word[state] == NOBODY:
                before = -1
                continue
            edges = float(start + frame * step), float(start + (frame + 1) * step)
            if found and (state == before or (before >= 0 and not lattice.first_state[state])):
                found[-1] = (*found[-1][:2], edges[1])
            else:
                found.append((lattice.phone[state], *edges))
            before = state
        return found

    def _search(self, samples: npt.NDArray[np.floating], ways: Sequence[Sequence[Way]]) -> _Search | str:
        """The first search, or why there is none."""
        if len(samples) < 3 * HOP:
            return "the sound is too short"
        if level_db(samples) < SILENT_DB:
            return "the sound is silent here"
        model = load_acoustic_model()
        lattice = build_lattice(ways, model, self.options)
        frames = features(samples)
        if lattice.graph.states * len(frames) > LARGEST_SEARCH:
            return f"{len(ways)} words are too many for {len(samples) / SAMPLE_RATE:.1f} s of sound"
        scores = _Scores(model, frames, lattice.senones)
        table = scores.table(lattice, self.options)
        path = best_path(table, lattice.graph)
        if path is None:
            return f"{len(ways)} words do not fit into {len(samples) / SAMPLE_RATE:.2f} s of sound"
        return _Search(model, lattice, scores, table, path)

    def _known(self, samples: npt.NDArray[np.floating], search: _Search, words: int) -> dict[int, Known]:
        """The words that were placed, in order."""
        sure = _confidences(_fits(search, words))
        rows = _chosen(search.lattice, search.path)
        found = self._all_edges(samples, replace(search, table=None), rows)  # a table at a time
        spreads = _spreads(found)
        known = {}
        for place, edges in in_time(into_pauses(samples, _medians(found)), LATE).items():
            first, stop = (min(max(s, 0), len(samples)) for s in edges)
            phones = len(rows.get(place, ("",)))
            known[place] = Known(first, stop, sure[place], phones, spreads[place])
        return known

    def _all_edges(
        self, samples: npt.NDArray[np.floating], search: _Search, rows: dict[int, PhoneRow]
    ) -> list[dict[int, tuple[int, int]]]:
        """First and last edge of each placed word, in samples, as each of the searches found them."""
        model, lattice, path, scores = search.model, search.lattice, search.path, search.scores
        order = list(rows)
        fixed: list[list[Way]] = [[[[row]]] for row in rows.values()]
        with_context, without = (
            build_lattice(fixed, model, replace(self.options, left_out=None, context=context))
            for context in (True, False)
        )
        found = [_edges(lattice.word[path.states], 0)]
        moved: _Scores | None = None
        for shift, linear in [(HOP // 2, with_context), (0, without), (HOP // 2, without)][
            : self.searches - 1
        ]:
            if shift and moved is None:
                moved = _Scores(model, features(samples[shift:]), with_context.senones)
            table = (moved if shift and moved is not None else scores).table(linear, self.options)
            again = best_path(table, linear.graph)
            if again is not None:
                edges = _edges(linear.word[again.states], shift)
                found.append({order[place]: both for place, both in edges.items()})
        return found


# ---------------------------------------------------------------- what is said


def _ways(token: Token) -> list[Way]:
    """The token's forms, each as spoken words with their pronunciations; forms that cannot be said are left
    out."""
    pronounce = load_pronouncer()
    ways: list[Way] = []
    for form in token.forms:
        pronunciations = [pronounce(word) for word in form]
        if all(pronunciations):
            ways.append(pronunciations)
    return ways


def _no_pronunciation(token: Token) -> str:
    return f"no English pronunciation is known for {token.text!r}"


def _refuse(results: list[Placed], spoken: Sequence[int], reason: str) -> list[Placed]:
    for token in spoken:
        results[token] = Placed(None, None, 0.0, reason)
    return results


# ---------------------------------------------------------------- scores


class _Scores:
    """Scores of some senones and of all phones without context, measured against the best of these in each
    frame."""

    def __init__(self, model: AcousticModel, frames: Array, senones: npt.NDArray[np.int64]) -> None:
        phones = np.unique(model.senones[: len(model.phones)].astype(np.int64))
        self.senones = np.union1d(senones, phones)
        self.scores = model.scores(frames, self.senones)
        best = self.scores[:, np.searchsorted(self.senones, phones)].max(axis=1, initial=-1e9)
        self.scores -= best[:, None]

    def table(self, lattice: Lattice, options: LatticeOptions) -> Array:
        """The lattice's score table, float32 [T, senones + 1]; the last column is other sound."""
        count = len(lattice.senones)
        table = np.empty((len(self.scores), count + 1), np.float32)
        table[:, count] = options.other_sound_score
        columns = np.searchsorted(self.senones, lattice.senones)
        for first in range(0, len(table), _ROWS):  # a copy of all of it would be as large again
            rows = slice(first, first + _ROWS)
            table[rows, :count] = self.scores[rows, columns]
        return table


@dataclass(frozen=True, eq=False)
class _Search:
    """The first search: the best path through all ways to speak the text, and what it was found with."""

    model: AcousticModel
    lattice: Lattice
    scores: _Scores
    table: Array | None
    """What the path was found in; None once the fits are known."""
    path: Path


def _fits(search: _Search, words: int) -> list[tuple[float, int] | None]:
    """Mean score and number of frames of each word, None if it was left out.

    The mean log ratio to the best phone is the *goodness of pronunciation* of Witt and Young (2000).
    """
    assert search.table is not None
    lattice, states = search.lattice, search.path.states
    scores = search.table[np.arange(len(search.table)), lattice.graph.column[states]]
    owner = lattice.word[states]
    counts = np.bincount(owner[owner >= 0], minlength=words)
    sums = np.bincount(owner[owner >= 0], weights=scores[owner >= 0].astype(np.float64), minlength=words)
    return [(float(s / n), int(n)) if n else None for s, n in zip(sums, counts, strict=True)]


# Logistic regression of "this word is spoken here" on a word's own score and on the mean score of the five
# words around it. Fitted on 982 words of 160 GRID sentences (the tuning half of benchmarks/words_grid.py) and
# jfk.flac, against 380 words that wrong texts placed in the same and two other recordings; both kinds weigh
# the same.
_CONFIDENCE = (5.3, 0.2, 2.05)


def _confidences(fits: Sequence[tuple[float, int] | None]) -> list[float]:
    scores = np.array([-8.0 if fit is None else fit[0] for fit in fits])
    constant, own, around = _CONFIDENCE
    out = []
    for place in range(len(scores)):
        near = scores[max(place - 2, 0) : place + 3]
        logit = constant + own * scores[place] + around * float(near.mean())
        out.append(0.0 if fits[place] is None else 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0))))
    return out


# ---------------------------------------------------------------- boundaries


def _chosen(lattice: Lattice, path: Path) -> dict[int, PhoneRow]:
    """The phones that the path took through each word."""
    rows: dict[int, list[str]] = {}
    before = -1
    for state in path.through:
        if lattice.word[state] != NOBODY and lattice.first_state[state] and state != before:
            rows.setdefault(int(lattice.word[state]), []).append(lattice.phone[state])
        before = state
    return {word: tuple(row) for word, row in rows.items()}


def _edges(owner: npt.NDArray[np.int32], shift: int) -> dict[int, tuple[int, int]]:
    """Edges of each word's frames, in samples of the whole piece."""
    grid = feature_grid(HOP)
    # Frame edges lie half a sample off the samples; the floor is within 32 microseconds.
    offset = shift + math.floor(grid.start * SAMPLE_RATE)
    words, firsts = np.unique(owner, return_index=True)
    _, lasts = np.unique(owner[::-1], return_index=True)
    return {
        int(word): (int(first) * HOP + offset, (len(owner) - int(last)) * HOP + offset)
        for word, first, last in zip(words, firsts, lasts, strict=True)
        if word != NOBODY
    }


def _medians(found: Sequence[dict[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """The median of each boundary; where words touch in the first search, they touch after it too."""
    result: dict[int, tuple[int, int]] = {}
    reached = -(1 << 62)
    for word in found[0]:
        starts, ends = zip(*(edges[word] for edges in found if word in edges), strict=True)
        start = max(_median(starts), reached)
        end = max(_median(ends), start)
        result[word] = (start, end)
        reached = end
    return result


def _spreads(found: Sequence[dict[int, tuple[int, int]]]) -> dict[int, int]:
    """How far either edge of each word is apart in the searches, at most."""
    spreads = {}
    for word in found[0]:
        sides = zip(*(edges[word] for edges in found if word in edges), strict=True)
        spreads[word] = max(max(side) - min(side) for side in sides)
    return spreads


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2
