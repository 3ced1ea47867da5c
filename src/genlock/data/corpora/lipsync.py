"""Films of talking faces that are believed to be in step, for what measures offsets; split by their names.

The lips-sound models that come with Genlock were trained on such a split of GRID's speaker s1. It is this recipe's
official one, so that what is trained anew is measured on films that no model of ours was trained on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.data.corpora.folder import FOLDER
from genlock.data.splits import place_of

__all__ = ["LIPSYNC", "split_by_name"]


def split_by_name(stem: str) -> str:
    """The split of a film, by its name without ending: 50, 20 and 30 of a hundred.

    The same on every machine and in every version: the films of ``test`` were kept from every model of ours.

    >>> split_by_name("bbaf2n"), split_by_name("bbaf3s")
    ('test', 'train')
    """
    place = place_of(stem)
    return "train" if place < 0.5 else "valid" if place < 0.7 else "test"


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    return [
        replace(source, label="", splits=(split_by_name(PurePosixPath(source.path).stem),))
        for source in FOLDER.sources(corpus)
    ]


#: ``--recipe lipsync``.
LIPSYNC = Corpus("lipsync", "sound@16000,landmarks:lips", _sources)
