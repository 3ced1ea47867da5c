"""Any videos: the class of a video is the folder that it lies in."""

from __future__ import annotations

from pathlib import Path

from genlock.data.corpora.base import Corpus, Source, files_below

__all__ = ["FOLDER"]

VIDEOS = frozenset(
    {
        ".3gp",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    }
)


def _sources(folder: Path) -> list[Source]:
    found = [path.relative_to(folder) for path in files_below(folder, VIDEOS)]
    return [Source(path.as_posix(), label="" if len(path.parts) < 2 else path.parts[-2]) for path in found]


#: ``--recipe folder``.
FOLDER = Corpus("folder", "sound@16000,mel,frames@25/256x256", _sources, clip_seconds="10")
