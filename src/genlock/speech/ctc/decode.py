"""Emissions of a CTC model into words: the likeliest symbol of each frame, or a prefix beam search.

Both read the emissions a piece at a time. The beam search decodes between pauses, so that it forgets nothing
in the middle of a word; its n-gram language model is optional.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, MissingDependency, MissingModel, OptionError
from genlock.speech.ctc.emissions import EmissionFile
from genlock.speech.romanize import bare_letters, roman_letters
from genlock.speech.sphinx.pronounce import ARPABET, load_pronouncer

__all__ = ["POINT", "Alphabet", "BeamDecoder", "DecodedWord", "GreedyDecoder"]

Rows = npt.NDArray[np.float32]

#: What stands between the phones of a word that was decoded by a model of phones.
POINT = "."

# Tokens that stand for no sound: <s>, </s>, <unk>, [PAD] ...
_SPECIAL = re.compile(r"[<\[].+[>\]]")


@dataclass(frozen=True)
class Alphabet:
    """The symbols of a CTC checkpoint.

    >>> letters = Alphabet.of({"<pad>": 0, "<unk>": 1, "|": 2, "A": 3, "B": 4}, blank=0, delimiter="|")
    >>> letters.spoken, letters.lower, letters.spell("abc")
    ((0, 2, 3, 4), True, ((3, 4), 'c'))
    >>> phones = Alphabet.of({"<pad>": 0, "|": 1, "B": 2, "IH": 3, "N": 4}, blank=0, delimiter="|")
    >>> phones.phones, phones.spell("bin")
    (True, ((2, 3, 4), ''))
    """

    symbols: tuple[str, ...]
    """Every column's token."""
    blank: int
    """Column of the blank."""
    delimiter: int | None
    """Column of the token between words, or None if the model has none."""
    spoken: tuple[int, ...]
    """Columns that can be heard: blank, delimiter and all tokens that are not special."""
    lower: bool
    """Whether the tokens have no lower case, so that texts are to be turned into it."""
    phones: bool = False
    """Whether the tokens are ARPAbet phones, so that words are spelt as they are pronounced."""
    romanized: bool = False
    """Whether words of other scripts are transliterated first."""

    @classmethod
    def of(
        cls,
        vocabulary: Mapping[str, int],
        blank: int,
        delimiter: str,
        columns: int | None = None,
        romanized: bool = False,
    ) -> Alphabet:
        """From the vocabulary of a checkpoint; ``columns`` is the width of its emissions."""
        width = max([*vocabulary.values(), (columns or 0) - 1, blank]) + 1
        symbols = [f"<{n}>" for n in range(width)]
        for token, column in vocabulary.items():
            symbols[column] = token
        between = vocabulary.get(delimiter)
        spoken = [n for n, s in enumerate(symbols) if n in (blank, between) or not _SPECIAL.fullmatch(s)]
        named = [symbols[n] for n in spoken if n not in (blank, between)]
        letters = "".join(named)
        phones = ARPABET.issuperset(named) and any(len(token) > 1 for token in named)
        lower = letters == letters.upper() != letters.lower() and not phones
        return cls(tuple(symbols), blank, between, tuple(spoken), lower, phones, romanized)

    def shown(self, text: str) -> str:
        """A text as it is shown to people."""
        return text.lower() if self.lower else text

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        """The columns that spell a word, and its characters that have none."""
        known = {self.symbols[n]: n for n in self.spoken if n not in (self.blank, self.delimiter)}
        if self.phones:
            said = load_pronouncer()(word)
            heard = [known[phone] for phone in said[0] if phone in known] if said else []
            return tuple(heard), "" if heard else word
        columns, unknown = [], ""
        for character in roman_letters(word) if self.romanized else unicodedata.normalize("NFC", word):
            found = [known[form] for form in _ways_to_write(character) if form in known]
            if found:
                columns.append(found[0])
            elif (bare := bare_letters(character)) and all(_case(part, known) for part in bare):
                columns.extend(known[_case(part, known)] for part in bare)
            else:
                unknown += character
        return tuple(columns), unknown


def _case(letter: str, known: Mapping[str, int]) -> str:
    """A letter in the case that is known; empty if neither is."""
    return next((form for form in (letter, letter.upper()) if form in known), "")


def _ways_to_write(character: str) -> tuple[str, ...]:
    """A character and its other case; an apostrophe in its two shapes."""
    other = {"'": "’", "’": "'"}.get(character, character)
    return character, character.upper(), character.lower(), other


@dataclass(frozen=True)
class DecodedWord:
    """A word as decoded."""

    text: str
    """The word."""
    first_frame: int
    """First frame of its first token."""
    stop_frame: int
    """The frame after its last token."""
    probability: float
    """Mean probability of its tokens in their frames, 0...1."""


