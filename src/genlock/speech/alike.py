"""Two rows of words beside each other by how they sound: which written word is heard, which heard word is written.

A recogniser writes "been blew" where "bin blue" is said. So words are compared by their phones (by their letters
where no pronunciation is known): stretches that go on in both rows count, and a stretch that is in one row alone is
skipped at a price that does not grow with its length. Words that agree by chance are too short to pay it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.speech.matching import match_rows
from genlock.speech.sphinx.pronounce import load_pronouncer

__all__ = ["ANYTHING", "Sounds", "heard_shares", "phones_of", "spelling"]

#: Symbols of one word: phones or letters.
Sounds = tuple[str, ...]

#: May stand for any other symbol: sound in which nothing was recognised. It agrees with nothing and costs nothing.
ANYTHING = "*"
# What equal symbols are worth, what alike and other ones cost in the place of each other, and what it costs to skip
# any number of symbols of one row.
_SAME, _ALIKE, _OTHER, _SKIP = 1.0, -0.2, -1.0, 2.0
# Rows up to this size (product of lengths) are compared whole; longer ones are first cut where words agree.
_SMALL = 4_000_000
# So many words that agree one after the other are no chance.
_SURE = 3
_DIAGONAL, _UP, _LEFT = 0, 1, 2

#: Phones of English that recognisers and speakers mistake for each other.
_FAMILIES = (
    "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
    "B P",
    "D T DH TH",
    "G K",
    "F V",
    "S Z SH ZH CH JH",
    "M N NG",
    "L R W",
)


def spelling(word: str) -> Sounds:
    """The letters of a word, without case and accents: what stands for its sound where no pronunciation is known.

    >>> spelling("Où?"), spelling("Straße")
    (('o', 'u'), ('s', 't', 'r', 'a', 's', 's', 'e'))
    """
    plain = unicodedata.normalize("NFKD", word.casefold())
    return tuple(c for c in plain if c.isalnum())


def phones_of(language: str) -> Callable[[str], Sounds]:
    """What spells a plain word in symbols of sound: phones of English, letters of every other language.

    >>> phones_of("en")("blue"), phones_of("de")("blau")
    (('B', 'L', 'UW'), ('b', 'l', 'a', 'u'))
    """
    if language != "en":
        return spelling
    pronounce = load_pronouncer()

    def phones(word: str) -> Sounds:
        found = pronounce(word)
        return found[0] if found else spelling(word)

    return phones


@dataclass(frozen=True)
class _Rows:
    """Two rows of words as rows of numbered symbols."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    """What a symbol of the first row in the place of one of the second is worth, [symbols, symbols]."""
    anything: npt.NDArray[np.bool_]
    """Which symbols stand for any other, [symbols]."""


def heard_shares(
    left: Sequence[Sounds], right: Sequence[Sounds]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], list[tuple[int, int]]]:
    """Lay two rows of words beside each other.

    Returns
    -------
    (float [len(left)], float [len(right)], pairs)
        The share of each word's symbols, 0...1, that the other row has in the same place; 0 for words without symbols.
        And which words stand beside each other, increasing in both: each word of the first row with the one of the
        second that has most of its symbols.

    >>> written, said = ([spelling(w) for w in row.split()] for row in ("the old green boat", "a old greek boat left"))
    >>> shares, others, pairs = heard_shares(written, said)
    >>> shares.round(1).tolist(), pairs
    ([0.0, 1.0, 0.8, 1.0], [(1, 1), (2, 2), (3, 3)])
    """
    one, two = (np.repeat(np.arange(len(row)), [len(w) for w in row]) for row in (left, right))
    agreeing = [np.zeros(len(one), bool), np.zeros(len(two), bool)]
    beside: dict[int, dict[int, int]] = {}
    rows = _numbered(left, right)
    for x, y in _pairs(left, right, rows, one, two):
        if rows.anything[rows.right[y]] or rows.scores[rows.left[x], rows.right[y]] < _ALIKE:
            continue
        agreeing[0][x] = agreeing[1][y] = True
        count = beside.setdefault(int(one[x]), {})
        count[int(two[y])] = count.get(int(two[y]), 0) + 1
    shares = []
    for row, owner, good in ((left, one, agreeing[0]), (right, two, agreeing[1])):
        lengths = np.array([len(w) for w in row], np.float64)
        shares.append(np.bincount(owner, good, len(row)) / np.maximum(lengths, 1))
    return shares[0], shares[1], [(x, max(n, key=lambda y: n[y])) for x, n in sorted(beside.items())]


def _numbered(left: Sequence[Sounds], right: Sequence[Sounds]) -> _Rows:
    """Both rows with a number for each symbol, and what each pair of symbols is worth."""
    numbers: dict[str, int] = {}
    one, two = (
        np.array([numbers.setdefault(s, len(numbers)) for word in row for s in word], np.int64)
        for row in (left, right)
    )
    family = {phone: number for number, row in enumerate(_FAMILIES) for phone in row.split()}
    kinds = np.array([family.get(symbol, -1 - k) for k, symbol in enumerate(numbers)], np.int64)
    scores = np.where(kinds[:, None] == kinds[None, :], _ALIKE, _OTHER)
    np.fill_diagonal(scores, _SAME)
    anything = np.array([symbol == ANYTHING for symbol in numbers], bool)
    scores[:, anything] = 0.0
    return _Rows(one, two, scores, anything)


def _pairs(
    left: Sequence[Sounds],
    right: Sequence[Sounds],
    rows: _Rows,
    one: npt.NDArray[np.int64],
    two: npt.NDArray[np.int64],
) -> list[tuple[int, int]]:
    """Symbols of both rows that stand in each other's place."""
    if len(one) * len(two) <= _SMALL:
        return _aligned(rows, 0, len(one), 0, len(two))
    pairs: list[tuple[int, int]] = []
    a = c = 0
    for x, y, count in [*_sure_runs(left, right), (len(left), len(right), 0)]:
        b, d = int(np.searchsorted(one, x)), int(np.searchsorted(two, y))
        # What is too long to be compared and agrees nowhere for three words is not the same.
        if (b - a) * (d - c) <= _SMALL:
            pairs += _aligned(rows, a, b, c, d)
        a, c = int(np.searchsorted(one, x + count)), int(np.searchsorted(two, y + count))
        pairs += [(b + k, d + k) for k in range(a - b)]
    return pairs


