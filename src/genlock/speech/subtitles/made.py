"""Subtitles made of words: cut where a reader pauses, in two balanced lines, on the screen long enough to be read."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from genlock.speech.scripts import joined_words
from genlock.speech.subtitles.breaks import break_cost, ends_sentence
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.karaoke import with_word_stamps
from genlock.speech.subtitles.rules import PLAIN, SubtitleRules
from genlock.speech.subtitles.voices import with_voices
from genlock.speech.words import Words

__all__ = ["LINE_LETTERS", "READING_SPEED", "cues_from_words", "numbered_cues"]

#: Most letters of a line of subtitles, and most letters a second that are read with ease.
LINE_LETTERS, READING_SPEED = PLAIN.line_letters, PLAIN.speed

# What a cue costs beside its end: each a little, so that there are few; what breaks a rule much, by how much it does.
_EACH, _INNER_SENTENCE, _TOO_SHORT, _TOO_FAST, _LONELY, _TOO_WIDE, _TWO_VOICES = (
    1.5,
    1.5,
    6.0,
    10.0,
    2.0,
    20.0,
    2.0,
)
_LONELY_LETTERS = 10
# What a time may be off by as a floating-point number.
_ROUNDING = 1e-6


def cues_from_words(words: Words, rules: SubtitleRules = PLAIN, karaoke: bool = False) -> tuple[Cue, ...]:
    """Subtitles from words.

    Cues end at pauses, at ends of sentences and clauses, never inside of a name or a number if there is another way;
    they stay for as long as their letters take to be read, where the next cue leaves them that.

    Words without times stand in the cue of the word before them; where no word has times there are no cues. More of
    them than a cue holds share the time up to the next word that has one, by their letters.

    Nobody's line has words of somebody else: where words have a speaker, a cue is of one of them, or of two with a line
    and a dash each, and voice tags say whose it is, as WebVTT has them.

    With ``karaoke`` each word has its time inside of its cue, as WebVTT has them.

    >>> from genlock.speech.words import Word
    >>> cues_from_words(Words([Word("one", 0, 1), Word("two", 1, 2)]), karaoke=True)[0].text
    'one <00:00:01.000>two'
    """
    made = []
    for at, cue in numbered_cues(words, rules):
        own = words.items[at.start : at.stop]
        shown = replace(cue, text=with_word_stamps(cue, own)) if karaoke else cue
        made.append(with_voices(shown, own, rules.dash) if words.speakers else shown)
    return tuple(made)


def numbered_cues(words: Words, rules: SubtitleRules = PLAIN) -> list[tuple[range, Cue]]:
    """The cues of :func:`cues_from_words`, each with the numbers of its words.

    >>> from genlock.speech.words import Word
    >>> numbered_cues(Words([Word("one", 0, 1), Word("two", 3, 4)]))[1][0]
    range(1, 2)
    """
    text = _Text(words, rules)
    cues = [
        (range(text.parts[first].first, text.parts[stop - 1].stop), text.cue(first, stop))
        for first, stop in text.cut()
    ]
    letters = [text.letters(numbers.start, numbers.stop) for numbers, _ in cues]
    stays = _stays([cue for _, cue in cues], letters, rules)
    return [
        (numbers, replace(cue, name=str(number)))
        for number, ((numbers, _), cue) in enumerate(zip(cues, stays, strict=True), start=1)
    ]


@dataclass(frozen=True)
class _Part:
    """A word with times and those without times that follow it; at the beginning also those before it."""

    first: int
    stop: int
    start: Fraction
    end: Fraction
    speaker: str | None = None


def _parts(words: Words, most_letters: int) -> list[_Part]:
    timed = [k for k, word in enumerate(words) if word.start is not None]
    if not timed:
        return []
    parts = []
    for at, (first, stop) in zip(timed, pairwise([0, *timed[1:], len(words)]), strict=True):
        start, end = words[at].start, words[at].end
        assert start is not None
        assert end is not None
        part = _Part(first, stop, start, end, words[at].speaker)
        if sum(len(word.text) + 1 for word in words.items[first:stop]) <= most_letters + 1:
            parts.append(part)
        else:
            following = words[stop].start if stop < len(words) else None
            parts += _spread(part, words, max(end, following or end))
    return parts


def _spread(part: _Part, words: Words, until: Fraction) -> list[_Part]:
    """The words of a part, each with a share of its time and of the time up to the next by its letters."""
    reached = [0, *accumulate(len(word.text) + 1 for word in words.items[part.first : part.stop])]
    edges = [part.start + (until - part.start) * letters / reached[-1] for letters in reached]
    return [
        replace(part, first=number, stop=number + 1, start=start, end=end)
        for number, (start, end) in enumerate(pairwise(edges), start=part.first)
    ]


class _Text:
    """Words that are to be cut into cues; what a break after each word costs is reckoned once."""

    def __init__(self, words: Words, rules: SubtitleRules) -> None:
        self._rules, self.parts = rules, _parts(words, rules.letters)
        # Costs need no exact times, and there are very many of them.
        self._starts = [float(part.start) for part in self.parts]
        self._stops = [float(part.end) for part in self.parts]
        self._longest, self._pause = float(rules.longest) + _ROUNDING, float(rules.pause) + _ROUNDING
        self._shortest, self._linger, self._gap = float(rules.shortest), float(rules.linger), float(rules.gap)
        self._texts = [word.text for word in words]
        pairs = list(pairwise(self._texts))
        self._breaks = [break_cost(*pair, words.language or "en") for pair in pairs]
        self._ends = [ends_sentence(*pair) for pair in pairs]
        self._turns = [0, *accumulate(a.speaker != b.speaker for a, b in pairwise(self.parts))]
        # Where each line of a cue begins with a dash or a name, there is less room for what is said.
        names = max((len(name) + 2 for name in words.speakers), default=0) if rules.names else 0
        self._room = rules.line_letters - max(names, len(rules.dash) if self._turns[-1] else 0)
        self._reached = [0, *accumulate(len(text) + 1 for text in self._texts)]

    def cut(self) -> list[tuple[int, int]]:
        """Where cues begin and end among the parts: the cheapest way through all of them."""
        costs, before = [0.0], [0]
        for stop in range(1, len(self.parts) + 1):
            best, chosen = math.inf, stop - 1
            for first in range(stop - 1, -1, -1):
                if first < stop - 1 and not self._holds(first, stop):
                    break
                cost = costs[first] + self._cost(first, stop)
                if cost < best:
                    best, chosen = cost, first
            costs.append(best)
            before.append(chosen)
        cuts, stop = [], len(self.parts)
        while stop:
            cuts.append((before[stop], stop))
            stop = before[stop]
        return cuts[::-1]

    def cue(self, first: int, stop: int) -> Cue:
        """The cue of some parts, on one line or two, from their first word to their last."""
        low, high = self._words(first, stop)
        turn = self._turn(first, stop)
        if turn is not None:
            shown = joined_words(self._texts[low:turn]) + "\n" + joined_words(self._texts[turn:high])
            return Cue(shown, self.parts[first].start, self.parts[stop - 1].end)
        shown = joined_words(self._texts[low:high])
        if self.letters(low, high) > self._room and high - low > 1 and self._rules.lines > 1:
            middle, _ = self._two_lines(low, high)
            shown = joined_words(self._texts[low:middle]) + "\n" + joined_words(self._texts[middle:high])
        return Cue(shown, self.parts[first].start, self.parts[stop - 1].end)

    def _words(self, first: int, stop: int) -> tuple[int, int]:
        return self.parts[first].first, self.parts[stop - 1].stop

    def _turn(self, first: int, stop: int) -> int | None:
        """The word with which somebody else begins to speak in a cue; None: nobody does."""
        if self._turns[first] == self._turns[stop - 1]:
            return None
        return self.parts[bisect_left(self._turns, self._turns[stop - 1])].first

    def letters(self, low: int, high: int) -> int:
        """How much there is to read of some words: a letter of a script without spaces is wide, and counts as two."""
        return self._reached[high] - self._reached[low] - 1

    def _holds(self, first: int, stop: int) -> bool:
        """Whether these parts may stand in one cue, if all from the second on may."""
        low, high = self._words(first, stop)
        turn = self._turn(first, stop)
        if turn is not None and (
            self._turns[stop - 1] - self._turns[first] > 1
            or self._rules.lines < 2
            or max(self.letters(low, turn), self.letters(turn, high)) > self._room
        ):
            return False
        return (
            self.letters(low, high) <= self._room * self._rules.lines
            and self._stops[stop - 1] - self._starts[first] <= self._longest
            and self._starts[first + 1] - self._stops[first] <= self._pause
        )

    def _cost(self, first: int, stop: int) -> float:
        low, high = self._words(first, stop)
        start, end, letters = self._starts[first], self._stops[stop - 1], self.letters(low, high)
        following = self._starts[stop] if stop < len(self.parts) else math.inf
        stay = max(max(end, min(end + self._linger, following - self._gap)) - start, 1e-3)
        cost = _EACH
        cost += _TOO_SHORT * max(0.0, 1 - stay / self._shortest)
        cost += _TOO_FAST * max(0.0, letters / stay / self._rules.speed - 1)
        if letters < _LONELY_LETTERS and stay < 1:
            cost += _LONELY
        if self._turn(first, stop) is not None:
            cost += _TWO_VOICES
        elif letters > self._room and high - low > 1:
            cost += self._two_lines(low, high)[1]
        cost += _INNER_SENTENCE * sum(self._ends[low : high - 1])
        if (
            following - end <= self._pause
            and self._turns[min(stop, len(self.parts) - 1)] == self._turns[stop - 1]
        ):
            cost += self._breaks[high - 1]
        return cost

    def _two_lines(self, low: int, high: int) -> tuple[int, float]:
        """With which word the second line begins, and what that costs: bad places, and lines of unequal length."""
        longest, best, cheapest = self._room, (low + high) // 2, math.inf
        for middle in range(low + 1, high):
            upper, lower = self.letters(low, middle), self.letters(middle, high)
            over = max(0, upper - longest) + max(0, lower - longest)
            cost = 0.5 * self._breaks[middle - 1] + 2 * abs(upper - lower) / longest + _TOO_WIDE * over
            if cost < cheapest:
                best, cheapest = middle, cost
        return best, cheapest


def _stays(cues: Sequence[Cue], letters: Sequence[int], rules: SubtitleRules) -> list[Cue]:
    """Each cue stays until it is read, or shortly before the next one; gaps too small to be seen are made equal."""
    made = []
    for number, cue in enumerate(cues):
        read = cue.start + Fraction(letters[number], rules.speed)
        wanted = max(cue.start + rules.shortest, read, cue.end)
        end = max(cue.end, min(wanted, cue.end + max(rules.linger, rules.shortest)))
        if number + 1 < len(cues):
            following = cues[number + 1].start
            latest = following - rules.gap
            if end > latest or following - end < 4 * rules.gap:
                end = max(latest, min(cue.end, following) - rules.gap, cue.start)
        made.append(replace(cue, end=min(max(end, cue.start), cue.start + rules.longest)))
    return made
