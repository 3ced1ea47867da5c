"""What the ending of a file's name says about the container that is to be written, from FFmpeg's own lists."""

from __future__ import annotations

import os
from pathlib import Path

import av

from genlock.core.errors import OutputError

__all__ = ["container_of", "require_one_file"]

# Of two writers for one ending, the one that is meant.
_PREFERRED = {
    "mp4": "mp4",
    "m4v": "ipod",
    "mpg": "mpeg",
    "mpeg": "mpeg",
    "vob": "vob",
    "mxf": "mxf",
    "wmv": "asf",
}
_ADVICE = "use .mp4, .mkv, .mov or .webm"


def container_of(path: str | os.PathLike[str]) -> str:
    """FFmpeg's name of the container that a name's ending means; no file is written to find out.

    Raises
    ------
    OutputError
        If it names none.

    Examples
    --------
    >>> container_of("talk.mkv"), container_of("TALK.MPG")
    ('matroska', 'mpeg')
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    names = {writer.name for writer in _writers() if ending and ending in writer.extensions}
    if not names:
        raise OutputError(
            f"{os.fspath(path)!r}: the ending {Path(path).suffix!r} names no container; {_ADVICE}"
        )
    return _PREFERRED.get(ending, min(names))


def require_one_file(path: str | os.PathLike[str]) -> str:
    """The same, where what is written has to be one file.

    Raises
    ------
    OutputError
        Also if the container is a playlist with its parts, or a picture for each frame.

    Examples
    --------
    >>> require_one_file("talk.mp4")
    'mp4'
    """
    name = container_of(path)
    writer = av.format.ContainerFormat(name, "w")
    if writer.no_file or name in _SEVERAL_FILES:
        raise OutputError(
            f"{os.fspath(path)!r}: {writer.long_name} is not one file but several, which cannot be written whole or "
            "not at all; write .mp4 or .ts and make the parts of that"
        )
    return name


_SEVERAL_FILES = frozenset({"hls", "dash", "image2", "segment", "smoothstreaming", "webm_dash_manifest"})


def _writers() -> list[av.format.ContainerFormat]:
    found = []
    for name in sorted(av.format.formats_available):
        try:
            found.append(av.format.ContainerFormat(name, "w"))
        except ValueError:  # a reader only
            continue
    return [writer for writer in found if writer.is_output]
