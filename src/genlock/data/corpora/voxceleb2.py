"""VoxCeleb2 (Chung, Nagrani, Zisserman 2018): ``dev/mp4/SPEAKER/VIDEO/00001.mp4`` and the same below ``test``.

Where the list of AV-HuBERT's authors, ``vox-en.id`` or ``vox-en.id.gz``, lies in the folder, only its films are taken:
those in English.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from genlock.core.errors import InputError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.data.corpora.text_files import listed_ids

__all__ = ["ENGLISH_LIST", "VOXCELEB2"]

#: The list of films in English, a path without its ending a line.
ENGLISH_LIST = "vox-en.id"


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    english = listed_ids(corpus, ENGLISH_LIST)
    for film in corpus.files(frozenset({".mp4"})):
        name = corpus.relative(film)
        path = PurePosixPath(name)
        if len(path.parts) < 3 or not path.parts[-3].startswith("id"):
            corpus.leave_out(name, "film outside id.../VIDEO/", "no speaker is known")
            continue
        if english is not None and "/".join(path.with_suffix("").parts[-5:]) not in english:
            corpus.leave_out(name, f"film that {ENGLISH_LIST} does not list", "it is not in English")
            continue
        splits = ("test",) if "test" in path.parts[:-3] else ("train", "valid")
        found.append(SourceFile(name, speaker=path.parts[-3], splits=splits))
    if not found:
        raise InputError(
            f"no film of {str(corpus.path)!r} lies in id.../VIDEO/; name the folder of VoxCeleb2"
        )
    return found


#: ``--recipe voxceleb2``.
VOXCELEB2 = Corpus("voxceleb2", "sound@16000,mfcc:psf,mouth/96,mouth:avhubert/96", _sources)
