"""Which files a command means: files, folders and patterns, and where their results go."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from genlock.core.errors import InputError
from genlock.core.json_forms import read_json_file, write_json
from genlock.data.corpora.listing import CorpusFolder
from genlock.media.opening import is_url

__all__ = [
    "expand_files",
    "folder_beside",
    "note_owner",
    "own_name",
    "owner_of",
    "result_folder",
    "result_folders",
]

# A folder is walked for as long as it looks like one of films, and not like a disk.
_MOST_FILES, _MOST_MEDIA = 100_000, 1000
# Says whose features a folder holds.
_OWNER = "features.json"
#: Endings that are taken from a folder; a file that is named outright is opened whatever its ending.
MEDIA_ENDINGS = frozenset(
    {
        ".3gp",
        ".aac",
        ".ac3",
        ".aif",
        ".aiff",
        ".asf",
        ".avi",
        ".caf",
        ".flac",
        ".flv",
        ".gxf",
        ".m2ts",
        ".m4a",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".ts",
        ".vob",
        ".wav",
        ".webm",
        ".wma",
        ".wmv",
    }
)


def expand_files(named: Sequence[str]) -> tuple[list[str], bool]:
    """The files that the names mean, in order and once each, and whether the caller meant several.

    A folder means the media files in it and below; a pattern that no shell expanded means what it matches.

    Raises
    ------
    InputError
        If a folder holds no media file, or more than anybody means who names a folder; or nothing matches a pattern.
    """
    found: list[str] = []
    for name in named:
        path = Path(name)
        if is_url(name) or path.is_file():
            found.append(name)
        elif path.is_dir():
            found += _in_folder(path)
        elif any(mark in name for mark in "*?[") and not path.exists():
            matches = sorted(glob.glob(name, recursive=True))
            if not matches:
                raise InputError(f"nothing matches {name!r}")
            found += [match for match in matches if os.path.isfile(match)]
        else:
            found.append(name)  # opening it says what is wrong
    several = len(named) > 1 or any(Path(name).is_dir() or name not in found for name in named)
    return list(dict.fromkeys(found)), several


def _in_folder(folder: Path) -> list[str]:
    # Links are followed, and what genlock made of a film (results, datasets, exports) is no new input.
    listed = CorpusFolder(folder, own_too=True, most_files=_MOST_FILES)
    inside = [str(folder / name) for name in listed.names(MEDIA_ENDINGS)]
    if not inside:
        raise InputError(f"the folder {str(folder)!r} holds no video or sound file; name the file itself")
    if len(inside) > _MOST_MEDIA:
        pattern = f"{folder}/**/*{Path(inside[0]).suffix}"
        raise InputError(
            f"the folder {str(folder)!r} holds {len(inside)} videos and sounds, more than {_MOST_MEDIA}: if all are "
            f"meant, say so with a pattern, '{pattern}'; else name a folder in it"
        )
    return inside


def folder_beside(folder: str, ending: str) -> str:
    """The folder beside another one that is named after it, however that is written.

    >>> folder_beside("films/grid/", "dataset")
    'films/grid.dataset'

    ``.`` and ``films/..`` are named after the folders that they are.

    Raises InputError for the root, which has no name.
    """
    path = Path(folder)
    if path.name in ("", "..") or ".." in path.parts:
        path = path.resolve()
    if not path.name:
        raise InputError(
            f"{folder!r} has no name that a folder beside it could have; say with -o where to write"
        )
    return str(path.with_name(f"{path.name}.{ending}"))


def result_folder(file: str | os.PathLike[str], output: str | os.PathLike[str] | None) -> Path:
    """The folder for a file's results: the one that was asked for, or ``NAME.genlock`` beside the file.

    >>> str(result_folder("films/talk.mp4", None))
    'films/talk.genlock'
    """
    if output is not None:
        return Path(output)
    name = os.fspath(file)
    if is_url(name):
        last = name.split("?")[0].rstrip("/").rsplit("/", 1)[-1] or "stream"
        return Path(f"{Path(last).stem}.genlock")
    return Path(name).with_name(f"{Path(name).stem}.genlock")


def result_folders(files: Sequence[str], output: str | None) -> list[str | None]:
    """One folder for each of several files, never the same one twice, and never one that holds another file's features.

    Files whose names differ in the ending only keep it. Of files of one name in several folders, one has the plain
    name (whoever has it already, else the first) and the others one of their own, so that a file that is added renames
    nobody. None leaves the choice to :func:`result_folder`.

    >>> result_folders(["a/talk.mp4", "a/talk.mov", "b/song.wav"], None)
    ['a/talk.mp4.genlock', 'a/talk.mov.genlock', None]
    >>> result_folders(["a/talk.mp4", "b/talk.mp4"], "out")
    ['out/talk.genlock', 'out/talk-....genlock']
    """
    wanted = [str(result_folder(file, None) if output is None else _below(file, output)) for file in files]
    names: list[str | None] = []
    for file, folder in zip(files, wanted, strict=True):
        same_stem = [other for other, where in zip(files, wanted, strict=True) if where == folder]
        if output is None and len(same_stem) == 1:
            names.append(None)
        elif len({Path(other).name for other in same_stem}) == len(same_stem) > 1:
            names.append(str(Path(folder).with_name(f"{Path(file).name}.genlock")))
        else:
            names.append(folder)
    owners = {name: owner_of(name) for name in names if name is not None}
    for file, name in zip(files, names, strict=True):
        if name is not None and owners[name] is None:
            owners[name] = source_of(file)
    return [
        name
        if name is None or owners[name] == source_of(file)
        else f"{name[: -len('.genlock')]}-{own_name(file)}.genlock"
        for file, name in zip(files, names, strict=True)
    ]


def source_of(file: str | os.PathLike[str]) -> str:
    """The file that a result is of, as a result notes it: its whole path, or its address."""
    name = os.fspath(file)
    return name if is_url(name) else os.path.abspath(name)


def own_name(file: str | os.PathLike[str]) -> str:
    """Eight letters that depend on a file's path alone."""
    return hashlib.sha256(source_of(file).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def owner_of(folder: str | os.PathLike[str]) -> str | None:
    """The file whose features a folder holds, as :func:`note_owner` noted it; None if it holds none."""
    note = Path(folder) / _OWNER
    return str(read_json_file(note)["source"]) if note.is_file() else None


def note_owner(folder: str | os.PathLike[str], file: str | os.PathLike[str]) -> None:
    """Note in a folder whose features it holds."""
    write_json(Path(folder) / _OWNER, {"kind": "features", "source": source_of(file)})


def _below(file: str, output: str) -> Path:
    return Path(output) / result_folder(file, None).name
