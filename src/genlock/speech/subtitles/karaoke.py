"""Times of words inside of a subtitle: a player shows each word when it is said (karaoke)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from genlock.core.time import round_fraction
from genlock.speech.scripts import joined_words
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.srt_vtt import clock_text
from genlock.speech.words import Word

__all__ = ["karaoke_runs", "with_word_stamps"]

_STAMP = re.compile(r"<(?:(\d+):)?(\d{1,2}):(\d{1,2})\.(\d{1,3})>")
_PART = re.compile(r"<[^<>\n]*>|\{\\[^{}\n]*\}|\s+|[^\s<{]+|[<{]")


def with_word_stamps(cue: Cue, words: Sequence[Word]) -> str:
    """The text of a cue with the time of each word before it, as WebVTT has them; what stood there before is taken out.

    Parameters
    ----------
    words : the words of the cue's ``plain`` text, in order; those without times get none

    A word with which the cue begins needs no time; times inside of a cue increase and lie within it.

    >>> chinese = [Word("今", 1, 2), Word("天。", 2, 3)]
    >>> with_word_stamps(Cue("今天。", Fraction(1), Fraction(3)), chinese)
    '今<00:00:02.000>天。'
    >>> cue = Cue("one <i>two</i>\\nthree", Fraction(1), Fraction(4))
    >>> print(with_word_stamps(cue, [Word("one", 1, 2), Word("two", 2, "2.5"), Word("three", 3, 4)]))
    one <i><00:00:02.000>two</i>
    <00:00:03.000>three
    """
    made: list[str] = []
    number, inside, last = -1, False, _milli(cue.start)
    texts = [word.text for word in words]
    for part in _pieces(_STAMP.sub("", cue.text), texts):
        is_tag = len(part) > 1 and part[0] in "<{"
        if part.isspace() or not part:
            inside = False
        elif not is_tag and not inside:
            inside, number = True, number + 1
            start = words[number].start if number < len(words) else None
            if start is not None and last < _milli(start) < _milli(cue.end):
                last = _milli(start)
                made.append(f"<{clock_text(start, '.')}>")
        made.append(part)
    return "".join(made)


def _pieces(text: str, words: Sequence[str]) -> Iterator[str]:
    """Tags, spaces and words of a text, and "" between two words that are written without a space."""
    number = 0
    for part in _PART.findall(text):
        rest = part
        if not part.isspace() and not (len(part) > 1 and part[0] in "<{"):
            while number < len(words) and rest != words[number] and rest.startswith(words[number]):
                said = words[number]
                if joined_words([said, rest[len(said) :]]) != rest:
                    break
                yield from (said, "")
                rest, number = rest[len(said) :], number + 1
            number += 1
        yield rest


def karaoke_runs(cue: Cue) -> list[tuple[int, str]] | None:
    """The text of a cue cut at the times inside of it: how long each piece is said, in hundredths of a second.

    None if there are no times inside. The hundredths of all pieces together are those of the whole cue: none is lost by
    rounding.

    >>> karaoke_runs(Cue("one <00:00:02.004>two", Fraction(1), Fraction(4)))
    [(100, 'one '), (200, 'two')]
    """
    marks = list(_STAMP.finditer(cue.text))
    if not marks:
        return None
    times = [cue.start, *(_seconds(mark) for mark in marks), cue.end]
    edges = [round_fraction(100 * time, "nearest") for time in times]
    cuts = [0, *(mark.start() for mark in marks), len(cue.text)]
    texts = [_STAMP.sub("", cue.text[first:stop]) for first, stop in pairwise(cuts)]
    lengths = [max(high - low, 0) for low, high in pairwise(edges)]
    runs = list(zip(lengths, texts, strict=True))
    return [run for run in runs if run[1] or run[0]]


def _seconds(mark: re.Match[str]) -> Fraction:
    hours, minutes, seconds, digits = mark.groups()
    return (
        3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + Fraction(int(digits), 10 ** len(digits))
    )


def _milli(seconds: Fraction) -> int:
    return round_fraction(1000 * seconds, "nearest")
