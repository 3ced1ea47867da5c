"""LRS3-TED (Afouras, Chung, Zisserman 2018): ``pretrain``, ``trainval`` and ``test``, a text beside each film.

``TALK/00001.txt`` begins with ``Text:`` and, in ``pretrain``, has a table
``WORD START END ASDSCORE`` in seconds of its film.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from genlock.core.errors import FormatError, InputError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile, Trouble
from genlock.data.corpora.text_files import read_text

__all__ = ["LRS3", "read_lrs3_text"]

_PARTS: Mapping[str, tuple[str, ...]] = {
    "pretrain": ("train", "valid"),
    "trainval": ("train", "valid"),
    "test": ("test",),
}


def read_lrs3_text(path: Path) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The text of a clip, and its words with their times in seconds; no words where the file has no table.

    Raises FormatError if it cannot be read, has no text, or a row of the table is not ``word start end``.
    """
    lines = read_text(path).splitlines()
    if not lines or not lines[0].startswith("Text:"):
        raise FormatError(f"{str(path)!r} does not begin with 'Text:'; repair or remove that file")
    text = " ".join(lines[0].removeprefix("Text:").split())
    words: list[dict[str, Any]] = []
    table = next(
        (number for number, line in enumerate(lines) if line.split()[:3] == ["WORD", "START", "END"]), None
    )
    for number, line in enumerate(lines if table is not None else (), 1):
        if table is None or number <= table + 1 or not line.strip():
            continue
        try:
            word, *times = line.split()[:3]
            start, end = (float(Fraction(time)) for time in times)
            words.append({"text": word, "start_seconds": start, "end_seconds": end})
        except (ArithmeticError, ValueError) as error:
            raise FormatError(
                f"line {number} of {str(path)!r} is {line!r}, not 'word start end ...'"
            ) from error
    return text, tuple(words)


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    for film in corpus.files(frozenset({".mp4"})):
        name = corpus.relative(film)
        path = PurePosixPath(name)
        if len(path.parts) < 3 or path.parts[-3] not in _PARTS:
            corpus.leave_out(name, "film outside pretrain, trainval and test", "its split is not known")
            continue
        text, words, trouble = _said(corpus, film.with_suffix(".txt"))
        found.append(
            SourceFile(
                name,
                speaker=path.parts[-2],
                transcript=text,
                words=words,
                splits=_PARTS[path.parts[-3]],
                trouble=trouble,
            )
        )
    if not found:
        raise InputError(
            f"no film of {str(corpus.path)!r} lies in pretrain/TALK, trainval/TALK or test/TALK; name the folder of "
            "LRS3"
        )
    return found


def _said(
    corpus: CorpusFolder, path: Path
) -> tuple[str | None, tuple[Mapping[str, Any], ...], Trouble | None]:
    """Text and words of a film, or why its text cannot be used."""
    if not os.path.lexists(path):
        return None, (), None
    try:
        return *read_lrs3_text(path), None
    except FormatError as error:
        return None, (), corpus.bad_text(error)


#: ``--recipe lrs3``.
LRS3 = Corpus("lrs3", "sound@16000,mfcc:psf,mouth/96", _sources)
