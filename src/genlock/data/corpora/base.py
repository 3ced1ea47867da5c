"""What a corpus is: a list of source files, with what is known of each, and what is usually made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genlock.core.errors import InputError, OptionError
from genlock.core.plugins import load_plugin, plugin_names
from genlock.data.splits import NAMES

__all__ = ["GROUP", "Corpus", "Source", "files_below", "find_corpus"]

#: The entry-point group of corpora.
GROUP = "genlock.corpora"


@dataclass(frozen=True)
class Source:
    """One file of a corpus and what the corpus says of it."""

    path: str
    """Relative to the corpus' folder, with ``/``."""
    speaker: str = ""
    """Who speaks; empty if it is not known."""
    label: str = ""
    """Class; empty without classes."""
    transcript: str | None = None
    """What is said, or None."""
    words: tuple[Mapping[str, Any], ...] = field(default=())
    """``text``, ``start_seconds``, ``end_seconds`` on the file's media clock, where the corpus has them."""
    events: tuple[Mapping[str, Any], ...] = field(default=())
    """``label``, ``at_seconds`` on the file's media clock: hits and the like, where the corpus has them."""
    group: str = ""
    """What it must not be parted from by the splits, other than its speaker; empty: nothing."""
    splits: tuple[str, ...] = NAMES
    """The splits that the corpus allows it in; one: its official split."""


@dataclass(frozen=True)
class Corpus:
    """How a corpus is read."""

    name: str
    """As in ``--recipe``."""
    outputs: str
    """What is made of it by default."""
    sources: Callable[[Path], list[Source]]
    """Lists the files below a folder, in any order."""
    clip_seconds: str | None = None
    """Length of its clips by default; None: each file is one clip."""


def find_corpus(name: str) -> Corpus:
    """The corpus of a name; other packages register theirs by entry points of :data:`GROUP`.

    Raises OptionError for an unknown name; the message lists what there is.
    """
    if name not in plugin_names(GROUP):
        raise OptionError(f"there is no recipe {name!r}; there are: {', '.join(plugin_names(GROUP))}")
    corpus = load_plugin(GROUP, name)
    if not isinstance(corpus, Corpus):
        raise OptionError(f"the recipe {name!r} is registered as {corpus!r}, which is no Corpus")
    return corpus


def files_below(folder: Path, endings: frozenset[str]) -> list[Path]:
    """Files with such endings below a folder, sorted; hidden folders and our own results are left out.

    Raises InputError if there is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings
        and path.is_file()
        and not any(
            part.startswith(".") or part.endswith(".genlock") for part in path.relative_to(folder).parts
        )
    )
    if not found:
        raise InputError(
            f"no file below {str(folder)!r} ends with one of {', '.join(sorted(endings)[:6])} ...; name the folder of "
            "the corpus"
        )
    return found
