"""Transcripts of every form are read as their words: no header, no number and no time becomes one."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pysubs2
import pytest
import textgrid as textgrid_oracle

from genlock.core.errors import TranscriptError
from genlock.speech.annotations import eaf
from genlock.speech.subtitles import Cue, open_transcript
from genlock.speech.word_forms import textgrid
from genlock.speech.words import Word, Words

LINE = "And so, my fellow Americans,"
ASS = """[Script Info]
Title: test
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,nobody says this
Dialogue: 0,0:00:00.30,0:00:07.46,Default,,0,0,0,,{\\i1}And so,{\\i0}\\Nmy fellow Americans,
Dialogue: 0,0:00:00.30,0:00:07.46,Default,,0,0,0,,{\\p1}m 0 0 l 10 0 10 10{\\p0}
"""
FORMS = {
    "ass": ASS,
    "microdvd": "{7}{186}And so,|my fellow Americans,\n",
    "mpl2": "[3][74]And so,|my fellow Americans,\n",
    "lrc": f"[ar:Somebody]\n[ti:A title]\n[00:00.30]{LINE}\n",
    "ttml": f'<tt><body><div><p begin="0.3s" end="7.4s">{LINE}</p></div></body></tt>\n',
    "sami": f"<SAMI><HEAD></HEAD><BODY><SYNC Start=300><P>{LINE}<SYNC Start=7400><P>&nbsp;</BODY></SAMI>",
}


@pytest.mark.parametrize("form", FORMS)
def test_subtitles_of_other_forms(form: str) -> None:
    found = open_transcript(FORMS[form].encode(), f"a.{form}")
    assert found.form == form
    assert found.text == LINE
    assert found.cues is not None
    (cue,) = found.cues
    assert abs(cue.start - Fraction(3, 10)) <= Fraction(1, 25)
    assert cue.end > cue.start


@pytest.mark.parametrize("form", ["ass", "ssa", "microdvd", "mpl2", "ttml", "srt", "vtt"])
def test_what_a_subtitle_editor_writes(form: str) -> None:
    document = pysubs2.SSAFile()
    document.append(pysubs2.SSAEvent(start=1000, end=2400, text="Ask not what\\Nyour country"))
    document.append(pysubs2.SSAEvent(start=3000, end=4000, text="can do for you."))
    if form == "ttml":  # it is only read by that library
        text = (
            '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
            '<p begin="00:00:01.000" end="00:00:02.400">Ask not <span>what</span><br/>your country</p>'
            '<p begin="00:00:03.000" end="00:00:04.000">can do for you.</p></div></body></tt>'
        )
    else:
        text = document.to_string(form, fps=25.0) if form == "microdvd" else document.to_string(form)
    found = open_transcript(text.encode(), "a")
    assert found.text == "Ask not what your country can do for you."
    assert found.cues is not None
    assert [(float(cue.start), float(cue.end)) for cue in found.cues][:1] == [(1.0, 2.4)]


def test_praat_and_elan_are_read_by_their_words(tmp_path: Path) -> None:
    words = Words([Word('say "no"', "0.5", "0.75"), Word("2.1", "1", "1.5")])
    assert open_transcript(textgrid(words).encode(), "a").text == 'say "no" 2.1'
    assert open_transcript(eaf(words, []).encode(), "a").text == 'say "no" 2.1'
    grid = textgrid_oracle.TextGrid()
    for name, marks in {"phones": ["AH", "S"], "speaker": ["and so my", "fellow"], "words": ["and"]}.items():
        tier = textgrid_oracle.IntervalTier(name, 0, 2)
        for k, mark in enumerate(marks):
            tier.add(k, k + 0.75, mark)
        grid.append(tier)
    grid.write(str(tmp_path / "a.TextGrid"))
    found = open_transcript((tmp_path / "a.TextGrid").read_bytes(), "a.TextGrid")
    assert found.text == "and so my fellow"
    assert found.cues is not None
    assert found.cues[1] == Cue("fellow", Fraction(1), Fraction(7, 4))


def test_the_short_form_of_praat() -> None:
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2.5\n<exists>\n1\n'
    text = head + '"IntervalTier"\n"words"\n0\n2.5\n2\n0\n1\n""\n1\n2.5\n"hello"\n'
    assert open_transcript(text.encode(), "a").text == "hello"


def test_json_of_others() -> None:
    whisper = {"text": " Ask not.", "segments": [{"start": 0, "end": 1, "text": " Ask"}, {"text": " not."}]}
    assert open_transcript(json.dumps(whisper).encode(), "a").text == "Ask not."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!DOCTYPE html><p>Hi</p>", "is a web page"),
        ("<SAMI><BODY></BODY></SAMI>", "no word"),
        (
            '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s"',
            "cannot be read",
        ),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2', "cannot be read"),
    ],
)
def test_what_holds_no_transcript(text: str, said: str) -> None:
    with pytest.raises(TranscriptError, match=said):
        open_transcript(text.encode(), "the file")


def test_plain_text_that_looks_a_little_like_it_stays_plain() -> None:
    for text in ("[00 hours] hello", "{a} set", "<tt> is a tag", "[Script] Hi", "[12] Psalm"):
        assert open_transcript(text.encode(), "a.txt").form == "text"
