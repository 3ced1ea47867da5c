"""``genlock prepare --recipe tones``: the films of ``genlock synth tones``, with what is said in them."""

from __future__ import annotations

import json

from genlock.data.corpora import Corpus, CorpusFolder, SourceFile
from genlock.data.corpora.text_files import read_text


def sources(corpus: CorpusFolder) -> list[SourceFile]:
    """Every film of a folder, with its transcript and the class of its first word."""
    found = []
    for film in corpus.files({".mkv"}):
        path = corpus.relative(film)
        try:
            said = json.loads(read_text(film.with_suffix(".json")))["words"]
        except (ValueError, KeyError) as error:
            found.append(SourceFile(path, trouble=corpus.bad_text(error)))
            continue
        found.append(SourceFile(path, label=said[0], transcript=" ".join(said)))
    return found


TONES = Corpus("tones", "sound@16000,energy", sources)
