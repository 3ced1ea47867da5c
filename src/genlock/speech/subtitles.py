"""Subtitle and annotation files: SRT and WebVTT in and out; TextGrid, CTM, JSON, ELAN and OTIO out.

Times in these files count from zero of the clock; they are rounded to the nearest millisecond (SRT, VTT, CTM, EAF)
or to the nearest microsecond (TextGrid); JSON also has them exactly. A time before zero cannot be written in
SRT or VTT: what starts before zero starts at zero there.

Subtitles can be the transcript. They come back as the same cues, with the same line breaks, styling and
settings, and repaired times: a cue runs from its first to its last word that has times. A cue without any
such word keeps its old length and is moved by the median of what its nearest repaired neighbours (two on each
side) were moved by, cut so as not to overlap them; with no repaired cue at all, all cues keep their old
times.
"""

from __future__ import annotations

import html
import os
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from genlock.core.errors import OptionError, TranscriptError
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.time import round_fraction
from genlock.speech.annotations import eaf, otio_words
from genlock.speech.text import plain_text
from genlock.speech.words import Word, Words

__all__ = [
    "FORMS",
    "LINE_LETTERS",
    "READING_SPEED",
    "Cue",
    "ctm",
    "cues_from_words",
    "numbered_cues",
    "read_subtitles",
    "read_transcript",
    "repaired",
    "srt",
    "textgrid",
    "vtt",
    "write_words",
]

#: Endings that :func:`write_words` knows.
FORMS = (".json", ".srt", ".vtt", ".TextGrid", ".ctm", ".eaf", ".otio")

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?"
_ARROW = re.compile(rf"^\s*{_TIME}\s*-{{1,2}}>\s*{_TIME}[ \t]*(.*)$")
_TAG = re.compile(r"<[^<>\n]*>|\{\\[^{}\n]*\}")

# A new cue begins after this pause, this many letters or this many seconds, or where a sentence ends.
_PAUSE, _LETTERS, _SECONDS = Fraction(7, 10), 84, Fraction(6)
#: Most letters of a line of subtitles, and most letters a second that are read with ease: what subtitlers keep to.
LINE_LETTERS, READING_SPEED = 42, 20


@dataclass(frozen=True)
class Cue:
    """One subtitle.

    >>> Cue("<i>Ask not</i> what", Fraction(1), Fraction(2)).plain
    'Ask not what'
    """

    text: str
    """What is shown, with its line breaks (``\\n``) and tags."""
    start: Fraction
    """First instant, in exact seconds."""
    end: Fraction
    """First instant after it, in exact seconds."""
    name: str = ""
    """Its number or identifier in the file; empty if it had none."""
    settings: str = ""
    """What follows the times in its line (WebVTT positions)."""

    @property
    def plain(self) -> str:
        """The words alone: tags and entities taken away, line breaks as spaces."""
        return " ".join(html.unescape(_TAG.sub("", self.text)).split())


# ---------------------------------------------------------------- reading


def read_transcript(data: bytes, name: str) -> tuple[str, tuple[Cue, ...] | None]:
    """The words of a transcript file, and its cues if it is SRT or WebVTT.

    Parameters
    ----------
    data : what the file holds; UTF-8, UTF-16 or Windows-1252
    name : what to call it in messages

    Raises
    ------
    TranscriptError
        If it is no text, or holds no word.

    >>> read_transcript(b"1\\n00:00:01,000 --> 00:00:02,000\\nHi there\\n", "a.srt")[0]
    'Hi there'
    """
    text = plain_text(data, name)
    if text.lstrip().startswith("WEBVTT") or any(_ARROW.match(line) for line in text.split("\n")[:200]):
        cues = read_subtitles(text, name)
        words = " ".join(cue.plain for cue in cues)
        if not words.strip():
            raise TranscriptError(
                f"{name} has {len(cues)} cues and no word in them; give the words that are spoken"
            )
        return words, cues
    return text, None