class GreedyDecoder:
    """The likeliest symbol of each frame; repeats merged, blanks dropped.

    Examples
    --------
    >>> letters = Alphabet.of({"-": 0, "|": 1, "a": 2, "b": 3}, 0, "|")
    >>> rows = np.log(np.where(np.arange(4) == np.array([2, 2, 0, 3, 1, 1, 3])[:, None], 0.97, 0.01)).astype(np.float32)
    >>> [(w.text, w.first_frame, w.stop_frame) for w in GreedyDecoder(letters).words([(0, rows)])]
    [('ab', 0, 4), ('b', 6, 7)]
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet

    def decode(self, emissions: EmissionFile) -> list[DecodedWord]:
        """All words of a sound."""
        return self.words(emissions.blocks())

    def words(self, blocks: Any) -> list[DecodedWord]:
        """Words of blocks ``(first frame, rows [n, V])`` that follow each other."""
        alphabet, columns = self.alphabet, np.array(self.alphabet.spoken)
        done: list[DecodedWord] = []
        text, chances, first, stop, last = "", [0.0][:0], 0, 0, alphabet.blank
        for begin, rows in blocks:
            heard = rows[:, columns]
            best = heard.argmax(axis=1)
            chance = np.exp(np.minimum(heard[np.arange(len(best)), best], 0))
            for frame, (symbol, sure) in enumerate(
                zip(columns[best].tolist(), chance.tolist(), strict=True), begin
            ):
                if symbol == alphabet.delimiter and text:
                    done.append(DecodedWord(alphabet.shown(text), first, stop, float(np.mean(chances))))
                    text, chances = "", []
                elif symbol not in (alphabet.blank, alphabet.delimiter):
                    if symbol != last:
                        first = frame if not text else first
                        text += (POINT if text and alphabet.phones else "") + alphabet.symbols[symbol]
                    if text:
                        chances.append(sure)
                        stop = frame + 1
                last = symbol
        if text:
            done.append(DecodedWord(alphabet.shown(text), first, stop, float(np.mean(chances))))
        return done


class BeamDecoder:
    """Prefix beam search by the package ctc-beam-decoder, with an n-gram language model if one is given.

    Parameters
    ----------
    alphabet : the model's symbols
    width : prefixes that are kept, at least 1
    language_model : a KenLM file (.arpa, .arpa.gz or .bin), or None
    weight, word_bonus : of the language model: its weight, and what each word adds

    Raises
    ------
    MissingDependency
        If the package is not installed.
    MissingModel
        If the language model is not there.
    """

    #: Pieces are cut at pauses and are decoded one by one; a piece of more frames than this is cut at its best pause.
    most_frames = 3000
    #: A pause of so many frames may be cut in its middle.
    pause_frames = 10

    def __init__(
        self,
        alphabet: Alphabet,
        width: int = 100,
        language_model: str | Path | None = None,
        weight: float = 0.5,
        word_bonus: float = 1.5,
    ) -> None:
        if width < 1:
            raise OptionError(f"a beam of {width} is below 1")
        try:
            import ctc_beam_decoder
        except ImportError as error:
            raise MissingDependency(
                "beam search needs the package ctc-beam-decoder: pip install 'genlock[beam]'; --beam 0 needs no package"
            ) from error
        if language_model is not None and not Path(language_model).is_file():
            raise MissingModel(
                f"there is no language model {str(language_model)!r}; name an .arpa or KenLM .bin file"
            )
        self.alphabet, self.width = alphabet, width
        labels = [
            "" if n == alphabet.blank else " " if n == alphabet.delimiter else alphabet.symbols[n]
            for n in alphabet.spoken
        ]
        try:
            self._decoder = ctc_beam_decoder.build_ctcdecoder(
                labels, None if language_model is None else str(language_model), alpha=weight, beta=word_bonus
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise FormatError(
                f"beam search with {str(language_model)!r} cannot be set up: {error}"
            ) from error

    def decode(self, emissions: EmissionFile) -> list[DecodedWord]:
        """All words of a sound."""
        words: list[DecodedWord] = []
        for begin, rows in self._pieces(emissions):
            words += self.words(rows, begin)
        return words

    def words(self, rows: Rows, begin: int = 0) -> list[DecodedWord]:
        """Words of rows [n, V], the first of which is frame ``begin``."""
        heard = np.ascontiguousarray(rows[:, list(self.alphabet.spoken)])
        beams = self._decoder.decode_beams(heard, beam_width=self.width)
        found = beams[0][2] if beams else []
        chance = np.exp(np.minimum(heard.max(axis=1), 0))
        return [
            DecodedWord(
                self.alphabet.shown(text),
                begin + first,
                begin + stop,
                float(chance[first : max(stop, first + 1)].mean()),
            )
            for text, (first, stop) in found
        ]

    def _pieces(self, emissions: EmissionFile) -> Iterator[tuple[int, Rows]]:
        """The emissions, cut in the middle of pauses; at most ``most_frames`` at a time."""
        first = 0
        while first < emissions.frames:
            rows = emissions.read(first, min(first + self.most_frames, emissions.frames))
            if first + len(rows) < emissions.frames:
                rows = rows[: _pause(rows, self.alphabet, self.pause_frames)]
            yield first, rows
            first += len(rows)


def _pause(rows: Rows, alphabet: Alphabet, least: int) -> int:
    """The place to cut: in the last long pause between words in the second half, or in the longest there is."""
    half = len(rows) // 2
    best = rows[half:].argmax(axis=1)
    runs = _runs((best == alphabet.blank) | (best == alphabet.delimiter))
    if alphabet.delimiter is not None:
        # Blanks alone may lie inside a word.
        runs = [run for run in runs if (best[run[0] : run[1]] == alphabet.delimiter).any()]
    if not runs:
        return len(rows)
    long_enough = [run for run in runs if run[1] - run[0] >= least]
    start, stop = long_enough[-1] if long_enough else max(runs, key=lambda run: run[1] - run[0])
    if alphabet.delimiter is None:
        return half + (start + stop) // 2
    return half + start + int(np.argmax(best[start:stop] == alphabet.delimiter))


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
