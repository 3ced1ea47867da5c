"""What else subtitles and transcripts come as: ASS, MicroDVD, MPL2, SAMI, TTML, LRC, TextGrid, ELAN, JSON of words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pysubs2

from genlock.core.errors import TranscriptError
from genlock.speech.subtitles.ass_style import AssLine, head_of
from genlock.speech.subtitles.cue import Cue

__all__ = ["form_of", "read_form"]

# By what a file begins with: an ending may be missing or wrong.
_BEGINNINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ass", re.compile(r"\s*\[Script Info\]|\s*\[V4\+? Styles\]", re.I)),
    ("microdvd", re.compile(r"\s*\{\d+\}\{\d*\}")),
    ("mpl2", re.compile(r"\s*\[\d+\]\[\d+\]")),
    ("lrc", re.compile(r"\s*(?:\[[a-z#]+:[^\]\n]*\]\s*)*\[\d+:\d\d(?:[.:]\d+)?\]", re.I)),
    (
        "ttml",
        re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:\w+:)?tt[\s>](?=.*<(?:\w+:)?body)", re.S),
    ),
    ("sami", re.compile(r"\s*<SAMI", re.I)),
    ("elan", re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<ANNOTATION_DOCUMENT")),
    ("textgrid", re.compile(r'\s*File type = "ooTextFile|\s*"ooTextFile"')),
    ("html", re.compile(r"\s*(?:<!DOCTYPE html|<html)", re.I)),
)
_NAMES = {"ass": "ASS", "microdvd": "MicroDVD", "mpl2": "MPL2", "sami": "SAMI", "ttml": "TTML"}
_LONGEST = Fraction(5)
"""Seconds that a line stays where its form says no end and nothing follows."""


def form_of(text: str) -> str | None:
    """The form of a text, by how it begins; None: plain text, or SRT or WebVTT.

    >>> form_of("{7}{186}Ask not"), form_of("[00:01.50]Ask not"), form_of("Ask not")
    ('microdvd', 'lrc', None)
    """
    if text.lstrip().startswith("{") and _words_of_json(text) is not None:
        return "json"
    return next((form for form, beginning in _BEGINNINGS if beginning.match(text)), None)


def read_form(text: str, form: str, name: str) -> tuple[str, tuple[Cue, ...] | None]:
    """The words of such a text, and its cues if it has any; a tier of single words has none.

    Raises
    ------
    TranscriptError
        If it cannot be read, or is of a form that holds no transcript.

    >>> read_form("{25}{75}Ask not|what", "microdvd", "a.sub")[1]
    (Cue(text='Ask not\\nwhat', start=Fraction(1, 1), end=Fraction(3, 1), name='', settings=''),)
    """
    if form == "html":
        raise TranscriptError(f"{name} is a web page; save its text as plain text and give that")
    readers: dict[str, Callable[[str], tuple[str, tuple[Cue, ...] | None]]] = {
        "lrc": lambda t: _shown(_lrc(t)),
        "textgrid": _textgrid,
        "elan": _elan,
        "json": lambda t: (" ".join(_words_of_json(t) or ()), None),
    }
    try:
        return readers[form](text) if form in readers else _shown(_by_pysubs2(text, form))
    except (ValueError, LookupError, ElementTree.ParseError, pysubs2.exceptions.Pysubs2Error) as error:
        raise TranscriptError(
            f"{name} begins as {_NAMES.get(form, form)} and cannot be read: {error}"
        ) from error


def _shown(cues: Iterable[Cue]) -> tuple[str, tuple[Cue, ...]]:
    row = tuple(sorted(cues, key=lambda cue: cue.start))
    return " ".join(cue.plain for cue in row), row


def _by_pysubs2(text: str, form: str) -> list[Cue]:
    if form == "ttml" and "xmlns" not in text:
        text = re.sub(r"<tt\b", '<tt xmlns="http://www.w3.org/ns/ttml"', text, count=1)
    if form == "ass" and re.search(r"\[V4 Styles\]", text, re.I):
        form = "ssa"
    try:
        document = pysubs2.SSAFile.from_string(text, format_=form)
    except pysubs2.exceptions.UnknownFPSError:
        # MicroDVD counts frames and seldom says how many there are in a second; its old times are not used.
        document = pysubs2.SSAFile.from_string(text, format_=form, fps=25.0)
    head = head_of(document) if form in ("ass", "ssa") else None
    # Without automatic line breaks "\\n" is one, else a space.
    soft = " " if head is not None and document.info.get("WrapStyle", "0") != "2" else "\n"
    cues = []
    for event in document:
        if form == "microdvd" and event.end < 100 and re.fullmatch(r"\d+(\.\d+)?", event.plaintext):
            continue  # its first line may say the rate
        if event.is_comment or event.is_drawing or not event.plaintext.strip():
            continue
        shown = event.text.replace("\\N", "\n").replace("\\n", soft).replace("\\h", "\u00a0")
        start, end = Fraction(event.start, 1000), Fraction(max(event.start, event.end), 1000)
        cues.append(Cue(shown, start, end, ass=None if head is None else AssLine.of(event, head)))
    return cues


def _lrc(text: str) -> list[Cue]:
    lines: list[tuple[Fraction, str]] = []
    for row in text.split("\n"):
        stamps = re.match(r"\s*((?:\[\d+:\d\d(?:[.:]\d+)?\]\s*)+)(.*)", row)
        if stamps is None:
            continue
        words = re.sub(r"<\d+:\d\d(?:[.:]\d+)?>", " ", stamps[2])  # times of single words
        for minutes, seconds in re.findall(r"\[(\d+):(\d\d(?:[.:]\d+)?)\]", stamps[1]):
            lines.append((60 * int(minutes) + Fraction(seconds.replace(":", ".")), " ".join(words.split())))
    lines.sort(key=lambda line: line[0])
    ends = [*(start for start, _ in lines[1:]), lines[-1][0] + _LONGEST] if lines else []
    return [Cue(words, start, end) for (start, words), end in zip(lines, ends, strict=True) if words]


_WORD_TIERS = re.compile(r"words?\b|.* - words?$", re.I)
_PHONE_TIERS = re.compile(r"phones?\b|phonemes?\b|.* - phones?$|segments?\b|syllables?\b", re.I)
_Row = list[tuple[Fraction, Fraction, str]]


def _tier(tiers: dict[str, _Row]) -> tuple[str, tuple[Cue, ...] | None]:
    """The tier that is the transcript: whole utterances rather than words, never phones."""
    texts = {name: row for name, row in tiers.items() if row and not _PHONE_TIERS.match(name)}
    if not texts:
        raise ValueError(f"of its tiers ({', '.join(tiers) or 'none'}) none holds words")
    name = next((n for n in texts if not _WORD_TIERS.match(n)), next(iter(texts)))
    row = texts[name]
    words = " ".join(text for _, _, text in row)
    if _WORD_TIERS.match(name) or all(len(text.split()) == 1 for _, _, text in row):
        return words, None
    return words, tuple(Cue(text, start, max(start, end)) for start, end, text in row)


def _textgrid(text: str) -> tuple[str, tuple[Cue, ...] | None]:
    """Praat's long and short text forms: strings and numbers in order, whatever stands between them."""
    bare = re.sub(r"\[\d*\]:?|<exists>", " ", text)
    parts = re.findall(r'"((?:[^"]|"")*)"|(?<![\w.])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])', bare)
    items = _Items(
        [string.replace('""', '"') if not number else Fraction(number) for string, number in parts][2:]
    )
    items.take(2)
    tiers: dict[str, _Row] = {}
    for _ in range(_count(items.take())):
        kind, name = str(items.take()), str(items.take())
        items.take(2)
        row: _Row = []
        for _ in range(_count(items.take())):
            start = _number(items.take())
            end = _number(items.take()) if kind == "IntervalTier" else start
            label = " ".join(str(items.take()).split())
            if label:
                row.append((start, end, label))
        tiers[name] = row
    return _tier(tiers)


