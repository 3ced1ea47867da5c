"""What the writing of a language tells: which one it may be, and whether it puts spaces between words."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

__all__ = ["UNSPACED", "cut_unspaced", "joined_words", "language_of_text"]

#: Languages that are written without spaces between words.
UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km", "bo"})

# Letters of those languages, and the marks between them.
_NO_SPACE = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65"
    "\U00020000-\U0003ffff]"
)
# Scripts that one language, or few, are written in; the first word of a letter's Unicode name tells its script.
_SCRIPTS = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "BENGALI": "bn",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "DEVANAGARI": "hi",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "TIBETAN": "bo",
    "SINHALA": "si",
    "ETHIOPIC": "am",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
}
# Letters that only one of the languages of a script has.
_LETTERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ru": (("uk", "іїєґ"), ("be", "ў"), ("sr", "ђћџљњ"), ("mk", "ѓќѕ"), ("kk", "әғқңұһ")),
    "ar": (("ur", "ٹڈڑےں"), ("fa", "پچژگ")),
}
# So many common words tell a language, if it has this many times those of the next.
_LEAST_COMMON, _LEAD = 3, 1.5


def language_of_text(text: str) -> str | None:
    """The language that a text is written in, ISO 639-1; None where its letters and common words do not tell.

    Parameters
    ----------
    text : any text; a dozen words are enough, two or three may be too few

    Examples
    --------
    >>> language_of_text("Guten Tag, meine Damen und Herren. Der Zug nach München fährt heute von Gleis sieben ab.")
    'de'
    >>> language_of_text("Поезд отправляется сегодня"), language_of_text("Потяг відправляється сьогодні")
    ('ru', 'uk')
    >>> language_of_text("今日は晴れです"), language_of_text("tick tock")
    ('ja', None)
    """
    letters = Counter(_script(c) for c in text if c.isalpha())
    total = sum(letters.values())
    if not total:
        return None
    if letters["HIRAGANA"] + letters["KATAKANA"] > 0.1 * total:
        return "ja"
    script, count = letters.most_common(1)[0]
    if script != "LATIN":
        found = _SCRIPTS.get(script) if count > total / 2 else None
        lower = text.lower()
        closer = (language for language, own in _LETTERS.get(found or "", ()) if any(c in lower for c in own))
        return next(closer, found)
    return _by_common_words(text)


def cut_unspaced(text: str) -> list[str]:
    """The words of a text that puts no spaces: each letter with its marks; digits and Roman letters stay together.

    Punctuation stays with the letter before it.

    >>> cut_unspaced("今日は、iPhone 15です。"), cut_unspaced("สวัสดี")
    (['今', '日', 'は、', 'iPhone', '15', 'で', 'す。'], ['ส', 'วั', 'ส', 'ดี'])
    """
    words: list[str] = []
    for part in text.split():
        last = ""
        for character in part:
            runs = character.isascii() and character.isalnum() and last.isascii() and last.isalnum()
            if last and (runs or not character.isalnum()):
                words[-1] += character
            else:
                words.append(character)
            last = character
    return words


def joined_words(words: Sequence[str]) -> str:
    """Words as they are written: with a space between two, none beside letters of a script that puts no spaces.

    >>> joined_words(["今", "日", "は、", "iPhone", "15", "で", "す。"]), joined_words(["good", "day"])
    ('今日は、iPhone 15です。', 'good day')
    """
    text = "".join(f"{'' if _touches(before, word) else ' '}{word}" for before, word in pairwise(words))
    return f"{words[0] if words else ''}{text}"


def _touches(before: str, word: str) -> bool:
    """Whether two words stand side by side without a space."""
    return bool(_NO_SPACE.match(word) or _NO_SPACE.match(before[-1:]))


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split(" ")[0].split("-")[0]


def _by_common_words(text: str) -> str | None:
    words = re.findall(
        r"[^\W\d_]+(?:'[^\W\d_]+)?", unicodedata.normalize("NFC", text.lower()).replace("’", "'")
    )
    counts = Counter({language: sum(w in common for w in words) for language, common in _common().items()})
    (best, most), (_, second) = counts.most_common(2)
    return best if most >= max(_LEAST_COMMON, _LEAD * second) else None


@cache
def _common() -> Mapping[str, frozenset[str]]:
    with open(Path(__file__).with_name("common_words.toml"), "rb") as stream:
        return {language: frozenset(words.split()) for language, words in tomllib.load(stream).items()}
