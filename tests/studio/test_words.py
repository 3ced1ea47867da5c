"""Words are corrected by splices: exact to the last digit, saved at once, refused where they would not be words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.report.clips import planted

from genlock.core.json_forms import write_json
from genlock.speech import Word, Words

from .conftest import Served

FIRST = Words(
    [
        Word("good", "1001/30000", "2002/10000", 0.9),
        Word("<b>morning</b>", "2002/10000", "0.5", 0.8),
        Word("lost", reason="nothing in the sound fits it"),
    ],
    recognizer="by hand",
)


@pytest.fixture
def corrected(serve: Callable[..., Served], tmp_path: Path) -> Served:
    planted(tmp_path / "film.mp4", count=10)
    (tmp_path / "film.genlock").mkdir()
    write_json(tmp_path / "film.genlock" / "words.json", FIRST.to_dict())
    return serve(tmp_path, jobs=False)


def words_of(served: Served) -> dict[str, Any]:
    return dict(served.get(f"/api/clips/{served.ident('film.mp4')}/words").json())


def splice(served: Served, revision: int, at: int, count: int, words: Any) -> Any:
    told = {"revision": revision, "at": at, "count": count, "words": words}
    return served.ask("POST", f"/api/clips/{served.ident('film.mp4')}/words", told=told)


def test_a_border_that_is_moved_and_read_again_is_the_same(corrected: Served) -> None:
    before = words_of(corrected)
    assert (before["revision"], before["corrected"]) == (0, False)
    exact = "7919/48000"  # a sample, and no decimal number
    moved = [{**before["words"][0], "end": exact}, {**before["words"][1], "start": exact}]
    assert splice(corrected, 0, 0, 2, moved).json() == {"revision": 1}
    after = words_of(corrected)
    assert [word["start"] for word in after["words"]] == ["1001/30000", exact, None]
    assert after["words"][0]["end"] == exact
    assert after["words"][2] == before["words"][2]
    assert (after["recognizer"], after["corrected"]) == ("by hand", True)


def test_undoing_gives_back_every_bit(corrected: Served) -> None:
    before = words_of(corrected)["words"]
    splice(corrected, 0, 0, 2, [{**before[0], "text": "goodmorning", "end": "1/2"}])
    assert len(words_of(corrected)["words"]) == 2
    splice(corrected, 1, 0, 1, before[:2])
    assert words_of(corrected)["words"] == before


def test_two_pages_do_not_overwrite_each_other(corrected: Served) -> None:
    word = words_of(corrected)["words"][0]
    assert splice(corrected, 0, 0, 1, [{**word, "text": "one"}]).status == 200
    refused = splice(corrected, 0, 0, 1, [{**word, "text": "two"}])
    assert refused.status == 409
    assert "changed elsewhere" in refused.json()["error"]
    assert words_of(corrected)["words"][0]["text"] == "one"


@pytest.mark.parametrize(
    ("at", "count", "words"),
    [
        (0, 1, [{"text": "late", "start": "0.3", "end": "0.4"}]),  # beyond the next
        (0, 1, [{"text": "back", "start": "0.4", "end": "0.1"}]),
        (0, 1, [{"text": "", "start": "0", "end": "0.1"}]),
        (0, 1, [{"text": "x" * 501, "start": "0", "end": "0.1"}]),
        (0, 1, [{"text": "float", "start": 0.1, "end": 0.2}]),
        (0, 1, [{"text": "half", "start": "0.1", "end": None}]),
        (0, 1, [{"text": "none", "start": "1/0", "end": "2"}]),
        (0, 1, [{"text": "sure", "start": "0", "end": "0.1", "confidence": 2}]),
        (2, 5, []),
        (-1, 1, []),
        (0, 1, ["word"]),
        (0, True, []),
    ],
)
def test_what_are_no_words_is_refused_and_changes_nothing(
    corrected: Served, at: int, count: int, words: Any
) -> None:
    before = words_of(corrected)
    assert splice(corrected, 0, at, count, words).status == 422
    assert words_of(corrected) == before


def test_a_newer_result_waits_to_be_asked_for(corrected: Served) -> None:
    word = words_of(corrected)["words"][0]
    splice(corrected, 0, 0, 1, [{**word, "text": "mine"}])
    assert not words_of(corrected)["newer_result"]
    newer = corrected.root / "film.genlock" / "words.json"
    write_json(newer, Words([Word("newer", 0, "0.1")]).to_dict())
    own = next((corrected.root / ".genlock-studio" / "words").glob("*.json"))
    os.utime(newer, (own.stat().st_mtime + 10, own.stat().st_mtime + 10))
    told = words_of(corrected)
    assert told["newer_result"]
    assert told["words"][0]["text"] == "mine"
    told = corrected.ask("DELETE", f"/api/clips/{corrected.ident('film.mp4')}/words").json()
    assert [each["text"] for each in told["words"]] == ["newer"]
    assert [path.name for path in own.parent.iterdir()] == [f"{own.stem}.old.json"]


@pytest.mark.parametrize("form", ["srt", "vtt", "textgrid", "ctm", "json", "eaf", "otio"])
def test_words_leave_in_every_form_and_as_a_download(corrected: Served, form: str) -> None:
    answer = corrected.get(f"/api/clips/{corrected.ident('film.mp4')}/words/export/{form}")
    assert answer.status == 200
    assert b"good" in answer.body
    # Text of others is never shown as a page of ours.
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_an_unknown_form_is_told(corrected: Served) -> None:
    assert corrected.get(f"/api/clips/{corrected.ident('film.mp4')}/words/export/exe").status == 404
