"""Subtitles made of words."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from genlock.speech.subtitles.cue import Cue
from genlock.speech.words import Word, Words

__all__ = ["LINE_LETTERS", "READING_SPEED", "cues_from_words", "numbered_cues"]

# A new cue begins after this pause, this many letters or this many seconds, or where a sentence ends.
_PAUSE, _LETTERS, _SECONDS = Fraction(7, 10), 84, Fraction(6)
#: Most letters of a line of subtitles, and most letters a second that are read with ease: what subtitlers keep to.
LINE_LETTERS, READING_SPEED = 42, 20


def cues_from_words(words: Words) -> tuple[Cue, ...]:
    """Subtitles of at most two lines from words: cut at pauses, ends of sentences, and when they get long.

    Words without times stand in the cue of the word before them; where no word has times there are no cues.
    """
    return tuple(cue for _, cue in numbered_cues(words))


def numbered_cues(words: Words) -> list[tuple[range, Cue]]:
    """The cues of :func:`cues_from_words`, each with the numbers of its words.

    >>> numbered_cues(Words([Word("one", 0, 1), Word("two", 3, 4)]))[1][0]
    range(1, 2)
    """
    groups: list[list[Word]] = []
    waiting: list[Word] = []
    for word in words:
        if word.start is None and not groups:
            waiting.append(word)
        elif word.start is None or (groups and not _breaks(groups[-1], word)):
            groups[-1].append(word)
        else:
            groups.append([*waiting, word])
            waiting = []
    found, at = [], 0
    for number, group in enumerate(groups, start=1):
        timed = [word for word in group if word.start is not None and word.end is not None]
        start, end = timed[0].start, timed[-1].end
        assert start is not None
        assert end is not None
        text = _two_lines(" ".join(word.text for word in group))
        found.append((range(at, at + len(group)), Cue(text, start, end, str(number))))
        at += len(group)
    return found


def _breaks(group: Sequence[Word], word: Word) -> bool:
    timed = [w for w in group if w.start is not None and w.end is not None]
    if not timed or word.start is None or word.end is None:
        return False
    last, first = timed[-1], timed[0]
    assert last.end is not None
    assert first.start is not None
    letters = sum(len(w.text) + 1 for w in group) + len(word.text)
    sentence = group[-1].text.rstrip("\"')]”’").endswith((".", "?", "!")) and letters > 20
    return (
        word.start - last.end > _PAUSE or letters > _LETTERS or word.end - first.start > _SECONDS or sentence
    )


def _two_lines(text: str) -> str:
    if len(text) <= LINE_LETTERS:
        return text
    spaces = [k for k, c in enumerate(text) if c == " "]
    if not spaces:
        return text
    middle = min(spaces, key=lambda k: abs(2 * k - len(text)))
    return text[:middle] + "\n" + text[middle + 1 :]
