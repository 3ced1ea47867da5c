"""Subtitles that were the transcript come back as the same cues, with repaired times.

Line breaks, styling and settings stay. A cue begins with its first word that has times. It stays until its last word
was said, and for as long as it stayed before, where the next cue leaves it that: who made it gave it time to be read.
A cue without any word that has times is moved by the median of what its nearest repaired neighbours (two on each side)
were moved by, into what is free between them; what overlapped a line before may do so again. Lines that were not found,
and for which there is no time where they would stand, belong to a scene that the film does not have: they are left out.
With no repaired cue at all, all cues keep their old times.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.karaoke import with_word_stamps
from genlock.speech.subtitles.rules import PLAIN
from genlock.speech.subtitles.srt_vtt import clock_text
from genlock.speech.text import written_words
from genlock.speech.words import Words

__all__ = ["Repaired", "repaired"]

# What is heard and not said: in brackets, or music.
_EFFECT = re.compile(r"[\[(*♪♫].*[\])*♪♫]|[♪♫\W]*")
_STAMP = re.compile(r"<\d[\d:.]*>")
_LINGER = Fraction(5, 2)
"""Most seconds that a cue stays after its last word: what stayed longer was not there to be read."""


@dataclass(frozen=True)
class Repaired:
    """Subtitles with the times of their words."""

    cues: tuple[Cue, ...]
    """Those that have a place, in order."""
    left_out: tuple[Cue, ...] = ()
    """Those of scenes that are not there, with their old times."""

    @property
    def note(self) -> str | None:
        """Which were left out, in a sentence; None if none was."""
        if not self.left_out:
            return None
        shown = ", ".join(f"{cue.name or float(cue.start)} {cue.plain[:40]!r}" for cue in self.left_out[:5])
        more = f" and {len(self.left_out) - 5} more" if len(self.left_out) > 5 else ""
        return f"{len(self.left_out)} of the subtitles are not said, and were left out: {shown}{more}"

    __repr__ = one_line


def repaired(cues: Sequence[Cue], words: Words, karaoke: bool = False) -> Repaired:
    """The same cues with the times of their words.

    Parameters
    ----------
    cues : the subtitles
    words : their words, in order, one for each word of each cue's ``plain`` text
    karaoke : each word gets its time inside of its cue

    Raises
    ------
    OptionError
        If the words are not those of the cues.

    >>> from genlock.speech.words import Word
    >>> words = Words([Word("Hi", "1.5", "1.75", 1.0)])
    >>> cue, = repaired([Cue("<b>Hi</b>", Fraction(9), Fraction(10))], words).cues
    >>> cue.text, float(cue.start), float(cue.end)
    ('<b>Hi</b>', 1.5, 2.5)
    """
    counts = [len(written_words(cue.plain, words.language)) for cue in cues]
    if sum(counts) != len(words):
        raise OptionError(f"{len(words)} words do not belong to these cues of {sum(counts)} words")
    found: list[Cue | None] = []
    at = 0
    for cue, count in zip(cues, counts, strict=True):
        timed = words[at : at + count].spans
        at += count
        if not len(timed):
            found.append(None)
            continue
        own = words[at - count : at]
        new = replace(cue, start=timed[0].start, end=timed[-1].end)
        text = with_word_stamps(new, own.items) if karaoke else _with_word_times(cue.text, own)
        found.append(replace(new, text=text))
    if not any(found):
        return Repaired(tuple(cues))
    gone = _gone(cues, found)
    kept = [k for k in range(len(cues)) if k not in gone]
    old, now = [cues[k] for k in kept], [found[k] for k in kept]
    placed = [new if new is not None else _moved(old, now, k) for k, new in enumerate(now)]
    return Repaired(
        tuple(_stays(old, placed, number) for number in range(len(old))), tuple(cues[k] for k in sorted(gone))
    )


def _gone(cues: Sequence[Cue], found: Sequence[Cue | None]) -> set[int]:
    """Numbers of spoken lines that were not found and for which their neighbours leave no time."""
    gone: set[int] = set()
    for is_found, group in groupby(range(len(cues)), key=lambda k: found[k] is not None):
        run = list(group)
        lines = [k for k in run if not _EFFECT.fullmatch(cues[k].plain)]
        if is_found or not lines or run[0] == 0 or run[-1] == len(cues) - 1:
            continue
        before, after = found[run[0] - 1], found[run[-1] + 1]
        assert before is not None
        assert after is not None
        needed = sum((cues[k].end - cues[k].start for k in lines), Fraction(0))
        if after.start - before.end < needed / 2:
            gone |= set(lines)
    return gone


def _stays(cues: Sequence[Cue], placed: Sequence[Cue], number: int) -> Cue:
    """A cue with its reading time, as far as there is room before the next one."""
    cue, old = placed[number], cues[number]
    wanted = min(cue.start + (old.end - old.start), cue.end + _LINGER)
    after = next((k for k in range(number + 1, len(cues)) if cues[k].start >= old.end), None)
    if after is not None:  # what overlapped before may overlap now
        gap = min(cues[after].start - old.end, PLAIN.gap)
        wanted = min(wanted, placed[after].start - gap)
    return replace(cue, end=max(cue.end, wanted))


def _moved(cues: Sequence[Cue], found: Sequence[Cue | None], place: int) -> Cue:
    """A cue without times, moved as its repaired neighbours were, into what they leave free."""
    before = [k for k in range(place) if found[k] is not None][-2:]
    after = [k for k in range(place + 1, len(cues)) if found[k] is not None][:2]
    cue = cues[place]
    effect = _EFFECT.fullmatch(cue.plain) is not None
    overlaps_before = effect and any(cues[k].end > cue.start for k in before)
    overlaps_after = effect and any(cues[k].start < cue.end for k in after)
    shifts = [new.start - cues[k].start for k in (*before, *after) if (new := found[k]) is not None]
    start = max(cue.start + statistics.median(shifts), Fraction(0))
    end = start + (cue.end - cue.start)
    low = found[before[-1]] if before and not overlaps_before else None
    high = found[after[0]] if after and not overlaps_after else None
    if high is not None:
        # It keeps its length where there is room for it, also where its neighbours were moved by different times.
        start, end = min(start, high.start - (end - start)), min(end, high.start)
    if low is not None:
        start = max(start, low.end)
    start = max(start, Fraction(0))
    return replace(cue, start=min(start, high.start) if high is not None else start, end=max(start, end))


def _with_word_times(text: str, words: Words) -> str:
    """Text whose times of words, as WebVTT has them, are those of the words that follow them now."""
    parts = _STAMP.split(text)
    if len(parts) == 1:
        return text
    made, said = [parts[0]], _spoken(parts[0], words.language)
    for part in parts[1:]:
        start = words[said].start if said < len(words) else None
        made.append(part if start is None else f"<{clock_text(start, '.')}>{part}")
        said += _spoken(part, words.language)
    return "".join(made)


def _spoken(text: str, language: str) -> int:
    """How many words a part of a cue holds."""
    return len(written_words(Cue(text, Fraction(0), Fraction(0)).plain, language))
