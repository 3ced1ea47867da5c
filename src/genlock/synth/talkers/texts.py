"""What the talkers say: sentences drawn by a seed, whose phones come about equally often.

Half are GRID's commands ("bin blue at f two now"), half are small English sentences that mean little. Of several
that are drawn, the one is kept whose phones were said least so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from genlock.core.errors import OptionError
from genlock.synth.talkers.word_list import CLASSES, LETTERS, PRONUNCIATIONS
from genlock.synth.voice.lexicon import SpokenWord
from genlock.synth.voice.phones import parse_phone

__all__ = ["TEXT_VERSION", "Sentence", "draw_sentences", "evenness", "phones_of"]

#: Goes up whenever the sentences of a seed change.
TEXT_VERSION = 1

#: Words with their phones, in order.
Sentence = tuple[SpokenWord, ...]

_COMMAND = ("command", "colour", "at", "letter", "digit", "when")
_SHAPES = (
    ("the", "adjective", "noun", "verb", "the", "noun"),
    ("the", "noun", "adverb", "verb", "the", "adjective", "noun"),
    ("the", "noun", "verb", "the", "noun", "place", "the", "noun"),
    ("the", "adjective", "noun", "place", "the", "noun", "verb", "the", "adjective", "noun"),
    ("the", "noun", "verb", "the", "noun", "and", "the", "noun", "verb", "the", "noun"),
)
_DRAWN = 12


def draw_sentences(count: int, seed: int = 0, *, commands: float = 0.5) -> Iterator[Sentence]:
    """Sentences, one after the other; those of a smaller count are the first of a larger.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of what is drawn; not below zero.
    commands : float
        The share of GRID's commands, 0...1.

    Examples
    --------
    >>> [" ".join(word.text for word in words) for words in draw_sentences(2, seed=1, commands=1)]
    ['lay red in n five again', 'place blue with e three please']
    """
    if count < 0 or seed < 0 or not 0 <= commands <= 1:
        raise OptionError(
            f"count={count} and seed={seed} are not below 0, and commands={commands} lies in 0...1"
        )
    said: Counter[str] = Counter()
    for number in range(count):
        random = np.random.default_rng([seed, TEXT_VERSION, number])
        is_command = random.random() < commands
        drawn = [_sentence(random, is_command) for _ in range(_DRAWN)]
        best = max(drawn, key=lambda words: _rarity(words, said))
        said.update(phones_of(best))
        yield best


def phones_of(words: Sequence[SpokenWord]) -> list[str]:
    """The phones of a sentence in ARPABET without stress.

    >>> phones_of([SpokenWord("blue", ("B", "L", "UW1"))])
    ['B', 'L', 'UW']
    """
    return [parse_phone(phone)[0] for word in words for phone in word.phones]


def evenness(counts: Counter[str], phones: int = 39) -> float:
    """How evenly phones are said: 1 if all equally often, 0 if it is always the same (entropy over its largest).

    >>> evenness(Counter({"AA": 5, "B": 5}), phones=2)
    1.0
    """
    shares = np.array([count for count in counts.values() if count], float)
    shares /= shares.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(phones))


def _sentence(random: np.random.Generator, is_command: bool) -> Sentence:
    shape = _COMMAND if is_command else _SHAPES[int(random.integers(len(_SHAPES)))]
    words: list[SpokenWord] = []
    used: set[str] = set()
    for place in shape:
        table = tuple(LETTERS) if place == "letter" else CLASSES[place]
        left = [word for word in table if word not in used] or table
        word = left[int(random.integers(len(left)))]
        used.add(word)
        phones = LETTERS[word] if place == "letter" else PRONUNCIATIONS[word]
        words.append(SpokenWord(word, phones))
    return tuple(words)


def _rarity(words: Sentence, said: Counter[str]) -> float:
    """The mean over a sentence's phones of how rarely each was said."""
    phones = phones_of(words)
    return sum(1 / (1 + said[phone]) for phone in phones) / len(phones)
