"""Words of a text that was compared with what is heard: what nobody says gets no times and drags no word along."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from genlock.core.time import round_fraction
from genlock.media.sound_source import SoundSource
from genlock.speech.heard import Heard
from genlock.speech.sound import level_db
from genlock.speech.text import Token
from genlock.speech.text_check import LEAST_PROBABILITY, Compared, Stretch, TextCheck, minutes_of
from genlock.speech.words import Word, Words

__all__ = ["CheckedText", "checked_words", "unheard_sound"]

#: A stretch that was not recognised is said all the same where it lies alone in the sound, so many of its words find a
#: place there, and their median confidence is this; the third, where the aligner never heard the language: right words
#: have .03 to .5 there, and wrong ones mostly less.
_LEAST_PLACED, _LEAST_CONFIDENCE, _LEAST_OF_A_STRANGER = 0.8, 0.6, 0.05
#: Nobody speaks faster than so many seconds a symbol (a phone or a letter).
_SHORTEST_SYMBOL = Fraction(1, 25)
# In a text of fewer words one that was misheard is a large share: where it fits the sound, it counts as heard.
_FEW = 4
# Sound without a recognised word is worth a look if it is so long and louder than this.
_LEAST_UNHEARD, _QUIET_DB = 2, -50.0
_NOT_HEARD = "it is not heard: nobody says it here, or nobody can be understood"
_LABEL = "a speaker's name, which is not said"
_NOT_SAID = "the text is not what is said here"

#: Places words, given by their numbers, in the sound from one instant to another.
Placing = Callable[[Sequence[int], Fraction, Fraction], Sequence[Word]]


@dataclass(frozen=True)
class CheckedText:
    """A text, what was heard, and how both compare."""

    tokens: Sequence[Token]
    """The words of the text."""
    heard: Sequence[Heard]
    """The recognised words, on the sound's clock."""
    compared: Compared
    """Both beside each other."""
    start: Fraction
    """Where the sound begins, in seconds on the clock."""
    end: Fraction
    """Where it ends."""
    least: float
    """The share of words, 0...1, that must be heard."""
    judges: bool = True
    """Whether the aligner knows the language well enough to say that words are not what is said."""

    @property
    def likely(self) -> list[int]:
        """Numbers of the words that may be said: all but those of stretches that are not heard, and speakers' names."""
        gone = {number for run in (*self.compared.missing, *self.compared.labels) for number in run}
        return [number for number in range(len(self.tokens)) if number not in gone]


def checked_words(text: CheckedText, likely: Words, place: Placing | None) -> Words:
    """All words of a text, with its check.

    Parameters
    ----------
    likely : the words of ``text.likely``, aligned without the others
    place : looks for the others where they would be; None: nobody can
    """
    words: list[Word] = [Word(token.text, reason=token.reason or _NOT_HEARD) for token in text.tokens]
    for number in (number for run in text.compared.labels for number in run):
        words[number] = Word(text.tokens[number].text, reason=_LABEL)
    for number, word in zip(text.likely, likely, strict=True):
        words[number] = word
    missing = [
        run for run in text.compared.missing if place is None or not _found_alone(text, words, run, place)
    ]
    placed = {number for run in text.compared.missing if run not in missing for number in run}
    check = _check(text, words, missing, placed)
    if not check.enough:
        kept = text.compared.kept | (text.compared.heard & (check.spoken < _FEW))
        keep = placed | {number for number, is_kept in enumerate(kept.tolist()) if is_kept}
        words = [
            word if number in keep or word.start is None else Word(word.text, reason=_NOT_SAID)
            for number, word in enumerate(words)
        ]
    check = replace(
        check,
        unplaced=sum(w.start is None and bool(t.forms) for w, t in zip(words, text.tokens, strict=True)),
    )
    return replace(
        likely, items=tuple(words), reason=likely.reason if check.enough else str(check), check=check
    )


def _found_alone(text: CheckedText, words: list[Word], run: range, place: Placing) -> bool:
    """Look for a stretch that was not recognised in the sound beside it that nothing else takes; keep it if it fits."""
    low, high = _between(words, run, text.start, text.end)
    low, high = _longest_free(low, high, _taken(text))
    symbols = sum(len(word) for k in run for form in text.tokens[k].forms[:1] for word in form)
    if high - low < symbols * _SHORTEST_SYMBOL:
        return False
    found = place(run, low, high)
    sure = [word.confidence or 0.0 for word in found if word.start is not None]
    spoken = sum(bool(text.tokens[k].forms) for k in run)
    least = _LEAST_CONFIDENCE if text.judges else _LEAST_OF_A_STRANGER
    if len(sure) < _LEAST_PLACED * spoken or statistics.median(sure) < least:
        return False
    words[run.start : run.stop] = found
    return True


