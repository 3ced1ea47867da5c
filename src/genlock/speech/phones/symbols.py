"""The phones that a model of ours tells apart, and how IPA and the English dictionary's phones come to them."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from genlock.core.errors import InputError

__all__ = ["OTHER", "PAUSE", "PhoneTable", "phone_table"]

#: What stands for silence, and for sound that is no phone: breath, clicks, noise.
PAUSE, OTHER = "pause", "other"


@dataclass(frozen=True)
class PhoneTable:
    """The symbols, and what else is read as them.

    >>> table = phone_table()
    >>> len(table.symbols), table.symbols[:2]
    (62, ('pause', 'other'))
    >>> table.of_ipa("tʲˈɔlʲkə"), table.of_arpabet(("W", "AH", "N"))
    (('t', 'ɔ', 'l', 'k', 'ə'), ('w', 'ʌ', 'n'))
    """

    symbols: tuple[str, ...]
    """Silence and other sound first, then the phones; the place of a symbol is its class."""
    ipa: Mapping[str, tuple[str, ...]]
    """Parts of words in IPA, decomposed, and the phones that are heard there."""
    arpabet: Mapping[str, str]
    """The phones of the English dictionary."""
    alike: Mapping[str, tuple[str, ...]]
    """What a phone may be taken for by whoever never heard it."""

    def of_ipa(self, written: str) -> tuple[str, ...]:
        """The phones of a word in IPA, as espeak-ng writes it; what no table knows is left out.

        >>> phone_table().of_ipa("lˈɪst"), phone_table().of_ipa("ʈʰʈʰ☃"), phone_table().of_ipa("bɔ̃ʒˈuʁ")
        (('l', 'ɪ', 's', 't'), ('t', 't'), ('b', 'ɔ̃', 'ʒ', 'u', 'ʁ'))
        """
        text = unicodedata.normalize("NFD", written)
        found: list[str] = []
        at = 0
        while at < len(text):
            length = next((n for n in range(4, 0, -1) if text[at : at + n] in self.ipa), 0)
            if length:
                found += self.ipa[text[at : at + length]]
            at += max(length, 1)
        return tuple(found)

    def of_arpabet(self, phones: tuple[str, ...]) -> tuple[str, ...]:
        """The phones of a word in the notation of the English dictionary."""
        return tuple(self.arpabet[phone] for phone in phones)

    def classes(self, phones: tuple[str, ...]) -> list[int]:
        """The class of each phone.

        Raises InputError for one that is none of the symbols.
        """
        unknown = [phone for phone in phones if phone not in self.symbols]
        if unknown:
            raise InputError(f"{unknown[0]!r} is none of the {len(self.symbols)} phones; see symbols.toml")
        return [self.symbols.index(phone) for phone in phones]


@lru_cache(maxsize=1)
def phone_table() -> PhoneTable:
    """The table, read once."""
    data = tomllib.loads((files(__package__) / "symbols.toml").read_text(encoding="utf-8"))
    phones = [*data["vowels"], *data["consonants"]]
    ipa = {phone: (phone,) for phone in phones} | {
        heard: tuple(as_.split()) for heard, as_ in data["ipa"].items()
    }
    return PhoneTable(
        (PAUSE, OTHER, *phones),
        {unicodedata.normalize("NFD", key): value for key, value in ipa.items()},
        data["arpabet"],
        {phone: tuple(others.split()) for phone, others in data["alike"].items()},
    )
