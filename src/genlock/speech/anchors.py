"""A long text beside what was recognised: which words are the same, and where to cut both into pieces.

Words that agree are anchors. Text and sound are cut together between two anchors that follow each other in
both, at the longest pause within reach, so that each piece can be aligned by itself in bounded memory. A
piece also takes a few words and their sound from its neighbours, and keeps only its own: no word is cut at a
border.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from genlock.speech.heard import Heard
from genlock.speech.matching import match_rows
from genlock.speech.text import Token, tokenize

__all__ = ["Piece", "match_words", "pieces"]

#: A piece is at least this long, where it can be, and is cut at the longest pause before it gets this long.
_SHORTEST, _LONGEST = Fraction(8), Fraction(25)
#: A stretch without anchors beyond this is not searched through: only its ends are.
_LONGEST_GAP = Fraction(40)
#: Words taken from each neighbour, and the sound around them.
_BORROWED = 2
_MARGIN = Fraction(3, 10)


@dataclass(frozen=True)
class Piece:
    """A stretch of the sound and the words to look for in it."""

    start: Fraction
    """First instant, in seconds on the clock."""
    end: Fraction
    """First instant after it."""
    words: range
    """The words to look for."""
    keep: range
    """Those among them that belong to this piece."""


def match_words(tokens: Sequence[Token], heard: Sequence[Heard]) -> dict[int, Heard]:
    """The recognised word that stands for each written one, where they agree in how they are spoken.

    >>> second = Fraction(1)
    >>> heard = [Heard("nineteen", second, second, 1), Heard("sixty-one", second, 2 * second, 1)]
    >>> match_words(tokenize("It was 1961."), heard)[2].end
    Fraction(2, 1)
    """
    written, owner = _spoken_row(tokens)
    said, source = _spoken_row(tokenize(" ".join(word.text for word in heard)))
    matched: dict[int, Heard] = {}
    for x, y in match_rows(written, said):
        token, word = owner[x], heard[source[y]]
        if token in matched:
            word = Heard(
                word.text, matched[token].start, word.end, min(word.probability, matched[token].probability)
            )
        matched[token] = word
    return matched


def _spoken_row(tokens: Sequence[Token]) -> tuple[list[str], list[int]]:
    row: list[str] = []
    owner: list[int] = []
    for number, token in enumerate(tokens):
        parts = [
            part
            for word in (token.forms[0] if token.forms else ())
            for part in word.lower().split("-")
            if part
        ]
        row += parts
        owner += [number] * len(parts)
    return row, owner


def pieces(count: int, anchors: dict[int, Heard], start: Fraction, end: Fraction) -> list[Piece]:
    """Cut ``count`` words and the sound from ``start`` to ``end`` into pieces at the anchors.

    Every word is kept by exactly one piece, unless there is no anchor at all: then there is no piece.

    >>> heard = {k: Heard("x", Fraction(k), Fraction(2 * k + 1, 2), 1.0) for k in range(40)}
    >>> [(float(p.start), float(p.end), p.keep) for p in pieces(40, heard, Fraction(0), Fraction(41))]
    [(0.0, 10.8, range(0, 9)), (6.7, 19.8, range(9, 18)), (15.7, 41.0, range(18, 40))]
    """
    known = sorted(anchors)
    if not known:
        return []
    cuts = _cuts(known, anchors)
    bounds = [0, *(after for _, after in cuts), count]
    made = []
    for number, (first, stop) in enumerate(itertools.pairwise(bounds)):
        inner = [k for k in known if first <= k < stop]
        low, begin = _left_side(
            first, inner, known, anchors, start, joined=number > 0 and cuts[number - 1][0] == first - 1
        )
        high, finish = _right_side(
            stop, count, inner, known, anchors, end, joined=number < len(cuts) and cuts[number][0] == stop - 1
        )
        made.append(Piece(max(begin, start), min(finish, end), range(low, high), range(first, stop)))
    return made


def _cuts(known: Sequence[int], anchors: dict[int, Heard]) -> list[tuple[int, int]]:
    """Pairs of words between which to cut: neighbours, or the last and next known word around a long gap."""
    cuts: list[tuple[int, int]] = []
    begin = anchors[known[0]].start
    candidates: list[tuple[Fraction, tuple[int, int]]] = []
    for one, two in itertools.pairwise(known):
        pause = anchors[two].start - anchors[one].end
        if pause > _LONGEST_GAP:
            # Words without anchors in a long gap go with the word before it.
            cuts.append((one, two))
            begin, candidates = anchors[two].start, []
        elif two == one + 1:
            candidates.append((pause, (one, two)))
        while anchors[two].end - begin > _LONGEST:
            within = [c for c in candidates if anchors[c[1][0]].end - begin >= _SHORTEST]
            if not within:
                break
            _, cut = max(within, key=lambda c: c[0])
            cuts.append(cut)
            begin = anchors[cut[1]].start
            candidates = [c for c in candidates if c[1][0] >= cut[1]]
    return cuts


def _left_side(
    first: int,
    inner: Sequence[int],
    known: Sequence[int],
    anchors: dict[int, Heard],
    start: Fraction,
    joined: bool,
) -> tuple[int, Fraction]:
    """First word to look for, and where its sound begins."""
    if joined:
        low = first
        while low > 0 and first - low < _BORROWED and low - 1 in anchors:
            low -= 1
        return low, anchors[low].start - _MARGIN
    reach = _reach(inner[0] - first)
    return first, max(start, anchors[inner[0]].start - reach)


def _right_side(
    stop: int,
    count: int,
    inner: Sequence[int],
    known: Sequence[int],
    anchors: dict[int, Heard],
    end: Fraction,
    joined: bool,
) -> tuple[int, Fraction]:
    """First word no longer to look for, and where the sound ends."""
    if joined:
        high = stop
        while high < count and high - stop < _BORROWED and high in anchors:
            high += 1
        return high, anchors[high - 1].end + _MARGIN
    reach = _reach(stop - 1 - inner[-1])
    return stop, min(end, anchors[inner[-1]].end + reach)


def _reach(unknown: int) -> Fraction:
    """How far beyond the outermost known word to look; with no other word there, more sound only tempts it away."""
    return Fraction(10) + 2 * unknown if unknown else Fraction(2)
