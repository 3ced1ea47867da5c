"""One subtitle: what is shown, and when."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from fractions import Fraction

from genlock.speech.subtitles.ass_style import AssLine

__all__ = ["Cue"]

# Tags of SRT and WebVTT, times of words in WebVTT, overrides of ASS; "5 < 6" has none.
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<\d[\d:.]*>|\{\\[^{}\n]*\}")


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
    ass: AssLine | None = field(default=None, repr=False)
    """Style and place, if it was a line of ASS."""

    @property
    def plain(self) -> str:
        """The words alone: tags and entities taken away, line breaks as spaces."""
        return " ".join(html.unescape(_TAG.sub("", self.text)).split())
