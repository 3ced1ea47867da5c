"""LRS3-TED (Afouras, Chung, Zisserman 2018): ``pretrain``, ``trainval`` and ``test``, a text beside each film.

``TALK/00001.txt`` begins with ``Text:`` and, in ``pretrain``, has a table
``WORD START END ASDSCORE`` in seconds of its film.

As AV-HuBERT's authors prepare it: a film of ``pretrain`` whose words reach 15 s is cut in the middle of every pause
beyond 0.4 s, and the films that their list ``lrs3-valid.id`` names are the split ``valid``, if that list lies in the
folder. Without it whole talks are drawn, so that nobody is in two splits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from genlock.core.errors import FormatError, InputError
from genlock.core.time import exact
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile, Trouble
from genlock.data.corpora.text_files import listed_ids, read_text

__all__ = ["LRS3", "VALID_LIST", "pauses", "read_lrs3_text"]

#: The list of films of ``valid``, a path without its ending a line.
VALID_LIST = "lrs3-valid.id"
#: A film whose words reach so far is cut at pauses that are longer than this, in seconds.
_LONG, _PAUSE = 15, Fraction(2, 5)
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


def pauses(words: Sequence[Mapping[str, Any]]) -> tuple[Fraction, ...]:
    """The middles of the pauses of a long film; none of a short one.

    >>> words = [{"start_seconds": s, "end_seconds": s + 1} for s in (0, 1.2, 7, 14.5)]
    >>> [float(at) for at in pauses(words)], pauses(words[:3])
    ([4.6, 11.25], ())
    """
    times = [(exact(str(word["start_seconds"])), exact(str(word["end_seconds"]))) for word in words]
    if not times or times[-1][1] < _LONG:
        return ()
    return tuple((end + start) / 2 for (_, end), (start, _) in pairwise(times) if start - end > _PAUSE)


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    held = listed_ids(corpus, VALID_LIST)
    for film in corpus.files(frozenset({".mp4"})):
        name = corpus.relative(film)
        path = PurePosixPath(name)
        if len(path.parts) < 3 or path.parts[-3] not in _PARTS:
            corpus.leave_out(name, "film outside pretrain, trainval and test", "its split is not known")
            continue
        part = path.parts[-3]
        text, words, trouble = _said(corpus, film.with_suffix(".txt"))
        found.append(
            SourceFile(
                name,
                speaker=path.parts[-2],
                transcript=text,
                words=words,
                cuts=pauses(words) if part == "pretrain" else (),
                splits=_PARTS[part] if held is None or part == "test" else _listed_split(path, held),
                trouble=trouble,
            )
        )
    if not found:
        raise InputError(
            f"no film of {str(corpus.path)!r} lies in pretrain/TALK, trainval/TALK or test/TALK; name the folder of "
            "LRS3"
        )
    return found


def _listed_split(path: PurePosixPath, held: frozenset[str]) -> tuple[str, ...]:
    return ("valid",) if "/".join(path.with_suffix("").parts[-3:]) in held else ("train",)


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
LRS3 = Corpus("lrs3", "sound@16000,mfcc:psf,mouth/96,mouth:avhubert/96", _sources)
