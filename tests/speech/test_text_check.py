"""A text that is not what is said is noticed; a right one is not suspected."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import JFK, sound_of

from genlock.cli import main
from genlock.core.errors import FormatError, OptionError
from genlock.media.sound_source import TrackSound
from genlock.speech import Words, recognize_and_align
from genlock.speech.alike import heard_shares, phones_of, spelling
from genlock.speech.heard import Heard
from genlock.speech.recognize import FasterWhisper
from genlock.speech.text import tokenize
from genlock.speech.text_check import TextCheck, compare_text

SENTENCES = [
    "Please enter the number of the room you want.",
    "The museum closes at six and the garden at noon.",
    "A guided tour of the old town starts every hour.",
    "Children under ten must wear a life jacket on the boat.",
]
OTHER = "My brother keeps seventeen goats behind the railway station."


def heard_as(text: str) -> list[Heard]:
    """A recogniser's words, half a second each."""
    return [Heard(w, Fraction(k, 2), Fraction(k + 1, 2), 0.9) for k, w in enumerate(text.split())]


def compared(text: str, said: str) -> tuple[list[str], list[str], float]:
    """What only the text has, what only the sound has, and the share that is heard."""
    tokens, heard = tokenize(text), heard_as(said)
    found = compare_text(tokens, heard, phones_of("en"))
    missing = [" ".join(tokens[k].text for k in run) for run in found.missing]
    extra = [" ".join(heard[k].text for k in run) for run in found.extra]
    return missing, extra, float(found.heard.mean())


def test_a_right_text_fits_however_the_recogniser_spells_it() -> None:
    said = "Been blew at F2 now, lay green by are nine soon."
    assert compared("bin blue at f two now lay green by r nine soon", said) == ([], [], 1.0)


def test_a_sentence_that_nobody_says_is_found() -> None:
    text = " ".join([*SENTENCES[:2], OTHER, *SENTENCES[2:]])
    missing, extra, _ = compared(text, " ".join(SENTENCES))
    assert (missing, extra) == ([OTHER], [])


def test_a_sentence_that_nobody_wrote_is_found() -> None:
    missing, extra, share = compared(" ".join(SENTENCES[:1] + SENTENCES[2:]), " ".join(SENTENCES))
    assert (missing, extra, share) == ([], [SENTENCES[1]], 1.0)


def test_a_text_twice_is_heard_once() -> None:
    missing, extra, share = compared(" ".join(SENTENCES * 2), " ".join(SENTENCES))
    assert share == pytest.approx(0.5, abs=0.05)
    assert sum(len(m.split()) for m in missing) == pytest.approx(len(" ".join(SENTENCES).split()), abs=2)
    assert extra == []


@pytest.mark.parametrize(
    "text",
    [
        "Der Zug nach München fährt heute um halb drei von Gleis sieben ab, bitte steigen Sie ein.",
        "My brother keeps goats behind a station, and nobody in town knows why he bought so many of them.",
    ],
)
def test_another_text_and_another_language_are_not_heard(text: str) -> None:
    missing, extra, share = compared(text, " ".join(SENTENCES))
    assert share < 0.35
    assert missing
    assert extra


def test_languages_without_pronunciations_are_compared_by_letters() -> None:
    assert spelling("Übergröße!") == tuple("ubergrosse")
    written, said = ([spelling(w) for w in row.split()] for row in ("Où êtes-vous", "ou etes vous"))
    shares, others, _ = heard_shares(written, said)
    assert shares.tolist() == [1.0, 1.0]
    assert others.tolist() == [1.0, 1.0, 1.0]


def test_rows_too_long_for_one_table_are_cut_where_they_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    text, said = " ".join(SENTENCES * 3), " ".join([*SENTENCES, OTHER, *SENTENCES * 2])
    whole = compared(text, said)
    monkeypatch.setattr("genlock.speech.alike._SMALL", 4000)
    assert compared(text, said)[1] == whole[1] == [OTHER]


def test_repeated_words_are_missing_where_nothing_was_recognised() -> None:
    """Of three times the same text the first was passed over: what is heard is the second and the third."""
    text, count = " ".join(SENTENCES * 3), len(" ".join(SENTENCES).split())
    late = [Heard(w.text, w.start + 20, w.end + 20, 0.9) for w in heard_as(" ".join(SENTENCES * 2))]
    found = compare_text(tokenize(text), late, phones_of("en"), "en", [(Fraction(0), Fraction(18))])
    assert found.beside == {count + k: k for k in range(2 * count)}
    assert [(run.start, run.stop) for run in found.missing] == [(0, count)]


