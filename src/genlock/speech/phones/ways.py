"""The ways to say words in the phones of our own model: the English dictionary, or espeak-ng for other languages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from genlock.speech.phones.espeak import espeak_languages, ipa_of_words
from genlock.speech.phones.symbols import phone_table
from genlock.speech.sphinx.pronounce import load_pronouncer
from genlock.speech.text import Token

__all__ = ["MOST_WAYS", "pronounceable", "ways_of_tokens", "ways_of_words"]

#: The language that needs no program: it has a dictionary and a network of its own.
_OWN = "en"
#: A written word never gets more ways than this; the likelier ones come first.
MOST_WAYS = 12
#: Pronunciations of each word of a form that is several words.
_EACH = 3

Row = tuple[int, ...]


def pronounceable() -> tuple[str, ...]:
    """The languages whose words can be pronounced on this machine, English first.

    >>> pronounceable()[0]
    'en'
    """
    return (_OWN, *sorted(espeak_languages() - {_OWN}))


def ways_of_words(words: Sequence[str], language: str = "en") -> list[tuple[Row, ...]]:
    """The classes of the phones of each word, for each of its pronunciations; empty where there is none.

    Parameters
    ----------
    words : plain words in small letters; a single capital letter is the letter's name
    language : ISO 639-1

    >>> symbols = phone_table().symbols
    >>> [[" ".join(symbols[k] for k in way) for way in ways] for ways in ways_of_words(["read", "B"])]
    [['ɹ ɛ d', 'ɹ i d'], ['b i']]

    Raises MissingDependency for another language than English where espeak-ng is not installed.
    """
    table = phone_table()
    if language == _OWN:
        pronounce = load_pronouncer()
        said = [[table.of_arpabet(row) for row in pronounce(word)] for word in words]
    else:
        said = [[table.of_ipa(row) for row in rows] for rows in ipa_of_words(words, language)]
    return [tuple(dict.fromkeys(tuple(table.classes(row)) for row in rows if row)) for rows in said]


def ways_of_tokens(tokens: Sequence[Token], language: str = "en") -> list[tuple[Row, ...]]:
    """The same of written words: their forms' words one after the other.

    >>> from genlock.speech.text import tokenize
    >>> [len(ways) for ways in ways_of_tokens(tokenize("2 —"))]
    [1, 0]
    """
    words = list(dict.fromkeys(word for token in tokens for form in token.forms for word in form))
    known = dict(zip(words, ways_of_words(words, language) if words else [], strict=True))
    return [_ways(token, known) for token in tokens]


def _ways(token: Token, known: dict[str, tuple[Row, ...]]) -> tuple[Row, ...]:
    found: dict[Row, None] = {}
    for form in token.forms:
        each = [known[word][: MOST_WAYS if len(form) == 1 else _EACH] for word in form]
        for rows in islice(product(*each), MOST_WAYS) if all(each) else ():
            found[tuple(phone for row in rows for phone in row)] = None
    return tuple(islice(found, MOST_WAYS))
