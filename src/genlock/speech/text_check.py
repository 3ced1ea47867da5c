"""Is a text what is said? What was recognised beside what was written: the share that is heard, and what differs.

Whoever aligns is told that the words are spoken, and finds a place for almost anything. So a recogniser, which does not
know the text, is asked what it hears, and both are laid beside each other by how they sound
(:mod:`genlock.speech.alike`). Stretches that are in one of them alone are the sentences that nobody says, and the
sentences that nobody wrote down.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError
from genlock.core.one_line import one_line
from genlock.core.time import fraction_text, round_fraction
from genlock.speech.alike import ANYTHING, Sounds, heard_shares
from genlock.speech.heard import Heard
from genlock.speech.text import Token, tokenize

__all__ = ["LEAST_PROBABILITY", "Compared", "Minute", "Stretch", "TextCheck", "compare_text"]

#: A word is heard if the recognised row has this share of its phones in the same place.
HEARD_SHARE = 0.5
# A stretch is in one row alone if it has so many words and so many phones of its own; a heard word within it takes
# away as much as one and a half that are not heard give. Chosen on the tuning sounds of benchmarks/wrong_text.py.
_WORDS, _PHONES, _AGAINST = 3, 8, 1.5
# Of a text that is not what is said, words keep their times where so many agree, counted in the same way.
_KEPT = 4
#: Below this share the text differs as a whole, even if no stretch of it does: of the right texts of the tuning sounds
#: .93 and more is heard where no stretch is missing.
DIFFERS_SHARE = 0.85
# Symbols that are said in a second, about.
_SYMBOLS = 12
#: What a recogniser doubts more than this is no speech that is lacking in the text, and may be misheard.
LEAST_PROBABILITY = 0.4


@dataclass(frozen=True)
class Stretch:
    """Words that only the text has, or only the sound.

    >>> print(Stretch("bin blue at f two now", 12, 6, Fraction(3), Fraction(5)))
    'bin blue at f two now' (6 words, 3.0 to 5.0 s)
    """

    text: str
    """The words: as written, or as they were recognised."""
    at: int
    """Number of the word of the text, from 0, that it begins with, or before which it is said."""
    count: int
    """How many words."""
    start: Fraction | None
    """From when it is said or should be, in exact seconds on the clock; None if nothing tells."""
    end: Fraction | None
    """Until when."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``text``, ``at``, ``count``, ``start_seconds``, ``end_seconds``, and the exact ``start`` and ``end``."""
        return {
            "text": self.text,
            "at": self.at,
            "count": self.count,
            "start_seconds": None if self.start is None else float(self.start),
            "end_seconds": None if self.end is None else float(self.end),
            "start": None if self.start is None else fraction_text(self.start),
            "end": None if self.end is None else fraction_text(self.end),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Stretch:
        """The stretch that :meth:`to_dict` described."""
        start, end = (None if data[k] is None else Fraction(data[k]) for k in ("start", "end"))
        return cls(data["text"], data["at"], data["count"], start, end)

    def shifted(self, seconds: Fraction) -> Stretch:
        """The same stretch, later by so many seconds."""
        start, end = (None if t is None else t + seconds for t in (self.start, self.end))
        return Stretch(self.text, self.at, self.count, start, end)

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 60 else self.text[:57] + "..."
        when = (
            ""
            if self.start is None or self.end is None
            else f", {float(self.start):.1f} to {float(self.end):.1f} s"
        )
        return f"{shown!r} ({self.count} word{'s' * (self.count != 1)}{when})"


@dataclass(frozen=True)
class Minute:
    """How much of the text that belongs into one minute of the sound is heard there."""

    number: int
    """0 for the first minute of the clock."""
    words: int
    """Words of the text that belong here."""
    heard: int
    """Those among them that are heard."""


@dataclass(frozen=True)
class TextCheck:
    """How a text fits what was recognised.

    >>> check = TextCheck(41, 3, 0.5, unplaced=38)
    >>> check.enough, check.differs
    (False, True)
    >>> print(check)
    the text is not what is said: 3 of 41 words are heard; 38 were left without times
    """

    spoken: int
    """Words of the text that can be spoken."""
    heard: int
    """Those among them that are heard."""
    least: float = 0.5
    """The share, 0...1, below which the text is not taken for what is said."""
    missing: tuple[Stretch, ...] = ()
    """What is written and not said."""
    extra: tuple[Stretch, ...] = ()
    """What is said and not written."""
    minutes: tuple[Minute, ...] = ()
    """The minutes into which words of the text belong, in order."""
    unplaced: int = 0
    """Words of the text that were left without times."""

    @property
    def share(self) -> float:
        """The share of the words that are heard, 0...1."""
        return self.heard / self.spoken if self.spoken else 0.0

    @property
    def enough(self) -> bool:
        """Whether the share that is heard reaches the least."""
        return self.share >= self.least

    @property
    def differs(self) -> bool:
        """Whether the text differs from what is said: too little is heard, or a stretch is in one alone."""
        return bool(self.missing or self.extra) or self.share < max(self.least, DIFFERS_SHARE)

    def shifted(self, seconds: Fraction) -> TextCheck:
        """The same, with times later by so many seconds; minutes stay as they were counted."""
        missing, extra = (tuple(s.shifted(seconds) for s in row) for row in (self.missing, self.extra))
        return TextCheck(self.spoken, self.heard, self.least, missing, extra, self.minutes, self.unplaced)

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``spoken``, ``heard``, ``share``, ``least``, ``enough``, ``differs``, ``unplaced``, ``missing[]``,
        ``extra[]``, ``minutes[]``, ``note``."""
        return {
            "spoken": self.spoken,
            "heard": self.heard,
            "share": round(self.share, 4),
            "least": self.least,
            "enough": self.enough,
            "differs": self.differs,
            "unplaced": self.unplaced,
            "missing": [s.to_dict() for s in self.missing],
            "extra": [s.to_dict() for s in self.extra],
            "minutes": [{"minute": m.number, "words": m.words, "heard": m.heard} for m in self.minutes],
            "note": str(self),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextCheck:
        """The check that :meth:`to_dict` described. Raises FormatError if the mapping is none."""
        try:
            missing, extra = (tuple(Stretch.from_dict(s) for s in data[key]) for key in ("missing", "extra"))
            minutes = tuple(Minute(m["minute"], m["words"], m["heard"]) for m in data["minutes"])
            head = (data["spoken"], data["heard"], data["least"])
            return cls(*head, missing, extra, minutes, data["unplaced"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"this is not the check of a text that genlock wrote: {error!r}") from error

    def __str__(self) -> str:
        lost = f"; {self.unplaced} were left without times" if self.unplaced else ""
        if not self.enough:
            return f"the text is not what is said: {self.heard} of {self.spoken} words are heard{lost}"
        if not self.differs:
            return f"the text is what is said: {self.heard} of {self.spoken} words are heard"
        said = [f"the text differs from what is said: {self.heard} of {self.spoken} words are heard{lost}"]
        for name, stretches in (("not said", self.missing), ("said, but not written", self.extra)):
            more = f" and {len(stretches) - 3} more" if len(stretches) > 3 else ""
            said += [f"{name}: {', '.join(map(str, stretches[:3]))}{more}"] if stretches else []
        return "; ".join(said)


@dataclass(frozen=True, eq=False)
class Compared:
    """A text and what was recognised, beside each other."""

    heard: npt.NDArray[np.bool_]
    """Which words of the text are heard, [tokens]."""
    kept: npt.NDArray[np.bool_]
    """Which of them lie where the text is what is said, [tokens]: chance hits in a wrong text do not."""
    missing: tuple[range, ...]
    """Numbers of the words of each stretch that is not said."""
    extra: tuple[range, ...]
    """Numbers of the recognised words of each stretch that is not written."""
    beside: Mapping[int, int]
    """The recognised word that stands for each word of the text that is heard."""
    labels: tuple[range, ...] = ()
    """Numbers of the words of each speaker's name (``Speaker 2:``) that is written before what is said."""


def compare_text(
    tokens: Sequence[Token],
    heard: Sequence[Heard],
    spell: Callable[[str], Sounds],
    language: str = "en",
    unheard: Sequence[tuple[Fraction, Fraction]] = (),
) -> Compared:
    """Lay a text and what was recognised beside each other.

    Parameters
    ----------
    tokens : the words of the text, from :func:`genlock.speech.text.tokenize`
    heard : the recognised words, in order
    spell : spells a plain word in symbols, from :func:`genlock.speech.alike.phones_of`
    unheard : (instant, seconds) of sound in which nothing was recognised, in order: words that are said again and again
        are rather missing there than at the end

    >>> from genlock.speech.alike import spelling
    >>> at = [Heard(w, Fraction(k), Fraction(k + 1), 1.0) for k, w in enumerate("one night we left the house".split())]
    >>> found = compare_text(tokenize("one night we saw the green little animals left the house"), at, spelling)
    >>> found.missing, found.extra
    ((range(3, 8),), ())
    """
    said = [
        tuple(s for token in tokenize(word.text, language) for s in _sounds(token, spell)) for word in heard
    ]
    written = [_sounds(token, spell) for token in tokens]
    shares, others, pairs = _with_gaps(written, said, [word.start for word in heard], unheard)
    spoken = np.array([bool(row) for row in written], bool)
    known = spoken & (shares >= HEARD_SHARE)
    counted = np.array([bool(row) for row in said], bool)
    doubted = np.array([word.probability < LEAST_PROBABILITY for word in heard], bool)
    missing = _stretches(spoken & ~known, known, written)
    extra = _stretches(counted & (others < HEARD_SHARE), counted & (others >= HEARD_SHARE), said)
    kept = np.zeros(len(tokens), bool)
    for run in _runs(known.astype(float) - _AGAINST * (spoken & ~known)):
        if known[run.start : run.stop].sum() >= _KEPT:
            kept[run.start : run.stop] = True
    sure = tuple(run for run in extra if doubted[run.start : run.stop].mean() < 0.5)
    beside = {x: y for x, y in pairs if known[x]}
    labels = _labels(tokens, spoken & ~known, missing)
    named = {number for run in labels for number in run}
    missing = tuple(run for run in missing if not named.issuperset(run))
    return Compared(known, kept & known, missing, sure, beside, labels)


def _labels(
    tokens: Sequence[Token], alone: npt.NDArray[np.bool_], missing: Sequence[range]
) -> tuple[range, ...]:
    """Up to three words from the end of a sentence to a colon, of which most are not heard."""
    found = []
    for last in (number for number, token in enumerate(tokens) if token.text.endswith(":")):
        firsts = range(last, max(last - 3, -1), -1)
        first = next((number for number in firsts if _after_sentence(tokens, number)), None)
        if first is None:
            continue
        label = range(first, last + 1)
        # What goes on not being heard is a sentence that nobody says.
        longer = any(set(run) & set(label) and not set(run) <= set(label) for run in missing)
        if 2 * alone[first : last + 1].sum() >= len(label) and not longer:
            found.append(label)
    return tuple(found)


def _after_sentence(tokens: Sequence[Token], number: int) -> bool:
    return number == 0 or tokens[number - 1].text.rstrip("\"')]").endswith((".", "!", "?", "…"))


def _with_gaps(
    written: Sequence[Sounds],
    said: Sequence[Sounds],
    starts: Sequence[Fraction],
    unheard: Sequence[tuple[Fraction, Fraction]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], list[tuple[int, int]]]:
    """:func:`heard_shares` with room for words where nothing was recognised."""
    places = [bisect_left(starts, instant) for instant, _ in unheard]
    filled, owner = [], []
    for number in range(len(said) + 1):
        for place, (_, seconds) in zip(places, unheard, strict=True):
            if place == number:
                filled.append((ANYTHING,) * max(1, round_fraction(_SYMBOLS * seconds, "nearest")))
                owner.append(-1)
        if number < len(said):
            filled.append(said[number])
            owner.append(number)
    shares, others, pairs = heard_shares(written, filled)
    real = [place for place, number in enumerate(owner) if number >= 0]
    return shares, others[real], [(x, owner[y]) for x, y in pairs if owner[y] >= 0]


def _sounds(token: Token, spell: Callable[[str], Sounds]) -> Sounds:
    return tuple(s for word in (token.forms[0] if token.forms else ()) for s in spell(word))


def _stretches(
    alone: npt.NDArray[np.bool_], both: npt.NDArray[np.bool_], row: Sequence[Sounds]
) -> tuple[range, ...]:
    """Stretches of words that are in one row alone."""
    found = []
    for run in _runs(alone.astype(float) - _AGAINST * both):
        own = [k for k in run if alone[k]]
        if len(own) >= _WORDS and sum(len(row[k]) for k in own) >= _PHONES:
            found.append(run)
    return tuple(found)


def _runs(worth: npt.NDArray[np.float64]) -> list[range]:
    """All maximal stretches of the highest sum, in order (Ruzzo and Tompa, 1999)."""
    runs: list[tuple[int, int, float, float]] = []  # first, stop, sum before it, sum with it
    total = 0.0
    for k, value in enumerate(worth.tolist()):
        if value > 0:
            new = (k, k + 1, total, total + value)
            while True:
                j = next((j for j in range(len(runs) - 1, -1, -1) if runs[j][2] < new[2]), None)
                if j is None or runs[j][3] >= new[3]:
                    break
                new = (runs[j][0], new[1], runs[j][2], new[3])
                del runs[j:]
            runs.append(new)
        total += value
    return [range(first, stop) for first, stop, _, _ in runs]


def minutes_of(
    times: Sequence[Fraction | None], heard: Sequence[bool], spoken: Sequence[bool]
) -> tuple[Minute, ...]:
    """How much is heard in each minute; a word without a time belongs where the word before it does.

    >>> minutes_of([Fraction(1), None, Fraction(61)], [True, False, True], [True] * 3)
    (Minute(number=0, words=2, heard=1), Minute(number=1, words=1, heard=1))
    """
    counts: dict[int, list[int]] = {}
    last = next((t for t in times if t is not None), Fraction(0))
    for time, known, counted in zip(times, heard, spoken, strict=True):
        last = last if time is None else time
        if counted:
            row = counts.setdefault(round_fraction(last / 60, "floor"), [0, 0])
            row[0] += 1
            row[1] += bool(known)
    return tuple(Minute(number, *counts[number]) for number in sorted(counts))
