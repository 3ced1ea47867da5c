"""Files of words and subtitles: read whatever their form is, written in the form that the ending names.

Times in these files count from zero of the clock; they are rounded to the nearest millisecond (SRT, VTT, CTM, EAF)
or to the nearest microsecond (TextGrid); JSON also has them exactly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from genlock.core.errors import OptionError, TranscriptError
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.speech.annotations import eaf, marked_words, otio_words
from genlock.speech.subtitles.ass_ttml import ass, labels, lines, tsv, ttml
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.made import cues_from_words
from genlock.speech.subtitles.other_forms import form_of, read_form
from genlock.speech.subtitles.repaired import repaired
from genlock.speech.subtitles.rules import PLAIN, SubtitleRules
from genlock.speech.subtitles.snapped import cut_down
from genlock.speech.subtitles.srt_vtt import has_cues, read_subtitles, srt, vtt
from genlock.speech.subtitles.voices import with_names
from genlock.speech.text_encoding import decode_text
from genlock.speech.word_forms import ctm, textgrid
from genlock.speech.words import Words

__all__ = ["FORMS", "Transcript", "open_transcript", "read_transcript", "write_words"]

#: Endings that :func:`write_words` knows.
FORMS = (
    ".json",
    ".srt",
    ".vtt",
    ".ass",
    ".ttml",
    ".TextGrid",
    ".ctm",
    ".eaf",
    ".otio",
    ".fcpxml",
    ".edl",
    ".csv",
    ".tsv",
    ".txt",
    ".labels",
)


# A line of ASS that draws shapes instead of letters.
_DRAWING = re.compile(r"^Dialogue:.*\{[^{}\n]*\\p[1-9]", re.M)


@dataclass(frozen=True)
class Transcript:
    """What a file of spoken words says."""

    text: str
    """The words, without tags and times."""
    cues: tuple[Cue, ...] | None = None
    """The subtitles, if it is a file of subtitles."""
    form: str = "text"
    """``text``, ``subtitles`` (SRT, WebVTT), ``ass``, ``microdvd``, ``mpl2``, ``sami``, ``ttml``, ``lrc``,
    ``textgrid``, ``elan`` or ``json``."""
    notes: tuple[str, ...] = ()
    """What had to be guessed."""

    __repr__ = one_line


def open_transcript(data: bytes, name: str, encoding: str | None = None) -> Transcript:
    """Read a transcript: plain text, or subtitles and annotations of many forms, told by how they begin.

    Parameters
    ----------
    data : what the file holds
    name : what to call it in messages
    encoding : its encoding; None: Unicode where it is that, else the likeliest, with a note

    Raises
    ------
    OptionError
        If there is no such encoding.
    TranscriptError
        If it is no text, cannot be read in its form, or holds no word.

    >>> open_transcript(b"[00:01.00]Hi there", "a.lrc").text
    'Hi there'
    """
    found = decode_text(data, name, encoding)
    notes: tuple[str, ...] = ()
    if found.guessed:
        notes = (
            f"{name} does not say its encoding and was read as {found.encoding}; --encoding says another",
        )
    form = form_of(found.text)
    cues: tuple[Cue, ...] | None = None
    text = found.text
    if form is not None:
        text, cues = read_form(text, form, name)
    elif has_cues(text):
        form, cues = "subtitles", read_subtitles(text, name)
        text = " ".join(cue.plain for cue in cues)
    drawings = len(_DRAWING.findall(found.text)) if form == "ass" else 0
    if drawings:
        notes += (f"{name} has {drawings} drawings, which are no subtitles and were left out",)
    if not text.strip():
        held = f"has {len(cues)} cues and no word in them" if cues is not None else "holds no word"
        raise TranscriptError(f"{name} {held}; give the words that are spoken")
    return Transcript(text, cues, form or "text", notes)


def read_transcript(data: bytes, name: str) -> tuple[str, tuple[Cue, ...] | None]:
    """The words and the cues of :func:`open_transcript`.

    >>> read_transcript(b"1\\n00:00:01,000 --> 00:00:02,000\\nHi there\\n", "a.srt")[0]
    'Hi there'
    """
    transcript = open_transcript(data, name)
    return transcript.text, transcript.cues


def write_words(
    words: Words,
    path: str | os.PathLike[str],
    *,
    cues: Sequence[Cue] | None = None,
    film: str | None = None,
    span: tuple[Fraction, Fraction] | None = None,
    rules: SubtitleRules = PLAIN,
    shown: Sequence[Cue] | None = None,
    on_frames: bool = False,
    rate: Fraction | None = None,
) -> None:
    """Write words to a file, in the form that its ending names: one of :data:`FORMS`.

    ``.tsv`` is the table of Whisper's command, ``.txt`` the text alone, ``.labels`` what Audacity imports as labels.

    Parameters
    ----------
    cues : the subtitles that were the transcript; SRT, VTT and EAF then keep them, with repaired times
    film : name of the film that they belong to, for EAF and OTIO, which refer to it
    span : from where to where the recording lasts, in seconds, for TextGrid; None: from zero to the last word
    rules : what subtitles that are made of words keep to; those that were the transcript stay as they are
    shown : the subtitles as they are to be written, from who has them already; then ``cues`` and ``rules`` say nothing
    on_frames : whether the borders of ``shown`` are those of frames; then their times are cut down to what the form can
        write, not rounded, so that a player shows each with its first frame
    rate : frames per second of the film, for FCPXML and EDL, which count them; None: it has no constant one

    Raises
    ------
    OptionError
        If the ending is unknown, or counts frames and there is no rate.
    OutputError
        If the file cannot be written; nothing is left of it.
    """
    target = Path(path)
    subtitles: dict[str, Callable[[Sequence[Cue]], str]] = {
        ".srt": lambda cues: srt(with_names(cues) if rules.names and words.speakers else cues),
        ".vtt": vtt,
        ".ass": ass,
        ".ttml": lambda cues: ttml(cues, words.language or "en"),
        ".tsv": tsv,
        ".txt": lines,
        ".eaf": lambda cues: eaf(words, cues, film),
    }
    others: dict[str, Callable[[], str]] = {
        ".labels": lambda: labels(words),
        ".textgrid": lambda: textgrid(words, *_around(words, span)),
        ".ctm": lambda: ctm(words, target.stem),
        ".otio": lambda: otio_words(words, film or target.stem),
        **{
            form: partial(marked_words, words, film or target.stem, form, span, rate)
            for form in (".fcpxml", ".edl", ".csv")
        },
    }
    ending = target.suffix.lower()
    if ending == ".json":
        write_json(target, words.to_dict())
    elif ending in subtitles:
        made = _shown(words, cues, rules) if shown is None else shown
        write_text(target, subtitles[ending](cut_down(made, ending == ".ass") if on_frames else made))
    elif ending in others:
        write_text(target, others[ending]())
    else:
        raise OptionError(f"the ending of {str(target)!r} is unknown; use {', '.join(FORMS)}")


def _shown(words: Words, cues: Sequence[Cue] | None, rules: SubtitleRules) -> tuple[Cue, ...]:
    return cues_from_words(words, rules) if cues is None else repaired(cues, words).cues


def _around(words: Words, span: tuple[Fraction, Fraction] | None) -> tuple[Fraction | None, Fraction | None]:
    """The recording, and words that reach out of it by a rounding; Praat counts from 0."""
    if span is None:
        return None, None
    spans = words.spans
    return min([Fraction(0), span[0], *(s.start for s in spans)]), max([span[1], *(s.end for s in spans)])