def _taken(text: CheckedText) -> list[Heard]:
    """The recognised words whose sound can be no other word's.

    Where the aligner never heard the language, the recogniser often mishears it too: what it doubts, and no word of the
    text agrees with, may be anything.
    """
    if text.judges:
        return list(text.heard)
    agreeing = set(text.compared.beside.values())
    return [
        word
        for number, word in enumerate(text.heard)
        if number in agreeing or word.probability >= LEAST_PROBABILITY
    ]


def _between(words: Sequence[Word], run: range, start: Fraction, end: Fraction) -> tuple[Fraction, Fraction]:
    """From where the word before a stretch ends to where the word after it begins."""
    low = next((w.end for w in reversed(words[: run.start]) if w.end is not None), start)
    high = next((w.start for w in words[run.stop :] if w.start is not None), end)
    return low, high


def unheard_sound(sound: SoundSource, heard: Sequence[Heard]) -> list[tuple[Fraction, Fraction]]:
    """Where something sounds and nothing was recognised: the instant, and how many seconds of it are not quiet.

    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 80000) * (np.arange(80000) < 48000)
    >>> sound = TrackSound(Track(noise.astype(np.float32), Grid.of_samples(16000)))
    >>> unheard_sound(sound, [])
    [(Fraction(0, 1), Fraction(3, 1))]
    """
    found = []
    reached, end = sound.origin, sound.origin + Fraction(sound.count, sound.rate)
    for start, stop in [*((word.start, word.end) for word in heard), (end, end)]:
        if start - reached >= _LEAST_UNHEARD:
            seconds = _loud_seconds(sound, reached, start)
            if seconds >= _LEAST_UNHEARD:
                found.append((reached, seconds))
        reached = max(reached, stop)
    return found


def _loud_seconds(sound: SoundSource, start: Fraction, end: Fraction) -> Fraction:
    """Seconds of a piece of sound that are loud enough to be speech, in steps of 0.1 s; half a minute in memory."""
    step = sound.rate // 10
    first, stop = (round_fraction((t - sound.origin) * sound.rate, "floor") for t in (start, end))
    loud = 0
    for low in range(first, stop, 300 * step):
        samples = sound.samples(low, min(low + 300 * step, stop))
        loud += sum(level_db(samples[k : k + step]) > _QUIET_DB for k in range(0, len(samples), step))
    return Fraction(loud, 10)


def _longest_free(low: Fraction, high: Fraction, heard: Sequence[Heard]) -> tuple[Fraction, Fraction]:
    """The longest part of a piece of sound in which nothing was recognised."""
    best, reached = (low, low), low
    for word in heard:
        if word.end <= low or word.start >= high:
            continue
        if word.start - reached > best[1] - best[0]:
            best = (reached, word.start)
        reached = max(reached, word.end)
    return (reached, high) if high - reached > best[1] - best[0] else best


def _check(text: CheckedText, words: Sequence[Word], missing: Sequence[range], placed: set[int]) -> TextCheck:
    compared, tokens, heard = text.compared, text.tokens, text.heard
    named = {number for run in compared.labels for number in run}
    spoken = [bool(token.forms) and number not in named for number, token in enumerate(tokens)]
    known = [bool(k) or number in placed for number, k in enumerate(compared.heard.tolist())]
    if sum(spoken) < _FEW:
        sure = [word.confidence or 0.0 for word in words]
        known = [k or c >= _LEAST_CONFIDENCE for k, c in zip(known, sure, strict=True)]
    not_said = []
    for run in missing:
        low, high = _between(words, run, text.start, text.end)
        not_said.append(Stretch(" ".join(tokens[k].text for k in run), run.start, len(run), low, high))
    not_written = []
    for run in compared.extra:
        at = next((x for x, y in sorted(compared.beside.items()) if y >= run.stop), len(tokens))
        said = " ".join(heard[k].text for k in run)
        not_written.append(Stretch(said, at, len(run), heard[run.start].start, heard[run.stop - 1].end))
    times = [
        heard[compared.beside[k]].start if k in compared.beside else words[k].start for k in range(len(words))
    ]
    minutes = minutes_of(times, known, spoken)
    head = (sum(spoken), sum(k and s for k, s in zip(known, spoken, strict=True)), text.least)
    return TextCheck(*head, tuple(not_said), tuple(not_written), minutes)
