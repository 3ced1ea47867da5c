"""Subtitles of every form that is written are read by other programs, with the same lines and times."""

from __future__ import annotations

import csv
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pysubs2
import pytest

from genlock.speech.subtitles import Cue, open_transcript, write_words
from genlock.speech.words import Word, Words

WORDS = Words([Word("R&D", "0.5", "0.75"), Word("<3", "1", "1.25"), Word("lost", reason="not said")])
CUES = (Cue("<i>R&amp;D</i>\n<3 lost", Fraction(2), Fraction(3)),)
SHOWN = "R&D <3 lost"


def written(folder: Path, ending: str) -> Path:
    path = folder / f"a{ending}"
    write_words(WORDS, path, cues=CUES)
    return path


@pytest.mark.parametrize("ending", [".ass", ".ttml", ".srt", ".vtt"])
def test_a_subtitle_library_reads_them(tmp_path: Path, ending: str) -> None:
    (event,) = pysubs2.load(str(written(tmp_path, ending)))
    assert (event.start, event.end) == (500, 1500)  # as long as it stayed before
    assert event.plaintext.replace("\n", " ").replace("&amp;", "&").replace("&lt;", "<") == SHOWN


@pytest.mark.parametrize("ending", [".ass", ".ttml", ".srt", ".vtt"])
def test_ffmpeg_reads_them(tmp_path: Path, ending: str) -> None:
    if shutil.which("ffmpeg") is None or ending == ".ttml":
        pytest.skip("ffmpeg is not here, or reads no TTML")
    run = ["ffmpeg", "-v", "error", "-i", str(written(tmp_path, ending)), "-f", "srt", "-"]
    text = subprocess.run(run, capture_output=True, check=True, text=True).stdout
    assert "00:00:00,500 --> 00:00:01,500" in text
    assert "D</i>" in text


def test_italics_stay_in_ass(tmp_path: Path) -> None:
    assert "{\\i1}R&D{\\i0}\\N<3 lost" in written(tmp_path, ".ass").read_text()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    for ending in (".ass", ".ttml", ".vtt", ".json"):
        assert open_transcript(written(tmp_path, ending).read_bytes(), "a").text == SHOWN


def test_lists(tmp_path: Path) -> None:
    with written(tmp_path, ".tsv").open() as file:
        assert list(csv.DictReader(file, delimiter="\t")) == [{"start": "500", "end": "1500", "text": SHOWN}]
    assert written(tmp_path, ".txt").read_text() == SHOWN + "\n"
    assert written(tmp_path, ".labels").read_text().splitlines()[1] == "1.000000\t1.250000\t<3"
