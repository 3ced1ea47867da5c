"""Subtitles that were the transcript come back as the same cues, with repaired times.

Line breaks, styling and settings stay. A cue runs from its first to its last word that has times. A cue without any
such word keeps its old length and is moved by the median of what its nearest repaired neighbours (two on each side)
were moved by, cut so as not to overlap them; with no repaired cue at all, all cues keep their old times.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.speech.subtitles.cue import Cue
from genlock.speech.words import Words

__all__ = ["repaired"]


def repaired(cues: Sequence[Cue], words: Words) -> tuple[Cue, ...]:
    """The same cues with the times of their words.

    Parameters
    ----------
    cues : the subtitles
    words : their words, in order, one for each word of each cue's ``plain`` text

    Raises
    ------
    OptionError
        If the words are not those of the cues.

    >>> from genlock.speech.words import Word
    >>> words = Words([Word("Hi", "1.5", "1.75", 1.0)])
    >>> cue, = repaired([Cue("<b>Hi</b>", Fraction(9), Fraction(10))], words)
    >>> cue.text, float(cue.start), float(cue.end)
    ('<b>Hi</b>', 1.5, 1.75)
    """
    counts = [len(cue.plain.split()) for cue in cues]
    if sum(counts) != len(words):
        raise OptionError(f"{len(words)} words do not belong to these cues of {sum(counts)} words")
    found: list[Cue | None] = []
    at = 0
    for cue, count in zip(cues, counts, strict=True):
        timed = words[at : at + count].spans
        at += count
        found.append(replace(cue, start=timed[0].start, end=timed[-1].end) if len(timed) else None)
    return tuple(new if new is not None else _moved(cues, found, k) for k, new in enumerate(found))


def _moved(cues: Sequence[Cue], found: Sequence[Cue | None], place: int) -> Cue:
    """A cue without times, moved as its repaired neighbours were."""
    before = [k for k in range(place) if found[k] is not None][-2:]
    after = [k for k in range(place + 1, len(cues)) if found[k] is not None][:2]
    cue = cues[place]
    shifts = [new.start - cues[k].start for k in (*before, *after) if (new := found[k]) is not None]
    if not shifts:
        return cue
    start = max(cue.start + statistics.median(shifts), Fraction(0))
    end = start + (cue.end - cue.start)
    low = found[before[-1]] if before else None
    high = found[after[0]] if after else None
    if low is not None:
        start = max(start, low.end)
    if high is not None:
        end = min(end, high.start)
    start = min(start, high.start) if high is not None else start
    return replace(cue, start=start, end=max(start, end))
