"""Captions that roll up: each line stays and comes once more in the next cue, so that each word would count twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from genlock.speech.subtitles.cue import Cue

__all__ = ["without_rolling"]

_SHARE = 0.3
"""With so many of its cues beginning with lines of the one before, a file rolls; a song repeats a line now and then."""
_NEAR = Fraction(1, 5)


def without_rolling(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The cues with each line once, if they roll; else as they are.

    >>> rows = ["one", "one\\ntwo", "two\\nthree"]
    >>> [cue.text for cue in without_rolling([Cue(t, Fraction(k), Fraction(k + 1)) for k, t in enumerate(rows)])]
    ['one', 'two', 'three']
    """
    repeated = sum(0 < _repeated(before, cue) < len(_lines(cue)) for before, cue in pairwise(cues))
    if repeated < max(2, _SHARE * (len(cues) - 1)):
        return tuple(cues)
    made: list[Cue] = []
    for number, cue in enumerate(cues):
        lines = _lines(cue)[_repeated(cues[number - 1], cue) if number else 0 :]
        if lines:
            made.append(replace(cue, text="\n".join(lines)))
        elif made:
            made[-1] = replace(made[-1], end=max(made[-1].end, cue.end))
    # A line is there until the next one is said.
    ends = [min(cue.end, following.start) for cue, following in pairwise(made)]
    return (*(replace(cue, end=max(cue.start, end)) for cue, end in zip(made, ends, strict=False)), made[-1])


def _lines(cue: Cue) -> list[str]:
    return [line for line in cue.text.split("\n") if line.strip()]


def _plain(lines: Sequence[str]) -> list[str]:
    return [Cue(line, Fraction(0), Fraction(0)).plain for line in lines]


def _repeated(before: Cue, cue: Cue) -> int:
    """How many lines the cue begins with that the one just before it ended with."""
    if abs(cue.start - before.end) > _NEAR and not before.start <= cue.start <= before.end:
        return 0
    old, new = _plain(_lines(before)), _plain(_lines(cue))
    return next((n for n in range(min(len(old), len(new)), 0, -1) if old[-n:] == new[:n]), 0)
