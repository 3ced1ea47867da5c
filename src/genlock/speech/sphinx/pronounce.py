"""How an English word is pronounced, in the phones of the CMU Sphinx model.

First the dictionary that comes with pocketsphinx (126,000 words). A word that it lacks is taken apart
(``'s``, hyphens, accents); what is left is pronounced by the grapheme-to-phoneme network of g2p_en
(Apache-2.0), a pair of small recurrent nets, the model ``g2p-en``.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product, takewhile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.speech.sphinx.model import model_folder
from genlock.weights import registry

__all__ = ["ARPABET", "DictionaryLines", "GraphemeNetwork", "Pronouncer", "Pronunciation", "load_pronouncer"]

#: Phones of one word.
Pronunciation = tuple[str, ...]

#: The phones of English in this dictionary, without stress.
ARPABET = frozenset(
    (
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
        "K",
        "L",
        "M",
        "N",
        "NG",
        "OW",
        "OY",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "UH",
        "UW",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    )
)

#: A word never gets more pronunciations than this.
MAX_PRONUNCIATIONS = 6

Array = npt.NDArray[np.float32]

# The dictionary is American; most who speak English say the last letter otherwise.
_BRITISH: Mapping[str, tuple[Pronunciation, ...]] = {"z": (("Z", "EH", "D"),)}
_VOICELESS, _HISSING = frozenset(["P", "T", "K", "F", "TH"]), frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_LATIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
)


@dataclass(frozen=True, eq=False)
class Pronouncer:
    """Pronunciations of single words.

    >>> pronounce = load_pronouncer()
    >>> pronounce("read")
    (('R', 'EH', 'D'), ('R', 'IY', 'D'))
    >>> pronounce("Z")
    (('Z', 'IY'), ('Z', 'EH', 'D'))
    >>> pronounce("U"), pronounce("genlock's")
    ((('Y', 'UW'),), (('JH', 'EH', 'N', 'L', 'AH', 'K', 'S'),))
    """

    lines: Mapping[str, tuple[str, ...]]
    """Dictionary: the word in lower case, and its pronunciations with spaces between the phones."""
    network: GraphemeNetwork
    """What pronounces words that are not in the dictionary."""

    def __call__(self, word: str) -> tuple[Pronunciation, ...]:
        """Pronunciations of a word, the commonest first; a single capital letter is the letter's name.

        Empty if the word has no Latin letters.
        """
        if len(word) == 1 and word.isupper():
            found = self._looked_up(word.lower() + ".") or self._looked_up(word.lower())
        else:
            found = self._lower(word.lower())[:MAX_PRONUNCIATIONS]
        return (*found, *_BRITISH.get(word.lower(), ()))

    def knows(self, word: str) -> bool:
        """Whether the word is in the dictionary as it is."""
        return word.lower() in self.lines

    def _looked_up(self, word: str) -> tuple[Pronunciation, ...]:
        return tuple(tuple(line.split()) for line in self.lines.get(word, ()))

    def _lower(self, word: str) -> tuple[Pronunciation, ...]:
        found = self._looked_up(word)
        if found:
            return found
        parts = [part for part in re.split(r"[^\w']+|_", word) if part]
        if len(parts) > 1:
            return self._joined(parts)
        bare = word.strip("'")
        if bare.endswith("'s"):
            return tuple(
                (*stem, *_ending_s(stem)) for stem in self._capital_or_word(word[: word.rindex("'")])
            )
        plain = _latin(bare)
        found = self._looked_up(bare) or self._looked_up(plain) or self._looked_up(plain.replace("'", ""))
        if found or not plain.replace("'", ""):
            return found
        return (self.network(plain.replace("'", "")),)

    def _capital_or_word(self, stem: str) -> tuple[Pronunciation, ...]:
        return self._looked_up(stem + ".") if len(stem) == 1 else self._lower(stem)

    def _joined(self, parts: list[str]) -> tuple[Pronunciation, ...]:
        each = [self._lower(part)[:2] for part in parts]
        if not all(each):
            return ()
        return tuple(tuple(p for part in row for p in part) for row in product(*each))


def _ending_s(stem: Pronunciation) -> Pronunciation:
    """How ``'s`` sounds after a word."""
    if stem[-1] in _HISSING:
        return ("IH", "Z")
    return ("S",) if stem[-1] in _VOICELESS else ("Z",)


def _latin(word: str) -> str:
    """The word without accents; letters of other scripts fall away."""
    flat = unicodedata.normalize("NFKD", word).translate(_LATIN)
    return "".join(c for c in flat if "a" <= c <= "z" or c == "'")


