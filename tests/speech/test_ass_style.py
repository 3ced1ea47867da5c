"""ASS in, ASS out: styles, places, marks and fonts stay, whatever is done to times; other forms get theirs."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from shutil import which

import pysubs2
import pytest

from genlock.speech import Word, Words, write_words
from genlock.speech.subtitles import open_transcript, repaired
from genlock.speech.subtitles.retimed import Spoken, retimed

FACTS = "[Script Info]\nTitle: test\nScriptType: v4.00+\nPlayResX: 1280\nPlayResY: 720\nWrapStyle: 2\n\n"
STYLES = (
    "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, "
    "Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    "MarginR, MarginV, Encoding\n"
    "Style: Sign,Georgia,48,&H0000FFFF,&H000000FF,&H00000000,&H00000000,-1,0,0,0,90,100,0,5,1,2,2,8,10,10,10,1\n"
    "Style: Default,Arial,40,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1\n\n"
)
LINES = (
    "Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,a note",
    r"Dialogue: 3,0:00:01.00,0:00:03.00,Sign,Anna,20,0,15,,"
    r"{\pos(400,200)\fad(100,100)}{\i1}And so,{\i0} my fellow\Namericans",
    r"Dialogue: 0,0:00:04.00,0:00:07.00,Default,,0,0,0,,{\an8}Ask\hnot what {\c&H00FF00&}R&D{\r} can do",
    r"Dialogue: 1,0:00:07.50,0:00:09.00,Sign,,0,0,0,Banner;25,{\k20}for {\k30}your {\k20}coun{\k30}try",
    r"Dialogue: 0,0:00:07.50,0:00:09.00,Default,,0,0,0,,{\p1}m 0 0 l 100 0 100 100{\p0}",
)
EVENTS = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
FONTS = "[Fonts]\nfontname: own.ttf\n!!!!\n\n"
FILE = FACTS + STYLES + FONTS + EVENTS + "\n".join(LINES) + "\n"
SAID = ("And so, my fellow americans", "Ask not what R&D can do", "for your country")


def words() -> Words:
    """Two seconds later than the lines, and faster."""
    made, at = [], Fraction(3)
    for line in SAID:
        for text in line.split():
            made.append(Word(text, at, at + Fraction(1, 4), 0.9))
            at += Fraction(1, 4)
        at += 2
    return Words(made)


def look(event: pysubs2.SSAEvent) -> tuple[object, ...]:
    """All of a line but its times."""
    return (
        event.layer,
        event.style,
        event.name,
        event.marginl,
        event.marginr,
        event.marginv,
        event.effect,
        event.text,
    )


def read(path: Path) -> pysubs2.SSAFile:
    if which("ffmpeg"):  # an independent reader takes it too
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "srt", "-"], check=True, capture_output=True
        )
    return pysubs2.load(str(path))


@pytest.mark.parametrize("how", ["repaired", "retimed"])
def test_styles_places_and_marks_survive(how: str, tmp_path: Path) -> None:
    given = open_transcript(FILE.encode(), "a.ass")
    assert given.cues is not None
    assert any("1 drawings" in note for note in given.notes)
    if how == "repaired":
        cues = repaired(given.cues, words()).cues
    else:
        spans = tuple((cue.start + 5, cue.end + 5) for cue in given.cues)
        cues = retimed(given.cues, Spoken(Fraction(0), Fraction(30), spans, ())).cues
    write_words(words(), tmp_path / "b.ass", shown=cues)
    before = pysubs2.SSAFile.from_string(FILE)
    after = read(tmp_path / "b.ass")
    assert after.styles == before.styles
    assert {k: after.info[k] for k in ("Title", "PlayResX", "PlayResY", "WrapStyle")} == {
        k: before.info[k] for k in ("Title", "PlayResX", "PlayResY", "WrapStyle")
    }
    assert after.fonts_opaque == before.fonts_opaque != {}
    kept = [event for event in before if not event.is_comment and not event.is_drawing]
    assert [look(event) for event in after] == [look(event) for event in kept]
    assert [event.start for event in after] != [event.start for event in kept]


def test_new_karaoke_takes_the_place_of_the_old(tmp_path: Path) -> None:
    given = open_transcript(FILE.encode(), "a.ass")
    assert given.cues is not None
    write_words(words(), tmp_path / "b.ass", shown=repaired(given.cues, words(), karaoke=True).cues)
    first, _, last = read(tmp_path / "b.ass")
    assert last.text == r"{\k25}for {\k25}your {\k100}country"
    assert first.text.startswith(r"{\k25}{\pos(400,200)\fad(100,100)}{\i1}And {\k25}so,{\i0} ")
    assert (first.style, first.layer) == ("Sign", 3)


def test_other_forms_get_marks_that_they_know(tmp_path: Path) -> None:
    cues = open_transcript(FILE.encode(), "a.ass").cues
    assert cues is not None
    for ending in (".srt", ".vtt"):
        write_words(words(), tmp_path / f"b{ending}", shown=cues)
    srt, vtt = ((tmp_path / f"b{ending}").read_text("utf-8") for ending in (".srt", ".vtt"))
    assert "<i>And so,</i> my fellow\namericans" in srt
    assert "{\\an8}Ask\u00a0not what R&D can do" in srt
    assert "00:00:07.000 line:0\nAsk\u00a0not what R&amp;D can do" in vtt
    assert "for your country" in srt
    assert "\\" not in vtt


def test_ssa_of_before_is_read_with_its_styles() -> None:
    old = pysubs2.SSAFile.from_string(FILE).to_string("ssa")
    cues = open_transcript(old.encode(), "a.ssa").cues
    assert cues is not None
    assert [cue.ass.style for cue in cues if cue.ass is not None] == ["Sign", "Default", "Sign"]


def test_a_line_without_a_style_of_its_own_stands_beside_others(tmp_path: Path) -> None:
    cues = open_transcript(FILE.encode(), "a.ass").cues
    assert cues is not None
    plain = replace(cues[0], ass=None, text="R&amp;D <b>now</b>")
    write_words(words(), tmp_path / "b.ass", shown=[plain, *cues[1:]])
    first, second, _ = read(tmp_path / "b.ass")
    assert (first.style, first.text) == ("Default", r"R&D {\b1}now{\b0}")
    assert second.text == LINES[2].split(",,0,0,0,,")[1]