class _Items:
    """The strings and numbers of a TextGrid, one after another."""

    def __init__(self, items: list[str | Fraction]) -> None:
        self._items, self._at = items, 0

    def take(self, count: int = 1) -> str | Fraction:
        """The next one, or the last of so many."""
        self._at += count
        if self._at > len(self._items):
            raise ValueError("it ends too early")
        return self._items[self._at - 1]


def _number(item: str | Fraction) -> Fraction:
    if not isinstance(item, Fraction):
        raise ValueError(f"{item!r} stands where a number belongs")
    return item


def _count(item: str | Fraction) -> int:
    return int(_number(item))


def _elan(text: str) -> tuple[str, tuple[Cue, ...] | None]:
    root = ElementTree.fromstring(text.encode())
    slots = {
        slot.get("TIME_SLOT_ID", ""): Fraction(int(slot.get("TIME_VALUE", "0")), 1000)
        for slot in root.iter("TIME_SLOT")
    }
    tiers: dict[str, _Row] = {}
    for tier in root.iter("TIER"):
        row: _Row = []
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            value = " ".join((one.findtext("ANNOTATION_VALUE") or "").split())
            if value:
                start, end = (slots[one.get(f"TIME_SLOT_REF{k}", "")] for k in (1, 2))
                row.append((start, end, value))
        tiers[tier.get("TIER_ID", "")] = sorted(row)
    return _tier(tiers)


def _words_of_json(text: str) -> list[str] | None:
    """Words of the JSON of Genlock, of Whisper's command and of WhisperX; None: it is something else."""
    try:
        data: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    for key, field in (("words", "text"), ("segments", "text")):
        rows = data.get(key)
        if isinstance(rows, list) and rows and all(isinstance(row, dict) and field in row for row in rows):
            return [str(row[field]).strip() for row in rows]
    return None
