"""The files of a corpus: listed once, links followed once each, and everything that is left out named.

A folder behind a link belongs to the corpus; a folder that is reached twice, or from within itself, is listed once.
What genlock made (datasets, exports, results) is never a source.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genlock.core.errors import InputError

__all__ = ["CorpusFolder", "LeftOut", "Trouble", "is_own_result", "printable"]

#: Files that together tell that a folder was made by genlock: a dataset, also without its ledger, an export, a report.
_OWN_FILES = (
    (".genlock/ledger.sqlite",),
    ("dataset.json", "index.parquet"),
    (".genlock-export.json",),
    ("summary.json", "report.html"),
)


@dataclass(frozen=True)
class LeftOut:
    """Something in the corpus' folder that no clip is made of."""

    path: str
    """Relative to the corpus' folder, with ``/``."""
    kind: str
    """A few words that others of its kind share: ``broken link``."""
    reason: str
    """What is wrong with this one, or why it is not needed."""


@dataclass(frozen=True)
class Trouble:
    """Why a source cannot be used, known before it is opened."""

    kind: str
    """A few words that others of its kind share: ``text that cannot be used``."""
    message: str
    """What is wrong with this one."""


@dataclass(frozen=True)
class _Link:
    """A link to a folder that has not been followed yet."""

    path: str
    real: tuple[int, int]


@dataclass
class CorpusFolder:
    """The folder of a corpus, listed.

    Raises InputError if it is not a folder, or is itself a dataset or an export of ours.
    """

    path: Path
    """The folder."""
    left_out: list[LeftOut] = field(default_factory=list)
    """What was not followed, and what a recipe left out."""
    notes: list[str] = field(default_factory=list)
    """What else whoever uses the dataset must know of its corpus; one line each."""
    own_too: bool = False
    """Whether the folder itself may be one that genlock made."""
    most_files: int | None = None
    """More files than so many are not listed: InputError is raised as soon as they are met. None: all are."""

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if not self.path.is_dir():
            raise InputError(f"{str(self.path)!r} is not a folder; name the folder of the corpus")
        if not self.own_too and is_own_result(str(self.path)):
            raise InputError(
                f"{str(self.path)!r} was made by genlock from a corpus; name the folder of the corpus itself"
            )
        self._files: list[str] = []
        self._seen: dict[tuple[int, int], str] = {}
        self._list()
        self._files.sort(key=os.fsencode)

    def files(self, endings: Collection[str]) -> list[Path]:
        """Files with such endings (in small letters, with their point), sorted; broken links with them.

        Raises InputError if there is none.
        """
        found = [self.path / name for name in self._files if _ending(name) in endings]
        if not found:
            raise InputError(
                f"no file below {str(self.path)!r} ends with one of {', '.join(sorted(endings)[:6])} ...; name the "
                "folder of the corpus"
            )
        return found

    def ending_with(self, ending: str) -> list[Path]:
        """Files whose names end so (``.trans.txt``), sorted; none is fine."""
        return [self.path / name for name in self._files if name.endswith(ending)]

    def names(self, endings: Collection[str]) -> list[str]:
        """Paths with such endings, relative to the folder; none is fine."""
        return [name for name in self._files if _ending(name) in endings]

    def relative(self, path: Path) -> str:
        """A path of :meth:`files` relative to the folder, with ``/``."""
        return path.relative_to(self.path).as_posix()

    def leave_out(self, path: str, kind: str, reason: str) -> None:
        """Note that no clip is made of something, and why."""
        self.left_out.append(LeftOut(printable(path), kind, printable(reason)))

    def bad_text(self, error: Exception) -> Trouble:
        """What a text that cannot be read does to its source. Paths are told relative to the folder."""
        message = str(error).replace(f"{self.path}{os.sep}", "")
        return Trouble("text that cannot be used", printable(message))

    def _list(self) -> None:
        links = list(self._below(""))
        # What lies in the folder itself comes before what is reached by links: a file keeps its own name.
        while links:
            following, links = sorted(links, key=lambda link: os.fsencode(link.path)), []
            for link in following:
                if link.real in self._seen:
                    self._listed_already(link.path, link.real)
                else:
                    links += self._below(link.path)

    def _listed_already(self, path: str, real: tuple[int, int]) -> None:
        known = self._seen[real]
        what = f"the same folder as {known!r}" if known else "the corpus' own folder"
        self.leave_out(path, "linked folder that is listed already", what)

    def _below(self, start: str) -> Iterator[_Link]:
        """Note the files below a folder; gives the links to folders that are met on the way."""
        waiting = [start]
        while waiting:
            inside = waiting.pop()
            try:
                real = _identity(os.stat(self.path / inside))
                if real in self._seen:
                    self._listed_already(inside, real)
                    continue
                with os.scandir(self.path / inside) as scan:
                    entries = list(scan)
                self._seen[real] = inside
            except OSError as error:
                self.leave_out(inside, "folder that cannot be listed", error.strerror or str(error))
                continue
            if inside and is_own_result(str(self.path / inside)):
                self.leave_out(inside, "folder made by genlock", "a dataset or an export, and no source")
                continue
            for entry in entries:
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.name.startswith(".") or entry.name.endswith(".genlock"):
                    continue
                if entry.is_symlink():
                    yield from self._link(name)
                elif entry.is_dir():
                    waiting.append(name)
                elif entry.is_file():
                    self._files.append(name)
                    if self.most_files is not None and len(self._files) > self.most_files:
                        raise InputError(
                            f"there are more than {self.most_files} files below {str(self.path)!r}, which looks like a "
                            "disk and no folder of films; name a folder in it, or a pattern such as '*/*.mp4'"
                        )
                elif _ending(name):
                    self.leave_out(name, "no regular file", "a device, a pipe or a socket")

    def _link(self, name: str) -> Iterator[_Link]:
        try:
            state = os.stat(self.path / name)
        except OSError:
            # With an ending it may be a source: a recipe that takes it has it quarantined. Else it is only named.
            if _ending(name):
                self._files.append(name)
            else:
                target = os.readlink(self.path / name)
                self.leave_out(name, "broken link", f"leads to {target!r}, which is not there")
            return
        if os.path.isdir(self.path / name):
            yield _Link(name, _identity(state))
        elif os.path.isfile(self.path / name):
            self._files.append(name)

    def not_taken(self, taken: Iterable[str], endings: Collection[str], recipe: str) -> None:
        """Note the media files that a recipe made no source of, and the broken links that are no media file."""
        known = {*taken, *(one.path for one in self.left_out)}
        for name in self._files:
            if name in known or printable(name) in known:
                continue
            if os.path.islink(self.path / name) and not os.path.exists(self.path / name):
                self.leave_out(name, "broken link", f"leads to {os.readlink(self.path / name)!r}")
            elif _ending(name) in endings:
                kind = f"{_ending(name)} file that the recipe {recipe!r} does not take"
                self.leave_out(name, kind, "another --recipe may")


def is_own_result(folder: str) -> bool:
    """Whether a folder is a dataset or an export of ours, or the result of a command."""
    return any(all(os.path.isfile(os.path.join(folder, name)) for name in files) for files in _OWN_FILES)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def printable(text: str) -> str:
    r"""A text that every file format holds: bytes of a name that are not UTF-8 are written as ``\xe9``.

    >>> printable("caf\udce9.mpg")
    'caf\\xe9.mpg'
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text
