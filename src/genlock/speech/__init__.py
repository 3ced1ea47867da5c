"""Words and when they are spoken: recognise, speak out written text, align, read and write subtitles."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genlock.media.sound_source import SoundSource, TrackSound

if TYPE_CHECKING:
    from genlock.speech.find import mouths_of, recognize_and_align
    from genlock.speech.recognize import mouth_side_of
    from genlock.speech.subtitles import Cue, read_transcript, write_words
    from genlock.speech.words import Word, Words

__all__ = [
    "Cue",
    "SoundSource",
    "TrackSound",
    "Word",
    "Words",
    "mouth_side_of",
    "mouths_of",
    "read_transcript",
    "recognize_and_align",
    "write_words",
]

# Recognisers and aligners take a second and 100 MB to import: a worker of `prepare` that finds no words has neither.
_LATER = {
    "Cue": "genlock.speech.subtitles",
    "Word": "genlock.speech.words",
    "Words": "genlock.speech.words",
    "mouth_side_of": "genlock.speech.recognize",
    "mouths_of": "genlock.speech.find",
    "read_transcript": "genlock.speech.subtitles",
    "recognize_and_align": "genlock.speech.find",
    "write_words": "genlock.speech.subtitles",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'genlock.speech' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
