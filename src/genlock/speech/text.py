"""What a written word sounds like: numbers, symbols, abbreviations and initials spoken out.

A text is cut at white space into words *as written*; each keeps its spelling, digits, symbols, case and
punctuation. Its spoken forms are alternatives, since only the sound can tell whether ``1984`` was a year or a
number: the aligner chooses. A spoken form is a row of plain words in lower case; a single capital letter
stands for the letter's name (``("U", "S")`` for ``U.S.``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from num2words import num2words

from genlock.speech.other_numbers import forms_of_other
from genlock.speech.scripts import UNSPACED, cut_unspaced
from genlock.speech.tables import (
    ABBREVIATIONS,
    CURRENCIES,
    DECADES,
    MONTHS,
    QUOTES,
    SCALE_WORDS,
    SCALES,
    SYMBOLS,
    UNITS,
)

__all__ = ["MAX_FORMS", "SpokenForm", "Token", "tokenize", "written_words"]

#: A row of plain words; a single capital letter is that letter's name.
SpokenForm = tuple[str, ...]

#: No written word gets more alternatives than this; the likelier ones come first.
MAX_FORMS = 12

NOTHING_TO_SAY = "nothing to say: it has neither letters nor digits"
NOT_SPEECH = "not speech: it stands in square brackets or between notes"

_QUOTES = str.maketrans(QUOTES)

_ROMAN = re.compile(r"(?=[IVXL]{2,})(XL|L?X{0,3})(IX|IV|V?I{0,3})")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_URL = re.compile(
    r"(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.[^\s@.]+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|ai|dev|co|uk|de|fr|eu|tv|me|info)(?:/\S*)?",
    re.I,
)
_STRIP = "\"'()[]{}<>.,;:!?¿¡-*_~|"


@dataclass(frozen=True)
class Token:
    """A word as written, and how it may be spoken.

    >>> [token.forms for token in tokenize("In 1984, ♪")]
    [(('in',),), (('nineteen', 'eighty', 'four'), ...), ()]
    """

    text: str
    """The word as written, with its punctuation."""
    forms: tuple[SpokenForm, ...]
    """Ways to speak it, the likeliest first; empty if it is not spoken."""
    reason: str | None = None
    """Why there is nothing to say; None if there are forms."""


def tokenize(text: str, language: str = "en") -> tuple[Token, ...]:
    """Cut a text at white space and say how each word may be spoken.

    Parameters
    ----------
    text : any text; its words come back as they are
    language : ISO 639-1. English has all rules; elsewhere numbers, dates, times and money are spoken out where
        num2words knows the language. Where no spaces are put each letter is a word.

    Examples
    --------
    >>> [t.forms[0] for t in tokenize("Dr. Smith paid $5.50 at 10:30")]
    [('doctor',), ('smith',), ('paid',), ('five', 'dollars', 'and', 'fifty', 'cents'), ('at',), ('ten',
    'thirty')]
    >>> tokenize("U.S.")[0].forms[0]
    ('U', 'S')
    """
    written = written_words(text, language)
    silent = _unspoken(written)
    tokens = []
    for place, word in enumerate(written):
        if silent[place]:
            tokens.append(Token(word, (), NOT_SPEECH))
            continue
        before = _normal(written[place - 1]) if place else ""
        after = _normal(written[place + 1]) if place + 1 < len(written) else ""
        forms = _english(word, before, after) if language == "en" else forms_of_other(word, after, language)
        tokens.append(Token(word, forms, None if forms else NOTHING_TO_SAY))
    return tuple(tokens)


def written_words(text: str, language: str = "en") -> list[str]:
    """The words of a text as they are written: cut at white space, or by letters where no spaces are put.

    >>> written_words("Hello there"), written_words("今日は", "ja")
    (['Hello', 'there'], ['今', '日', 'は'])
    """
    return cut_unspaced(text) if language in UNSPACED else text.split()


def _unspoken(written: Sequence[str]) -> list[bool]:
    """Which words stand in square brackets (``[Music]``, ``[laughs softly]``)."""
    silent, depth = [], 0
    closings = [w.count("]") for w in written]
    for place, word in enumerate(written):
        opens = word.count("[")
        # A bracket that is never closed hides nothing.
        depth += opens if sum(closings[place : place + 12]) >= opens else 0
        silent.append(depth > 0)
        depth = max(0, depth - closings[place])
    return silent


def _normal(word: str) -> str:
    """Composed letters, plain quotes and dashes, ASCII digits."""
    plain = unicodedata.normalize("NFC", word).translate(_QUOTES)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def _forms(candidates: Iterable[Sequence[str] | str]) -> tuple[SpokenForm, ...]:
    """Candidates as rows of words, without repeats and empty ones, at most MAX_FORMS."""
    rows = (
        tuple(c.split()) if isinstance(c, str) else tuple(w for part in c for w in part.split())
        for c in candidates
    )
    return tuple(dict.fromkeys(row for row in rows if row))[:MAX_FORMS]


def _english(word: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    whole = _normal(word)
    if whole in SYMBOLS:
        return _forms(SYMBOLS[whole])
    if _URL.fullmatch(whole.strip("()[]<>\"'.,;:!?")):
        return _forms([_address(whole.strip("()[]<>\"'.,;:!?"))])
    core = whole.rstrip(_STRIP).lstrip(_STRIP + "#")
    dotted = core + "." if whole.rstrip("\"')]},;:!?").endswith(".") else core
    if whole.startswith("'") and re.match(r"'\d0s\b", whole):
        core = core.lstrip("'")
    if not core:
        return _forms(SYMBOLS.get(whole.strip("\"'()[]{}.,;:!?-"), ()))
    for rule in (_abbreviated, _numeric, _initials):
        found = rule(core, dotted, before, after)
        if found:
            return _with_sign(whole, core, found)
    return _with_sign(whole, core, _pieces(core))


def _with_sign(whole: str, core: str, forms: tuple[SpokenForm, ...]) -> tuple[SpokenForm, ...]:
    """Put the sign that stood before a number in front: ``-5``, ``#1``, ``~20``, ``#tag``."""
    sign = whole[: whole.index(core)].strip("\"'()[]{}<.,;:!?")[-1:] if core in whole else ""
    spoken = {"-": ("minus", "negative"), "#": ("number", "hashtag"), "~": ("about",)}.get(sign, ())
    if spoken and core[0].isdigit():
        return _forms([*((name, *row) for name, row in product(spoken, forms[:4])), *forms[:4]])
    if sign == "#":
        return _forms([*(("hashtag", *row) for row in forms[:4]), *forms[:4]])
    return forms


