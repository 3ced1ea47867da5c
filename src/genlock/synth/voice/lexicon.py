"""The words that the test card says, with their ARPAbet phones, and text read with them.

A fixed small list: the speech pieces have a real dictionary, which synthesis may not import (and need not).
Pronunciations are general American English in the phone set of the CMU dictionary; weak forms of "the",
"and", "of".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from genlock.core.errors import OptionError
from genlock.synth.voice.phones import parse_phone

__all__ = ["LEXICON", "SpokenWord", "read_text"]

_WORDS = """
a AH0 | after AE1 F T ER0 | again AH0 G EH1 N | all AO1 L | and AE0 N D | are AA1 R | at AE1 T | be B IY1
beep B IY1 P | begin B IH0 G IH1 N | bin B IH1 N | black B L AE1 K | blue B L UW1 | bright B R AY1 T
by B AY1 | card K AA1 R D | clap K L AE1 P | clean K L IY1 N | clock K L AA1 K | clocks K L AA1 K S
eight EY1 T | eleven IH0 L EH1 V AH0 N | every EH1 V R IY0 | exact IH0 G Z AE1 K T | eye AY1 | eyes AY1 Z
face F EY1 S | film F IH1 L M | first F ER1 S T | five F AY1 V | flash F L AE1 SH | for F AO1 R
four F AO1 R | frame F R EY1 M | from F R AH1 M | genlock JH EH1 N L AA2 K | good G UH1 D
green G R IY1 N | hand HH AE1 N D | hear HH IH1 R | hello HH AH0 L OW1 | here HH IH1 R | in IH0 N
is IH0 Z | it IH0 T | keeps K IY1 P S | lay L EY1 | light L AY1 T | lips L IH1 P S | listen L IH1 S AH0 N
look L UH1 K | measure M EH1 ZH ER0 | mouth M AW1 TH | move M UW1 V | moves M UW1 V Z | my M AY1
nine N AY1 N | now N AW1 | of AH0 V | on AA1 N | one W AH1 N | picture P IH1 K CH ER0 | place P L EY1 S
please P L IY1 Z | puts P UH1 T S | read R EH1 D | red R EH1 D | same S EY1 M | second S EH1 K AH0 N D
see S IY1 | set S EH1 T | seven S EH1 V AH0 N | six S IH1 K S | soon S UW1 N | sound S AW1 N D
speech S P IY1 CH | step S T EH1 P | talk T AO1 K | ten T EH1 N | test T EH1 S T | that DH AE1 T
the DH AH0 | this DH IH1 S | three TH R IY1 | time T AY1 M | to T UW0 | together T AH0 G EH1 DH ER0
twelve T W EH1 L V | two T UW1 | video V IH1 D IY0 OW0 | voice V OY1 S | watch W AA1 CH | white W AY1 T
with W IH1 DH | words W ER1 D Z | yellow Y EH1 L OW0 | you Y UW1 | your Y AO1 R | zero Z IH1 R OW0
"""

#: Pronunciations of the words that :func:`read_text` knows, by the word in lower case.
LEXICON: Mapping[str, tuple[str, ...]] = {
    entry.split()[0]: tuple(entry.split()[1:]) for entry in re.split(r"[|\n]", _WORDS) if entry.strip()
}

_TOKEN = re.compile(r"[A-Za-z']+|[,.;:!?]|\S")


@dataclass(frozen=True)
class SpokenWord:
    """A word to be spoken."""

    text: str
    """As it is written."""
    phones: tuple[str, ...]
    """ARPAbet, with stress digits on the vowels: ``("K", "L", "AA1", "K")``."""
    pause_after: Literal["none", "comma", "full"] = "none"
    """The break that follows it."""

    def __post_init__(self) -> None:
        if not self.phones:
            raise OptionError(f"the word {self.text!r} has no phones; give its ARPAbet pronunciation")
        for phone in self.phones:
            parse_phone(phone)


def read_text(text: str, lexicon: Mapping[str, tuple[str, ...]] = LEXICON) -> tuple[SpokenWord, ...]:
    """The words of a text, with pronunciations and breaks; a comma is a short break, a full stop a long one.

    >>> [(w.text, w.pause_after) for w in read_text("One, two.")]
    [('One', 'comma'), ('two', 'full')]

    Raises
    ------
    OptionError
        If a word is not in the lexicon, or there is none at all.
    """
    words: list[SpokenWord] = []
    unknown: list[str] = []
    for token in _TOKEN.findall(text):
        if token[0].isalpha():
            phones = lexicon.get(token.lower())
            if phones is None:
                unknown.append(token)
                continue
            words.append(SpokenWord(token, phones))
        elif token in ",.;:!?" and words:
            pause: Literal["comma", "full"] = "comma" if token in ",;:" else "full"
            words[-1] = SpokenWord(words[-1].text, words[-1].phones, pause)
        elif not words or not re.fullmatch(r"[\"'()–—-]", token):
            unknown.append(token)
    if unknown:
        raise OptionError(
            f"no pronunciation of {', '.join(map(repr, unknown))}: give SpokenWord(text, phones) for it, "
            f"or use the words {' '.join(sorted(lexicon))}"
        )
    if not words:
        raise OptionError(f"{text!r} has no words to speak")
    return tuple(words)
