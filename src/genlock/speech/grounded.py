"""No word has times in which nothing can be said: shorter than any word, or where nothing sounds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from genlock.core.grid import Grid
from genlock.media.sound_source import SoundSource
from genlock.speech.sound import level_db
from genlock.speech.words import Word, Words

__all__ = ["grounded"]

#: No word is shorter, in seconds.
SHORTEST = Fraction(1, 100)
# Nothing sounds where no hundredth of a second is louder than this, in dB of full scale, nor than so much below the
# loudest second of the sound.
_SILENT_DB, _BELOW_DB = -65.0, 30.0
# What is quieter than this is the rounding of digits.
_NOTHING_DB = -120.0


def grounded(sound: SoundSource, words: Words) -> Words:
    """The same words; those that cannot be said where they are have no times, but a reason, and none lasts longer than
    the sound.

    Parameters
    ----------
    sound : the mono sound in which they were found

    >>> import numpy as np
    >>> from genlock.core import Track
    >>> from genlock.media.sound_source import TrackSound
    >>> quiet = TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000)))
    >>> print(grounded(quiet, Words([Word("one", 0, 1)])))
             -          -  one  (nothing sounds where it was found)
    """
    end_of_sound = sound.origin + Fraction(sound.count, sound.rate)
    levels = {number: _level_db(sound, word) for number, word in enumerate(words) if word.start is not None}
    loud = _loudest_db(sound) if levels else 0.0
    silent = max(min(_SILENT_DB, loud - _BELOW_DB), _NOTHING_DB)
    made = []
    for number, word in enumerate(words):
        if word.start is None or word.end is None:
            made.append(word)
        elif min(word.end, end_of_sound) - word.start < SHORTEST:
            made.append(_lost(word, f"no time is left for it at {float(word.start):.2f} s"))
        elif levels[number] <= silent:
            made.append(_lost(word, "nothing sounds where it was found"))
        else:
            made.append(replace(word, end=min(word.end, end_of_sound)))
    return words if made == list(words) else replace(words, items=tuple(made))


def _lost(word: Word, reason: str) -> Word:
    return Word(word.text, reason=reason, speaker=word.speaker)


def _loudest_db(sound: SoundSource) -> float:
    """Of the loudest second, in dB of full scale."""
    return max(
        (
            level_db(sound.samples(first, min(first + sound.rate, sound.count)))
            for first in range(0, sound.count, sound.rate)
        ),
        default=-200.0,
    )


def _level_db(sound: SoundSource, word: Word) -> float:
    """Of the loudest hundredth of a second within a word, in dB of full scale."""
    assert word.start is not None
    assert word.end is not None
    grid = Grid.of_samples(sound.rate, sound.origin)
    first, stop = max(0, grid.index(word.start, "floor")), grid.index(word.end, "ceil")
    held = sound.samples(first, max(stop, first + 1))
    step = sound.rate // 100
    whole = len(held) // step
    if not whole:
        return level_db(held)
    # An hour has ten thousand words: all hundredths of a word at once take a tenth of the time.
    clean = np.nan_to_num(np.asarray(held[: whole * step], np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    loudest = int((clean.reshape(whole, step) ** 2).mean(axis=1).argmax())
    return level_db(clean[loudest * step : (loudest + 1) * step])
