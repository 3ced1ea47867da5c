from __future__ import annotations

import io
import itertools
from fractions import Fraction
from pathlib import Path

import pytest
import srt as srt_oracle
import textgrid as textgrid_oracle
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError, OutputError, TranscriptError
from genlock.speech.subtitles import (
    Cue,
    cues_from_words,
    read_subtitles,
    read_transcript,
    repaired,
    srt,
    vtt,
    write_words,
)
from genlock.speech.word_forms import ctm, textgrid
from genlock.speech.words import Word, Words

WORDS = Words(
    [
        Word("And", "0.25", "0.5", 0.9),
        Word("so,", "0.5", "1", 0.8),
        Word("♪", reason="nothing to say"),
        Word("“my”", "7/3", "10/3", 0.7),
        Word("fellow", "10/3", "3.7", 0.99),
    ]
)

milli = st.integers(0, 10**8).map(lambda n: Fraction(n, 1000))
lines = st.text(
    st.characters(codec="utf-8", categories=["L", "N"], include_characters=" '.,?!♪—"),
    min_size=1,
    max_size=30,
)
bodies = st.lists(lines.map(str.strip).filter(lambda s: s and not s.isdigit()), min_size=1, max_size=3).map(
    "\n".join
)
cue_lists = st.lists(st.tuples(bodies, milli, milli), min_size=1, max_size=5).map(
    lambda rows: tuple(sorted((Cue(t, min(a, b), max(a, b)) for t, a, b in rows), key=lambda c: c.start))
)


def bare(cues: tuple[Cue, ...]) -> list[tuple[str, Fraction, Fraction]]:
    return [(c.text, c.start, c.end) for c in cues]


@given(cue_lists)
def test_srt_and_vtt_come_back(cues: tuple[Cue, ...]) -> None:
    assert bare(read_subtitles(srt(cues))) == bare(cues)
    assert bare(read_subtitles(vtt(cues))) == bare(cues)
    assert [c.name for c in read_subtitles(srt(cues))] == [str(k + 1) for k in range(len(cues))]


@given(cue_lists)
def test_other_readers_read_our_srt(cues: tuple[Cue, ...]) -> None:
    found = list(srt_oracle.parse(srt(cues)))
    assert [(c.content, c.start.total_seconds(), c.end.total_seconds()) for c in found] == [
        (c.text, pytest.approx(float(c.start)), pytest.approx(float(c.end))) for c in cues
    ]


def test_other_readers_read_our_vtt() -> None:
    cues = cues_from_words(WORDS)
    found = webvtt.from_buffer(io.StringIO(vtt(cues)))
    assert [(c.text, c.start_in_seconds, c.end_in_seconds) for c in found] == [
        (c.text, pytest.approx(float(c.start), abs=1), pytest.approx(float(c.end), abs=1)) for c in cues
    ]
    assert [c.start for c in found] == ["00:00:00.250", "00:00:02.333"]


