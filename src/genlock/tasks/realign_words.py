"""Words whose text was corrected are placed anew; the words around them, and those that stayed, keep their times."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from genlock import speech
from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.media import ReadOptions
from genlock.pipeline import ClipRequest, read_clip
from genlock.speech import Word, Words
from genlock.speech.matching import match_rows

__all__ = ["RealignOptions", "Realigned", "realign_words"]

#: Beyond the words that were there, so much sound is searched on each side, where no other word is spoken.
_REACH = Fraction(1)
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class RealignOptions:
    """Which words get another text, and who places them."""

    at: int = 0
    """Number of the first word that is corrected, from 0."""
    count: int = 0
    """How many words the text takes the place of."""
    text: str = ""
    """The corrected text; empty: these words are no longer there."""
    revision: int | None = None
    """Revision of the words that this was said of; None: whatever they are."""
    aligner: str = "auto"
    """What puts words on the clock, as in ``genlock words``."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams."""

    def __post_init__(self) -> None:
        if self.at < 0 or self.count < 0 or len(self.text) > _LONGEST_TEXT:
            raise OptionError(
                f"at={self.at} and count={self.count} are no negative numbers, and a text has at most "
                f"{_LONGEST_TEXT} letters"
            )


@dataclass(frozen=True)
class Realigned:
    """Words that take the place of others."""

    at: int
    """Number of the first word whose place they take."""
    count: int
    """How many words they take the place of."""
    words: tuple[Word, ...]
    """The words: those that stayed with their times, the others with new ones, or the reason why not."""
    placed: int
    """How many of them were looked for in the sound."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``at``, ``count``, ``words[]``, ``placed``, ``notes[]``."""
        return {
            "at": self.at,
            "count": self.count,
            "words": [word.to_dict() for word in self.words],
            "placed": self.placed,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return f"{self.placed} of {len(self.words)} words were placed anew, the others kept their times"


def realign_words(
    file: str | os.PathLike[str], words: Words, options: RealignOptions, progress: Progress = silent
) -> Realigned:
    """Give some words another text, and look in the sound only for what is new.

    Words of the same spelling keep their times. Each run of new words is looked for between the words beside it, which
    are listened to again but not moved.

    Raises
    ------
    OptionError
        If there are no such words.
    """
    stop = options.at + options.count
    if not options.at <= stop <= len(words):
        raise OptionError(f"words {options.at} to {stop} are none of the {len(words)} that there are")
    old, texts = words.items[options.at : stop], options.text.split()
    kept = dict(match_rows([word.text for word in old], texts))
    fresh: list[Word | None] = [None] * len(texts)
    for was, now in kept.items():
        if old[was].start is not None:
            fresh[now] = old[was]
    before, after = words.items[: options.at], words.items[stop:]
    notes: list[str] = []
    runs = _runs(fresh)
    for number, (first, last) in enumerate(runs):
        left = [*before, *(word for word in fresh[:first] if word is not None)]
        right = [*(word for word in fresh[last:] if word is not None), *after]
        gone = [old[k] for k in range(len(old)) if k not in kept]
        placed, said = _place(file, texts[first:last], left, right, gone, words.language, options)
        fresh[first:last] = placed
        notes += said
        progress("align", number + 1, len(runs))
    made = tuple(word for word in fresh if word is not None)
    looked_for = sum(last - first for first, last in runs)
    return Realigned(options.at, options.count, made, looked_for, tuple(dict.fromkeys(notes)))


def _runs(fresh: Sequence[Word | None]) -> list[tuple[int, int]]:
    """Runs of words that have no place yet, ``[first, last)``."""
    runs: list[tuple[int, int]] = []
    for k, word in enumerate(fresh):
        if word is not None:
            continue
        if runs and runs[-1][1] == k:
            runs[-1] = (runs[-1][0], k + 1)
        else:
            runs.append((k, k + 1))
    return runs


def _place(
    file: str | os.PathLike[str],
    texts: Sequence[str],
    left: Sequence[Word],
    right: Sequence[Word],
    gone: Sequence[Word],
    language: str,
    options: RealignOptions,
) -> tuple[list[Word], Sequence[str]]:
    """Look for words between others that stay where they are."""
    one = next((word for word in reversed(left) if word.end is not None), None)
    other = next((word for word in right if word.start is not None), None)
    wall = (None if one is None else one.end, None if other is None else other.start)
    start, end = _searched(wall, [word for word in gone if word.start is not None])
    # The words beside it are heard along where they are near: what is theirs is not taken for something else.
    along = [word if word is not None and _near(word, start, end) else None for word in (one, other)]
    start = along[0].start if along[0] is not None else start
    end = along[1].end if along[1] is not None else end
    reading = replace(options.reading, start=start, end=end)
    said = [*([along[0].text] if along[0] else []), *texts, *([along[1].text] if along[1] else [])]
    with read_clip(file, ClipRequest(speech=True, frames=False, reading=reading)) as clip:
        if clip.speech is None:
            return [Word(text, reason="there is no sound here") for text in texts], clip.notes
        found = speech.recognize_and_align(
            clip.speech, transcript=" ".join(said), language=language, aligner=options.aligner
        )
    skip = 1 if along[0] is not None else 0
    words = found.items[skip : skip + len(texts)]
    return [_between(word, *wall) for word in words], found.notes if found.reason else ()


def _searched(
    wall: tuple[Fraction | None, Fraction | None], gone: Sequence[Word]
) -> tuple[Fraction | None, Fraction | None]:
    """Where to look: around what was there, as far as the next words; else all that lies between those."""
    low, high = wall
    if gone and gone[0].start is not None and gone[-1].end is not None:
        first, last = gone[0].start - _REACH, gone[-1].end + _REACH
        low = first if low is None else max(low, first)
        high = last if high is None else min(high, last)
    return low, high


def _near(word: Word, start: Fraction | None, end: Fraction | None) -> bool:
    assert word.start is not None
    assert word.end is not None
    return word.end == start or word.start == end


def _between(word: Word, low: Fraction | None, high: Fraction | None) -> Word:
    """A word within its walls; without times if nothing is left of it."""
    if word.start is None or word.end is None:
        return word
    start = word.start if low is None else max(word.start, low)
    end = word.end if high is None else min(word.end, high)
    if end <= start:
        return Word(word.text, reason="the sound where it was found belongs to a word beside it")
    return replace(word, start=start, end=end)
