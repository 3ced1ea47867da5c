"""GRID (Cooke, Barker, Cunningham, Shao 2006): six-word sentences, word times in ``.align`` files.

A file's name is its sentence. Times in ``.align`` count 25,000 units a second from the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile, Trouble
from genlock.data.corpora.text_files import read_text

__all__ = ["GRID", "AlignFiles", "read_align", "sentence_of"]

_WORDS: tuple[Mapping[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    dict(
        zip(
            "z123456789",
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
            strict=True,
        )
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
_UNITS_PER_SECOND = 25_000
_SILENCE = ("sil", "sp")


def sentence_of(stem: str) -> str | None:
    """The sentence that a GRID file name means; None if it is no such name.

    >>> sentence_of("bbaf2n"), sentence_of("holiday")
    ('bin blue at f two now', None)
    """
    if len(stem) != len(_WORDS):
        return None
    words = [table.get(letter) for table, letter in zip(_WORDS, stem.lower(), strict=True)]
    return None if None in words else " ".join(word for word in words if word)


def read_align(path: Path) -> tuple[dict[str, Any], ...]:
    """The words of an ``.align`` file with their exact times, silences left out.

    Raises FormatError if it cannot be read, or a line is not ``start end word``.
    """
    words = []
    for number, line in enumerate(read_text(path, "list of word times").splitlines(), 1):
        if not line.strip():
            continue
        try:
            first, stop, text = line.split()
            start, end = (Fraction(int(units), _UNITS_PER_SECOND) for units in (first, stop))
        except ValueError as error:
            raise FormatError(f"line {number} of {str(path)!r} is {line!r}, not 'start end word'") from error
        if text not in _SILENCE:
            words.append({"text": text, "start_seconds": float(start), "end_seconds": float(end)})
    return tuple(words)


class AlignFiles:
    """The ``.align`` files of a corpus, found for its films and sounds.

    Two speakers say the same sentences: a file belongs to a film if it lies beside it, in ``align`` beside its folder,
    or is the only one of its name that lies in a folder of the same speaker.
    """

    def __init__(self, corpus: CorpusFolder) -> None:
        self._corpus = corpus
        self._by_stem: dict[str, list[str]] = {}
        for name in corpus.names({".align"}):
            self._by_stem.setdefault(PurePosixPath(name).stem, []).append(name)

    def of(self, film: str) -> Path | None:
        """The word times of a film, by its path relative to the folder; None where there are none of its own."""
        path = PurePosixPath(film)
        there = self._by_stem.get(path.stem, [])
        for near in (path.with_suffix(".align"), path.parent.parent / "align" / f"{path.stem}.align"):
            if str(near) in there:
                return self._corpus.path / near
        speaker = speaker_of(film)
        own = [name for name in there if speaker_of(name) == speaker]
        return self._corpus.path / own[0] if len(own) == 1 else None


def speaker_of(path: str) -> str:
    """The speaker that a folder names, such as ``s12``; empty if none does."""
    return next((part for part in PurePosixPath(path).parts[:-1] if part.lower().lstrip("s").isdigit()), "")


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    aligned = AlignFiles(corpus)
    found = []
    for film in corpus.files(frozenset({".mpg", ".mp4", ".avi", ".mkv", ".mov", ".webm"})):
        name = corpus.relative(film)
        align = aligned.of(name)
        words: tuple[dict[str, Any], ...] = ()
        trouble: Trouble | None = None
        try:
            words = () if align is None else read_align(align)
        except FormatError as error:
            trouble = corpus.bad_text(error)
        transcript = " ".join(word["text"] for word in words) if words else sentence_of(film.stem)
        found.append(SourceFile(name, speaker_of(name), "", transcript, words, trouble=trouble))
    return found


#: ``--recipe grid``.
GRID = Corpus("grid", "sound@16000,mel,mfcc,mouth/96,landmarks", _sources)