def read_subtitles(text: str, name: str = "the subtitles") -> tuple[Cue, ...]:
    """The cues of an SRT or WebVTT text, in the order of their times.

    Tolerated: missing and wrong numbers, missing blank lines, missing hours, dot or comma, tags, notes,
    styles, trailing spaces, cues out of order.

    Raises TranscriptError if there is no cue.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").split("\n")
    arrows = [k for k, line in enumerate(lines) if _ARROW.match(line)]
    if not arrows:
        raise TranscriptError(
            f"{name} has no line like 00:00:01,000 --> 00:00:02,000; give SRT, WebVTT or plain text"
        )
    cues = []
    for place, at in enumerate(arrows):
        stop = arrows[place + 1] if place + 1 < len(arrows) else len(lines)
        body = lines[at + 1 : stop]
        if place + 1 < len(arrows):
            body = _without_next_name(body)
        cues.append(_cue(lines, at, _until_block(body)))
    return tuple(sorted(cues, key=lambda cue: cue.start))


def _cue(lines: Sequence[str], at: int, body: Sequence[str]) -> Cue:
    match = _ARROW.match(lines[at])
    assert match is not None
    start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:8])
    name = lines[at - 1].strip() if at else ""
    after_gap = at >= 2 and not lines[at - 2].strip()
    is_name = (
        bool(name)
        and "-->" not in name
        and (name.isdigit() or after_gap or at == 1)
        and not name.startswith("WEBVTT")
    )
    text = "\n".join(line.rstrip() for line in body).strip("\n")
    return Cue(text, start, max(start, end), name if is_name else "", match[9].strip())


def _without_next_name(body: list[str]) -> list[str]:
    """Take the number or identifier of the next cue off the end of this one's lines."""
    if not body or not body[-1].strip():
        return body
    before_gap = len(body) >= 2 and not body[-2].strip()
    return body[:-1] if before_gap or body[-1].strip().isdigit() else body


def _until_block(body: list[str]) -> list[str]:
    """Stop at a note, style or region block after a blank line."""
    for k, line in enumerate(body):
        if k and not body[k - 1].strip() and re.match(r"(NOTE|STYLE|REGION)\b", line):
            return body[:k]
    return body


def _seconds(parts: Sequence[str | None]) -> Fraction:
    hours, minutes, seconds, digits = parts
    small = Fraction(int(digits), 10 ** len(digits)) if digits else Fraction(0)
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + small


# ---------------------------------------------------------------- cues


def repaired(cues: Sequence[Cue], words: Words) -> tuple[Cue, ...]:
    """The same cues with the times of their words.

    Parameters
    ----------
    cues : the subtitles
    words : their words, in order, one for each word of each cue's ``plain`` text

    Raises
    ------
    OptionError
        If the words are not those of the cues.

    >>> words = Words([Word("Hi", "1.5", "1.75", 1.0)])
    >>> cue, = repaired([Cue("<b>Hi</b>", Fraction(9), Fraction(10))], words)
    >>> cue.text, float(cue.start), float(cue.end)
    ('<b>Hi</b>', 1.5, 1.75)
    """
    counts = [len(cue.plain.split()) for cue in cues]
    if sum(counts) != len(words):
        raise OptionError(f"{len(words)} words do not belong to these cues of {sum(counts)} words")
    found: list[Cue | None] = []
    at = 0
    for cue, count in zip(cues, counts, strict=True):
        timed = words[at : at + count].spans
        at += count
        found.append(replace(cue, start=timed[0].start, end=timed[-1].end) if len(timed) else None)
    return tuple(new if new is not None else _moved(cues, found, k) for k, new in enumerate(found))


def _moved(cues: Sequence[Cue], found: Sequence[Cue | None], place: int) -> Cue:
    """A cue without times, moved as its repaired neighbours were."""
    before = [k for k in range(place) if found[k] is not None][-2:]
    after = [k for k in range(place + 1, len(cues)) if found[k] is not None][:2]
    cue = cues[place]
    shifts = [new.start - cues[k].start for k in (*before, *after) if (new := found[k]) is not None]
    if not shifts:
        return cue
    start = max(cue.start + statistics.median(shifts), Fraction(0))
    end = start + (cue.end - cue.start)
    low = found[before[-1]] if before else None
    high = found[after[0]] if after else None
    if low is not None:
        start = max(start, low.end)
    if high is not None:
        end = min(end, high.start)
    start = min(start, high.start) if high is not None else start
    return replace(cue, start=start, end=max(start, end))


