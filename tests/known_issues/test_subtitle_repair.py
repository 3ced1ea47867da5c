"""What an editor saw when subtitles were repaired: reading time lost, effects without time, foreign markup."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from genlock.speech.subtitles import Cue, read_subtitles, repaired, srt, vtt
from genlock.speech.words import Word, Words
from genlock.tasks.align_video import AlignOptions, align_video


def cue(text: str, start: str, end: str) -> Cue:
    return Cue(text, Fraction(start), Fraction(end))


def said(*rows: tuple[str, str]) -> Words:
    """Words of a third of a second each, from given instants on; ``-``: not found."""
    words = []
    for text, start in rows:
        for number, word in enumerate(text.split()):
            at = None if start == "-" else Fraction(start) + Fraction(number, 3)
            words.append(
                Word(word, reason="not found") if at is None else Word(word, at, at + Fraction(1, 3), 0.9)
            )
    return Words(words)


def test_reading_time_is_kept_up_to_the_next_line() -> None:
    cues = (cue("one two three", "10", "13"), cue("four five", "14", "16"))
    first, second = repaired(cues, said(("one two three", "1"), ("four five", "3.5"))).cues
    assert (first.start, first.end) == (
        1,
        Fraction("3.5") - Fraction(1, 12),
    )  # 3 s as before, but for the next line
    assert (second.start, second.end) == (Fraction("3.5"), Fraction("5.5"))


def test_an_effect_that_overlapped_a_line_overlaps_it_again_and_keeps_its_time() -> None:
    cues = (cue("one two", "10", "13"), cue("[DOOR SLAMS]", "11", "12.4"), cue("three", "14", "15"))
    words = said(("one two", "8"), ("[DOOR SLAMS]", "-"), ("three", "12"))
    _, effect, _ = repaired(cues, words).cues
    assert (effect.start, effect.end) == (9, Fraction("10.4"))


def test_an_effect_between_lines_keeps_its_time() -> None:
    cues = (cue("one two", "10", "11"), cue("♪ piano ♪", "11.5", "12"), cue("three", "12.5", "13"))
    words = said(("one two", "8"), ("♪ piano ♪", "-"), ("three", "10.5"))
    _, effect, _ = repaired(cues, words).cues
    assert (effect.start, effect.end) == (Fraction("9.5"), 10)


def test_lines_of_a_scene_that_is_not_there_are_left_out_and_told() -> None:
    cues = tuple(
        cue(text, str(3 * k), str(3 * k + 2)) for k, text in enumerate(["one", "two", "three", "four"])
    )
    found = repaired(cues, said(("one", "0"), ("two", "-"), ("three", "-"), ("four", "1")))
    assert [c.text for c in found.cues] == ["one", "four"]
    assert found.note is not None
    assert "2 of the subtitles are not said, and were left out: 3.0 'two', 6.0 'three'" in found.note
    roomy = repaired(cues, said(("one", "0"), ("two", "-"), ("three", "-"), ("four", "9")))
    assert [c.text for c in roomy.cues] == ["one", "two", "three", "four"]


def test_a_time_before_zero_and_a_damaged_one_are_no_words() -> None:
    text = (
        "1\n00:00:02,000 --> 00:00:04,000\none\n\n2\n-00:00:01,000 --> 00:00:06,000\ntwo\n\n"
        "3\n00:00:07werwer,580 --> 00:00:09,000\nthree\n"
    )
    cues = read_subtitles(text)
    assert [(c.text, float(c.start), float(c.end)) for c in cues] == [
        ("one", 2, 4),
        ("two", 4, 6),
        ("three", 6, 9),
    ]


def test_times_of_words_inside_of_a_cue_move_with_their_words() -> None:
    given = cue("one <00:00:10.400>two <00:00:10.800>three", "10", "12")
    (found,) = repaired((given,), said(("one two three", "1"))).cues
    assert found.text == "one <00:00:01.333>two <00:00:01.667>three"


def test_markup_of_webvtt_does_not_land_in_srt() -> None:
    (given,) = read_subtitles(
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:start position:0%\n<v Anna>Hi <c.yellow>you</c> <i>there</i></v>\n"
    )
    assert srt([given]) == "1\n00:00:01,000 --> 00:00:02,000\nHi you <i>there</i>\n"
    assert "align:start" in vtt([given])


def test_what_is_no_markup_is_written_as_characters_in_webvtt() -> None:
    text = vtt([cue("R&D, <3, the <number>, <i>5 &lt; 6</i> &amp; so", "0", "1")])
    assert text.endswith("R&amp;D, &lt;3, the &lt;number>, <i>5 &lt; 6</i> &amp; so\n")


def test_captions_that_roll_have_each_line_once() -> None:
    lines, text, last = ["one two", "three four", "five six", "seven"], "WEBVTT\n\n", " "
    for k, line in enumerate(lines):
        low, high = f"00:0{2 * k}.000", f"00:0{2 * k + 1}.990"
        text += f"{low} --> {high}\n{last}\n{line}\n\n{high} --> 00:0{2 * k + 2}.000\n{line}\n \n\n"
        last = line
    cues = read_subtitles(text)
    assert [c.text for c in cues] == lines
    assert all(c.end > c.start for c in cues)
    song = read_subtitles(
        "1\n00:00:01,000 --> 00:00:02,000\nla la\n\n2\n00:00:02,000 --> 00:00:03,000\nla la\n"
    )
    assert len(song) == 2


def test_align_says_which_lines_it_left_out(shared_data: Path, tmp_path: Path) -> None:
    """The folder's subtitles lacked a line, and no note said so."""
    speech = ["And so, my fellow Americans,", "ask not", "what your country can do for you,"]
    lines = [
        speech[0],
        "The kitchen serves soup and fish.",
        *speech[1:],
        "ask what you can do for your country.",
    ]
    cues = [cue(text, str(2 * k), str(2 * k + 4)) for k, text in enumerate(lines)]
    (tmp_path / "old.srt").write_text(srt(cues), encoding="utf-8")
    options = AlignOptions(transcript=str(tmp_path / "old.srt"), sync=False)
    result = align_video(shared_data / "speech" / "jfk.flac", options, write=False)
    (note,) = [note for note in result.notes if "left out" in note]
    assert "1 of the subtitles are not said, and were left out: 2 'The kitchen serves soup and fish.'" in note