def _sure_runs(left: Sequence[Sounds], right: Sequence[Sounds]) -> list[tuple[int, int, int]]:
    """Runs of words that agree in both rows: where they begin, and how many words they have."""
    found = match_rows(["-".join(word) for word in left], ["-".join(word) for word in right])
    runs: list[tuple[int, int, int]] = []
    for x, y in found:
        if runs and (x, y) == (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((x, y, 1))
    return [run for run in runs if run[2] >= _SURE]


def _aligned(rows: _Rows, a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
    """Pairs of symbols of the best way to lay ``left[a:b]`` and ``right[c:d]`` beside each other."""
    if a >= b or c >= d:
        return []
    width = d - c + 1
    steps = np.zeros((b - a + 1, width), np.int8)
    opened = np.zeros((b - a + 1, width), bool)
    origins = np.zeros((b - a + 1, width), np.int32)
    best = np.full(width, -_SKIP)
    best[0] = 0.0
    steps[0, 1:] = _LEFT
    up = np.full(width, -np.inf)
    for row in range(1, b - a + 1):
        worth = rows.scores[rows.left[a + row - 1]][rows.right[c:d]]
        diagonal = np.concatenate([[-np.inf], best[:-1] + worth])
        opened[row] = best - _SKIP >= up
        up = np.maximum(best - _SKIP, up)
        base = np.maximum(diagonal, up)
        top = np.maximum.accumulate(base)
        where = np.maximum.accumulate(np.where(base == top, np.arange(width), 0))
        skipped = np.concatenate([[-np.inf], top[:-1] - _SKIP])
        steps[row] = np.where(skipped > base, _LEFT, np.where(diagonal >= up, _DIAGONAL, _UP))
        origins[row, 1:] = where[:-1]
        best = np.maximum(base, skipped)
    return _walked_back(steps, opened, origins, a, c)


def _walked_back(
    steps: npt.NDArray[np.int8], opened: npt.NDArray[np.bool_], origins: npt.NDArray[np.int32], a: int, c: int
) -> list[tuple[int, int]]:
    """The diagonal steps of the best path, in order."""
    x, y = steps.shape[0] - 1, steps.shape[1] - 1
    pairs = []
    while x > 0:
        step = steps[x, y]
        if step == _LEFT:
            y = int(origins[x, y])
        elif step == _UP:
            while not opened[x, y]:
                x -= 1
            x -= 1
        else:
            x, y = x - 1, y - 1
            pairs.append((a + x, c + y))
    return pairs[::-1]