class DictionaryLines(Mapping[str, tuple[str, ...]]):
    """A dictionary of Sphinx as it lies in its file, searched by halves: a tenth of the memory of a ``dict`` of it.

    Parameters
    ----------
    data : lines ``word PHONES`` and ``word(2) PHONES``, those of a word one after the other; UTF-8

    Examples
    --------
    >>> lines = DictionaryLines(b"red R EH D\\nread R EH D\\nread(2) R IY D\\n")
    >>> lines["read"], len(lines), "rea" in lines
    (('R EH D', 'R IY D'), 2, False)
    """

    def __init__(self, data: bytes) -> None:
        ends = np.flatnonzero(np.frombuffer(data + b"\n", np.uint8) == ord("\n")).astype(np.uint32)
        starts = np.concatenate([np.zeros(1, np.uint32), ends[:-1] + np.uint32(1)])
        full = ends > starts
        self._data = data
        self._starts, self._ends = (array("I", edges[full].tobytes()) for edges in (starts, ends))
        # They are in order already, but for one pair of words in the file of pocketsphinx.
        order = sorted(range(len(self._starts)), key=self._head)
        self._starts, self._ends = (
            array("I", (edges[k] for k in order)) for edges in (self._starts, self._ends)
        )

    def __getitem__(self, word: str) -> tuple[str, ...]:
        wanted = word.encode(errors="surrogatepass")
        places = range(len(self._starts))
        first = bisect_left(places, wanted, key=self._head)
        lines = list(takewhile(lambda place: self._head(place) == wanted, places[first:]))
        if not lines:
            raise KeyError(word)
        return tuple(self._line(place).decode().strip().partition(" ")[2] for place in lines)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._head(place).decode() for place in range(len(self._starts))))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _line(self, place: int) -> bytes:
        return self._data[self._starts[place] : self._ends[place]]

    def _head(self, place: int) -> bytes:
        return self._line(place).split(b" ", 1)[0].partition(b"(")[0]


@lru_cache(maxsize=1)
def load_pronouncer() -> Pronouncer:
    """The dictionary, read once (0.1 s), and the network, read when a word needs it.

    Raises MissingModel if the model of pocketsphinx, which holds the dictionary, is not on this machine.
    """
    lines = DictionaryLines((model_folder() / "cmudict-en-us.dict").read_bytes())
    return Pronouncer(lines, GraphemeNetwork())


@dataclass(frozen=True, eq=False)
class GraphemeNetwork:
    """An encoder and a decoder of gated recurrent units that read letters and write phones.

    Raises MissingModel at the first word if its weights are not on this machine.

    >>> GraphemeNetwork()("kubernetes")
    ('K', 'AH', 'B', 'ER', 'N', 'AH', 'T', 'S')
    """

    file: Path | None = None
    """The weights, an ``.npz``; None: the model ``g2p-en``."""

    @cached_property
    def _weights(self) -> dict[str, Array]:
        with np.load(self.file or registry.require("g2p-en"), allow_pickle=False) as archive:
            return {name: archive[name].astype(np.float32) for name in archive.files}

    def __call__(self, letters: str) -> Pronunciation:
        """Phones of a word of the letters a to z; at most twice as many as letters, and at least one."""
        state = np.zeros(self._weights["enc_w_hh"].shape[1], np.float32)
        for symbol in [*(ord(c) - ord("a") + 3 for c in letters), 2]:
            state = self._step("enc", symbol, state)
        phones: list[str] = []
        symbol = 2
        for _ in range(2 * len(letters) + 2):
            state = self._step("dec", symbol, state)
            logits = self._weights["fc_w"] @ state + self._weights["fc_b"]
            logits[:3] = -np.inf  # padding, unknown and start are no phones
            if not phones:
                logits[3] = -np.inf
            symbol = int(logits.argmax())
            if symbol == 3:
                break
            phones.append(_NETWORK_PHONES[symbol - 4])
        return tuple(phones)

    def _step(self, side: str, symbol: int, state: Array) -> Array:
        """One gated recurrent unit (Cho et al. 2014, in the form with the reset gate after the product)."""
        w = self._weights
        new = w[f"{side}_w_ih"] @ w[f"{side}_emb"][symbol] + w[f"{side}_b_ih"]
        old = w[f"{side}_w_hh"] @ state + w[f"{side}_b_hh"]
        size = len(state)
        gates = 1 / (1 + np.exp(-(new[: 2 * size] + old[: 2 * size])))
        reset, keep = gates[:size], gates[size:]
        candidate = np.tanh(new[2 * size :] + reset * old[2 * size :])
        out: Array = ((1 - keep) * candidate + keep * state).astype(np.float32)
        return out


def _without_stress() -> tuple[str, ...]:
    """The network's output symbols from number 4 on: ARPABET with three stresses for each vowel, but UW with
    four."""
    vowels = ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"]
    consonants = [
        "B",
        "CH",
        "D",
        "DH",
        "F",
        "G",
        "HH",
        "JH",
        "K",
        "L",
        "M",
        "N",
        "NG",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    ]
    symbols = []
    for phone in sorted(vowels + consonants):
        symbols += [phone] * (4 if phone == "UW" else 3 if phone in vowels else 1)
    return tuple(symbols)


_NETWORK_PHONES = _without_stress()
