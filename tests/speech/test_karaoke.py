"""Times of words inside of subtitles: WebVTT's stamps and ASS' karaoke, read back by an independent reader."""

from __future__ import annotations

import re
from fractions import Fraction

import pysubs2
import pytest

from genlock.speech.subtitles import Cue, cues_from_words, repaired
from genlock.speech.subtitles.ass_ttml import ass, lines, ttml
from genlock.speech.subtitles.karaoke import karaoke_runs, with_word_stamps
from genlock.speech.subtitles.srt_vtt import read_subtitles, srt, vtt
from genlock.speech.words import Word, Words

TEXT = "And so, my fellow Americans, ask not what your country can do for you."


@pytest.fixture
def words() -> Words:
    """A word every 0.4 s, the fifth without times."""
    made = [
        Word(text, Fraction(2 * k, 5), Fraction(2 * k + 1, 5), 0.9) for k, text in enumerate(TEXT.split())
    ]
    made[4] = Word("Americans,", reason="not found")
    return Words(made)


def stamps(text: str) -> list[float]:
    return [60 * int(m) + float(s) for m, s in re.findall(r"<00:(\d\d):(\d\d\.\d{3})>", text)]


def test_each_word_has_its_time_in_webvtt(words: Words) -> None:
    cues = cues_from_words(words, karaoke=True)
    found = sorted([*(float(c.start) for c in cues), *(t for c in cues for t in stamps(vtt([c])))])
    assert found == pytest.approx([float(w.start) for w in words if w.start is not None])
    assert " ".join(c.plain for c in cues) == TEXT
    for cue in cues:
        assert stamps(cue.text) == sorted(set(stamps(cue.text)))
        assert all(cue.start < t < cue.end for t in map(Fraction, stamps(cue.text)))


def test_karaoke_of_ass_fills_the_cue_to_the_hundredth(words: Words) -> None:
    document = pysubs2.SSAFile.from_string(ass(cues_from_words(words, karaoke=True)))
    for event in document:
        lengths = [int(n) for n in re.findall(r"\{\\k(\d+)\}", event.text)]
        assert len(lengths) > 1
        assert 10 * sum(lengths) == event.end - event.start
    assert " ".join(event.plaintext.replace("\n", " ") for event in document) == TEXT


def test_forms_without_times_of_words_do_not_show_them(words: Words) -> None:
    cues = cues_from_words(words, karaoke=True)
    for written in (srt(cues), ttml(cues), lines(cues)):
        assert "<00:" not in written
        assert "&lt;" not in written


def test_given_subtitles_keep_markup_lines_and_positions(words: Words) -> None:
    head = "WEBVTT\n\nintro\n00:10.000 --> 00:14.000 align:start line:0\n"
    source = f"{head}<i>And so,</i>\n<00:11.000>my <v Ann>fellow Americans,\n"
    cues = read_subtitles(source)
    cue = repaired(cues, words[:5], karaoke=True).cues[0]
    assert cue.text == "<i>And <00:00:00.400>so,</i>\n<00:00:00.800>my <v Ann><00:00:01.200>fellow Americans,"
    assert (cue.name, cue.settings) == ("intro", "align:start line:0")


def test_words_that_start_at_once_get_one_time() -> None:
    cue = Cue("a b c", Fraction(1), Fraction(2))
    words = [Word("a", 1, 1), Word("b", 1, 1), Word("c", "1.0002", 2)]
    assert with_word_stamps(cue, words) == "a b c"
    assert karaoke_runs(cue) is None


def test_a_word_in_pieces_of_markup_is_one_word() -> None:
    cue = Cue("<b>w</b>ord 5 < 6 {\\an8}end", Fraction(0), Fraction(9))
    words = [Word(t, k, k + 1) for k, t in enumerate(cue.plain.split())]
    assert with_word_stamps(cue, words).count("<00:00:0") == len(words) - 1
