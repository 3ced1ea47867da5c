"""Films of one talking face each, for a face that moves with a voice: a folder a speaker, or films side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.data.corpora.folder import FOLDER
from genlock.data.corpora.grid import sentence_of

__all__ = ["FACE"]


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    return [
        replace(
            source, speaker=source.label, label="", transcript=sentence_of(PurePosixPath(source.path).stem)
        )
        for source in FOLDER.sources(corpus)
    ]


#: ``--recipe face``: the mesh with its pose removed, on the film's own frames, and sound to drive it.
FACE = Corpus("face", "sound@16000,mel,mfcc:psf,landmarks:upright,mouth/96", _sources)
