"""``genlock words --list``: what recognises, what aligns, by which rules subtitles are made, and into which forms."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from types import MappingProxyType

from genlock.core.errors import GenlockError
from genlock.core.plugins import load_plugin, plugin_names
from genlock.speech.find import ALIGNERS
from genlock.speech.recognize import GROUP as RECOGNIZERS
from genlock.speech.subtitles import FORMS, PROFILES

__all__ = ["list_words"]

_WIDTH, _COLUMN = 80, 18
#: What ours are, for people; others are told by the first sentence that is written of them.
_OURS: Mapping[str, str] = MappingProxyType(
    {
        "faster-whisper": "Whisper, 99 languages; also called whisper. The first that auto tries",
        "avsr": "a folder of genlock train avsr, as avsr:FOLDER; hears and reads lips",
        "hf-ctc": "a CTC checkpoint (wav2vec 2.0, HuBERT, WavLM), named by --model",
        "ctc": "a CTC checkpoint, as ctc:NAME or by --model: the language's own where one is here",
        "phones": "any language that espeak-ng pronounces; trained on English, elsewhere rough",
        "hama": "the package hama: any language that espeak-ng pronounces",
    }
)


def list_words() -> str:
    """A line for each recogniser, aligner, profile of subtitles and form of file; what lacks something here says so.

    >>> "pocketsphinx" in list_words()
    True
    """
    lines = ["Recognisers (--recognizer):", *_plugins(RECOGNIZERS)]
    lines += ["", "Aligners (--aligner):", *_plugins(ALIGNERS)]
    lines += ["", "Rules of subtitles (--profile):", *_wrapped(", ".join(PROFILES))]
    forms = ", ".join(form.lstrip(".") for form in FORMS)
    lines += ["", "Forms of files (--forms, or the ending of -o):", *_wrapped(forms)]
    return "\n".join(lines)


def _plugins(group: str) -> list[str]:
    rows = []
    for name in plugin_names(group):
        rows += _row(name, _said(group, name))
    return rows


def _said(group: str, name: str) -> str:
    """What a plugin is, and what it lacks here."""
    try:
        kind = load_plugin(group, name)
    except GenlockError as error:
        return f"not here: {error}"
    said = _OURS.get(name) or " ".join((kind.__doc__ or "").split("\n\n")[0].split()).partition(".")[0]
    lacks = getattr(kind, "missing", None)
    problem = lacks() if callable(lacks) else None
    return said if problem is None else f"{said}; not here: {problem}"


def _row(name: str, said: str) -> list[str]:
    first, *more = wrap(said, _WIDTH - _COLUMN, break_on_hyphens=False) or [""]
    return [f"  {name:<{_COLUMN - 2}}{first}".rstrip(), *(" " * _COLUMN + line for line in more)]


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
