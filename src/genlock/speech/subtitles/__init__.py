"""Subtitles: what is shown, and when; read, made of words, repaired and written."""

from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.files import FORMS, Transcript, open_transcript, read_transcript, write_words
from genlock.speech.subtitles.made import LINE_LETTERS, READING_SPEED, cues_from_words, numbered_cues
from genlock.speech.subtitles.repaired import Repaired, repaired
from genlock.speech.subtitles.rules import PROFILES, SubtitleRules, find_rules
from genlock.speech.subtitles.snapped import cut_down, snapped
from genlock.speech.subtitles.srt_vtt import read_subtitles, srt, vtt

__all__ = [
    "FORMS",
    "LINE_LETTERS",
    "PROFILES",
    "READING_SPEED",
    "Cue",
    "Repaired",
    "SubtitleRules",
    "Transcript",
    "cues_from_words",
    "cut_down",
    "find_rules",
    "numbered_cues",
    "open_transcript",
    "read_subtitles",
    "read_transcript",
    "repaired",
    "snapped",
    "srt",
    "vtt",
    "write_words",
]