# ---------------------------------------------------------------- abbreviations, initials, plain words


def _abbreviated(core: str, dotted: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    key = core.lower()
    if key in UNITS and re.fullmatch(_NUMBER, before.strip(_STRIP)):
        return _forms([*UNITS[key], *_plain_or_letters(core)])
    if key in ABBREVIATIONS and (
        dotted.endswith(".") or key in ("mr", "mrs", "dr", "vs", "ok", "aka", "w/", "w/o", "a.k.a")
    ):
        plain = [] if key in ("mr", "mrs", "dr", "w/", "w/o") else [key.replace(".", "")]
        return _forms([*ABBREVIATIONS[key], *plain])
    if key in SCALE_WORDS and before[:1] in CURRENCIES:
        plural = CURRENCIES[before[0]][1]
        return _forms([f"{key} {plural}", key])
    return ()


def _initials(core: str, dotted: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    """``U.S.``, ``U.S.A``, ``BBC``, ``NASA``, ``TVs``, ``Henry VIII``."""
    plural = re.search(r"'?s$", core) if len(core) > 2 else None
    bare = core[: plural.start()] if plural else core
    ending = "'s" if plural else ""
    if re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", bare) or (re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", core)):
        letters = [c.upper() for c in (bare if "." in bare else core) if c.isalpha()]
        return _forms([[*letters[:-1], letters[-1] + ending], bare.replace(".", "").lower() + ending])
    if not re.fullmatch(r"[A-Z][A-Z&]+", bare):
        return ()
    letters = [c if c != "&" else "and" for c in bare]
    spelled = [*letters[:-1], letters[-1] + ending]
    spoken = bare.lower().replace("&", " and ") + ending
    forms: list[Sequence[str] | str] = []
    value = _roman(bare)
    if value:
        forms += [f"the {_nth(value)}", _words(value)]
    looks_spoken = _has_vowel(bare) and len(bare) > 3 and "&" not in bare
    return _forms([*forms, *([spoken, spelled] if looks_spoken else [spelled, spoken])])


