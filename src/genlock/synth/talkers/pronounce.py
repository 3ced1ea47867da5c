"""How the words of a text are pronounced, for the engines that are told phones and not letters.

First the words that the talkers know by heart, with stress; then the dictionary that comes with pocketsphinx
(126,000 words, BSD), which marks no stress: there the first full vowel is taken to bear it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from genlock.core.errors import OptionError
from genlock.synth.talkers.phone_sets import VOWELS
from genlock.synth.talkers.voices import Text
from genlock.synth.talkers.word_list import PRONUNCIATIONS
from genlock.synth.voice.lexicon import LEXICON, SpokenWord, read_text
from genlock.weights import registry

__all__ = ["words_of"]

_WORD = re.compile(r"[A-Za-z']+")
_WEAK = frozenset(["AH", "ER", "IH"])


def words_of(text: Text) -> tuple[SpokenWord, ...]:
    """The words of a text with their phones; a sequence of words is taken as it is.

    >>> [word.phones for word in words_of("Bin blueberry.")]
    [('B', 'IH1', 'N'), ('B', 'L', 'UW1', 'B', 'EH0', 'R', 'IY0')]

    Raises
    ------
    OptionError
        If there is no word, or one that is in no dictionary; the message says which.
    """
    if not isinstance(text, str):
        if not text:
            raise OptionError("there are no words to speak")
        return tuple(text)
    asked = {word.lower() for word in _WORD.findall(text)}
    by_heart = {**LEXICON, **PRONUNCIATIONS}
    known = {word: by_heart[word] for word in asked & by_heart.keys()}
    rest = asked - known.keys()
    if rest:
        table = _dictionary()
        known |= {word: table[word] for word in rest & table.keys()}
    return read_text(text, known)


@lru_cache(maxsize=1)
def _dictionary() -> Mapping[str, tuple[str, ...]]:
    """Empty where pocketsphinx's model is not on the machine."""
    folder = registry.find("pocketsphinx-en-us")
    if folder is None:
        return {}
    table: dict[str, tuple[str, ...]] = {}
    with open(folder / "cmudict-en-us.dict", encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.strip().partition(" ")
            if word[0].isalpha() and word[-1] != ")":
                table[word] = _stressed(phones.split())
    return table


def _stressed(phones: list[str]) -> tuple[str, ...]:
    """With a 1 on the first full vowel, or on the first, and 0 on the others."""
    vowels = [place for place, phone in enumerate(phones) if phone in VOWELS]
    full = [place for place in vowels if phones[place] not in _WEAK] or vowels
    return tuple(
        f"{phone}{int(place == full[0])}" if phone in VOWELS else phone for place, phone in enumerate(phones)
    )
