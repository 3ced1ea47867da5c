"""Texts as the pieces of a SentencePiece model: what a recogniser of sub-words learns to write."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MissingDependency
from genlock.models.avhubert.tokens import UNKNOWN, Tokens, read_tokens

__all__ = ["SentencePieces"]


class SentencePieces:
    """A SentencePiece model by its file: texts to numbers and back.

    Reading its pieces, and so writing texts out of numbers, needs nothing else; cutting a text into pieces needs the
    package ``sentencepiece``.

    Parameters
    ----------
    path : the ``.model`` file

    Raises
    ------
    InputError
        If there is no such file.
    FormatError
        If it is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix != ".model":
            raise FormatError(
                f"{str(self.path)!r} is no SentencePiece model, whose name ends in .model; only such a model can cut "
                "texts into pieces"
            )
        self.tokens: Tokens = read_tokens(self.path)

    def numbers(self, text: str) -> list[int]:
        """A text as numbers of :attr:`tokens`, without the end.

        Raises MissingDependency without the package, FormatError if it refuses the file.
        """
        known = {symbol: number for number, symbol in enumerate(self.tokens.symbols)}
        return [known.get(str(piece), UNKNOWN) for piece in self._processor.encode(text, out_type=str)]

    @cached_property
    def _processor(self) -> Any:
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise MissingDependency(
                "cutting texts into pieces needs the package sentencepiece; install it: pip install sentencepiece"
            ) from error
        try:
            return SentencePieceProcessor(model_file=str(self.path))
        except (OSError, RuntimeError) as error:
            raise FormatError(f"sentencepiece cannot read {str(self.path)!r}: {error}") from error
