"""Words as TextGrid of Praat and as CTM of NIST."""

from __future__ import annotations

import re
from fractions import Fraction

from genlock.core.spans import Spans
from genlock.core.time import round_fraction
from genlock.speech.words import Words

__all__ = ["ctm", "textgrid"]


def textgrid(words: Words, start: Fraction | None = None, end: Fraction | None = None) -> str:
    """Praat TextGrid, long form, a tier ``words``; what lies between the words is an empty interval.

    Where words have a speaker there is a tier for each as well, such as ``face0 - words``.

    Parameters
    ----------
    start, end : the span of the recording, in seconds; by default from zero, or the first word, to the last
    word's end

    Times are rounded to the nearest microsecond.
    """
    spans = words.spans
    low = _micro(min([Fraction(0), *(s.start for s in spans)]) if start is None else start)
    high = _micro(
        max([Fraction(low, 1_000_000) + Fraction(1, 1000), *(s.end for s in spans)]) if end is None else end
    )
    tiers = {"words": spans, **{f"{name} - words": words.of_speaker(name).spans for name in words.speakers}}
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        f"xmin = {_micro_text(low)}",
        f"xmax = {_micro_text(high)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, row) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", *_tier(name, row, low, high)]
    return "\n".join(lines) + "\n"


def _tier(name: str, spans: Spans, low: int, high: int) -> list[str]:
    """The lines of one tier from ``low`` to ``high`` microseconds."""
    intervals: list[tuple[int, int, str]] = []
    reached = low
    for span in spans:
        first, stop = _micro(span.start), _micro(span.end)
        if first > reached:
            intervals.append((reached, first, ""))
        if stop > first:
            intervals.append((first, stop, span.label))
            reached = stop
    if high > reached:
        intervals.append((reached, high, ""))
    lines = [
        '        class = "IntervalTier"',
        f"        name = {_quoted(name)}",
        f"        xmin = {_micro_text(low)}",
        f"        xmax = {_micro_text(high)}",
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (first, stop, label) in enumerate(intervals, start=1):
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {_micro_text(first)}",
            f"            xmax = {_micro_text(stop)}",
            f"            text = {_quoted(label)}",
        ]
    return lines


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _micro(seconds: Fraction) -> int:
    return round_fraction(1_000_000 * seconds, "nearest")


def _micro_text(micro: int) -> str:
    sign = "-" if micro < 0 else ""
    return f"{sign}{abs(micro) // 1_000_000}.{abs(micro) % 1_000_000:06d}"


def ctm(words: Words, name: str) -> str:
    """NIST CTM: file, channel, start, duration, word, confidence; words without times are comments.

    Start and end are rounded to the nearest millisecond, and the duration is their difference.

    >>> from genlock.speech.words import Word
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
