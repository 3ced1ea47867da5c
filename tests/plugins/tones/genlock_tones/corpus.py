"""``genlock prepare --recipe tones``: the films of ``genlock synth tones``, with what is said in them."""

from __future__ import annotations

import json
from pathlib import Path

from genlock.data.corpora.base import Corpus, Source, files_below


def sources(folder: Path) -> list[Source]:
    """Every film below a folder, with its transcript and the class of its first word."""
    found = []
    for film in files_below(folder, frozenset({".mkv"})):
        said = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))["words"]
        path = film.relative_to(folder).as_posix()
        found.append(Source(path, label=said[0], transcript=" ".join(said)))
    return found


TONES = Corpus("tones", "sound@16000,energy", sources)
