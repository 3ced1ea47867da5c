"""Any script in Roman letters, by the package uroman, for models that know no others."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from genlock.core.optional import not_installed

__all__ = ["bare_letters", "roman_letters"]


def roman_letters(word: str) -> str:
    """A word in the letters a to z and the apostrophe, which are all that the models of MMS know.

    >>> roman_letters("Grün"), roman_letters("L'Œuvre")
    ('grun', "l'oeuvre")

    Raises
    ------
    MissingDependency
        If the word has other letters, and uroman is not installed.
    """
    bare = "".join(bare_letters(c) for c in word.replace("’", "'"))
    # The package's tables take ten seconds to read: letters that only bear marks do without.
    return _kept(bare if bare.isascii() else str(_uroman().romanize_string(word)))


_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}


def bare_letters(character: str) -> str:
    """A letter without its marks, or the letters that it is made of.

    >>> bare_letters("é"), bare_letters("ß"), bare_letters("æ")
    ('e', 'ss', 'ae')
    """
    plain = _LETTERS.get(character.lower(), character.lower())
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))


def _kept(text: str) -> str:
    return re.sub(r"[^a-z']", "", text.lower().replace("’", "'"))


@lru_cache(maxsize=1)
def _uroman() -> Any:
    try:
        import uroman  # optional, and its tables take a second to read
    except ImportError as error:
        raise not_installed("uroman", "transliterating words of other scripts") from error
    return uroman.Uroman()
