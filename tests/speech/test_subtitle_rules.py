"""Subtitles made of words keep to the rules of their profile, whatever is said."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.speech.subtitles import PROFILES, SubtitleRules, cues_from_words, find_rules
from genlock.speech.subtitles.breaks import break_cost, ends_sentence
from genlock.speech.words import Word, Words

SAID = st.lists(
    st.tuples(
        st.sampled_from(
            ["a", "the", "word,", "sentence.", "U.S.", "Court", "1,000", "million", "extraordinarily"]
        ),
        st.integers(50, 900),
        st.integers(0, 1500),
    ),
    min_size=1,
    max_size=60,
)


def spoken(rows: list[tuple[str, int, int]]) -> Words:
    at, words = 0, []
    for text, length, pause in rows:
        words.append(Word(text, Fraction(at, 1000), Fraction(at + length, 1000), 0.9))
        at += length + pause
    return Words(words)


@pytest.mark.parametrize("rules", PROFILES.values(), ids=PROFILES)
@settings(max_examples=40, deadline=None)
@given(rows=SAID)
def test_no_rule_is_broken_that_can_be_kept(rules: SubtitleRules, rows: list[tuple[str, int, int]]) -> None:
    words = spoken(rows)
    cues = cues_from_words(words, rules)
    assert " ".join(cue.plain for cue in cues) == " ".join(word.text for word in words)
    for cue in cues:
        lines = cue.text.split("\n")
        assert len(lines) <= rules.lines
        assert max(map(len, lines)) <= rules.line_letters
        assert cue.end - cue.start <= rules.longest or len(cue.plain.split()) == 1
    for one, two in pairwise(cues):
        assert one.end <= max(two.start - rules.gap, one.start)


def test_a_cue_stays_until_it_is_read() -> None:
    (cue,) = cues_from_words(Words([Word("extraordinarily", 0, "0.3"), Word("short", "0.3", "0.5")]))
    assert cue.end == Fraction(21, 20)  # as many characters, 20 a second
    slow, _ = cues_from_words(Words([Word("extraordinarily", 0, "0.3"), Word("next", "1.5", "1.9")]))
    assert slow.end == Fraction(5, 6)


def test_names_numbers_and_abbreviations_stay_together() -> None:
    text = "It was heard by the U.S. Supreme Court in Brown v. Board of Education with 5 million dollars at stake"
    rows = [(word, 250, 20) for word in text.split()]
    cues = cues_from_words(spoken(rows))
    ends = [line.split()[-1] for cue in cues for line in cue.text.split("\n")]
    assert len(ends) > 2
    assert not {"U.S.", "v.", "5", "Supreme", "the", "of", "by"} & set(ends)


@pytest.mark.parametrize(
    ("word", "following", "ends"),
    [
        ("said.", "Then", True),
        ("“Go!”", "she", True),
        ("U.S.", "Supreme", False),
        ("Dr.", "Who", False),
        ("J.", "Smith", False),
        ("no.", "He", True),
        ("No.", "5", False),
        ("etc.", "then", False),
        ("...", "and", True),
        ("世界。", "今日", True),
    ],
)
def test_ends_of_sentences(word: str, following: str, ends: bool) -> None:
    assert ends_sentence(word, following) is ends


def test_articles_of_other_languages_stay_with_their_nouns() -> None:
    for language, word, noun in (("de", "der", "mann"), ("fr", "les", "gens"), ("es", "una", "casa")):
        assert break_cost(word, noun, language) > break_cost(noun, "xyz", language)


def test_a_profile_that_does_not_exist() -> None:
    with pytest.raises(OptionError, match="plain, netflix-en, bbc"):
        find_rules("netflix")
