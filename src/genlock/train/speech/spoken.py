"""Texts of a corpus as they are spoken: what a model is to write, in any alphabet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from genlock.speech.text import tokenize

__all__ = ["language_of", "spoken_or_reason", "spoken_text"]

_NOT_SPOKEN = re.compile(r"[\[({<]")
#: Share of texts with letters that English does not have, above which a corpus is not taken for English.
_OTHER_SHARE = 0.05
_JOINERS = "\u200b\u200c\u200d\ufeff\u00ad"


def spoken_text(text: str, language: str = "en") -> str | None:
    """A text as it is spoken: small letters of any alphabet, apostrophes and single spaces; None if it cannot be known.

    >>> spoken_text("Press 1, or dial 22!"), spoken_text("[ascending tones]")
    ('press one or dial twenty two', None)
    >>> spoken_text("Schöne Grüße, 22-mal!", "de"), spoken_text("Привет, мир", "")
    ('schöne grüße zweiundzwanzig mal', 'привет мир')
    """
    return spoken_or_reason(text, language)[0]


def spoken_or_reason(text: str, language: str = "en") -> tuple[str | None, str]:
    """:func:`spoken_text`, and why it cannot be known where it is None.

    Numbers and symbols take their first spoken form. A text with brackets describes a sound, and no words.

    Parameters
    ----------
    language : ISO 639-1: English has rules for numbers, symbols and abbreviations, other languages for whole numbers;
        empty: the letters as they are written, and no numbers
    """
    if _NOT_SPOKEN.search(text):
        return None, "its text has brackets: it describes a sound, and no words"
    # All in capitals it is written small: single words in capitals would be spelt out.
    plain = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
    words: list[str] = []
    for token in tokenize(_parted(plain) if language != "en" else plain, language or "und"):
        for word in token.forms[0] if token.forms else ():
            words += _letters(word.lower()).split()
    found = unicodedata.normalize("NFC", " ".join(words))
    silent = sorted({c for c in found if c.isnumeric() or unicodedata.category(c)[0] == "S"})
    if silent:
        return (
            None,
            f"its text has numbers or signs (--language says how they are spoken): {' '.join(silent[:3])}",
        )
    if not any(c.isalpha() for c in found):
        return None, "its text has no letter"
    return found, ""


def language_of(texts: Sequence[str]) -> str:
    """``en`` if nearly all texts are in English letters, else empty: not known.

    >>> language_of(["a café", *["tea"] * 30]), language_of(["schöne grüße", "das ist ein test"])
    ('en', '')
    """
    other = sum(any(c.isalpha() and not c.isascii() for c in text) for text in texts)
    return "en" if other <= _OTHER_SHARE * len(texts) else ""


def _parted(text: str) -> str:
    """Dashes and slashes part words."""
    return "".join(" " if c == "/" or unicodedata.category(c) == "Pd" else c for c in text)


def _letters(word: str) -> str:
    """Letters with their marks, apostrophes between them, and what cannot be spoken; the rest parts words."""
    kept = "".join(_kept(c) for c in word)
    return " ".join(part for part in (piece.strip("'") for piece in kept.split()) if part)


def _kept(character: str) -> str:
    if character in _JOINERS:
        return ""
    category = unicodedata.category(character)
    return character if character == "'" or category[0] in "LMNS" else " "