def cues_from_words(words: Words) -> tuple[Cue, ...]:
    """Subtitles of at most two lines from words: cut at pauses, ends of sentences, and when they get long.

    Words without times stand in the cue of the word before them; where no word has times there are no cues.
    """
    return tuple(cue for _, cue in numbered_cues(words))


def numbered_cues(words: Words) -> list[tuple[range, Cue]]:
    """The cues of :func:`cues_from_words`, each with the numbers of its words.

    >>> numbered_cues(Words([Word("one", 0, 1), Word("two", 3, 4)]))[1][0]
    range(1, 2)
    """
    groups: list[list[Word]] = []
    waiting: list[Word] = []
    for word in words:
        if word.start is None and not groups:
            waiting.append(word)
        elif word.start is None or (groups and not _breaks(groups[-1], word)):
            groups[-1].append(word)
        else:
            groups.append([*waiting, word])
            waiting = []
    found, at = [], 0
    for number, group in enumerate(groups, start=1):
        timed = [word for word in group if word.start is not None and word.end is not None]
        start, end = timed[0].start, timed[-1].end
        assert start is not None
        assert end is not None
        text = _two_lines(" ".join(word.text for word in group))
        found.append((range(at, at + len(group)), Cue(text, start, end, str(number))))
        at += len(group)
    return found


def _breaks(group: Sequence[Word], word: Word) -> bool:
    timed = [w for w in group if w.start is not None and w.end is not None]
    if not timed or word.start is None or word.end is None:
        return False
    last, first = timed[-1], timed[0]
    assert last.end is not None
    assert first.start is not None
    letters = sum(len(w.text) + 1 for w in group) + len(word.text)
    sentence = group[-1].text.rstrip("\"')]”’").endswith((".", "?", "!")) and letters > 20
    return (
        word.start - last.end > _PAUSE or letters > _LETTERS or word.end - first.start > _SECONDS or sentence
    )


def _two_lines(text: str) -> str:
    if len(text) <= LINE_LETTERS:
        return text
    spaces = [k for k, c in enumerate(text) if c == " "]
    if not spaces:
        return text
    middle = min(spaces, key=lambda k: abs(2 * k - len(text)))
    return text[:middle] + "\n" + text[middle + 1 :]


# ---------------------------------------------------------------- writing


