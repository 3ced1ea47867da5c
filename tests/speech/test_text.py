from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genlock.core.errors import TranscriptError
from genlock.speech.text import MAX_FORMS, tokenize
from genlock.speech.text_encoding import decode_text

SPOKEN = {
    "1984": "nineteen eighty four",
    "2001": "two thousand one",
    "2026": "twenty twenty six",
    "1,234": "one thousand two hundred thirty four",
    "3.14": "three point one four",
    "0.5": "point five",
    "007": "oh oh seven",
    "-5": "minus five",
    "#1": "number one",
    "555-1234": "five five five one two three four",
    "$5.50": "five dollars and fifty cents",
    "$1": "one dollar",
    "$0.99": "ninety nine cents",
    "£3bn": "three billion pounds",
    "5€": "five euros",
    "50%": "fifty percent",
    "10:30": "ten thirty",
    "10:05": "ten oh five",
    "7pm": "seven P M",
    "7:00": "seven o'clock",
    "1st": "first",
    "22nd": "twenty second",
    "101st": "one hundred and first",
    "1990s": "nineteen nineties",
    "'90s": "nineties",
    "1/2": "a half",
    "3/4": "three quarters",
    "10-20": "ten to twenty",
    "5kg": "five kilograms",
    "100km/h": "a hundred kilometers per hour",
    "12/25/2026": "december twenty fifth twenty twenty six",
    "20°C": "twenty degrees celsius",
    "½": "a half",
    "2.1.3": "two point one point three",
    "192.168.0.1": "one nine two dot one six eight dot zero dot one",
    "v3.11.4.": "V three dot eleven dot four",
    "1.000.000": "one million",
    "U.S.": "U S",
    "U.S.A.": "U S A",
    "NASA": "nasa",
    "BBC": "B B C",
    "TVs": "T V's",
    "AT&T": "A T and T",
    "MP3": "M P three",
    "COVID-19": "covid nineteen",
    "4K": "four K",
    "wav2vec": "wav two vec",
    "C++": "C plus plus",
    "C#": "C sharp",
    "VIII": "the eighth",
    "twenty-one": "twenty one",
    "Dr.": "doctor",
    "e.g.": "for example",
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "%": "percent",
    "and/or": "and or",
    "e-mail": "E mail",
    "don’t": "don't",
    "“quoted”": "quoted",
    "www.example.com": "W W W dot example dot com",
    "info@example.org": "info at example dot org",
    "f": "F",
    "a": "a",
    "café,": "café",
    "C'est": "c'est",
    "x=3": "X equals three",
    "9-1-1": "nine one one",
}


@pytest.mark.parametrize("written", SPOKEN)
def test_a_way_to_speak_it(written: str) -> None:
    assert tuple(SPOKEN[written].split()) in tokenize(written)[0].forms


def test_words_come_back_as_written() -> None:
    text = "  “Well,”\tsaid  Mr. O'Neil — 50% of $5!\n♪ la la ♪ "
    assert [token.text for token in tokenize(text)] == text.split()


def test_what_is_not_spoken_says_so() -> None:
    tokens = {token.text: token for token in tokenize("— ♪ ... 😀 [Music plays] (laughs) hello")}
    assert all(
        not tokens[t].forms and "nothing to say" in str(tokens[t].reason) for t in ("—", "♪", "...", "😀")
    )
    assert all("brackets" in str(tokens[t].reason) for t in ("[Music", "plays]"))
    assert tokens["(laughs)"].forms
    assert tokens["hello"].reason is None


def test_an_open_bracket_hides_nothing() -> None:
    assert all(token.forms for token in tokenize("see [1 and so on without an end"))


def test_words_depend_on_their_neighbours() -> None:
    five, million = tokenize("$5 million")
    assert ("five",) in five.forms
    assert ("million", "dollars") in million.forms
    assert ("kilometers",) in tokenize("10 km")[1].forms


def test_other_languages_speak_their_numbers() -> None:
    assert ("einundzwanzig",) in tokenize("21", "de")[0].forms
    assert tokenize("—", "de")[0].forms == ()
    assert tokenize("21 x", "xx")[1].forms == (("x",),)


@given(st.text(max_size=60))
@example("0:00 99:99 1/0 00/00/0000 $.5 .5 5. -- '' 1,2,3 ²³ ٣ 99999999999999999999999999 1st0 VIIII")
def test_any_text_keeps_its_words(text: str) -> None:
    tokens = tokenize(text)
    assert [token.text for token in tokens] == text.split()
    for token in tokens:
        assert len(token.forms) <= MAX_FORMS
        assert bool(token.forms) == (token.reason is None)
        assert all(form and all(word.strip() for word in form) for form in token.forms)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_codings(coding: str) -> None:
    assert (
        decode_text("Grüße, this is a text\r\nof two lines".encode(coding), "x").text
        == "Grüße, this is a text\nof two lines"
    )


@pytest.mark.parametrize(
    "data",
    [b"", b" \n\t", bytes(range(256)) * 4, b"\x00\x01\x02\x03" * 100, b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(TranscriptError, match="the file"):
        decode_text(data, "the file")


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    with contextlib.suppress(TranscriptError):
        assert decode_text(data, "the file").text.strip()


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("de", "24.12.2026", "vierundzwanzigste dezember zweitausendsechsundzwanzig"),
        ("de", "14:30", "vierzehn uhr dreißig"),
        ("de", "3,50", "drei komma fünfzig"),
        ("de", "1.000.000", "eine million"),
        ("de", "d.h.", "das heißt"),
        ("fr", "20h15,", "vingt heures quinze"),
        ("fr", "l’heure", "l'heure"),
        ("es", "$20", "veinte dólares"),
        ("es", "2ª", "segundo"),
        ("ru", "25", "двадцать пять"),
        ("fa", "۱۲", "دوازده"),
    ],
)
def test_numbers_of_other_languages_are_spoken_out(language: str, written: str, said: str) -> None:
    assert " ".join(tokenize(written, language)[0].forms[0]) == said


@pytest.mark.parametrize(
    "written", ["192.168.0.1", "2.1.3", "1.000.000", "1,2,3", "..5", "12-34-5678", "99:99", "€"]
)
@pytest.mark.parametrize("language", ["de", "fr", "ja", "xx", "th"])
def test_no_token_of_any_language_ends_the_command(language: str, written: str) -> None:
    assert tokenize(written, language)[0].text


def test_scripts_without_spaces_are_cut_by_letters() -> None:
    assert [t.text for t in tokenize("今日は、15時。", "ja")] == ["今", "日", "は、", "15", "時。"]
    assert [t.text for t in tokenize("สวัสดี", "th")] == ["ส", "วั", "ส", "ดี"]
