"""Films of ``genlock synth talkers``: what is said, when each word and phone is, who speaks, all from their truths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genlock.core.errors import FormatError
from genlock.core.spans import Spans
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.synth.talkers.truth import load_talker_truth, talker_path

__all__ = ["TALKERS"]


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    for film in corpus.files(frozenset({".mp4", ".wav"})):
        path, beside = corpus.relative(film), talker_path(film)
        if not beside.is_file():
            corpus.leave_out(path, "film without its truth", f"there is no {beside.name!r} beside it")
            continue
        try:
            truth = load_talker_truth(beside)
        except FormatError as error:
            found.append(SourceFile(path, trouble=corpus.bad_text(error)))
            continue
        phones = tuple({"label": p.label, "at_seconds": float(p.start)} for p in truth.phones)
        found.append(SourceFile(path, truth.person, "", truth.text, _words(truth.words), phones))
    return found


def _words(words: Spans) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"text": word.label, "start_seconds": float(word.start), "end_seconds": float(word.end)}
        for word in words
    )


#: ``--recipe talkers``; events are the beginnings of the phones.
TALKERS = Corpus("talkers", "sound@16000,mel,landmarks", _sources)
