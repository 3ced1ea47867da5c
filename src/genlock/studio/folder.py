"""The folder that the studio works on: which media files are in it, by what names they are called, what may be made.

A browser never says a path. Files are told by a number that is made of their place in the folder, so that no request
can lead out of it. What leads out of it by a link is not shown, and the page says so.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genlock.core.errors import InputError, OutputError
from genlock.core.files import make_folders
from genlock.core.one_line import one_line
from genlock.data.corpora.listing import CorpusFolder, printable
from genlock.tasks.files import MEDIA_ENDINGS, result_folders

__all__ = ["OWN_FOLDER", "Left", "MediaFile", "NotThere", "StudioFolder", "file_name_of"]

#: What the studio keeps lies here, inside the folder.
OWN_FOLDER = ".genlock-studio"
_LONGEST_NAME = 200  # bytes; file systems take 255, and a repaired copy adds to it
_BANNED = frozenset('/\\:*?"<>|')


class NotThere(InputError):
    """The studio has no such file, job or frame."""


@dataclass(frozen=True)
class MediaFile:
    """One video or sound of the folder."""

    ident: str
    """What the browser calls it: 16 hexadecimal digits of its place in the folder."""
    name: str
    """Its place in the folder, with ``/``, as it can be printed."""
    path: Path
    """Where it lies."""
    results: Path
    """The folder of its results, as ``genlock align`` writes it; it need not be there."""

    __repr__ = one_line

    @property
    def version(self) -> str:
        """Changes whenever the file does: of its size and its time."""
        state = self.path.stat()
        return hashlib.sha256(f"{state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Left:
    """What is in the folder and is not shown, and why."""

    name: str
    """Its place in the folder."""
    reason: str
    """Why it is left alone."""


class StudioFolder:
    """A folder of media files, and the studio's own folder in it.

    Parameters
    ----------
    also : folders of datasets and training runs beside it

    Raises InputError if it is no folder, OutputError if nothing can be written there.
    """

    def __init__(self, root: str | os.PathLike[str], also: Sequence[str | os.PathLike[str]] = ()) -> None:
        self.root = Path(os.path.realpath(root))
        self.also = tuple(Path(os.path.realpath(each)) for each in also)
        missing = [str(each) for each in self.also if not each.is_dir()]
        if missing:
            raise InputError(f"{missing[0]!r} is not a folder; --also names folders of datasets and runs")
        if not self.root.is_dir():
            raise InputError(f"{os.fspath(root)!r} is not a folder; name the folder of the films")
        self.own = self.root / OWN_FOLDER
        self._known: dict[str, MediaFile] = {}
        if self.own.is_symlink():
            raise InputError(f"{str(self.own)!r} is a link; the studio writes into a folder of its own only")
        for name in ("clips", "words", "uploads", "work", "found", "takes"):
            make_folders(self.own / name)
        if not os.access(self.own, os.W_OK):
            raise OutputError(f"cannot write {str(self.own)!r}; choose a folder that can be written")

    def files(self) -> tuple[list[MediaFile], list[Left]]:
        """The media files, by name, and what is not shown."""
        listing = CorpusFolder(self.root, own_too=True)
        left = [Left(one.path, one.reason) for one in listing.left_out]
        kept = []
        for name in listing.names(MEDIA_ENDINGS):
            reason = self._refusal(name)
            if reason is None:
                kept.append(name)
            else:
                left.append(Left(printable(name), reason))
        paths = [str(self.root / name) for name in kept]
        folders = result_folders(paths, None)
        found = [
            MediaFile(ident_of(name), printable(name), Path(path), _results(path, own))
            for name, path, own in zip(kept, paths, folders, strict=True)
        ]
        self._known = {file.ident: file for file in found}
        return found, left

    def file(self, ident: str) -> MediaFile:
        """A file by its number. Raises NotThere if it is not there, or not any more."""
        found = self._known.get(ident)
        # What was listed may have gone since, or have become a link.
        if found is None or self._refusal(os.path.relpath(found.path, self.root)) is not None:
            found = next((each for each in self.files()[0] if each.ident == ident), None)
        if found is None:
            raise NotThere(f"there is no file {ident!r} in this folder (any more); look at the library again")
        return found

    def inside(self, name: str) -> bool:
        """Whether what has a name relative to the folder lies in it, wherever links lead."""
        return Path(os.path.realpath(self.root / name)).is_relative_to(self.root)

    def _refusal(self, name: str) -> str | None:
        real = Path(os.path.realpath(self.root / name))
        if not real.is_relative_to(self.root):
            return "a link that leads out of the folder"
        return None if real.is_file() else "a link that leads to nothing"


def _results(path: str, own: str | None) -> Path:
    return Path(own) if own is not None else Path(path).with_suffix(".genlock")


def ident_of(name: str) -> str:
    """Sixteen hexadecimal digits for a place in the folder.

    >>> ident_of("a/talk.mp4")
    '3dd1139f5ff2f051'
    """
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def file_name_of(given: str) -> str:
    """A name for a new media file, as it was given, if it is one that nothing can be done with but store a film.

    >>> file_name_of("My talk.mp4")
    'My talk.mp4'
    >>> file_name_of("../../etc/passwd")
    Traceback (most recent call last):
    ...
    genlock.core.errors.InputError: '../../etc/passwd' is no name for a file: it holds '/'

    Raises InputError if it leads elsewhere, is hidden, too long, or has no ending of media.
    """
    name = unicodedata.normalize("NFC", given)

    def refuse(why: str) -> InputError:
        return InputError(f"{given!r} is no name for a file: {why}")

    bad = sorted({letter for letter in name if letter in _BANNED or unicodedata.category(letter)[0] == "C"})
    if bad:
        raise refuse(f"it holds {', '.join(map(repr, bad))}")
    if not name.strip() or name != name.strip() or name.startswith("."):
        raise refuse("it begins with a point, or begins or ends with a space")
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise refuse(f"it is longer than {_LONGEST_NAME} bytes")
    if Path(name).suffix.lower() not in MEDIA_ENDINGS:
        raise refuse(f"its ending {Path(name).suffix!r} is none of a video or a sound")
    return name
