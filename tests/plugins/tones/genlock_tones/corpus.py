"""``genlock prepare --recipe tones``: the films of ``genlock synth tones``, with what is said in them."""

from __future__ import annotations

import json

from genlock.data.corpora.base import Corpus, CorpusFolder, Source


def sources(corpus: CorpusFolder) -> list[Source]:
    """Every film with its transcript, and the first word as its class; one without its truth is left out by name."""
    found = []
    for film in corpus.files({".mkv"}):
        path, truth = corpus.relative(film), film.with_suffix(".json")
        if truth.is_file():
            said = json.loads(truth.read_text(encoding="utf-8"))["words"]
            found.append(Source(path, label=said[0], transcript=" ".join(said)))
        else:
            corpus.leave_out(path, "film without its truth", f"there is no {truth.name} beside it")
    return found


TONES = Corpus("tones", "sound@16000,energy", sources)
