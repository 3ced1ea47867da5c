"""What is said in the sounds of a corpus: the one place where transcripts and word times are looked for.

A text belongs to a sound by ``transcripts.tsv`` (path without ending, tab, text), by LibriSpeech's ``*.trans.txt``, by
a file beside it (``.txt``, ``.lab``, ``.normalized.txt``; LRS3's with their table of words), by GRID's ``.align`` and,
where nearly all names of a corpus are GRID sentences, by its name. A text that cannot be read costs its own sound only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.grid import AlignFiles, read_align, sentence_of
from genlock.data.corpora.listing import CorpusFolder, Trouble
from genlock.data.corpora.lrs3 import read_lrs3_text
from genlock.data.corpora.text_files import read_text

__all__ = ["Said", "Transcripts"]

_BESIDE = (".txt", ".lab", ".normalized.txt")
#: Names of lists, and what parts a name from its text.
_LISTS: Mapping[str, str] = {"transcripts.tsv": "\t", ".trans.txt": " "}
#: Share of a corpus' names that must be GRID sentences, lest a name of six letters is taken for one.
_GRID_SHARE = 0.9


@dataclass(frozen=True)
class Said:
    """What is known of one sound."""

    transcript: str | None = None
    """What is said; None if it is not known."""
    words: tuple[Mapping[str, Any], ...] = ()
    """``text``, ``start_seconds``, ``end_seconds`` on the file's media clock, where they are known."""
    origin: str = ""
    """Where it was found: ``list``, ``beside``, ``lrs3``, ``align``, ``name``, or empty."""
    trouble: Trouble | None = None
    """Why a text that is there cannot be used."""


class Transcripts:
    """The texts of a corpus, found for its sounds.

    Parameters
    ----------
    corpus : the listed folder; lines of a list that name no sound are left out and said
    sounds : the corpus' sounds, relative to the folder
    """

    def __init__(self, corpus: CorpusFolder, sounds: list[str]) -> None:
        self._corpus = corpus
        self._aligned = AlignFiles(corpus)
        self._listed: dict[str, str] = {}
        self._lost: list[tuple[str, Trouble]] = []
        self._texts = {
            (name[: -len(ending)], ending): name
            for ending in _BESIDE
            for name in corpus.names({ending[ending.rindex(".") :]})
            if name.lower().endswith(ending)
        }
        origins: dict[str, str] = {}
        for cut_by, cut in _LISTS.items():
            for path in corpus.ending_with(cut_by):
                for name, text in self._read_list(path, cut).items():
                    self._listed[name], origins[name] = text, corpus.relative(path)
        for name in sorted(set(self._listed) - {_stem(sound) for sound in sounds}):
            corpus.leave_out(origins[name], "text without its sound", f"there is no sound {name!r}")
        unknown = [sound for sound in sounds if not self._of(sound).origin]
        named = sum(sentence_of(PurePosixPath(sound).stem) is not None for sound in unknown)
        self._names_are_sentences = bool(unknown) and named > _GRID_SHARE * len(unknown)

    def of(self, sound: str) -> Said:
        """What is said in a sound, by its path relative to the folder."""
        found = self._of(sound)
        if found.origin or found.trouble or not self._names_are_sentences:
            return found
        sentence = sentence_of(PurePosixPath(sound).stem)
        return Said(sentence, origin="name" if sentence else "")

    def _of(self, sound: str) -> Said:
        stem = _stem(sound)
        try:
            align = self._aligned.of(sound)
            words = read_align(align) if align is not None else ()
            if stem in self._listed:
                return Said(self._listed[stem], words, "list")
            for ending in _BESIDE:
                if (stem, ending) in self._texts:
                    return _beside(self._corpus.path / self._texts[stem, ending], words)
        except FormatError as error:
            return Said(trouble=self._corpus.bad_text(error))
        if words:
            return Said(" ".join(word["text"] for word in words), words, "align")
        place = str(PurePosixPath(sound).parent)
        lost = next((trouble for folder, trouble in self._lost if _within(place, folder)), None)
        return Said(trouble=lost)

    def _read_list(self, path: Path, cut: str) -> dict[str, str]:
        """Name to text; lines without a text are said, and a list that cannot be read concerns what lies beside it."""
        place = str(PurePosixPath(self._corpus.relative(path)).parent)
        try:
            lines = read_text(path, "list of transcripts").splitlines()
        except FormatError as error:
            self._lost.append((place, self._corpus.bad_text(error)))
            return {}
        found = {}
        for number, line in enumerate(lines, 1):
            name, _, text = line.strip().partition(cut)
            if text.strip():
                found[_joined(place, name)] = " ".join(text.split())
            elif line.strip():
                shown = "a tab" if cut == "\t" else "a blank"
                reason = f"line {number} is {line.strip()!r}, not name, {shown}, text"
                self._corpus.leave_out(self._corpus.relative(path), "line without a text", reason)
        return found


def _beside(path: Path, words: tuple[Mapping[str, Any], ...]) -> Said:
    text = read_text(path, "text")
    if text.lstrip().startswith("Text:"):
        spoken, timed = read_lrs3_text(path)
        return Said(spoken, timed, "lrs3")
    return Said(" ".join(text.split()) or None, words, "beside")


def _stem(sound: str) -> str:
    return str(PurePosixPath(sound).with_suffix(""))


def _joined(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _within(place: str, folder: str) -> bool:
    return folder in (".", place) or place.startswith(f"{folder}/")