def test_other_readers_read_our_textgrid(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    write_words(Words([*WORDS, Word('"quoted"', 4, 5, 1.0)]), path)
    grid = textgrid_oracle.TextGrid.fromFile(str(path))
    marks = [(i.minTime, i.maxTime, i.mark) for i in grid.getFirst("words") if i.mark]
    assert [m for _, _, m in marks] == ["And", "so,", "“my”", "fellow", '"quoted"']
    assert marks[2][:2] == (pytest.approx(7 / 3, abs=1e-5), pytest.approx(10 / 3, abs=1e-5))
    intervals = list(grid.getFirst("words"))
    assert intervals[0].minTime == 0
    assert all(one.maxTime == two.minTime for one, two in itertools.pairwise(intervals))


def test_textgrid_of_no_words_is_one_empty_interval() -> None:
    assert textgrid(Words(), end=Fraction(2)).count("xmin") == 3


def test_a_textgrid_lasts_as_long_as_the_recording(tmp_path: Path) -> None:
    write_words(WORDS, tmp_path / "a.TextGrid", span=(Fraction(0), Fraction(11)))
    assert textgrid_oracle.TextGrid.fromFile(str(tmp_path / "a.TextGrid")).maxTime == 11
    write_words(WORDS, tmp_path / "b.TextGrid", span=(Fraction(1), Fraction(2)))  # words reach out of it
    assert textgrid_oracle.TextGrid.fromFile(str(tmp_path / "b.TextGrid")).maxTime == 3.7


def test_ctm_counts_durations_so_that_ends_are_right() -> None:
    rows = [line.split() for line in ctm(WORDS, "my talk").splitlines() if not line.startswith(";;")]
    assert [row[0] for row in rows] == ["my_talk"] * 4
    assert [float(row[2]) + float(row[3]) for row in rows] == pytest.approx([0.5, 1.0, 3.333, 3.7])
    assert ";; no times for ♪: nothing to say" in ctm(WORDS, "x")


TOLERATED = {
    "byte order mark and CRLF": b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\nyou\r\n\r\n"
    b"2\r\n00:00:03,000 --> 00:00:04,000\r\nthere\r\n",
    "UTF-16": (
        "1\n00:00:01,000 --> 00:00:02,000\nHi\nyou\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n"
    ).encode("utf-16"),
    "no numbers": b"00:00:01,000 --> 00:00:02,000\nHi\nyou\n\n00:00:03,000 --> 00:00:04,000\nthere",
    "no blank lines": b"1\n00:00:01,000 --> 00:00:02,000\nHi\nyou\n2\n00:00:03,000 --> 00:00:04,000\nthere",
    "no hours, dots": b"1\n00:01.000 --> 00:02.000\nHi\nyou\n\n2\n00:03.0 --> 00:04.0\nthere",
    "out of order": b"9\n00:00:03,000 --> 00:00:04,000\nthere\n\n1\n00:00:01,000 --> 00:00:02,000\nHi\nyou",
    "WebVTT": b"WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
    b"Hi\nyou\n\nNOTE nothing\nat all\n\n00:03.000 --> 00:04.000\nthere\n",
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_files_as_they_come(kind: str) -> None:
    text, cues = read_transcript(TOLERATED[kind], "a.srt")
    assert cues is not None
    assert bare(cues) == [("Hi\nyou", Fraction(1), Fraction(2)), ("there", Fraction(3), Fraction(4))]
    assert text == "Hi you there"


def test_tags_and_entities_are_no_words() -> None:
    cue = Cue("<i>Fish</i> &amp; <font color=red>chips</font>\n{\\an8}now", Fraction(0), Fraction(1))
    assert cue.plain == "Fish & chips now"


def test_plain_text_has_no_cues() -> None:
    assert read_transcript(b"Just words --> really", "a.txt") == ("Just words --> really", None)


@pytest.mark.parametrize(
    "data", [b"", b"1\n00:00:01,000 --> 00:00:02,000\n\n", b"WEBVTT\n\n", bytes(range(256))]
)
def test_files_without_words_are_refused(data: bytes) -> None:
    with pytest.raises(TranscriptError, match=r"a\.srt"):
        read_transcript(data, "a.srt")


def test_repaired_cues_keep_their_look() -> None:
    cues = (
        Cue("<i>And</i>\nso,", Fraction(10), Fraction(12), "1", "align:start"),
        Cue("♪", Fraction(13), Fraction(14), "2"),
        Cue("“my” fellow", Fraction(15), Fraction(16), "3"),
    )
    first, second, third = repaired(cues, WORDS).cues
    assert (first.text, first.settings, first.start, first.end) == (
        "<i>And</i>\nso,",
        "align:start",
        Fraction(1, 4),
        second.start - Fraction(1, 12),  # it stayed 2 s, which the next cue does not leave it
    )
    assert (third.start, third.end) == (Fraction(7, 3), Fraction(37, 10))
    assert second.end - second.start == 1
    # The cue without words moves with its neighbours and stays between them.
    assert first.end <= second.start <= second.end <= third.start


def test_cues_without_any_time_stay_where_they_were() -> None:
    cues = (Cue("♪", Fraction(1), Fraction(2)),)
    assert repaired(cues, Words([Word("♪", reason="nothing to say")])).cues == cues


def test_words_of_other_cues_are_refused() -> None:
    with pytest.raises(OptionError, match="5 words"):
        repaired((Cue("one", Fraction(0), Fraction(1)),), WORDS)


def test_cues_from_words_are_short_and_complete() -> None:
    row = [
        Word(f"word{k}" + ("." if k % 9 == 8 else ""), Fraction(k, 3), Fraction(k + 1, 3), 1.0)
        for k in range(100)
    ]
    cues = cues_from_words(Words(row))
    assert " ".join(c.plain for c in cues) == " ".join(w.text for w in row)
    assert all(c.end - c.start <= 6 for c in cues)
    assert all(len(line) <= 50 for c in cues for line in c.text.split("\n"))
    assert all(one.end <= two.start for one, two in itertools.pairwise(cues))
    assert cues_from_words(Words([Word("x", reason="none")])) == ()


def test_milliseconds_are_the_nearest_ones() -> None:
    assert "00:00:00,001 --> 00:01:00,000" in srt([Cue("x", Fraction(1, 2000), Fraction(599996, 10000))])
    assert "00:00:00,000 -->" in srt([Cue("x", Fraction(-1), Fraction(1))])


def test_files_by_their_endings(tmp_path: Path) -> None:
    for ending in (".json", ".srt", ".vtt", ".TextGrid", ".ctm"):
        write_words(WORDS, tmp_path / f"a{ending}")
        assert (tmp_path / f"a{ending}").stat().st_size > 0
    with pytest.raises(OptionError, match=r"\.doc"):
        write_words(WORDS, tmp_path / "a.doc")
    with pytest.raises(OutputError):
        write_words(WORDS, tmp_path / "a.srt" / "b.srt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.TextGrid", "a.ctm", "a.json", "a.srt", "a.vtt"]
