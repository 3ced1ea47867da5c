"""Words with speakers: whose line a subtitle is, in every form that can say it, read again by others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pysubs2
import pytest

from genlock.core.errors import OptionError
from genlock.speech import Word, Words, write_words
from genlock.speech.subtitles import cues_from_words, find_rules, read_transcript

TURNS = [
    ("Anna", "Where were you last night when it began?"),
    ("Bo", "At home."),
    ("Anna", "Alone?"),
    (None, "The phone rings again and again."),
    ("Bo", "My brother was with me, and we watched the news until it was late, and then we slept."),
]


def said() -> Words:
    """Words of 0.3 s, with a quarter of a second between turns."""
    words, at = [], Fraction(0)
    for speaker, text in TURNS:
        for token in text.split():
            words.append(Word(token, at, at + Fraction(3, 10), 0.9, speaker=speaker))
            at += Fraction(3, 10)
        at += Fraction(1, 4)
    return Words(words)


@pytest.mark.parametrize("profile", ["plain", "netflix-en", "bbc"])
def test_no_line_has_words_of_two(profile: str) -> None:
    rules = find_rules(profile)
    lines = [line for cue in cues_from_words(said(), rules) for line in cue.text.split("\n")]
    bare = [line.replace("</v>", "").split(">")[-1].removeprefix(rules.dash) for line in lines]
    assert [word for line in bare for word in line.split()] == [word.text for word in said()]
    whose = iter(word.speaker for word in said())
    for line in bare:
        assert len({next(whose) for _ in line.split()}) == 1, line
        assert len(line) <= rules.line_letters


def test_two_short_turns_share_a_cue_with_a_dash_each() -> None:
    cue = next(cue for cue in cues_from_words(said(), find_rules("netflix-en")) if "Alone?" in cue.text)
    assert cue.text == "<v Bo>-At home.</v>\n<v Anna>-Alone?</v>"
    assert (cue.start, cue.end - cue.start > Fraction(5, 6)) == (said()[8].start, True)


def test_karaoke_stays_inside_of_the_voices() -> None:
    text = next(c.text for c in cues_from_words(said(), karaoke=True) if "home" in c.text)
    assert text == "<v Bo>- At <00:00:02.950>home.</v>\n<v Anna>- <00:00:03.500>Alone?</v>"


def test_vtt_and_ass_say_who_speaks(tmp_path: Path) -> None:
    for ending in (".vtt", ".ass", ".srt"):
        write_words(said(), tmp_path / f"a{ending}")
    assert "<v Anna>Where were you last night when it began?</v>" in (tmp_path / "a.vtt").read_text("utf-8")
    events = pysubs2.load(str(tmp_path / "a.ass")).events
    assert {event.name for event in events} == {"Anna", "Bo", "Bo and Anna", ""}
    assert "<v" not in "".join(event.text for event in events)
    assert "<v" not in (tmp_path / "a.srt").read_text("utf-8")


def test_srt_names_speakers_where_the_profile_does(tmp_path: Path) -> None:
    for profile, names in (("bbc", True), ("plain", False)):
        path = tmp_path / f"{profile}.srt"
        write_words(said(), path, rules=find_rules(profile))
        shown = path.read_text("utf-8")
        assert ("ANNA: Where" in shown) == names
        assert max(len(line) for line in shown.split("\n")) <= find_rules(profile).line_letters


def test_textgrid_and_elan_have_a_tier_for_each(tmp_path: Path) -> None:
    for ending in (".TextGrid", ".eaf"):
        write_words(said(), tmp_path / f"a{ending}")
    grid = (tmp_path / "a.TextGrid").read_text("utf-8")
    assert [line.split('"')[1] for line in grid.split("\n") if line.strip().startswith("name")] == [
        "words",
        "Anna - words",
        "Bo - words",
    ]
    tiers = ElementTree.parse(tmp_path / "a.eaf").getroot().findall("TIER")
    assert [(tier.get("TIER_ID"), tier.get("PARTICIPANT")) for tier in tiers] == [
        ("words", None),
        ("Anna - words", "Anna"),
        ("Bo - words", "Bo"),
        ("subtitles", None),
    ]
    counts = [len(tier.findall("ANNOTATION")) for tier in tiers]
    assert counts[:3] == [len(said()), 9, 20]
    assert read_transcript((tmp_path / "a.TextGrid").read_bytes(), "a")[0] == said().text


def test_words_tell_speakers_to_programs() -> None:
    words = said()
    assert Words.from_dict(words.to_dict()) == words
    assert words.to_dict()["words"][0]["speaker"] == "Anna"
    assert words.speakers == ("Anna", "Bo")
    old = [{k: v for k, v in word.items() if k != "speaker"} for word in words.to_dict()["words"]]
    assert Words.from_dict({**words.to_dict(), "words": old}).speakers == ()


def test_speakers_that_cannot_be_are_refused() -> None:
    with pytest.raises(OptionError, match="no name"):
        Word("Hi", 0, 1, speaker="")
    with pytest.raises(OptionError, match="2 speakers were given for 35 words"):
        said().said_by(["Anna", None])


def test_without_speakers_nothing_is_said_of_them() -> None:
    words = said().said_by([None] * len(said()))
    assert not any("<v" in cue.text or "-" in cue.text for cue in cues_from_words(words))
