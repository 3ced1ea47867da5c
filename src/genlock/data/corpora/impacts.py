"""Films of ``genlock synth impacts``: their contacts, with everything that is known of each, from their truths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile
from genlock.data.reading import Clip
from genlock.synth.impacts.truth import Contact, load_impact_truth, truth_path

__all__ = ["IMPACTS", "contacts_of"]


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    found = []
    for film in corpus.files(frozenset({".mp4", ".wav"})):
        path, beside = corpus.relative(film), truth_path(film)
        if not beside.is_file():
            corpus.leave_out(path, "film without its truth", f"there is no {beside.name!r} beside it")
            continue
        try:
            truth = load_impact_truth(beside)
        except FormatError as error:
            found.append(SourceFile(path, trouble=corpus.bad_text(error)))
            continue
        events = tuple(_event(contact) for contact in truth.contacts)
        # The two films of a pair stay in one split.
        found.append(
            SourceFile(path, label=truth.scene, events=events, group=str(truth.pair.get("name", "")))
        )
    return found


def _event(contact: Contact) -> Mapping[str, Any]:
    return {
        "label": f"{contact.kind} {contact.material}",
        "at_seconds": float(contact.time),
        "more": json.dumps(contact.to_dict(), sort_keys=True),
    }


def contacts_of(clip: Clip) -> tuple[Contact, ...]:
    """The contacts of a clip of a dataset that was made with ``--recipe impacts``, in order of time.

    Times are exact seconds on the media clock of the clip's source, as its tracks and ``clip.start`` are. A clip of
    another corpus has none.
    """
    told = (event.get("more") for event in clip.row["events"] or ())
    return tuple(Contact.from_dict(json.loads(more)) for more in told if more)


#: ``--recipe impacts``; each event carries its contact, which :func:`contacts_of` reads.
IMPACTS = Corpus("impacts", "sound@24000,frames/64x64", _sources)
