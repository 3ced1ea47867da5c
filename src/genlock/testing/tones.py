"""A language of tones, whose truth is known exactly: each letter is a short tone of its own pitch.

It is what a very small CTC model can really recognise, so that recognition and alignment are tested from the
sound on, with times that are planted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LETTERS", "ToneSpeech", "random_words", "speak_tones"]

#: The letters; letter k sounds at 320 x 1.24^k Hz.
LETTERS = "abcdefghijkl"
RATE = 16000


@dataclass(frozen=True, eq=False)
class ToneSpeech:
    """Sound and what is in it."""

    samples: npt.NDArray[np.float32]
    """Mono at 16 kHz, float32 [n], within -1...1."""
    words: tuple[str, ...]
    """The words."""
    word_spans: npt.NDArray[np.int64]
    """First sample of each word and the sample after its last, [W, 2]."""
    letter_spans: npt.NDArray[np.int64]
    """The same for each letter, [L, 2]."""


def random_words(count: int, random: np.random.Generator) -> list[str]:
    """Words of two to five letters, no letter twice in a row.

    >>> random_words(3, np.random.default_rng(0))
    ['hfcea', 'ac', 'hlfhl']
    """
    words = []
    for _ in range(count):
        word = ""
        for _ in range(int(random.integers(2, 6))):
            word += str(random.choice([c for c in LETTERS if not word.endswith(c)]))
        words.append(word)
    return words


def speak_tones(words: Sequence[str], random: np.random.Generator, *, noise: float = 0.003) -> ToneSpeech:
    """Say words in tones: letters of 60 to 110 ms, pauses of 120 to 250 ms between words.

    Parameters
    ----------
    words : of :data:`LETTERS`
    random : where durations, phases and noise come from
    noise : standard deviation of the noise

    Examples
    --------
    >>> said = speak_tones(["ab", "c"], np.random.default_rng(0))
    >>> said.words, said.word_spans.shape, said.letter_spans.shape
    (('ab', 'c'), (2, 2), (3, 2))
    """
    pieces, spans, letters, at = [], [], [], 0

    def pause(low: float, high: float) -> None:
        nonlocal at
        pieces.append(np.zeros(int(random.integers(round(low * RATE), round(high * RATE))), np.float32))
        at += len(pieces[-1])

    pause(0.1, 0.3)
    for number, word in enumerate(words):
        if number:
            pause(0.12, 0.25)
        first = at
        for place, letter in enumerate(word):
            if place:
                pause(0.005, 0.02)
            length = int(random.integers(round(0.06 * RATE), round(0.11 * RATE)))
            pieces.append(_tone(320 * 1.24 ** LETTERS.index(letter), length, random))
            letters.append((at, at + length))
            at += length
        spans.append((first, at))
    pause(0.1, 0.3)
    samples = np.concatenate(pieces)
    samples += noise * random.standard_normal(len(samples)).astype(np.float32)
    return ToneSpeech(
        samples,
        tuple(words),
        np.array(spans, np.int64).reshape(-1, 2),
        np.array(letters, np.int64).reshape(-1, 2),
    )


def _tone(hertz: float, length: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    times = np.arange(length) / RATE
    ramp = np.minimum(1.0, np.minimum(times, times[::-1]) / 0.005)
    level = random.uniform(0.15, 0.4)
    return (level * ramp * np.sin(2 * np.pi * hertz * times + random.uniform(0, 6.28))).astype(np.float32)
