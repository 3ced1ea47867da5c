"""Subtitles of Chinese had a space after every letter, as had the page's text, and what the page saves."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import genlock.report
from genlock.speech.scripts import joined_words
from genlock.speech.subtitles import cues_from_words
from genlock.speech.subtitles.karaoke import with_word_stamps
from genlock.speech.words import Word, Words

PAGE = Path(genlock.report.__file__).parent / "page"
SENTENCES = (
    ("今", "日", "は、", "iPhone", "15", "で", "す。"),
    ("ส", "วั", "ส", "ดี"),
    ("good", "day,", "Anna"),
    ("안녕", "하세요"),
    ("مرحبا", "بكم"),
)


def chinese(count: int) -> Words:
    letters = "今天我们来谈谈声音和画面如何在同一个时钟上对齐"
    return Words(
        [Word(letters[k % len(letters)], Fraction(k, 4), Fraction(k + 1, 4)) for k in range(count)],
        language="zh",
    )


def test_cues_of_chinese_have_no_spaces_and_lines_of_half_as_many_letters() -> None:
    words = chinese(100)
    cues = cues_from_words(words)
    assert "".join(cue.text.replace("\n", "") for cue in cues) == "".join(word.text for word in words)
    longest = max(len(line) for cue in cues for line in cue.text.split("\n"))
    assert 10 < longest <= 21  # wide letters: 42 of the narrow ones


def test_times_of_chinese_words_stand_before_their_letters() -> None:
    words = chinese(8)
    (cue,) = cues_from_words(words)
    stamped = with_word_stamps(cue, words.items)
    assert stamped.count("<") == 7
    assert stamped.startswith(f"{words[0].text}<00:00:00.250>{words[1].text}<")


def test_the_page_joins_words_as_genlock_does(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    shutil.copytree(PAGE, tmp_path / "page")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    call = f"process.stdout.write(JSON.stringify({json.dumps(SENTENCES)}.map(joinedWords)));"
    (tmp_path / "check.js").write_text(f'import {{ joinedWords }} from "./page/format.js";\n{call}\n')
    said = subprocess.run([node, tmp_path / "check.js"], check=True, capture_output=True, text=True).stdout
    assert json.loads(said) == [joined_words(words) for words in SENTENCES]
    assert joined_words(SENTENCES[0]) == "今日は、iPhone 15です。"
    assert joined_words(SENTENCES[3]) == "안녕 하세요"
