"""What written words of other languages than English sound like: numbers, dates, times and money, by num2words."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from num2words import num2words

__all__ = ["forms_of_other"]

SpokenForm = tuple[str, ...]

_MOST_FORMS = 12
_STRIP = "\"'()[]{}<>.,;:!?¿¡-*_~|♪«»„“”‚‘…、。！？「」『』（）،؛؟।"
#: Longer rows of digits are said one by one.
_LONGEST_NUMBER = 15
# Languages that write a point where English writes a comma, and the other way round, are all but these.
_ENGLISH_POINTS = frozenset(
    {"zh", "yue", "ja", "ko", "th", "he", "hi", "ur", "bn", "ta", "te", "ml", "kn", "pa", "cy", "ms", "sw"}
)
# num2words names a few languages in another way.
_NAMES = {"cs": "cz", "da": "dk", "nb": "no", "nn": "no", "uk": "uk", "pt": "pt_BR"}


def forms_of_other(word: str, after: str, language: str) -> tuple[SpokenForm, ...]:
    """Ways to speak a written word, the likeliest first; empty if it is not spoken.

    Parameters
    ----------
    word : as written
    after : the word that follows it
    language : ISO 639-1; where num2words does not know it, digits stay as they are

    Examples
    --------
    >>> forms_of_other("21", "", "de")[0], forms_of_other("3,5", "", "fr")[0]
    (('einundzwanzig',), ('trois', 'virgule', 'cinq'))
    >>> forms_of_other("l'heure", "", "fr"), forms_of_other("50%", "", "es")[0]
    ((("l'heure",),), ('cincuenta', 'por', 'ciento'))
    """
    core = _plain(word).strip(_STRIP)
    if core in _signs(language):
        return _rows([_signs(language)[core]])
    if not any(c.isalnum() for c in core):
        return ()
    if not any(c.isdigit() for c in core):
        return _letters(core, language)
    for rule in (_clock, _date, _money, _ordinal, _number):
        found = rule(core, language)
        if found:
            return _rows([*found, " ".join(c for c in core if c.isalnum())])
    return _mixed(core, language)


def _plain(word: str) -> str:
    """Composed letters, plain apostrophes, ASCII digits."""
    text = unicodedata.normalize("NFC", word).replace("’", "'").replace("ʼ", "'")
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _rows(candidates: Iterable[str]) -> tuple[SpokenForm, ...]:
    rows = (tuple(re.sub(r"[-\u00ad,]", " ", text).split()) for text in candidates)
    return tuple(dict.fromkeys(row for row in rows if row))[:_MOST_FORMS]


def _letters(core: str, language: str) -> tuple[SpokenForm, ...]:
    """A word; its abbreviation spoken out; compounds with a hyphen in their parts."""
    whole = core.lower()
    known = _table("abbreviations", language).get(whole.rstrip("."))
    parts = re.sub(r"[^\w']+", " ", whole)
    return _rows([*([known] if known else []), parts.replace("_", " ")])


def _say(value: int | str, language: str, to: str = "cardinal") -> str | None:
    """What num2words says; None if it does not know the language, or the number in it."""
    try:
        said: Any = num2words(value, lang=_NAMES.get(language, language), to=to)
    except Exception:  # noqa: BLE001 - each of its languages fails in its own way; the digits are left as they are
        return None
    return str(said).lower()


def _all(parts: Sequence[str | None]) -> list[str]:
    """The parts as one text, or nothing if one of them cannot be said."""
    return [] if any(part is None for part in parts) else [" ".join(str(part) for part in parts if part)]


def _number(core: str, language: str) -> list[str]:
    match = re.fullmatch(r"([+-]?)(\d[\d.,' ]*)\s?([%‰°]?)", core)
    if not match:
        return []
    sign = {"-": _signs(language).get("-"), "+": _signs(language).get("+"), "": ""}[match[1]]
    unit = _signs(language).get(match[3], "") if match[3] else ""
    return [row for said in _values(match[2], language) for row in _all([sign, said, unit])]


def _values(digits: str, language: str) -> Iterator[str]:
    """Ways to read digits with points and commas, as the language writes them."""
    point, thousands = (".", ",") if language in _ENGLISH_POINTS else (",", ".")
    bare = re.sub(rf"(?<=\d)[{re.escape(thousands)}' ](?=\d{{3}}(?!\d))", "", digits).rstrip(".,")
    whole, mark, rest = bare.partition(point)
    if not mark:
        whole, mark, rest = bare.partition(thousands)
    if not whole.isdigit() or (mark and not rest.isdigit()):
        each = [
            _say(int(part), language) for part in re.findall(r"\d+", digits) if len(part) <= _LONGEST_NUMBER
        ]
        yield from _all(each)
        return
    if len(whole) <= _LONGEST_NUMBER:
        said = _say(int(whole), language)
        if said is None:
            return
        if not mark:
            yield said
            if len(whole) == 4 and whole[0] == "1":
                year = _say(int(whole), language, "year")
                yield from [year] if year else []
        else:
            comma = _table("points", language).get("point", "")
            after = _say(int(rest), language) if rest[0] != "0" else None
            one_by_one = " ".join(str(_say(int(d), language)) for d in rest)
            yield from (f"{said} {comma} {end}" for end in dict.fromkeys([after or one_by_one, one_by_one]))
    yield from _all([_say(int(d), language) for d in re.sub(r"\D", "", digits)])


def _clock(core: str, language: str) -> list[str]:
    match = re.fullmatch(r"(\d{1,2})[:h](\d\d)", core)
    if not match:
        return []
    hour, minute = _say(int(match[1]), language), _say(int(match[2]), language)
    oclock = _table("points", language).get("hour", "")
    if not int(match[2]):
        return _all([hour, oclock]) + _all([hour])
    return _all([hour, oclock, minute]) + _all([hour, minute])


def _date(core: str, language: str) -> list[str]:
    match = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", core)
    turned = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", core)
    if turned:
        year, month, day = turned[1], turned[2], turned[3]
    elif match:
        day, month, year = match[1], match[2], match[3]
    else:
        return []
    months = _table("points", language).get("months", "").split()
    if not 1 <= int(month) <= 12:
        return []
    name = months[int(month) - 1] if len(months) == 12 else _say(int(month), language)
    said = [_say(int(day), language, "ordinal"), _say(int(day), language)]
    return [row for each in said for row in _all([each, name, _say(int(year), language)])]


def _money(core: str, language: str) -> list[str]:
    match = re.fullmatch(r"([$£€¥])\s?(\d[\d.,]*)", core) or re.fullmatch(r"(\d[\d.,]*)\s?([$£€¥])", core)
    if not match:
        return []
    sign, amount = (match[1], match[2]) if match[1] in "$£€¥" else (match[2], match[1])
    name = _signs(language).get(sign, "")
    whole = re.fullmatch(r"(\d+)[.,](\d\d)", amount)
    if whole:
        units, coins = _say(int(whole[1]), language), _say(int(whole[2]), language)
        return _all([units, name, coins]) + [f"{said} {name}" for said in _values(amount, language)]
    return [f"{said} {name}".strip() for said in _values(amount, language)]


def _ordinal(core: str, language: str) -> list[str]:
    """``1er``, ``3º``, ``2ª``, ``2e``, ``1-й``."""
    match = re.fullmatch(r"(\d{1,4})-?(er|re|e|ème|º|ª|°|й|я|го|de|ste|:a|:e)\.?", core)
    if not match:
        return []
    return _all([_say(int(match[1]), language, "ordinal")]) + _all([_say(int(match[1]), language)])


def _mixed(core: str, language: str) -> tuple[SpokenForm, ...]:
    """Letters and digits side by side: each spoken for itself."""
    parts = re.findall(r"\d+|[^\W\d_]+", core)
    said = [
        (_say(int(part), language) or part)
        if part.isdigit() and len(part) <= _LONGEST_NUMBER
        else part.lower()
        for part in parts
    ]
    return _rows([" ".join(said), " ".join(part.lower() for part in parts)])


def _signs(language: str) -> dict[str, str]:
    return _table("signs", language)


@cache
def _tables() -> dict[str, Any]:
    with open(Path(__file__).with_name("other_numbers.toml"), "rb") as stream:
        return tomllib.load(stream)


def _table(name: str, language: str) -> dict[str, str]:
    found: dict[str, str] = _tables().get(language, {}).get(name, {})
    return found