def srt(cues: Iterable[Cue]) -> str:
    """SRT text, numbered from 1; times to the nearest millisecond.

    >>> print(srt([Cue("Hi", Fraction(1, 3), Fraction(2))]))
    1
    00:00:00,333 --> 00:00:02,000
    Hi
    <BLANKLINE>
    """
    blocks = [
        f"{number}\n{_clock_text(cue.start, ',')} --> {_clock_text(cue.end, ',')}"
        f"{' ' + cue.settings if cue.settings else ''}\n{_no_gaps(cue.text)}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(blocks)


def vtt(cues: Iterable[Cue]) -> str:
    """WebVTT text; times to the nearest millisecond.

    >>> print(vtt([Cue("Hi", Fraction(1, 3), Fraction(2), name="intro")]))
    WEBVTT
    <BLANKLINE>
    intro
    00:00:00.333 --> 00:00:02.000
    Hi
    <BLANKLINE>
    """
    blocks = ["WEBVTT\n"]
    for cue in cues:
        name = f"{cue.name}\n" if cue.name else ""
        times = f"{_clock_text(cue.start, '.')} --> {_clock_text(cue.end, '.')}"
        settings = f" {cue.settings}" if cue.settings else ""
        blocks.append(f"{name}{times}{settings}\n{_no_gaps(cue.text).replace('-->', '->')}\n")
    return "\n".join(blocks)


def _clock_text(seconds: Fraction, point: str) -> str:
    total = max(0, round_fraction(1000 * seconds, "nearest"))
    rest, milli = divmod(total, 1000)
    minutes, second = divmod(rest, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{milli:03d}"


def _no_gaps(text: str) -> str:
    """A blank line would end the cue."""
    return "\n".join(line for line in text.split("\n") if line.strip()) or "\u00a0"


def textgrid(words: Words, start: Fraction | None = None, end: Fraction | None = None) -> str:
    """Praat TextGrid, long form, one tier ``words``; what lies between the words is an empty interval.

    Parameters
    ----------
    start, end : the span of the recording, in seconds; by default from zero, or the first word, to the last
    word's end

    Times are rounded to the nearest microsecond.
    """
    spans = words.spans
    low = min([Fraction(0), *(s.start for s in spans)]) if start is None else start
    high = max([low + Fraction(1, 1000), *(s.end for s in spans)]) if end is None else end
    intervals: list[tuple[int, int, str]] = []
    reached, last = _micro(low), _micro(high)
    for span in spans:
        first, stop = _micro(span.start), _micro(span.end)
        if first > reached:
            intervals.append((reached, first, ""))
        if stop > first:
            intervals.append((first, stop, span.label))
            reached = stop
    if last > reached:
        intervals.append((reached, last, ""))
    head = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        f"xmin = {_micro_text(_micro(low))}",
        f"xmax = {_micro_text(last)}",
        "tiers? <exists>",
        "size = 1",
        "item []:",
        "    item [1]:",
        '        class = "IntervalTier"',
        '        name = "words"',
        f"        xmin = {_micro_text(_micro(low))}",
        f"        xmax = {_micro_text(last)}",
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (first, stop, label) in enumerate(intervals, start=1):
        quoted = label.replace('"', '""')
        head += [
            f"        intervals [{number}]:",
            f"            xmin = {_micro_text(first)}",
            f"            xmax = {_micro_text(stop)}",
            f'            text = "{quoted}"',
        ]
    return "\n".join(head) + "\n"


def _micro(seconds: Fraction) -> int:
    return round_fraction(1_000_000 * seconds, "nearest")


def _micro_text(micro: int) -> str:
    sign = "-" if micro < 0 else ""
    return f"{sign}{abs(micro) // 1_000_000}.{abs(micro) % 1_000_000:06d}"


def ctm(words: Words, name: str) -> str:
    """NIST CTM: file, channel, start, duration, word, confidence; words without times are comments.

    Start and end are rounded to the nearest millisecond, and the duration is their difference.

    >>> print(ctm(Words([Word("Hi", "0.5", "0.75", 0.9)]), "talk"), end="")
    talk 1 0.500 0.250 Hi 0.9000
    """
    label = re.sub(r"\s+", "_", name) or "_"
    lines = []
    for word in words:
        if word.start is None or word.end is None:
            lines.append(f";; no times for {word.text}: {word.reason}")
            continue
        start, end = (round_fraction(1000 * t, "nearest") for t in (word.start, word.end))
        sign = "-" if start < 0 else ""
        sure = "NA" if word.confidence is None else f"{word.confidence:.4f}"
        lines.append(
            f"{label} 1 {sign}{abs(start) // 1000}.{abs(start) % 1000:03d} "
            f"{(end - start) // 1000}.{(end - start) % 1000:03d} {word.text} {sure}"
        )
    return "\n".join(lines) + ("\n" if lines else "")


def write_words(
    words: Words, path: str | os.PathLike[str], *, cues: Sequence[Cue] | None = None, film: str | None = None
) -> None:
    """Write words to a file, in the form that its ending names: ``.json .srt .vtt .TextGrid .ctm .eaf .otio``.

    Parameters
    ----------
    cues : the subtitles that were the transcript; SRT, VTT and EAF then keep them, with repaired times
    film : name of the film that they belong to, for EAF and OTIO, which refer to it

    Raises
    ------
    OptionError
        If the ending is unknown.
    OutputError
        If the file cannot be written; nothing is left of it.
    """
    target = Path(path)
    forms: dict[str, Callable[[], str]] = {
        ".srt": lambda: srt(_shown(words, cues)),
        ".vtt": lambda: vtt(_shown(words, cues)),
        ".textgrid": lambda: textgrid(words),
        ".ctm": lambda: ctm(words, target.stem),
        ".eaf": lambda: eaf(words, _shown(words, cues), film),
        ".otio": lambda: otio_words(words, film or target.stem),
    }
    ending = target.suffix.lower()
    if ending == ".json":
        write_json(target, words.to_dict())
    elif ending in forms:
        write_text(target, forms[ending]())
    else:
        raise OptionError(f"the ending of {str(target)!r} is unknown; use {', '.join(FORMS)}")


def _shown(words: Words, cues: Sequence[Cue] | None) -> tuple[Cue, ...]:
    return cues_from_words(words) if cues is None else repaired(cues, words)
