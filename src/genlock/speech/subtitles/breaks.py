"""How good it is to break a text between two words: after a sentence best, inside of a name or a number never."""

from __future__ import annotations

import re

from genlock.speech.subtitles.lead_words import LEADING, LEADING_ABBREVIATIONS, OPENING
from genlock.speech.tables import SCALE_WORDS, UNITS

__all__ = ["break_cost", "ends_sentence"]

_CLOSERS = "\"'”’»)]}"
_STOPS = (".", "?", "!", "…", "。", "！", "？", "؟", "।")
_NEVER, _BAD, _PLAIN, _GOOD, _CLAUSE, _SENTENCE = 12.0, 4.0, 2.0, 1.0, 0.5, 0.0


def ends_sentence(word: str, following: str | None) -> bool:
    """Whether a sentence ends with a word; the point of an abbreviation or an initial ends none.

    >>> ends_sentence("said.", "Then"), ends_sentence("U.S.", "Supreme"), ends_sentence("v.", "Board")
    (True, False, False)
    """
    bare = word.rstrip(_CLOSERS)
    if not bare.endswith(_STOPS):
        return False
    if following is None or not bare.endswith(".") or bare.endswith(".."):
        return True
    stem = bare[:-1].lower().lstrip("\"'“‘«([")
    if stem in LEADING_ABBREVIATIONS or re.fullmatch(r"(?:[^\W\d]\.)*[^\W\d]", stem):
        return False
    if stem in {"no", "nos"} and following[:1].isdigit():
        return False
    return not following[:1].islower()


def break_cost(word: str, following: str, language: str = "en") -> float:
    """What a break between two neighbours costs, 0 (after a sentence) to 12 (never).

    >>> sentence, clause, name = ("said.", "Then"), ("said,", "then"), ("U.S.", "Supreme")
    >>> break_cost(*sentence) < break_cost(*clause) < break_cost("he", "said") < break_cost(*name)
    True
    """
    if ends_sentence(word, following):
        return _SENTENCE
    bare = word.rstrip(_CLOSERS)
    if bare.endswith((",", ";", ":", "—", "–", "，", "、", "；", "：")):
        return _CLAUSE if following[:1] != "—" else _GOOD
    if bare.endswith(".") or _one_number(bare, following) or _one_name(bare, following):
        return _NEVER
    if bare[-1:].isdigit():
        return _BAD
    low, next_low = bare.lower().strip("\"'“‘«(["), following.lower().strip("\"'“‘«([,.;:?!")
    language = language.split("-")[0]
    if low in LEADING.get(language, ()):
        return _BAD
    return _GOOD if next_low in OPENING.get(language, ()) else _PLAIN


def _one_number(word: str, following: str) -> bool:
    """The parts of a number, and a number with its unit."""
    if not word[-1:].isdigit():
        return following[:1].isdigit() and word.lower() in {
            "no",
            "nr",
            "page",
            "chapter",
            "number",
            "$",
            "€",
            "£",
        }
    after = following.strip(".,;:?!\"'").lower()
    return following[:1].isdigit() or after in SCALE_WORDS or (after in UNITS and len(after) < 4)


def _one_name(word: str, following: str) -> bool:
    """Two capitalised words side by side; a word in capitals alone is no name."""
    first, second = word.lstrip("\"'“‘«(["), following.lstrip("\"'“‘«([")
    return (
        first[:1].isupper()
        and second[:1].isupper()
        and len(first) > 1
        and not (first.isupper() and second.isupper())
    )