def test_nothing_heard_and_nothing_written() -> None:
    found = compare_text(tokenize("Hello there"), [], phones_of("en"))
    assert not found.heard.any()
    assert compare_text((), heard_as("hello"), phones_of("en")).missing == ()


@pytest.mark.parametrize("label", ["Speaker 2:", "OPERATOR:", "The second judge:"])
def test_a_speakers_name_takes_no_sound(jfk: TrackSound, said: list[Heard], label: str) -> None:
    one, two = JFK.split(", ask what")
    text = f"{one}. {label} ask what{two}"
    words = recognize_and_align(jfk, transcript=text, heard=said, least_matched=0.5)
    assert [w.text for w in words if w.start is None] == label.split()
    assert words.check is not None
    assert not words.check.differs
    assert words.check.spoken == 22


def test_a_colon_in_what_is_said_is_no_label() -> None:
    found = compare_text(tokenize("He said: go. The rule is this: stay."), heard_as("go"), phones_of("en"))
    assert found.labels == ()


def placed(words: Words) -> list[str]:
    return [w.text for w in words if w.start is not None]


@pytest.fixture(scope="module")
def said(jfk: TrackSound) -> list[Heard]:
    """What is said in the speech, as a recogniser gives it."""
    aligned = recognize_and_align(jfk, transcript=JFK)
    return [Heard(w.text, w.start, w.end, 0.9) for w in aligned if w.start is not None and w.end is not None]


def test_words_that_nobody_says_get_no_times(jfk: TrackSound, said: list[Heard]) -> None:
    words = recognize_and_align(jfk, transcript=f"{OTHER} {JFK}", heard=said, least_matched=0.5)
    assert placed(words) == JFK.split()
    assert words.check is not None
    assert [s.text for s in words.check.missing] == [OTHER]
    assert words.check.enough
    assert words.check.unplaced == len(OTHER.split())
    assert str(words).startswith("the text differs from what is said: 22 of 31 words are heard")


def test_another_text_keeps_no_times(jfk: TrackSound, said: list[Heard]) -> None:
    words = recognize_and_align(jfk, transcript=" ".join(SENTENCES), heard=said, least_matched=0.5)
    assert placed(words) == []
    assert words.check is not None
    assert not words.check.enough
    assert words.notes[0].startswith("the text is not what is said: ")


def test_what_the_recogniser_passed_over_is_found_in_the_sound(jfk: TrackSound, said: list[Heard]) -> None:
    words = recognize_and_align(jfk, transcript=JFK, heard=said[:14], least_matched=0.5)
    assert len(placed(words)) == 22
    assert words.check is not None
    assert not words.check.differs


def test_nobody_speaks_in_the_silence_that_is_left(jfk: TrackSound, said: list[Heard]) -> None:
    quiet = np.random.default_rng(0).normal(0, 3e-4, 5 * 16000)
    longer = sound_of(np.concatenate([jfk.samples(0, jfk.count), quiet]))
    words = recognize_and_align(longer, transcript=f"{JFK} {OTHER}", heard=said, least_matched=0.5)
    assert placed(words) == JFK.split()


def test_a_check_survives_its_json_and_moves_with_the_clock(jfk: TrackSound, said: list[Heard]) -> None:
    words = recognize_and_align(jfk, transcript=f"{JFK} {OTHER}", heard=said, least_matched=0.5)
    assert Words.from_dict(json.loads(json.dumps(words.to_dict()))) == words
    moved = words.shifted("1001/30000")
    assert words.check is not None
    assert moved.check is not None
    before, after = words.check.missing[0].start, moved.check.missing[0].start
    assert before is not None
    assert after == before + Fraction(1001, 30000)
    with pytest.raises(FormatError, match="check"):
        TextCheck.from_dict({"spoken": 1})


def test_shares_outside_of_0_to_1_are_refused(jfk: TrackSound) -> None:
    with pytest.raises(OptionError, match=r"least_matched=50"):
        recognize_and_align(jfk, transcript=JFK, least_matched=50)


@pytest.mark.skipif(FasterWhisper.missing() is not None, reason=str(FasterWhisper.missing()))
def test_the_command_ends_with_status_3(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = str(shared_data / "speech" / "jfk.flac")
    text = tmp_path / "other.txt"
    text.write_text(" ".join(SENTENCES))
    assert main(["words", film, "--transcript", str(text), "-o", str(tmp_path / "out")]) == 3
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].startswith("the text is not what is said: ")
    assert "jfk.flac: the text is not what is said" in shown.err
    text.write_text(JFK)
    assert main(["words", film, "--transcript", str(text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text_check"]["differs"] is False
