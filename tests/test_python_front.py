"""What somebody meets who types into Python or a notebook."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

import genlock
from genlock.core import draw
from genlock.core.errors import FormatError, GenlockError, MissingDependency, NoStream, OptionError
from genlock.data.options import ExportOptions, PrepareOptions
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.speech import Word, Words
from genlock.tasks import keywords
from genlock.tasks.align_video import AlignOptions
from genlock.tasks.animate_sound import AnimateOptions
from genlock.tasks.extract_features import FeatureOptions
from genlock.tasks.find_words import WordOptions
from genlock.tasks.keyword_options import keyword_fields, options_of
from genlock.tasks.notebook_bar import NotebookBar
from genlock.tasks.sound_video import SoundOptions
from genlock.tasks.sync_video import SyncOptions, SyncResult
from genlock.testing import example_video

ROOT = Path(__file__).parent.parent


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


def test_a_track_draws_itself(ramp: genlock.Track, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    figure = pytest.importorskip("matplotlib.figure").Figure()
    line, picture = figure.subplots(2, 1)
    holed = genlock.Track(ramp.values, ramp.grid, ramp.values != 4, "ramp", "dB")
    assert holed.plot(line) is line
    drawn = line.lines[0].get_xydata()
    assert drawn[:, 0].tolist() == ramp.times.tolist()
    assert np.isnan(drawn[4, 1])
    assert (line.get_xlabel(), line.get_ylabel()) == ("seconds", "ramp, dB")
    powers = genlock.Track(np.array([[1.0, 100], [10, 1000]]), genlock.Grid(2), name="mel", unit="power")
    powers.plot(picture)
    mesh = picture.collections[0]
    assert mesh.get_array().tolist() == [[0, 10], [20, 30]], "rows are bands, powers are in dB"
    assert mesh.get_coordinates()[0, :, 0].tolist() == [0, 0.5, 1]
    with pytest.raises(OptionError, match="shape .2, 3, 4."):
        genlock.Track(np.zeros((2, 3, 4)), genlock.Grid(25), name="mouth").plot()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependency, match="pip install matplotlib"):
        ramp.plot()


def test_what_is_typed_alone_says_what_it_is(ramp: genlock.Track) -> None:
    """It was Track(values=float64[10], grid=Grid(...), ...): neither a rate nor an instant."""
    assert repr(ramp) == "Track(ramp: float64[10], 100 cells a second, 0.000 to 0.100 s)"
    holed = genlock.Track(np.ones(4), genlock.Grid("30000/1001", "-1/100000"), np.arange(4) > 1)
    assert repr(holed) == "Track(float64[4], 30000/1001 cells a second, 0.000 to 0.133 s, 2 of 4 valid)"
    assert repr(genlock.Grid("30000/1001")) == "Grid(rate=30000/1001)"
    words = Words([Word("Good", 1, "1.5"), Word("morning", reason="not found")], recognizer="whisper")
    assert repr(words) == (
        "Words(2 words, 1.000 to 1.500 s, 1 without times, en, recognised by whisper: 'Good morning')"
    )
    assert repr(genlock.probe(example_video())).startswith("MediaInfo(example.mp4: MP4, 2 s, ")


def test_a_wrong_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no feature 'mell'; did you mean 'mel'"):
        genlock.features(example_video(), "mell")
    with pytest.raises(OptionError, match="did you mean 'names'"):
        genlock.features(example_video(), nam="mel")  # type: ignore[call-arg]
    with pytest.raises(OptionError) as told:
        genlock.features(example_video(), sheet="a.png")  # type: ignore[call-arg]
    assert "sheet," not in str(told.value), "an option of the command alone"
    with pytest.raises(AttributeError) as missing:
        genlock.alin  # type: ignore[attr-defined]
    assert (missing.value.name, missing.value.obj) == ("alin", genlock), "so that Python names the nearest"


def test_a_folder_that_is_no_dataset_is_told_so(tmp_path: Path) -> None:
    """It was "cannot read dataset.json"."""
    with pytest.raises(FormatError, match="genlock prepare FILMS -o DATASET makes one"):
        genlock.open_dataset(tmp_path)
    with pytest.raises(FormatError, match="there is no folder"):
        genlock.open_dataset(tmp_path / "nowhere")


def test_results_say_what_was_found_in_a_line() -> None:
    sure = SyncMeasurement(Estimate(-0.063, (-0.08, -0.05), 0.95, "lips"), Fraction(3))
    assert repr(SyncResult(sure, None)) == "SyncResult(sound 63 ms late, p 0.95)"
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


@pytest.mark.parametrize(
    ("function", "options", "typed", "renamed"),
    [
        (genlock.words, WordOptions, keywords.WordKeywords, set()),
        (genlock.align, AlignOptions, keywords.AlignKeywords, set()),
        (genlock.sync, SyncOptions, keywords.SyncKeywords, set()),
        (genlock.animate, AnimateOptions, keywords.AnimateKeywords, set()),
        (genlock.sound, SoundOptions, keywords.SoundKeywords, set()),
        (genlock.prepare, PrepareOptions, keywords.PrepareKeywords, set()),
        (genlock.export, ExportOptions, keywords.ExportKeywords, set()),
        # Its names come first and are called so; a sheet is drawn by the command alone.
        (genlock.features, FeatureOptions, keywords.ReadingKeywords, {"feature", "sheet"}),
    ],
)
def test_keywords_are_the_options_of_the_command(
    function: Callable[..., Any], options: type, typed: type, renamed: set[str]
) -> None:
    shown = inspect.signature(function).parameters
    of_command = keyword_fields(options)
    assert of_command.keys() - shown.keys() == renamed
    for name, (_, field) in of_command.items():
        if name in typed.__annotations__:
            assert shown[name].default == field.default, name
    assert typed.__annotations__.keys() <= of_command.keys()


def test_typed_keywords_are_written_anew_with_the_options() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "write_keywords.py"))["keywords_text"]()
    assert (ROOT / "src/genlock/tasks/keywords.py").read_text() == written, "run tools/write_keywords.py"


@pytest.mark.slow
def test_a_type_checker_sees_a_wrong_keyword(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        'import genlock\ngenlock.align("a.mp4", featur="mel")\ngenlock.sync("a.mp4", thorough="yes")\n'
        'genlock.words("a.mp4", language="de", start="1:30")\n'
    )
    told = subprocess.run(
        [sys.executable, "-m", "mypy", str(wrong)], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    assert 'Unexpected keyword argument "featur"' in told
    assert 'Argument "thorough" to "sync" has incompatible type "str"' in told
    assert "Found 2 errors" in told


def test_features_lie_on_the_frames_or_it_is_said_why_not(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.zeros(8000), 16000)
    found = genlock.features(example_video(), ["mel", "energy"], on="frames")
    assert [len(track) for track in found.values()] == [50, 50]
    assert genlock.features(example_video(), "mel", on=10, how="sample")["mel"].grid == genlock.Grid(
        10, 0, found["mel"].clock
    )
    with pytest.raises(NoStream, match="no frames"):
        genlock.features(sound, "mel", on="frames")


def test_a_path_is_taken_wherever_text_is(tmp_path: Path) -> None:
    genlock.sync(example_video(), plot=tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").is_file()
    assert options_of(SoundOptions, "sound", {"wav": tmp_path / "a.wav"}).wav == str(tmp_path / "a.wav")
    assert options_of(PrepareOptions, "prepare", {"clip_seconds": 2}).clip_seconds == "2"


def test_a_track_is_saved_with_its_times(tmp_path: Path, ramp: genlock.Track) -> None:
    genlock.save_track(ramp, tmp_path / "ramp.npz")
    with np.load(tmp_path / "ramp.npz") as file:
        assert file["times"].tolist() == ramp.times.tolist()
        assert '"rate": "100"' in str(file["about"])
    assert genlock.load_track(tmp_path / "ramp.npz").grid == ramp.grid


def test_whoever_gives_a_progress_is_told() -> None:
    told: list[str] = []
    genlock.features(example_video(), "mel", progress=lambda stage, done, total: told.append(stage))
    assert told


def test_a_bar_in_a_notebook_shows_what_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython")
    shown: list[str] = []

    class Handle:
        def display(self, html: Any) -> None:
            shown.append(html.data)

        update = display

    now = [0.0]
    monkeypatch.setattr("genlock.tasks.notebook_bar.time", SimpleNamespace(monotonic=lambda: now[0]))
    with NotebookBar(Handle()) as bar:
        for step in range(50):
            now[0] = step * 0.1
            bar("read <sound>", step, 50)
    assert "read &lt;sound&gt;: 20 %, some 4 s to go" in shown[0]
    assert len(shown) <= 21
    assert shown[-1] == "", "it is gone when the work is done"


def test_an_alignment_shows_words_and_tracks_on_one_axis_of_time() -> None:
    clip = genlock.align(example_video(), feature="mel,energy", sync=False)
    shown = clip._repr_html_()
    axes = re.findall(r">([0-9.]+) s</text>", shown)
    assert axes == sorted(set(axes), key=float), "one axis"
    assert "mel, dB" in shown
    assert ">energy<" in shown


def test_powers_are_drawn_in_dB_and_lanes_by_their_times() -> None:
    powers = np.full((40, 2), 1e-3)
    powers[20:] = 1.0
    quiet = draw._decibels(powers, np.ones(40, bool))
    assert quiet[:20] == pytest.approx(-30)
    assert quiet[20:] == pytest.approx(0)
    late = genlock.Track(np.ones(10), genlock.Grid(10, 1), name="late")
    early = genlock.Track(np.ones(10), genlock.Grid(10), name="early")
    told = draw.lanes_svg([("early", early), ("late", late), ("none", late[:0])])
    assert "translate(0.00,0) scale(0.50000,1)" in told
    assert "translate(360.00,0) scale(0.50000,1)" in told
    assert "none" not in told
    assert "nothing to show" in draw.lanes_svg([])