def _has_vowel(text: str) -> bool:
    return bool(re.search("[aeiouy]", text, re.I))


def _roman(text: str) -> int | None:
    if not _ROMAN.fullmatch(text):
        return None
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[c] for c in text]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _plain_or_letters(core: str) -> list[str]:
    return [core.lower(), " ".join(core.upper())]


def _pieces(core: str) -> tuple[SpokenForm, ...]:
    """Anything else: cut at symbols and between letters and digits, and speak the pieces."""
    parts = re.findall(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*'?|[^\w\s]|_", core)
    choices: list[tuple[SpokenForm, ...]] = []
    for place, part in enumerate(parts):
        if part[0].isdecimal():
            choices.append(_figures(part)[:4])
        elif part[0].isalpha():
            digits_beside = any(p[0].isdecimal() for p in parts[max(place - 1, 0) : place + 2])
            choices.append(_letters_or_word(part, len(parts) == 1, digits_beside))
        elif part in SYMBOLS and part not in "*_|~<>^\\" and 0 < place < len(parts) - 1:
            choices.append(_forms(SYMBOLS[part][:2]) + (((),) if part == "/" else ()))
        elif part == "#" and place:
            choices.append(_forms(["sharp", "hash"]))
        elif part in SYMBOLS and part in "%+=°™&":
            choices.append(_forms(SYMBOLS[part][:1]))
    joined = [tuple(w for row in rows for w in row) for rows in _first_products(choices)]
    if "-" in core and re.fullmatch(r"[^\W\d_]+(?:-[^\W\d_]+)+", core):
        joined.insert(1, (core.lower().replace("-", ""),))
    return tuple(dict.fromkeys(row for row in joined if row))[:MAX_FORMS]


def _figures(part: str) -> tuple[SpokenForm, ...]:
    """Digits with commas and points between them: a number, or a row of numbers (a version, an address).

    >>> [" ".join(form) for form in _figures("2.1.3")[:2]], " ".join(_figures("1.000.000")[0])
    (['two point one point three', 'two dot one dot three'], 'one million')
    >>> [" ".join(form) for form in _figures("10.0.0.12")[1:2]]
    ['one zero dot zero dot zero dot one two']
    """
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", part):  # thousands, as most of Europe writes them
        return _large_first(_cardinal_forms(part.replace(".", "")))
    figures = part.replace(",", "")
    if figures.count(".") < 2:
        return _cardinal_forms(figures)
    numbers = figures.split(".")
    said = [" ".join(_cardinal_forms(number)[0]) for number in numbers]
    digits = [_digits(number, "zero") for number in numbers]
    rows = [("point", said), ("dot", digits), ("dot", said), ("point", digits)]
    return _forms([*(f" {sign} ".join(row) for sign, row in rows), said])


def _first_products(choices: Sequence[Sequence[SpokenForm]]) -> list[tuple[SpokenForm, ...]]:
    """Some combinations, the first choices first, without making them all."""
    kept = [list(c) for c in choices]
    while len(kept) > 0 and _size(kept) > 4 * MAX_FORMS:
        longest = max(kept, key=len)
        longest.pop()
    return list(product(*kept)) if kept else []


def _size(choices: Sequence[Sequence[SpokenForm]]) -> int:
    total = 1
    for choice in choices:
        total *= len(choice)
    return total


def _letters_or_word(part: str, alone: bool, digits_beside: bool) -> tuple[SpokenForm, ...]:
    lower = part.lower()
    if len(part) == 1:
        # "a" and "I" are words too; a letter alone is its name.
        return (
            ((lower,), (part.upper(),))
            if lower == "a"
            else ((part.upper(),),)
            if part.isascii()
            else ((lower,),)
        )
    if (
        not alone
        and part.isalpha()
        and part.isascii()
        and (part.isupper() or (digits_beside and len(part) <= 3))
    ):
        spelled = tuple(part.upper())
        is_word = part.islower() or (len(part) > 3 and _has_vowel(part))
        return ((lower,), spelled) if is_word else (spelled, (lower,))
    return ((lower,),)


def _address(text: str) -> list[str]:
    """URLs and mail addresses: their dots, slashes and signs are spoken."""
    text = re.sub(r"^https?://", "", text, flags=re.I).rstrip("/")
    names = {
        ".": "dot",
        "@": "at",
        "/": "slash",
        "-": "dash",
        "_": "underscore",
        ":": "colon",
        "?": "question mark",
        "=": "equals",
        "#": "hash",
        "&": "and",
        "+": "plus",
        "%": "percent",
        "~": "tilde",
    }
    spoken = []
    for part in re.findall(r"[A-Za-z']+|\d+|[^\w\s]|_", text):
        if part.isdigit():
            spoken.append(_words(int(part)) if len(part) < 3 else _digits(part, "zero"))
        elif part[0].isalpha():
            short = part.lower() in ("www", "uk", "tv", "io", "ai", "eu", "de", "fr", "edu") or len(part) == 1
            spoken.append(" ".join(part.upper()) if short else part.lower())
        elif part in names:
            spoken.append(names[part])
    return spoken


# ---------------------------------------------------------------- numbers


def _numeric(core: str, dotted: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    for rule in (_money, _clock, _date, _ordinal, _decade, _fraction, _range, _measured, _number):
        found = rule(core, before, after)
        if found:
            return found
    return ()


def _words(value: int | float | str) -> str:
    return str(num2words(value)).replace(",", "").replace("-", " ")


def _nth(value: int) -> str:
    return str(num2words(value, to="ordinal")).replace(",", "").replace("-", " ")


def _decimal(text: str) -> str:
    whole, _, digits = text.replace(",", "").partition(".")
    spoken = _words(int(whole)) if whole else "zero"
    return f"{spoken} point {' '.join(_words(int(d)) for d in digits)}" if digits else spoken


def _cardinal_forms(text: str) -> tuple[SpokenForm, ...]:
    """The likelier ways to say a number; ``text`` has no commas."""
    if "." in text:
        spoken = _decimal(text)
        return _forms([spoken, spoken.replace("zero point", "point"), spoken.replace("zero", "oh")])
    if len(text) > 18:
        return _forms([_digits(text, "zero"), _digits(text, "oh")])
    value = int(text)
    full = _words(value)
    forms = [full, full.replace(" and ", " ")]
    if 100 <= value <= 199 or 1000 <= value <= 1999:
        forms.append(re.sub(r"^one ", "a ", full))
    if len(text) == 4:
        pairs = _pairs(text)
        forms = [*pairs, *forms] if 1100 <= value <= 2099 else [*forms, *pairs]
    elif len(text) == 3 and value >= 100:
        forms.append(f"{_words(value // 100)} {_two_digits(text[1:], 'oh')}")
    if len(text) > 1:
        digits = [_digits(text, "oh"), _digits(text, "zero")]
        forms = [*digits, *forms] if text[0] == "0" or len(text) > 6 else [*forms, *digits]
    return _forms(forms) if value else _forms(["zero", "oh", "O"])


def _digits(text: str, zero: str) -> str:
    return " ".join(zero if d == "0" else _words(int(d)) for d in text)


def _two_digits(text: str, zero: str) -> str:
    return f"{zero} {_words(int(text[1]))}" if text[0] == "0" else _words(int(text))


def _pairs(text: str) -> list[str]:
    """Four digits in twos, as years and prices are said."""
    high, low = text[:2], text[2:]
    if low == "00":
        return [f"{_words(int(high))} hundred"] if high[1] != "0" and high[0] != "0" else [_words(int(text))]
    if text.startswith("200"):
        return [
            f"two thousand and {_words(int(low))}",
            f"two thousand {_words(int(low))}",
            f"twenty {_two_digits(low, 'oh')}",
        ]
    if text.startswith("20"):
        return [
            f"twenty {_words(int(low))}",
            f"two thousand {_words(int(low))}",
            f"two thousand and {_words(int(low))}",
        ]
    if high[0] == "0":
        return [f"oh {_words(int(high[1]))} {_two_digits(low, 'oh')}"]
    return [
        f"{_words(int(high))} {_two_digits(low, 'oh')}",
        f"{_words(int(high))} hundred and {_words(int(low))}",
    ]


def _number(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    if not re.fullmatch(_NUMBER, core):
        return ()
    forms = _cardinal_forms(core.replace(",", ""))
    return _large_first(forms) if "," in core else forms  # a year has no comma


def _large_first(forms: tuple[SpokenForm, ...]) -> tuple[SpokenForm, ...]:
    """Numbers that are said whole first, those said digit by digit or in pairs last."""
    return tuple(sorted(forms, key=lambda row: not {"hundred", "thousand", "million", "billion"} & set(row)))


def _money(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(rf"(US\$|[$£€¥₹])({_NUMBER})(k|mn?|mm|bn?|tn?)?", core, re.I) or None
    trailing = re.fullmatch(rf"({_NUMBER})([€£¥₹$¢])", core)
    if match:
        sign, amount, scale = match[1].upper(), match[2], (match[3] or "").lower()
    elif trailing:
        amount, sign, scale = trailing[1], trailing[2], ""
    else:
        return ()
    one, many, cent, cents = CURRENCIES[sign]
    amount = amount.replace(",", "")
    if scale:
        return _forms([f"{_decimal(amount)} {SCALES[scale]} {many}", f"{_decimal(amount)} {SCALES[scale]}"])
    if after.strip(_STRIP).lower() in SCALE_WORDS:
        return _forms([_decimal(amount), f"{_decimal(amount)} {many}"])
    whole, _, small = amount.partition(".")
    units = int(whole or 0)
    main = f"{_words(units)} {one if units == 1 else many}"
    if len(small) != 2 or not cent:
        if small:
            return _forms([f"{_decimal(amount)} {many}", _decimal(amount)])
        rest = [f"a {one}"] if units == 1 else [" ".join(f) + f" {many}" for f in _cardinal_forms(whole)[:4]]
        return _forms([main, main.replace(" and ", " "), *rest, _words(units)])
    if not int(small):
        return _forms([main, _words(units)])
    coins = f"{_words(int(small))} {cent if int(small) == 1 else cents}"
    if not units:
        return _forms([coins, f"zero {many} and {coins}"])
    bare = _two_digits(small, "oh")
    return _forms(
        [
            f"{main} and {coins}",
            f"{main} {coins}",
            f"{main} {bare}",
            f"{_words(units)} {bare}",
            f"{_decimal(amount)} {many}",
        ]
    )


def _clock(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s?([ap]\.?m\.?)?", core, re.I)
    hour_only = re.fullmatch(r"(\d{1,2})([ap]\.?m\.?)", core, re.I)
    if hour_only:
        return _forms([f"{_words(int(hour_only[1]))} {hour_only[2][0].upper()} M"])
    if not match:
        return ()
    hour, minute = int(match[1]), match[2]
    noon = f" {match[4][0].upper()} M" if match[4] else ""
    if match[3]:
        return _forms([f"{_words(hour)} {_two_digits(minute, 'oh')} {_two_digits(match[3], 'oh')}"])
    if minute == "00":
        forms = [
            f"{_words(hour)} o'clock",
            _words(hour),
            f"{_words(hour)} hundred",
            f"{_words(hour)} hundred hours",
        ]
        return _forms([f"{_words(hour)}{noon}", f"{_words(hour)} o'clock{noon}"] if noon else forms)
    this, following = _words(hour), _words(hour % 12 + 1)
    past = {
        "15": [f"quarter past {this}", f"a quarter past {this}"],
        "30": [f"half past {this}"],
        "45": [f"quarter to {following}", f"a quarter to {following}"],
    }
    plain = [f"{this} {_two_digits(minute, zero)}{noon}" for zero in ("oh", "zero")]
    ratio = f"{this} to {_words(int(minute))}"
    return _forms([*plain, *past.get(minute, []), ratio])


def _date(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    """``12/25/2026``, ``25.12.2026``, ``2026-12-25``."""
    match = re.fullmatch(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{2,4})", core)
    if not match:
        return ()
    first, second, third = match[1], match[3], match[4]
    orders = [(third, second, first)] if len(first) == 4 else [(second, first, third), (first, second, third)]
    forms: list[Sequence[str]] = []
    for day, month, year in orders:
        if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
            continue
        said = " ".join(_cardinal_forms(year)[0])
        name, nth = MONTHS[int(month) - 1], _nth(int(day))
        forms += [
            [name, nth, said],
            ["the", nth, "of", name, said],
            [nth, name, said],
            [name, _words(int(day)), said],
        ]
    numbers = [" ".join(_cardinal_forms(part)[0]) for part in (first, second, third)]
    sign = {"/": "slash", ".": "dot", "-": "dash"}[match[2]]
    return _forms([*forms, numbers, [numbers[0], sign, numbers[1], sign, numbers[2]]])


def _ordinal(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d{1,9})(st|nd|rd|th)", core, re.I)
    if not match:
        return ()
    spoken = _nth(int(match[1].replace(",", "")))
    return _forms([spoken, spoken.replace(" and ", " ")])


def _decade(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(r"'?(\d\d)?(\d0)'?s", core)
    if not match:
        return ()
    tens = DECADES[match[2]]
    if not match[1]:
        return _forms([tens])
    if match[2] == "00" and match[1].endswith("0"):
        return _forms([f"{_words(int(match[1]) * 100)}s"])
    return _forms([f"{_words(int(match[1]))} {tens}", tens])


def _fraction(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(r"(\d{1,3})/(\d{1,3})", core)
    if not match or int(match[2]) == 0:
        return ()
    top, bottom = int(match[1]), int(match[2])
    part = {2: "half", 4: "quarter"}.get(bottom, _nth(bottom))
    several = {"half": "halves"}.get(part, part + "s")
    forms = [f"{_words(top)} {part if top == 1 else several}"]
    if bottom == 4:
        forms.append(f"{_words(top)} {'fourth' if top == 1 else 'fourths'}")
    if top == 1:
        forms.append(f"a {part}")
    plain = f"{_words(top)} {_words(bottom)}"
    return _forms(
        [
            *forms,
            plain.replace(" ", " over ", 1),
            f"{_words(top)} slash {_words(bottom)}",
            f"{_words(top)} out of {_words(bottom)}",
            plain,
        ]
    )


def _range(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(r"(\d+)-(\d+)(%?)", core)
    if not match:
        return ()
    unit = " percent" if match[3] else ""
    low, high = (" ".join(_cardinal_forms(part)[0]) for part in (match[1], match[2]))
    digits = f"{_digits(match[1], 'oh')} {_digits(match[2], 'oh')}"
    return _forms(
        [f"{low} to {high}{unit}", f"{low} {high}{unit}", f"{low} dash {high}", f"{low} minus {high}", digits]
    )


def _measured(core: str, before: str, after: str) -> tuple[SpokenForm, ...]:
    match = re.fullmatch(rf"([+-]?)({_NUMBER})-?([A-Za-z°%²/]+)", core)
    if not match or match[3].lower() not in UNITS | SCALES:
        return ()
    amount = match[2].replace(",", "")
    unit = match[3].lower()
    names = list(UNITS.get(unit, ()))
    if unit in SCALES:
        names.append(SCALES[unit])
    letters = " ".join(c for c in match[3].upper() if c.isalpha())
    names += [letters] if letters and letters not in names else []
    if amount == "1":
        names = [*names[1:2], *names[:1], *names[2:]]
    return _forms(
        [f"{' '.join(number)} {name}" for name, number in product(names, _cardinal_forms(amount)[:3])]
    )
