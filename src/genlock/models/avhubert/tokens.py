"""What the decoder and the CTC head write: characters, or pieces of words, each with its number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from genlock.core.errors import FormatError, InputError, OptionError

__all__ = ["BLANK", "END", "PAD", "SPACE", "SPECIALS", "UNKNOWN", "Tokens", "read_tokens"]

#: Numbers of the special tokens, as fairseq has them. A sentence begins and ends with ``END``; ``BLANK``, which is
#: never written, is the blank of CTC.
BLANK, PAD, END, UNKNOWN = range(4)
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
#: Stands where a word begins.
SPACE = "\u2581"


@dataclass(frozen=True)
class Tokens:
    """A vocabulary.

    >>> tokens = Tokens.of_characters(["bin blue", "set red"])
    >>> tokens.numbers("bed")
    [4, 5, 7, 6]
    >>> tokens.text(tokens.numbers("red  bin"))
    'red bin'

    Raises
    ------
    OptionError
        If it does not begin with the special tokens, or one comes twice.
    """

    symbols: tuple[str, ...]
    """Each token's text, by number; the four of :data:`SPECIALS` come first."""
    kind: Literal["characters", "pieces"] = "characters"
    """``characters``: one each, and :data:`SPACE` where a word begins. ``pieces``: of a SentencePiece model, with the
    same mark; texts become numbers only with that model."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", tuple(self.symbols))
        if self.symbols[: len(SPECIALS)] != SPECIALS:
            raise OptionError(
                f"a vocabulary begins with {' '.join(SPECIALS)}, not {' '.join(self.symbols[:4])}"
            )
        if len(set(self.symbols)) < len(self.symbols):
            raise OptionError("a vocabulary has each token once")

    @classmethod
    def of_characters(cls, texts: Iterable[str]) -> Self:
        """The characters of some texts, lower and upper case as they are.

        Raises InputError if there are none.
        """
        found = sorted({character for text in texts for character in text if not character.isspace()})
        if not found:
            raise InputError("no text is known, so there is nothing to write; give transcripts")
        return cls((*SPECIALS, SPACE, *found))

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def numbers(self, text: str) -> list[int]:
        """A text of characters as numbers, without :data:`END`; what is not known is :data:`UNKNOWN`.

        Raises OptionError for pieces.
        """
        if self.kind != "characters":
            raise OptionError(
                "texts become pieces by their SentencePiece model, not by the list of pieces alone"
            )
        return [self._numbers.get(c, UNKNOWN) for word in text.split() for c in (SPACE, *word)]

    def text(self, numbers: Iterable[int]) -> str:
        """What numbers say; special tokens but the unknown one are left out.

        >>> Tokens.of_characters(["a"]).text([2, 4, 5, 3, 2])
        'a<unk>'
        """
        written = (self.symbols[n] for n in numbers if n >= len(SPECIALS) or n == UNKNOWN)
        return "".join(written).replace(SPACE, " ").strip()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind, "symbols": list(self.symbols)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` told; FormatError if it is something else."""
        try:
            if data["kind"] not in ("characters", "pieces"):
                raise OptionError(f"tokens of the kind {data['kind']!r} are not known")
            return cls(tuple(map(str, data["symbols"])), data["kind"])
        except (KeyError, TypeError, OptionError) as error:
            raise FormatError(f"the tokens of this model are damaged: {error}") from error


# ---------------------------------------------------------------- vocabularies of others


def read_tokens(path: str | os.PathLike[str]) -> Tokens:
    """The tokens of a SentencePiece model (``.model``), a fairseq dictionary (``.txt``) or a ``vocab.json``.

    fairseq puts its four special tokens before those of SentencePiece, whose own three it leaves out.

    Raises
    ------
    InputError
        If there is no such file.
    FormatError
        If it is damaged, or none of these.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"the vocabulary {str(file)!r} cannot be read: {error.strerror}; give another"
        ) from error
    try:
        if file.suffix == ".json":
            numbers = json.loads(data)
            symbols = sorted(numbers, key=numbers.__getitem__)
            if [numbers[symbol] for symbol in symbols] != list(range(len(symbols))):
                raise OptionError("its numbers are not 0, 1, 2 ...")
            return Tokens(tuple(symbols), "pieces")
        if file.suffix == ".model":
            return Tokens((*SPECIALS, *_without_specials(_sentence_pieces(data))), "pieces")
        lines = data.decode("utf-8").splitlines()
        pieces = [
            line.rpartition(" ")[0] for line in lines if line and not line.startswith("#fairseq:overwrite")
        ]
        return Tokens((*SPECIALS, *_without_specials(pieces)), "pieces")
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise FormatError(f"the vocabulary {str(file)!r} is damaged or of another form: {error}") from error


def _without_specials(pieces: Iterable[str]) -> list[str]:
    return [piece for piece in pieces if piece not in SPECIALS]


def _sentence_pieces(data: bytes) -> list[str]:
    """The pieces of a SentencePiece model: field 1 of each message in field 1 of a protocol buffer."""
    return [
        piece.decode("utf-8")
        for number, entry in _fields(data)
        if number == 1
        for inner, piece in _fields(entry)
        if inner == 1
    ]


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the fields of a protocol buffer that hold bytes; the others are passed over."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            _, place = _varint(data, place)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        elif kind == 2:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise ValueError("it is cut short")
            yield number, data[place : place + size]
            place += size
        else:
            raise ValueError("it is no SentencePiece model")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
