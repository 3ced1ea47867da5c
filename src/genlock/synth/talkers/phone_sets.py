"""The phone sets of the engines, and what each of their symbols is in ARPABET."""

from __future__ import annotations

import unicodedata

from genlock.synth.voice.phones import PHONES
from genlock.synth.voice.phones import SILENCE as PAUSE

__all__ = ["ARPABET", "SILENCE", "STOPS", "VOICELESS_STOPS", "VOWELS", "from_flite", "from_ipa"]

#: The label of silence.
SILENCE = "sil"

#: The phones of the CMU dictionary, without stress.
ARPABET = frozenset(PHONES) - {PAUSE}

#: What shuts the mouth and opens it with a burst.
STOPS = frozenset(["P", "T", "K", "B", "D", "G", "CH", "JH"])

VOICELESS_STOPS = frozenset(["P", "T", "K", "CH"])

VOWELS = frozenset(name for name, phone in PHONES.items() if phone.kind == "vowel")

#: Symbols of the International Phonetic Alphabet. What English lacks is told by the English phone whose mouth is
#: nearest: front rounded vowels by UW, other r sounds by R.
_IPA = {
    # vowels
    **dict.fromkeys(["i", "ɨ"], "IY"),
    **dict.fromkeys(["ɪ", "ᵻ", "ɘ", "ɩ"], "IH"),
    **dict.fromkeys(["ɛ", "e", "ɜ", "œ", "ɞ"], "EH"),
    **dict.fromkeys(["æ"], "AE"),
    **dict.fromkeys(["ɑ", "ɒ", "a"], "AA"),
    **dict.fromkeys(["ɔ", "o"], "AO"),
    **dict.fromkeys(["ə", "ʌ", "ɐ", "ɵ", "ɤ", "ᵊ", "ø"], "AH"),
    **dict.fromkeys(["ʊ", "ʏ"], "UH"),
    **dict.fromkeys(["u", "y", "ʉ", "ɯ"], "UW"),
    **dict.fromkeys(["ɚ", "ɝ", "ɜː"], "ER"),
    **dict.fromkeys(["eɪ", "ei", "ɛɪ", "æɪ"], "EY"),
    **dict.fromkeys(["aɪ", "ai", "ɑɪ", "ʌɪ", "ɐɪ"], "AY"),
    **dict.fromkeys(["ɔɪ", "oɪ", "ɔø", "oi", "ɔy", "ɔʏ"], "OY"),
    **dict.fromkeys(["oʊ", "əʊ", "ou", "ɔʊ", "ɐʊ", "əu"], "OW"),
    **dict.fromkeys(["aʊ", "au", "æʊ", "ɑʊ"], "AW"),
    # vowels with an r, or two in a row
    **dict.fromkeys(["ɑːɹ", "ɑɹ"], "AA R"),
    **dict.fromkeys(["ɔːɹ", "ɔɹ", "oːɹ", "oɹ"], "AO R"),
    **dict.fromkeys(["ɛɹ", "eɹ"], "EH R"),
    **dict.fromkeys(["ɪɹ", "iɹ", "iːɹ"], "IH R"),
    **dict.fromkeys(["ʊɹ", "uɹ"], "UH R"),
    **dict.fromkeys(["ɪə", "iə"], "IY AH"),
    **dict.fromkeys(["eə", "ɛə"], "EH AH"),
    **dict.fromkeys(["ʊə", "uə"], "UH AH"),
    **dict.fromkeys(["aɪə"], "AY AH"),
    **dict.fromkeys(["aɪɚ"], "AY ER"),
    **dict.fromkeys(["aʊə", "aʊɚ"], "AW ER"),
    **dict.fromkeys(["əl"], "AH L"),
    **dict.fromkeys(["ən"], "AH N"),
    **dict.fromkeys(["əm"], "AH M"),
    # consonants
    **dict.fromkeys(["p", "ɸ"], "P"),
    **dict.fromkeys(["b"], "B"),
    **dict.fromkeys(["t", "ʈ", "ʔ", "ɾ"], "T"),
    **dict.fromkeys(["d", "ɖ"], "D"),
    **dict.fromkeys(["k", "c", "q"], "K"),
    **dict.fromkeys(["ɡ", "g", "ɟ", "ɢ"], "G"),
    **dict.fromkeys(["tʃ", "ʧ", "tɕ", "tʂ", "ʨ"], "CH"),
    **dict.fromkeys(["dʒ", "ʤ", "dʑ", "dʐ", "ʥ"], "JH"),
    **dict.fromkeys(["ts", "ʦ"], "T S"),
    **dict.fromkeys(["dz", "ʣ"], "D Z"),
    **dict.fromkeys(["pf"], "P F"),
    **dict.fromkeys(["f"], "F"),
    **dict.fromkeys(["v", "ʋ", "β"], "V"),
    **dict.fromkeys(["θ"], "TH"),
    **dict.fromkeys(["ð"], "DH"),
    **dict.fromkeys(["s"], "S"),
    **dict.fromkeys(["z"], "Z"),
    **dict.fromkeys(["ʃ", "ɕ", "ʂ"], "SH"),
    **dict.fromkeys(["ʒ", "ʑ", "ʐ"], "ZH"),
    **dict.fromkeys(["h", "ɦ", "x", "χ", "ç", "ħ", "ɣ"], "HH"),
    **dict.fromkeys(["m", "ɱ"], "M"),
    **dict.fromkeys(["n", "ɲ", "ɳ"], "N"),
    **dict.fromkeys(["ŋ", "ɴ"], "NG"),
    **dict.fromkeys(["l", "ɫ", "ʎ", "ɭ", "ɬ", "ɮ"], "L"),
    **dict.fromkeys(["ɹ", "r", "ʁ", "ʀ", "ɻ", "ɽ"], "R"),
    **dict.fromkeys(["w", "ʍ", "ɥ"], "W"),
    **dict.fromkeys(["j", "ʝ"], "Y"),
}
_IPA_PHONES = {symbol: tuple(phones.split()) for symbol, phones in _IPA.items()}
_LONGEST = max(map(len, _IPA_PHONES))

_FLITE = {"AX": "AH", "PAU": SILENCE, "BRTH": SILENCE, "H#": SILENCE, "SSIL": SILENCE, "AXR": "ER", "DX": "T"}


def from_ipa(symbol: str) -> tuple[str, ...]:
    """The ARPABET phones of a symbol of the International Phonetic Alphabet; empty if it names no sound.

    Stress and marks that change no phone are passed over; a symbol that is in the table as a whole, as a diphthong is,
    is one phone.

    >>> from_ipa("ɪ"), from_ipa("eɪ"), from_ipa("ɔːɹ"), from_ipa("tʰ"), from_ipa("")
    (('IH',), ('EY',), ('AO', 'R'), ('T',), ())
    """
    phones: list[str] = []
    place = 0
    while place < len(symbol):
        for length in range(min(_LONGEST, len(symbol) - place), 0, -1):
            found = _IPA_PHONES.get(symbol[place : place + length])
            if found:
                phones += found
                place += length
                break
        else:
            # A mark, or a letter that is written with one: ã is a with a tilde.
            bare = unicodedata.normalize("NFD", symbol[place])[0]
            phones += _IPA_PHONES.get(bare, ())
            place += 1
    return tuple(phones)


def from_flite(name: str) -> str:
    """The ARPABET phone of one of flite's, or ``sil``.

    >>> from_flite("ax"), from_flite("pau"), from_flite("ih")
    ('AH', 'sil', 'IH')
    """
    upper = name.upper()
    return _FLITE.get(upper, upper)
