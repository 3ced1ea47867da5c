"""Subtitles as ASS and TTML, and as plain lists: tables of Whisper's command, labels of Audacity, text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from fractions import Fraction
from xml.etree import ElementTree

import pysubs2

from genlock.core.time import round_fraction
from genlock.speech.subtitles.ass_style import AssLine, without_karaoke
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.karaoke import karaoke_runs
from genlock.speech.subtitles.srt_vtt import clock_text
from genlock.speech.subtitles.voices import voices_of
from genlock.speech.words import Words

__all__ = ["ass", "labels", "lines", "tsv", "ttml"]

_TTML = "http://www.w3.org/ns/ttml"
_STYLING = "http://www.w3.org/ns/ttml#styling"
_ITALIC = re.compile(r"</?([ibu])>")
_OTHER_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<\d[\d:.]*>")
_OVERRIDE = re.compile(r"\{\\[^{}\n]*\}")


def ass(cues: Iterable[Cue]) -> str:
    """Advanced SubStation Alpha, times to the nearest hundredth; italics, bold and underlined text stay so, times of
    words inside of a cue become karaoke (``\\k``), and voice tags the name.

    Lines that were ASS keep their styles, places and marks, and the head of their file.

    >>> ass([Cue("<i>Hi</i>\\nyou", Fraction(1), Fraction(2))]).splitlines()[-1]
    'Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\\\i1}Hi{\\\\i0}\\\\Nyou'
    """
    row = list(cues)
    heads = [cue.ass.head for cue in row if cue.ass is not None]
    document = pysubs2.SSAFile.from_string(heads[0], format_="ass") if heads else pysubs2.SSAFile()
    for cue in row:
        start, end = (_milliseconds(instant) for instant in (cue.start, cue.end))
        line = cue.ass or AssLine("")
        document.append(line.event(start, end, _ass_text(cue), _name(cue)))
    return str(document.to_string("ass"))


def _ass_text(cue: Cue) -> str:
    """The text with marks of ASS alone; what was ASS before keeps its own."""
    runs = karaoke_runs(cue)
    timed = cue.text
    if runs is not None:
        timed = "".join(f"{{\\k{length}}}{without_karaoke(text)}" for length, text in runs)
    marked = _ITALIC.sub(lambda tag: f"{{\\{tag[1]}{0 if tag[0][1] == '/' else 1}}}", timed)
    shown = _OTHER_TAG.sub("", marked)
    if cue.ass is None:  # entities are of SRT and WebVTT
        shown = html.unescape(shown)
    return shown.replace("\n", "\\N").replace("\u00a0", "\\h")


def _name(cue: Cue) -> str:
    """Who speaks, as ASS names it; a comma would end the field."""
    return " and ".join(voices_of(cue.text)).replace(",", " ")


def ttml(cues: Iterable[Cue], language: str = "en") -> str:
    """Timed Text Markup Language 1.0, times to the nearest millisecond, at the bottom of the picture.

    >>> "<p begin" in ttml([Cue("Hi", Fraction(1), Fraction(2))])
    True
    """
    root = ElementTree.Element("tt", {"xmlns": _TTML, "xmlns:tts": _STYLING, "xml:lang": language})
    layout = ElementTree.SubElement(ElementTree.SubElement(root, "head"), "layout")
    place = {
        "tts:displayAlign": "after",
        "tts:textAlign": "center",
        "tts:origin": "10% 10%",
        "tts:extent": "80% 80%",
    }
    ElementTree.SubElement(layout, "region", {"xml:id": "bottom", **place})
    holder = ElementTree.SubElement(ElementTree.SubElement(root, "body", {"region": "bottom"}), "div")
    for cue in cues:
        times = {"begin": clock_text(cue.start, "."), "end": clock_text(cue.end, ".")}
        paragraph = ElementTree.SubElement(holder, "p", times)
        shown = [_bare(line) for line in cue.text.split("\n")]
        paragraph.text = shown[0]
        for line in shown[1:]:
            ElementTree.SubElement(paragraph, "br").tail = line
    ElementTree.indent(layout)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def tsv(cues: Iterable[Cue]) -> str:
    """The table that Whisper's command writes: start and end in whole milliseconds, and the text.

    >>> tsv([Cue("Hi", Fraction(1), Fraction(2))])
    'start\\tend\\ttext\\n1000\\t2000\\tHi\\n'
    """
    rows = [f"{_milliseconds(cue.start)}\t{_milliseconds(cue.end)}\t{cue.plain}" for cue in cues]
    return "\n".join(["start\tend\ttext", *rows]) + "\n"


def lines(cues: Iterable[Cue]) -> str:
    """The text alone, a line for each cue."""
    return "".join(f"{cue.plain}\n" for cue in cues)


def labels(words: Words) -> str:
    """Labels of Audacity: start and end in seconds, and the word; words without times are left out.

    >>> from genlock.speech.words import Word
    >>> labels(Words([Word("Hi", "0.5", "0.75")]))
    '0.500000\\t0.750000\\tHi\\n'
    """
    return "".join(f"{float(s.start):.6f}\t{float(s.end):.6f}\t{s.label}\n" for s in words.spans)


def _bare(line: str) -> str:
    return html.unescape(_OTHER_TAG.sub("", _OVERRIDE.sub("", line)))


def _milliseconds(seconds: Fraction) -> int:
    return max(0, round_fraction(1000 * seconds, "nearest"))
