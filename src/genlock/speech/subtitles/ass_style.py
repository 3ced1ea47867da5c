"""What a line of ASS has beside text and times, kept so that it can be written back; its marks in other forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pysubs2

__all__ = ["AssLine", "as_tags", "head_of", "is_on_top", "without_karaoke"]

_BLOCK = re.compile(r"\{([^{}\n]*)\}")
_KARAOKE = re.compile(r"\\(?:k[fo]?|K)\d+")
_TOGGLE = re.compile(r"\\([biu])(\d+)|\\r")
_TOP = re.compile(r"\{[^{}\n]*\\an[789]")


@dataclass(frozen=True)
class AssLine:
    """Style and place of one line of ASS, with the head of its file.

    >>> AssLine("", style="Sign", layer=3).margins
    (0, 0, 0)
    """

    head: str = field(repr=False)
    """The file without its lines: facts, styles, fonts. Lines of one file share it."""
    layer: int = 0
    """Lines of a higher number are drawn over those of a lower one."""
    style: str = "Default"
    """Name of the style."""
    speaker: str = ""
    """Who speaks."""
    margins: tuple[int, int, int] = (0, 0, 0)
    """Left, right and vertical, in pixels of the script; 0: those of the style."""
    effect: str = ""
    """A scroll or banner."""

    @classmethod
    def of(cls, event: pysubs2.SSAEvent, head: str) -> AssLine:
        """What pysubs2 read."""
        margins = (event.marginl, event.marginr, event.marginv)
        return cls(head, event.layer, event.style, event.name, margins, event.effect)

    def event(self, start: int, end: int, text: str, name: str = "") -> pysubs2.SSAEvent:
        """The line again, from ``start`` to ``end`` milliseconds, said by ``name`` or by whom it was before."""
        left, right, vertical = self.margins
        return pysubs2.SSAEvent(
            start=start,
            end=end,
            text=text,
            layer=self.layer,
            style=self.style,
            name=name or self.speaker,
            marginl=left,
            marginr=right,
            marginv=vertical,
            effect=self.effect,
        )


def head_of(document: pysubs2.SSAFile) -> str:
    """A file of ASS without its lines."""
    bare = pysubs2.SSAFile()
    bare.info, bare.styles = document.info, document.styles
    bare.aegisub_project, bare.fonts_opaque = document.aegisub_project, document.fonts_opaque
    bare.graphics_opaque = getattr(document, "graphics_opaque", {})
    return str(bare.to_string("ass"))


def as_tags(text: str) -> str:
    """A text in which slanted, bold and underlined letters are marked as in SRT and WebVTT; other marks of ASS have no
    like there and are left out.

    >>> as_tags(r"{\\pos(4,2)\\i1}And so,{\\i0} my {\\b1}fellow")
    '<i>And so,</i> my <b>fellow</b>'
    """
    open_now: list[str] = []

    def tags(block: re.Match[str]) -> str:
        made = []
        for toggle in _TOGGLE.finditer(block[1]):
            name, on = toggle[1], toggle[2] is not None and int(toggle[2]) > 0
            # What was opened later is closed first, and opened again.
            kept: list[str] = []
            while open_now and (name is None or (name in open_now and not on)):
                last = open_now.pop()
                made.append(f"</{last}>")
                if last == name:
                    break
                kept += [last] if name is not None else []
            if name is not None and on and name not in open_now:
                kept.append(name)
            for again in reversed(kept):
                open_now.append(again)
                made.append(f"<{again}>")
        return "".join(made)

    shown = _BLOCK.sub(lambda block: tags(block) if "\\" in block[1] else block[0], text)
    return shown + "".join(f"</{name}>" for name in reversed(open_now))


def is_on_top(text: str) -> bool:
    """Whether marks of ASS put a text at the top of the picture.

    >>> is_on_top(r"{\\an8}Hi"), is_on_top("Hi")
    (True, False)
    """
    return _TOP.search(text) is not None


def without_karaoke(text: str) -> str:
    """A text without the times of its syllables.

    >>> without_karaoke(r"{\\k20}Ka{\\k30\\i1}ra")
    'Ka{\\\\i1}ra'
    """
    return _KARAOKE.sub("", text).replace("{}", "")
