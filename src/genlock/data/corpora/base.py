"""What a corpus is: a list of source files, with what is known of each, and what is usually made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.plugins import did_you_mean, find_plugin, plugin_names
from genlock.core.time import Exact
from genlock.data.corpora.listing import CorpusFolder, Trouble
from genlock.data.splits import NAMES

__all__ = ["GROUP", "Corpus", "CorpusFolder", "SourceFile", "Trouble", "find_corpus"]

#: The entry-point group of corpora.
GROUP = "genlock.corpora"


@dataclass(frozen=True)
class SourceFile:
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
    """``label``, ``at_seconds`` on the file's media clock: hits and the like, where the corpus has them; ``more``: what
    else it knows of one, as JSON."""
    cuts: tuple[Exact, ...] = ()
    """Instants of the file's media clock at which it is cut into clips where no length is asked for: pauses of a long
    talk."""
    group: str = ""
    """What it must not be parted from by the splits, other than its speaker; empty: nothing."""
    splits: tuple[str, ...] = NAMES
    """The splits that the corpus allows it in; one: its official split."""
    trouble: Trouble | None = None
    """Why it cannot be used, such as a text that cannot be read: it goes into quarantine with that."""


@dataclass(frozen=True)
class Corpus:
    """How a corpus is read."""

    name: str
    """As in ``--recipe``."""
    outputs: str
    """What is made of it by default."""
    sources: Callable[[CorpusFolder], list[SourceFile]]
    """Its sources out of a folder's files, in any order; what it does not take it tells with ``leave_out``."""
    clip_seconds: str | None = None
    """Length of its clips by default; None: each file is one clip."""


def find_corpus(name: str) -> Corpus:
    """The corpus of a name; other packages register theirs by entry points of :data:`GROUP`.

    Raises OptionError for an unknown name; the message lists what there is. Raises PluginError for a broken one.
    """
    names = plugin_names(GROUP)
    if name not in names:
        raise OptionError(
            f"there is no recipe {name!r}; there are: {', '.join(names)}{did_you_mean(name, names)}"
        )
    return find_plugin(GROUP, name, Corpus)
