from __future__ import annotations

import json
from fractions import Fraction

import pytest

from genlock.core.errors import FormatError, OptionError
from genlock.core.json_forms import dump_json
from genlock.speech.words import Word, Words


def test_words_come_back_from_json_exactly() -> None:
    words = Words(
        [Word("a", Fraction(1, 3), Fraction(2, 3), 0.5), Word("♪", reason="nothing")],
        "media:x",
        "r",
        "a",
        "en",
        "why",
    )
    data = json.loads(dump_json(words.to_dict()))
    assert Words.from_dict(data) == words
    assert {"text", "start_seconds", "end_seconds", "status", "confidence", "reason"} <= data["words"][
        0
    ].keys()
    assert [w["status"] for w in data["words"]] == ["aligned", "unaligned"]
    assert data["recognizer"] == "r"
    with pytest.raises(FormatError):
        Words.from_dict({"words": [{"text": "x"}]})


@pytest.mark.parametrize(
    "arguments",
    [{"start": 1}, {"start": 2, "end": 1, "confidence": 0.5}, {"start": 1, "end": 2, "confidence": 1.5}, {}],
)
def test_impossible_words_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="'x'"):
        Word("x", **arguments)  # type: ignore[arg-type]


def test_words_are_in_order() -> None:
    with pytest.raises(OptionError, match="in order"):
        Words([Word("a", 1, 2), Word("b", "1.5", 3)])
    words = Words([Word("a", 1, 2), Word("-", reason="none"), Word("b", 2, 3)])
    assert [s.label for s in words.spans] == ["a", "b"]
    assert words.shifted("0.5")[2].start == Fraction(5, 2)
    assert words[:1].text == "a"
    assert words.share_aligned == pytest.approx(2 / 3)


def test_notes_gather_what_is_missing() -> None:
    words = Words(
        [Word(t, reason="nothing to say") for t in "-+=*/#"] + [Word("b", 2, 3)], reason="be careful"
    )
    assert words.notes[0] == "be careful"
    assert "and 1 more: nothing to say" in words.notes[1]
    assert Words.none("media", "no sound").notes == ("no sound",)
