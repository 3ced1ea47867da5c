"""Forty words without times after one that lasted ten seconds made a subtitle of 213 characters.

The recogniser had written what it heard before once more, and the aligner found one word of it, over all of
the silence.
"""

from __future__ import annotations

from fractions import Fraction

from genlock.speech.find import _without_made_up
from genlock.speech.subtitles import PROFILES, cues_from_words
from genlock.speech.words import Word, Words

LOST = [Word("if", 10, 20, 0.3), *[Word(f"word{number}", reason="not found") for number in range(40)]]
ALL = [Word("before", 8, 9, 0.9), *LOST, Word("after", 22, 23, 0.9)]


def test_what_was_made_up_is_left_out() -> None:
    assert [word.text for word in _without_made_up(ALL)] == ["before", "if", "after"]


def test_what_was_given_is_kept_and_spread() -> None:
    for rules in PROFILES.values():
        cues = cues_from_words(Words(ALL), rules)
        assert " ".join(cue.plain for cue in cues).split() == [word.text for word in ALL]
        assert all(len(line) <= rules.line_letters for cue in cues for line in cue.text.split("\n"))
        assert all(cue.end - cue.start <= rules.longest for cue in cues)
        inner = [cue for cue in cues if "word20" in cue.plain.split()]
        assert Fraction(12) < inner[0].start < Fraction(19)
