"""SRT and WebVTT, in and out.

Times count from zero of the clock and are rounded to the nearest millisecond. A time before zero cannot be written:
what starts before zero starts at zero there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from genlock.core.errors import TranscriptError
from genlock.core.time import round_fraction
from genlock.speech.subtitles.ass_style import as_tags, is_on_top
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.rolling import without_rolling

__all__ = ["clock_text", "has_cues", "read_subtitles", "srt", "vtt"]

_TIME = r"(-?)(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?"
_ARROW = re.compile(rf"^\s*{_TIME}\s*-{{1,2}}>\s*{_TIME}[ \t]*(.*)$")
# A line of times of which one cannot be read: no words of a cue.
_DAMAGED = re.compile(r"^\s*-?\d{1,3}:\d\S*\s*-{1,2}>\s*-?\d{1,3}:\S*[ \t]*$")
_ONE_TIME = re.compile(rf"^{_TIME}$")
# What means something inside of a WebVTT cue; any other "<" and "&" is a character.
_VTT_TAG = r"</?(?:i|b|u|c|v|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>"
_VTT_ONLY = re.compile(r"</?(?:c|v|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>")
_STRAY = re.compile(rf"({_VTT_TAG})|&(?!\w+;|#\d+;|#x[\da-fA-F]+;)|<")


def has_cues(text: str) -> bool:
    """Whether a text is SRT or WebVTT.

    >>> has_cues("1\\n00:00:01,000 --> 00:00:02,000\\nHi\\n"), has_cues("Hi")
    (True, False)
    """
    return text.lstrip().startswith("WEBVTT") or any(_ARROW.match(line) for line in text.split("\n")[:200])


def read_subtitles(text: str, name: str = "the subtitles") -> tuple[Cue, ...]:
    """The cues of an SRT or WebVTT text, in the order of their times.

    Tolerated: missing and wrong numbers, missing blank lines, missing hours, dot or comma, times before zero, tags,
    notes, styles, trailing spaces, cues out of order; a time that cannot be read is that of its neighbour. Captions
    that roll, each line once more in the next cue, come back with each line once.

    Raises TranscriptError if there is no cue.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").split("\n")
    arrows = [k for k, line in enumerate(lines) if _ARROW.match(line) or _DAMAGED.match(line)]
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
    return without_rolling(sorted(_with_times(cues), key=lambda cue: cue.start))


_Raw = tuple[Fraction | None, Fraction | None, Cue]
"""The times of a cue as far as they can be read, and the cue without them."""


def _with_times(cues: Sequence[_Raw]) -> list[Cue]:
    """Cues with times: one that cannot be read is that of the nearest instant before or behind it that can."""
    made: list[Cue] = []
    for number, (start, end, cue) in enumerate(cues):
        before = made[-1].end if made else Fraction(0)
        if start is not None and start < min(before, Fraction(0)):  # out of order, by a tool that shifted it
            start = None
        behind = next((low for low, _, _ in cues[number + 1 :] if low is not None), None)
        first = start if start is not None else min(before, before if end is None else end)
        last = end if end is not None else first if behind is None else behind
        made.append(replace(cue, start=first, end=max(first, last)))
    return made


def _times(line: str) -> tuple[Fraction | None, Fraction | None, str]:
    """Start and end, None where they cannot be read, and the settings."""
    whole = _ARROW.match(line)
    if whole is not None:
        parts = whole.groups()
        return _seconds(parts[:5]), _seconds(parts[5:10]), parts[10].strip()
    halves = [_ONE_TIME.match(half.strip()) for half in re.split(r"-{1,2}>", line, maxsplit=1)]
    start, end = (None if half is None else _seconds(half.groups()) for half in halves)
    return start, end, ""


def _cue(lines: Sequence[str], at: int, body: Sequence[str]) -> _Raw:
    start, end, settings = _times(lines[at])
    name = lines[at - 1].strip() if at else ""
    after_gap = at >= 2 and not lines[at - 2].strip()
    is_name = (
        bool(name)
        and "-->" not in name
        and (name.isdigit() or after_gap or at == 1)
        and not name.startswith("WEBVTT")
    )
    text = "\n".join(line.rstrip() for line in body).strip("\n")
    return start, end, Cue(text, Fraction(0), Fraction(0), name if is_name else "", settings)


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
    sign, hours, minutes, seconds, digits = parts
    small = Fraction(int(digits), 10 ** len(digits)) if digits else Fraction(0)
    total = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + small
    return -total if sign else total


def srt(cues: Iterable[Cue]) -> str:
    """SRT text, numbered from 1; times to the nearest millisecond; what WebVTT alone knows is left out.

    >>> print(srt([Cue("Hi", Fraction(1, 3), Fraction(2))]))
    1
    00:00:00,333 --> 00:00:02,000
    Hi
    <BLANKLINE>
    """
    blocks = [
        f"{number}\n{clock_text(cue.start, ',')} --> {clock_text(cue.end, ',')}"
        f"\n{_no_gaps(_VTT_ONLY.sub('', _srt_text(cue)))}\n"
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
        times = f"{clock_text(cue.start, '.')} --> {clock_text(cue.end, '.')}"
        placed = cue.settings or ("line:0" if is_on_top(cue.text) else "")
        settings = f" {placed}" if placed else ""
        blocks.append(
            f"{name}{times}{settings}\n{_no_gaps(_escaped(as_tags(cue.text))).replace('-->', '->')}\n"
        )
    return "\n".join(blocks)


def _srt_text(cue: Cue) -> str:
    """What was ASS with marks of SRT, whose players know but one of the others: at the top."""
    if cue.ass is None:
        return cue.text
    return ("{\\an8}" if is_on_top(cue.text) else "") + as_tags(cue.text)


def _escaped(text: str) -> str:
    """Text of a cue in which each ``&`` and ``<`` that is no markup of WebVTT is written as a character."""
    return _STRAY.sub(lambda found: found[1] or {"&": "&amp;", "<": "&lt;"}[found[0]], text)


def clock_text(seconds: Fraction, point: str) -> str:
    """``hh:mm:ss``, the point, and the nearest millisecond; what lies before zero is zero."""
    total = max(0, round_fraction(1000 * seconds, "nearest"))
    rest, milli = divmod(total, 1000)
    minutes, second = divmod(rest, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{milli:03d}"


def _no_gaps(text: str) -> str:
    """A blank line would end the cue."""
    return "\n".join(line for line in text.split("\n") if line.strip()) or "\u00a0"
