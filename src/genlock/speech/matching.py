"""Where two rows of words agree, in order: what was written beside what was recognised.

Small rows are aligned at the least cost. Words that go on where the last ones ended are worth more than the same words
far apart: the text of one sentence lies in one place, even if the recording begins with the same words. Rows too long
for that are first cut where runs agree that occur once in each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["match_rows"]

# Rows up to this size (product of lengths) are compared whole, without anchors.
_SMALL = 1_000_000
# A common beginning or end as long as this is no chance.
_SURE = 8
# What it costs that words of the second row are skipped, however many, that one of the first is, and that one stands
# for another.
_JUMP, _SKIP, _OTHER = 1.0, 0.2, 0.3
_DIAGONAL, _UP, _GAP = 0, 1, 2


def match_rows(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Places where two rows agree, increasing in both; what lies before and after a short first row costs nothing.

    >>> match_rows("a b c d".split(), "a x c d e".split())
    [(0, 0), (2, 2), (3, 3)]
    >>> match_rows("please enter the boat".split(), "please enter the room then please enter the boat".split())
    [(0, 5), (1, 6), (2, 7), (3, 8)]
    """
    found: list[tuple[int, int]] = []
    _match(left, right, 0, len(left), 0, len(right), 3, found)
    return sorted(set(found))


def _match(
    left: Sequence[str],
    right: Sequence[str],
    a: int,
    b: int,
    c: int,
    d: int,
    size: int,
    found: list[tuple[int, int]],
) -> None:
    """Match ``left[a:b]`` with ``right[c:d]``."""
    begin = _common(left[a:b], right[c:d])
    found.extend((a + k, c + k) for k in range(begin))
    a, c = a + begin, c + begin
    end = _common(left[a:b][::-1], right[c:d][::-1])
    found.extend((b - 1 - k, d - 1 - k) for k in range(end))
    b, d = b - end, d - end
    if a >= b or c >= d:
        return
    if (b - a) * (d - c) <= _SMALL:
        found.extend((a + x, c + y) for x, y in _aligned(left[a:b], right[c:d]))
        return
    anchors = _increasing(_unique_runs(left, right, a, b, c, d, size))
    if not anchors:
        if size > 1:
            _match(left, right, a, b, c, d, size - 1, found)
        return
    last = (a, c)
    for x, y in [*anchors, (b, d)]:
        if x >= last[0] and y >= last[1]:
            _match(left, right, last[0], x, last[1], y, size, found)
            if x < b:
                found.extend((x + k, y + k) for k in range(size))
                last = (x + size, y + size)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the common beginning, 0 if it is short and the rest differs."""
    pairs = list(zip(left, right, strict=False))
    length = next((k for k, (one, other) in enumerate(pairs) if one != other), len(pairs))
    return length if length >= _SURE or length == len(left) == len(right) else 0


def _aligned(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs that agree in the cheapest alignment of two rows; free are the ends of ``right``."""
    numbers: dict[str, int] = {}
    one, other = (np.array([numbers.setdefault(word, len(numbers)) for word in row]) for row in (left, right))
    steps = np.zeros((len(left) + 1, len(right) + 1), np.int8)
    origins = np.zeros(steps.shape, np.int32)
    scores = np.zeros(len(right) + 1)
    for row, word in enumerate(one, start=1):
        scores, steps[row], origins[row] = _next_row(scores, other == word)
    x, y = len(left), int(np.argmax(scores))
    pairs = []
    while x and (y or steps[x, y] == _UP):
        step = steps[x, y]
        if step == _GAP:
            y = int(origins[x, y])
        elif step == _UP:
            x -= 1
        else:
            x, y = x - 1, y - 1
            if one[x] == other[y]:
                pairs.append((x, y))
    return pairs[::-1]


def _next_row(
    before: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Best scores with one more word of the first row, how each is reached, and from where a jump begins."""
    up = before - _SKIP
    diagonal = np.concatenate([[-np.inf], before[:-1] + np.where(same, 1.0, -_OTHER)])
    base = np.maximum(diagonal, up)
    best = np.maximum.accumulate(base)
    places = np.maximum.accumulate(np.where(base == best, np.arange(len(base)), 0))
    jump = np.concatenate([[-np.inf], best[:-1] - _JUMP])
    steps = np.where(diagonal >= up, _DIAGONAL, _UP)
    steps = np.where(jump > base, _GAP, steps).astype(np.int8)
    origins = np.concatenate([[0], places[:-1]]).astype(np.int32)
    return np.maximum(base, jump), steps, origins


def _unique_runs(
    left: Sequence[str], right: Sequence[str], a: int, b: int, c: int, d: int, size: int
) -> list[tuple[int, int]]:
    def once(row: Sequence[str], first: int, stop: int) -> dict[tuple[str, ...], int]:
        places: dict[tuple[str, ...], int] = {}
        for k in range(first, stop - size + 1):
            run = tuple(row[k : k + size])
            places[run] = -1 if run in places else k
        return places

    there = once(right, c, d)
    pairs = [(x, there.get(run, -1)) for run, x in once(left, a, b).items() if x >= 0]
    return sorted((x, y) for x, y in pairs if y >= 0)


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subset that increases in both (patience sorting)."""
    tops: list[int] = []
    at: list[int] = []
    back: list[int] = []
    for number, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        if pile == len(tops):
            tops.append(y)
            at.append(number)
        else:
            tops[pile], at[pile] = y, number
        back.append(at[pile - 1] if pile else -1)
    chain: list[tuple[int, int]] = []
    number = at[-1] if at else -1
    while number >= 0:
        chain.append(pairs[number])
        number = back[number]
    return chain[::-1]
