"""Words and when they are spoken: recognise, speak out written text, align, read and write subtitles."""

from genlock.media.sound_source import SoundSource, TrackSound
from genlock.speech.find import recognize_and_align
from genlock.speech.subtitles import Cue, read_transcript, write_words
from genlock.speech.words import Word, Words

__all__ = [
    "Cue",
    "SoundSource",
    "TrackSound",
    "Word",
    "Words",
    "read_transcript",
    "recognize_and_align",
    "write_words",
]
