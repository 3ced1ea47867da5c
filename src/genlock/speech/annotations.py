"""Words and subtitles as annotations of other programs: ELAN (EAF) and markers on a time line (OpenTimelineIO)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from genlock.core.time import round_fraction
from genlock.media.marker_files import markers_text
from genlock.media.markers import Marker, otio_markers
from genlock.speech.words import Words

if TYPE_CHECKING:
    from genlock.speech.subtitles.cue import Cue

__all__ = ["eaf", "marked_words", "otio_words"]

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = "default-lt"


def eaf(words: Words, cues: Sequence[Cue], film: str | None = None) -> str:
    """An ELAN document with a tier ``words``, one for each speaker that is known, and one ``subtitles``.

    Times are counted from 0, to the nearest millisecond.

    >>> from genlock.speech import Word
    >>> text = eaf(Words([Word("Hello", "0.5", "0.82")]), [], "talk.mp4")
    >>> [line.strip() for line in text.splitlines() if "TIME_VALUE" in line]
    ['<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500" />', '<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="820" />']
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "genlock",
            "DATE": "2026-01-01T00:00:00+00:00",  # of no meaning here; what is asked twice is the same twice
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _INSTANCE,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if film is not None:
        place = {"MEDIA_URL": film, "RELATIVE_MEDIA_URL": f"./{film}", "MIME_TYPE": "unknown"}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", place)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    rows = {
        "words": _row(words),
        **{f"{name} - words": _row(words.of_speaker(name)) for name in words.speakers},
        "subtitles": [(cue.start, cue.end, cue.plain) for cue in cues],
    }
    number = slots = 0
    for name, row in rows.items():
        speaker = name.removesuffix(" - words")
        whose = {"PARTICIPANT": speaker} if speaker in words.speakers else {}
        tier = ElementTree.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": _TYPE, **whose, "TIER_ID": name})
        for start, end, text in _in_milliseconds(row):
            number += 1
            refs = {}
            for end_name, value in (("TIME_SLOT_REF1", start), ("TIME_SLOT_REF2", end)):
                slots += 1
                slot = {"TIME_SLOT_ID": f"ts{slots}", "TIME_VALUE": str(value)}
                ElementTree.SubElement(order, "TIME_SLOT", slot)
                refs[end_name] = f"ts{slots}"
            holder = ElementTree.SubElement(tier, "ANNOTATION")
            one = ElementTree.SubElement(
                holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **refs}
            )
            ElementTree.SubElement(one, "ANNOTATION_VALUE").text = text
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _row(words: Words) -> list[tuple[Fraction, Fraction, str]]:
    return [(span.start, span.end, span.label) for span in words.spans]


def _in_milliseconds(rows: Iterable[tuple[Fraction, Fraction, str]]) -> list[tuple[int, int, str]]:
    """From zero on, in order, each of a millisecond at least: ELAN takes no empty annotation, and none that overlap."""
    made: list[tuple[int, int, str]] = []
    for start, end, text in rows:
        first = max(0, round_fraction(start * 1000, "nearest"), made[-1][1] if made else 0)
        made.append((first, max(first + 1, round_fraction(end * 1000, "nearest")), text))
    return made


def marked_words(
    words: Words,
    film: str,
    ending: str,
    span: tuple[Fraction, Fraction] | None = None,
    rate: Fraction | None = None,
) -> str:
    """Words as markers on a clip of the film: ``.fcpxml``, ``.edl``, ``.csv``; see :mod:`genlock.media.marker_files`.

    Parameters
    ----------
    span : from where to where the film lasts, in exact seconds; None: from zero to the last word
    rate : frames per second of the film

    Raises OptionError for ``.fcpxml`` and ``.edl`` without a rate.

    >>> from genlock.speech import Word
    >>> print(marked_words(Words([Word("Hello", "0.5", "0.82")]), "talk.mp4", ".csv").splitlines()[1][:33])
    Hello,1/2,41/50,0.500000,0.820000
    """
    spans = words.spans
    ends = [
        *(span or (Fraction(0), Fraction(0))),
        *(edge for each in spans for edge in (each.start, each.end)),
    ]
    markers = [Marker(each.label, each.start, each.end, {"confidence": each.confidence}) for each in spans]
    return markers_text(ending, film, (min(ends), max(ends)), markers, rate)


def otio_words(words: Words, film: str) -> str:
    """Words as markers on a clip of the film, in milliseconds, each with its exact times beside.

    >>> from genlock.speech import Word
    >>> otio_words(Words([Word("Hello", "0.5", "0.82")]), "talk.mp4").count("Marker.2")
    1
    """
    spans = words.spans
    markers = [Marker(span.label, span.start, span.end, span.to_dict()) for span in spans]
    first, last = (
        (min(Fraction(0), spans[0].start), spans[-1].end) if len(spans) else (Fraction(0), Fraction(0))
    )
    return otio_markers(film, (first, last), markers, color="GREEN", metadata={"words": len(words)})
