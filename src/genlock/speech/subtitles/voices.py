"""Whose words a subtitle has: voice tags, as WebVTT writes them, and names before a line, where a form has no tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from genlock.speech.subtitles.cue import Cue
from genlock.speech.words import Word

__all__ = ["voices_of", "with_names", "with_voices"]

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>\n]+)>")


def voices_of(text: str) -> tuple[str, ...]:
    """The names in the voice tags of a text, each once.

    >>> voices_of("<v Anna>Yes.</v>\\n<v.loud Bo>No.</v>"), voices_of("<b>Yes</b>")
    (('Anna', 'Bo'), ())
    """
    return tuple(dict.fromkeys(name.strip() for name in _VOICE.findall(text)))


def with_voices(cue: Cue, words: Sequence[Word], dash: str = "- ") -> Cue:
    """A cue with a voice tag around what each speaker says: all of it, or a line each.

    Parameters
    ----------
    words : those of the cue
    dash : what each line begins with where there are two speakers

    >>> from fractions import Fraction
    >>> with_voices(Cue("Yes.", Fraction(0), Fraction(1)), [Word("Yes.", 0, 1, speaker="Anna")]).text
    '<v Anna>Yes.</v>'
    """
    speakers = [word.speaker for word in words if word.start is not None]
    runs = [speakers[k] for k in range(len(speakers)) if k == 0 or speakers[k] != speakers[k - 1]]
    lines = [cue.text] if len(runs) < 2 else cue.text.split("\n")
    if len(runs) > 1:
        lines = [f"{dash}{line}" for line in lines]
    tagged = [
        line if name is None else f"<v {_clean(name)}>{line}</v>"
        for line, name in zip(lines, runs, strict=False)
    ]
    return replace(cue, text="\n".join([*tagged, *lines[len(tagged) :]]))


def with_names(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Cues that begin with the name of who speaks, in capitals, wherever somebody else does than before.

    >>> from fractions import Fraction
    >>> said = [Cue(f"<v Anna>{text}</v>", Fraction(k), Fraction(k + 1)) for k, text in enumerate(("Yes.", "Now."))]
    >>> [cue.text for cue in with_names(said)]
    ['<v Anna>ANNA: Yes.</v>', '<v Anna>Now.</v>']
    """
    made, before = [], ""

    def named(found: re.Match[str]) -> str:
        nonlocal before
        name = found[1].strip()
        new, before = name != before, name
        return f"{found[0]}{name.upper()}: " if new else found[0]

    for cue in cues:
        if not voices_of(cue.text):
            before = ""
        made.append(replace(cue, text=_VOICE.sub(named, cue.text)))
    return tuple(made)


def _clean(name: str) -> str:
    """A name without what would end its tag."""
    return re.sub(r"[<>&\s]+", " ", name).strip()
