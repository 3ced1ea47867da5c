"""Files of markers are read again by OpenTimelineIO, or by what Python has; instants are those that were given."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from genlock.core.errors import OptionError
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.media.marker_files import MARKER_ENDINGS, markers_text, write_markers
from genlock.media.markers import Marker
from genlock.speech import Word, Words
from genlock.speech.subtitles import write_words
from genlock.tasks.sync_markers import sync_markers, write_sync_markers
from genlock.testing import example_video

MARKS = (
    Marker("a & <b>", Fraction(1001, 1000), Fraction(2), {"probability": 0.5}),
    Marker("two\nlines", Fraction(3), Fraction(3)),
)
RATES = [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)]
SPAN = (Fraction(0), Fraction(600))


def clip_of(path: Path, **how: Any) -> Any:
    otio = pytest.importorskip(
        "opentimelineio", reason="opentimelineio is not installed (the dev extra has it)"
    )
    (clip,) = otio.adapters.read_from_file(str(path), **how).find_clips()
    return clip


@pytest.mark.parametrize("rate", RATES)
def test_an_edl_is_read_again(rate: Fraction, tmp_path: Path) -> None:
    pytest.importorskip(
        "otio_cmx3600_adapter", reason="otio-cmx3600-adapter is not installed (the dev extra has it)"
    )
    write_markers(tmp_path / "a.edl", "my film.mp4", SPAN, MARKS, rate)
    clip = clip_of(tmp_path / "a.edl", rate=float(rate))
    assert clip.name == "my film.mp4"
    assert [mark.name for mark in clip.markers] == ["a & <b>", "two lines"]
    for mark, given in zip(clip.markers, MARKS, strict=True):
        assert abs(mark.marked_range.start_time.value - given.start * rate) <= Fraction(1, 2)
    assert abs(clip.source_range.duration.value - 600 * rate) <= 1


@pytest.mark.parametrize("rate", RATES)
def test_an_fcpxml_counts_whole_frames_exactly(rate: Fraction, tmp_path: Path) -> None:
    write_markers(tmp_path / "a.fcpxml", "my film.mp4", SPAN, MARKS, rate)
    tree = ElementTree.parse(tmp_path / "a.fcpxml")
    found = tree.findall(".//marker")
    assert [mark.get("value") for mark in found] == ["a & <b>", "two lines"]
    for mark, given in zip(found, MARKS, strict=True):
        start, lasts = (Fraction(str(mark.get(name)).removesuffix("s")) for name in ("start", "duration"))
        assert (start * rate).denominator == (lasts * rate).denominator == 1
        assert abs(start - given.start) <= 1 / rate / 2
        assert lasts >= 1 / rate
    assert str(tree.findall(".//media-rep")[0].get("src")).endswith("/my%20film.mp4")


def test_final_cut_of_opentimelineio_reads_it(tmp_path: Path) -> None:
    pytest.importorskip(
        "otio_fcpx_xml_adapter", reason="otio-fcpx-xml-adapter is not installed (the dev extra has it)"
    )
    write_markers(tmp_path / "a.fcpxml", "film.mp4", SPAN, MARKS, Fraction(25))
    clip = clip_of(tmp_path / "a.fcpxml")
    assert [(mark.name, mark.marked_range.start_time.value) for mark in clip.markers] == [
        ("a & <b>", 25),
        ("two lines", 75),
    ]


@pytest.mark.parametrize("rate", [*RATES, None])
def test_a_table_has_the_exact_instants(rate: Fraction | None, tmp_path: Path) -> None:
    write_markers(tmp_path / "a.csv", "film.mp4", SPAN, MARKS, rate)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(Fraction(row["start"]), Fraction(row["end"])) for row in rows] == [
        (mark.start, mark.end) for mark in MARKS
    ]
    assert [row["name"] for row in rows] == [mark.name for mark in MARKS]
    assert [row["probability"] for row in rows] == ["0.5", ""]
    assert [bool(row["start_timecode"]) for row in rows] == [rate is not None] * 2


def test_what_counts_frames_asks_for_a_rate(tmp_path: Path) -> None:
    for ending in (".edl", ".fcpxml"):
        with pytest.raises(OptionError, match=r"write \.otio or \.csv"):
            markers_text(ending, "a.wav", SPAN, MARKS, None)
    with pytest.raises(OptionError, match="markers are written as"):
        write_markers(tmp_path / "a.xml", "film.mp4", SPAN, MARKS, Fraction(25))
    assert not list(tmp_path.iterdir())


def test_words_are_markers(tmp_path: Path) -> None:
    words = Words(
        [Word("Hello", "0.5", "0.82", 0.9), Word("lost", reason="not heard"), Word("there", 1, "1.25")]
    )
    write_words(words, tmp_path / "a.csv", film="film.mp4")
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [(row["name"], row["start"], row["confidence"]) for row in csv.DictReader(file)] == [
            ("Hello", "1/2", "0.9"),
            ("there", "1", ""),
        ]
    write_words(
        words, tmp_path / "a.edl", film="film.mp4", rate=Fraction(25), span=(Fraction(0), Fraction(2))
    )
    assert "* LOC: 00:00:01:00 GREEN there" in (tmp_path / "a.edl").read_text()
    with pytest.raises(OptionError, match="no picture of a constant rate"):
        words.save(tmp_path / "b.edl")


def test_stretches_are_markers_that_say_no_more_than_is_known(tmp_path: Path) -> None:
    stretches = (
        Segment(Fraction(0), Fraction(1), -0.063, (-0.08, -0.05), 0.95),
        Segment(Fraction(1), Fraction(2), None, None, None, "nothing to see"),
    )
    sure = SyncMeasurement(Estimate(-0.063, (-0.08, -0.05), 0.95, "lips"), Fraction(1), segments=stretches)
    assert [mark.name for mark in sync_markers(sure)] == ["sound 63 ms late", "offset unknown"]
    guess = (Segment(Fraction(0), Fraction(1), -0.063, (-0.8, 0.5), 0.3),)
    unsure = SyncMeasurement(Estimate(-0.063, (-0.8, 0.5), 0.3, "motion"), Fraction(1), segments=guess)
    assert [mark.name for mark in sync_markers(unsure)] == ["offset unknown"]
    for ending in MARKER_ENDINGS:
        write_sync_markers(tmp_path / f"a{ending}", example_video(), sure)
        assert "sound 63 ms late" in (tmp_path / f"a{ending}").read_text()
