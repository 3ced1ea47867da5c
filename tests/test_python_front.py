"""What somebody meets who types into Python or a notebook."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import genlock
from genlock.core.errors import GenlockError, MissingDependency, OptionError
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.speech import Word, Words
from genlock.tasks.sync_video import SyncResult
from genlock.testing import example_video


@pytest.fixture(scope="module")
def ramp() -> genlock.Track:
    return genlock.Track(np.arange(10.0), genlock.Grid(100), name="ramp")


def test_a_track_is_an_array_with_times(ramp: genlock.Track) -> None:
    assert np.asarray(ramp).tolist() == list(range(10))
    assert np.asarray(ramp, np.float32).dtype == np.float32
    assert ramp.times.tolist() == ramp.centers.tolist()
    part = ramp[2:5]
    assert (part.start, part.values.tolist()) == (Fraction(2, 100), [2, 3, 4])
    assert len(ramp[5:2]) == 0
    with pytest.raises(OptionError, match=r"track\.values"):
        ramp[3]  # type: ignore[index]
    with pytest.raises(OptionError, match="slices"):
        ramp[::2]


def test_a_number_is_the_rate_of_a_grid(ramp: genlock.Track) -> None:
    assert ramp.on(50, "mean").values.tolist() == ramp.on(genlock.Grid(50), "mean").values.tolist()
    assert ramp.on("30000/1001").grid == genlock.Grid("30000/1001", 0, ramp.clock)
    with pytest.raises(GenlockError):
        ramp.on("fast")


def test_a_track_as_a_table(ramp: genlock.Track, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    masked = genlock.Track(np.ones((3, 2)), genlock.Grid(10), np.array([True, False, True]))
    frame = masked.to_frame()
    assert list(frame.columns) == ["0", "1"]
    assert frame.index.name == "seconds"
    assert frame.isna().sum().tolist() == [1, 1]
    assert list(ramp.to_frame().columns) == ["ramp"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependency, match="pip install pandas"):
        ramp.to_frame()


def test_words_save_themselves_and_are_a_table(tmp_path: Path) -> None:
    words = Words([Word("a<b", 1, 2, 0.9), Word("-", reason="nothing to say")])
    words.save(tmp_path / "x.srt")
    assert "a<b" in (tmp_path / "x.srt").read_text() or "a&lt;b" in (tmp_path / "x.srt").read_text()
    assert "a&lt;b" in words._repr_html_()
    with pytest.raises(OptionError, match="doc"):
        words.save(tmp_path / "x.doc")


def test_results_say_what_was_found_in_a_line() -> None:
    sure = SyncMeasurement(Estimate(-0.063, (-0.08, -0.05), 0.95, "lips"), Fraction(3))
    assert repr(SyncResult(sure, None)) == "SyncResult(sound is 63 ms late, p 0.95)"
    unsure = SyncMeasurement(Estimate(-0.063, (-0.8, 0.5), 0.3, "motion"), Fraction(3))
    assert repr(SyncResult(unsure, None)) == "SyncResult(offset unknown, p 0.30)"
    assert "unknown" in SyncResult(unsure, None)._repr_html_()


def test_an_unknown_option_names_the_nearest() -> None:
    """It was a bare TypeError of a private class."""
    for call, wrong, right in (
        (genlock.align, "featur", "feature"),
        (genlock.words, "recogniser", "recognizer"),
        (genlock.sync, "estimator", "estimators"),
    ):
        with pytest.raises(OptionError, match=f"{wrong!r}.*did you mean {right!r}"):
            call(str(example_video()), **{wrong: "mel"})
    with pytest.raises(OptionError, match="there are: "):
        genlock.align(str(example_video()), zzz=1)


def test_a_report_is_opened_where_one_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    clip = genlock.align(example_video(), feature="energy", sync=False)
    with pytest.raises(OptionError, match="output=FOLDER"):
        clip.open_report()
    written = genlock.align(example_video(), output=tmp_path / "out", feature="energy", sync=False)
    assert written.open_report().name == "report.html"
    assert opened == [(tmp_path / "out" / "report.html").resolve().as_uri()]
    assert "offset not measured" in repr(written)
    assert "<table>" in written._repr_html_()
