"""GRID (Cooke, Barker, Cunningham, Shao 2006): six-word sentences, word times in ``.align`` files.

A file's name is its sentence. Times in ``.align`` count 25,000 units a second from the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.base import Corpus, Source, files_below

__all__ = ["GRID", "read_align", "sentence_of"]

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
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise FormatError(
            f"the word times {str(path)!r} cannot be read ({error}); repair or remove that file"
        ) from error
    words = []
    for number, line in enumerate(lines, 1):
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


def _sources(folder: Path) -> list[Source]:
    videos = files_below(folder, frozenset({".mpg", ".mp4", ".avi", ".mkv", ".mov"}))
    aligned = {path.stem: path for path in folder.rglob("*.align")}
    found = []
    for video in videos:
        path = video.relative_to(folder)
        # Two speakers say the same sentences: the .align of the same speaker's folder comes first.
        near = [
            p
            for p in (video.with_suffix(".align"), video.parent.parent / "align" / f"{video.stem}.align")
            if p.exists()
        ]
        align = near[0] if near else aligned.get(video.stem)
        words = read_align(align) if align is not None else ()
        transcript = " ".join(word["text"] for word in words) if words else sentence_of(video.stem)
        speaker = next((part for part in path.parts[:-1] if part.lower().lstrip("s").isdigit()), "")
        found.append(Source(path.as_posix(), speaker=speaker, transcript=transcript, words=words))
    return found


#: ``--recipe grid``.
GRID = Corpus("grid", "sound@16000,mel,mfcc,mouth/96,landmarks", _sources)
