"""Any videos: the class of a video is the folder that it lies in."""

from __future__ import annotations

from pathlib import PurePosixPath

from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile

__all__ = ["FOLDER", "VIDEOS"]

#: Endings of videos, in small letters.
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


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    paths = [corpus.relative(path) for path in corpus.files(VIDEOS)]
    return [SourceFile(path, label=PurePosixPath(path).parent.name) for path in paths]


#: ``--recipe folder``.
FOLDER = Corpus("folder", "sound@16000,mel,frames@25/256x256", _sources, clip_seconds="10")
