"""VoxCeleb2 (Chung, Nagrani, Zisserman 2018): ``dev/mp4/SPEAKER/VIDEO/00001.mp4`` and the same below ``test``."""

from __future__ import annotations

from pathlib import PurePosixPath

from genlock.core.errors import InputError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile

__all__ = ["VOXCELEB2"]


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    for film in corpus.files(frozenset({".mp4"})):
        name = corpus.relative(film)
        path = PurePosixPath(name)
        if len(path.parts) < 3 or not path.parts[-3].startswith("id"):
            corpus.leave_out(name, "film outside id.../VIDEO/", "no speaker is known")
            continue
        splits = ("test",) if "test" in path.parts[:-3] else ("train", "valid")
        found.append(SourceFile(name, speaker=path.parts[-3], splits=splits))
    if not found:
        raise InputError(
            f"no film of {str(corpus.path)!r} lies in id.../VIDEO/; name the folder of VoxCeleb2"
        )
    return found


#: ``--recipe voxceleb2``.
VOXCELEB2 = Corpus("voxceleb2", "sound@16000,mfcc:psf,mouth/96", _sources)
