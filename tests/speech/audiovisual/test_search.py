"""The joint search against the definition: every spelling and every path of a small world, counted one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.speech.audiovisual.model import Encoded
from genlock.speech.audiovisual.search import CtcPrefixes, SearchOptions, greedy, search

SYMBOLS = 5  # blank, border, a, b, c
LETTERS = (2, 3, 4)


class _Tokens:
    symbols = ("-", "#", "a", "b", "c")
    blank, begin, end, silent, delimiter = 0, 1, 1, (0, 1), None

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(self.symbols[token] for token in tokens)

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        return tuple(self.symbols.index(letter) for letter in word), ""


class _Bigrams:
    """A decoder that knows which symbol follows which, and for each clip something else."""

    def __init__(self, tables: Sequence[np.ndarray], hypotheses: int) -> None:
        self._tables = np.repeat(np.stack(tables), hypotheses, axis=0)
        self.asked = 0

    def step(self, parents: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        self.asked += 1
        return self._tables[np.arange(len(tokens)), tokens].astype(np.float32)


class _Model:
    tokens, decodes, spells_frames = _Tokens(), True, True

    def __init__(self, tables: dict[int, np.ndarray]) -> None:
        self._tables = tables

    def spelling(self, memories: Sequence[np.ndarray], hypotheses: int) -> _Bigrams:
        return _Bigrams([self._tables[int(memory[0, 0])] for memory in memories], hypotheses)


def _log_softmax(values: np.ndarray) -> np.ndarray:
    return values - np.logaddexp.reduce(values, axis=-1, keepdims=True)


def _clip(number: int, frames: int, sharp: float = 2.0) -> tuple[Encoded, np.ndarray]:
    draw = np.random.default_rng([number, frames])
    rows = _log_softmax(sharp * draw.standard_normal((frames, SYMBOLS)))
    table = _log_softmax(draw.standard_normal((SYMBOLS, SYMBOLS)))
    memory = np.full((frames, 1), number, np.float32)
    return Encoded(memory, rows.astype(np.float32), np.ones(frames, bool)), table


def _collapsed(path: Sequence[int]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != 0)


def _paths(rows: np.ndarray) -> dict[tuple[int, ...], float]:
    """Log-probability of every spelling, the sum over all its paths."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(SYMBOLS), repeat=len(rows)):
        spelt = _collapsed(path)
        score = float(sum(rows[t, s] for t, s in enumerate(path)))
        found[spelt] = np.logaddexp(found.get(spelt, -np.inf), score)
    return found


def test_a_prefix_has_the_probability_of_all_that_begins_with_it() -> None:
    (one, _), (other, _) = _clip(1, 5), _clip(2, 3)
    ctc = CtcPrefixes([one.log_probs, other.log_probs], blank=0)
    for clip, encoded in enumerate((one, other)):
        spelt = _paths(encoded.log_probs.astype(np.float64))
        state, last = ctc.start()[clip : clip + 1], np.array([-1])
        assert ctc.whole(state)[0] == pytest.approx(spelt[()], abs=1e-5)
        prefix: tuple[int, ...] = ()
        for symbol in (2, 2, 3)[: len(encoded.log_probs) - 1]:
            choices = np.array([[2, 3, 4]])
            scores, states = ctc.extended(np.array([clip]), state, last, choices)
            for place, candidate in enumerate(choices[0]):
                begins = [v for s, v in spelt.items() if s[: len(prefix) + 1] == (*prefix, candidate)]
                assert scores[0, place] == pytest.approx(np.logaddexp.reduce([-np.inf, *begins]), abs=1e-5)
                whole = spelt.get((*prefix, int(candidate)), -np.inf)
                assert ctc.whole(states[:, place])[0] == pytest.approx(max(whole, -1e30), abs=1e-5)
            place = int(np.flatnonzero(choices[0] == symbol)[0])
            state, last, prefix = states[:, place], np.array([symbol]), (*prefix, symbol)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_wide_beam_finds_what_counting_finds(weight: float) -> None:
    clips = [_clip(number, frames) for number, frames in ((1, 4), (2, 2), (3, 5))]
    model = _Model({k + 1: table for k, (_, table) in enumerate(clips)})
    found = search(model, [clip for clip, _ in clips], SearchOptions(beam=200, best=3, ctc_weight=weight))  # type: ignore[arg-type]
    for (clip, table), best in zip(clips, found, strict=True):
        ctc = _paths(clip.log_probs.astype(np.float64))
        scores = {}
        for length in range(len(clip.log_probs) + 1):
            for spelt in itertools.product(LETTERS, repeat=length):
                steps = [*zip((1, *spelt), (*spelt, 1), strict=True)]
                attended = sum(float(np.float32(table[a, b])) for a, b in steps)
                heard = ctc.get(spelt, -np.inf)
                if weight and not np.isfinite(heard):
                    continue
                scores[spelt] = (1 - weight) * attended + (weight * heard if weight else 0.0)
        ranked = sorted(scores, key=lambda spelt: -scores[spelt])[:3]
        assert [one.tokens for one in best] == ranked
        assert [one.score for one in best] == pytest.approx([scores[spelt] for spelt in ranked], abs=1e-4)


def test_a_clip_is_spelt_the_same_alone_and_in_a_batch() -> None:
    clips = [_clip(number, frames) for number, frames in ((1, 9), (2, 30), (3, 17))]
    model = _Model({k + 1: table for k, (_, table) in enumerate(clips)})
    how = SearchOptions(beam=4)
    together = search(model, [clip for clip, _ in clips], how)  # type: ignore[arg-type]
    assert together == [search(model, [clip], how)[0] for clip, _ in clips]  # type: ignore[arg-type]


def test_without_a_beam_the_likeliest_symbols_are_merged() -> None:
    rows = np.full((7, SYMBOLS), -9.0)
    rows[range(7), [2, 2, 0, 2, 1, 3, 3]] = 0
    assert greedy(rows, _Tokens()).text == "aab"  # type: ignore[arg-type]
    assert greedy(rows[:0], _Tokens()).text == ""  # type: ignore[arg-type]


def test_a_clip_without_frames_has_no_words_and_does_not_stop_the_others() -> None:
    clip, table = _clip(1, 4)
    nothing = Encoded(np.zeros((0, 1), np.float32), np.zeros((0, SYMBOLS), np.float32), np.zeros(0, bool))
    found = search(_Model({1: table}), [nothing, clip])  # type: ignore[arg-type]
    assert found[0][0].text == ""
    assert found[1] == search(_Model({1: table}), [clip])[0]  # type: ignore[arg-type]


def test_options_out_of_range_are_refused() -> None:
    for wrong in ({"beam": -1}, {"beam": 2, "best": 3}, {"ctc_weight": 1.5}, {"length_bonus": -1}):
        with pytest.raises(OptionError):
            SearchOptions(**wrong)
