"""The page as a file: what is in it is what was given, and nothing that was given can break it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core import Grid, Ticks, Track
from genlock.core.errors import OptionError, OutputError
from genlock.report import Envelope, OutputFile, Preview, ReportContent, write_report
from genlock.report.arrays import curve_rows, frame_rows, spectrogram_rows, waveform_rows
from genlock.report.build import _MODULES, _bundle, _part
from genlock.report.facts import facts_of, streams_of, timecode_of

from .contents import word

HOSTILE = (
    "</script><script>alert(1)</script><!-- <script> \" ' & {{style}} \u2028 <img src=x onerror=alert(1)> é"
)


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of each script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        self._open = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._open:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)


def parsed(path: Path) -> tuple[Elements, dict[str, Any]]:
    elements = Elements()
    elements.feed(path.read_text(encoding="utf-8"))
    content = next(text for attributes, text in elements.scripts if attributes.get("id") == "content")
    return elements, json.loads(content)


def hostile_content(**more: Any) -> ReportContent:
    track = Track(np.zeros((4, 2), np.float32), Grid(10), name="waveform")
    curve = Track(np.arange(4.0), Grid(10), name=HOSTILE, unit=HOSTILE)
    media = {"streams": [{"kind": "audio", "codec": HOSTILE, "rate": "16000", "layout": HOSTILE}]}
    return ReportContent(
        HOSTILE,
        media=media,
        sync={"sentence": HOSTILE, "reason": HOSTILE},
        waveform=track,
        curves=[curve],
        words=[word(HOSTILE, 0.1, 0.2), word(HOSTILE, None, None, reason=HOSTILE)],
        notes=[HOSTILE],
        versions={HOSTILE: HOSTILE},
        options={HOSTILE: HOSTILE},
        command=HOSTILE,
        files=[OutputFile(HOSTILE, HOSTILE, 1)],
        **more,
    )


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    plain, _ = parsed(write_report(tmp_path / "plain.html", ReportContent("plain")).path)
    hostile, data = parsed(write_report(tmp_path / "hostile.html", hostile_content()).path)
    blobs = [a["id"] for a, _ in hostile.scripts if str(a.get("id")).startswith("blob-")]
    assert blobs == ["blob-waveform", "blob-curve0"]
    # Not one element more than in a page without such text, but for the arrays.
    assert len(hostile.tags) == len(plain.tags) + len(blobs)
    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in hostile.tags)
    assert data["title"] == data["words"][0]["text"] == data["notes"][0] == data["command"] == HOSTILE
    assert data["words"][1]["reason"] == data["curves"][0]["label"] == HOSTILE
    assert json.loads(data["options"]) == {HOSTILE: HOSTILE}


def test_a_file_name_that_is_no_unicode(tmp_path: Path) -> None:
    page = write_report(tmp_path / "r.html", ReportContent("caf\udce9.mp4", notes=["caf\udce9"])).path
    assert "caf?.mp4" in page.read_text(encoding="utf-8")


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    page = write_report(tmp_path / "r.html", ReportContent("a.mp4")).path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(|<link[^>]+stylesheet", page)
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        for text in re.findall(rf"<{tag}(?: type=\"module\")?>(.*?)</{tag}>", page, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_the_modules_of_the_page_share_no_name() -> None:
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", _bundle(), re.MULTILINE)
    assert len(names) == len(set(names)), [name for name in set(names) if names.count(name) > 1]
    for module in _MODULES:  # an import over several lines would be left in
        assert "import " not in "".join(
            line for line in _part(f"{module}.js").splitlines() if not line.startswith("import")
        )


def test_a_small_preview_lies_inside_and_a_large_one_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genlock.report.build.EMBED_UP_TO_BYTES", 1000)
    made = tmp_path / "elsewhere"
    made.mkdir()
    for size, beside in ((1000, None), (1001, "preview.mp4")):
        (made / "x.mp4").write_bytes(bytes(size))
        preview = Preview(made / "x.mp4", Fraction(1, 3), 2.0, True, True, True, 50, size)
        report = write_report(tmp_path / "r.html", ReportContent("a", preview=preview))
        elements, data = parsed(report.path)
        assert (report.preview.name if report.preview else None) == beside
        assert data["preview"]["href"] == (beside and f"./{beside}")
        assert any(a.get("id") == "blob-preview" for a, _ in elements.scripts) == (beside is None)
        assert bool(data["banner"]) == (beside is not None)
        assert data["preview"]["zero_seconds"] == 1 / 3


def test_an_unwritable_target_keeps_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.mkdir()
    with pytest.raises(OutputError):
        write_report(target, ReportContent("a"))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    missing = Preview(tmp_path / "gone.mp4", Fraction(0), 2.0, True, True, True, 50, 10)
    with pytest.raises(OutputError, match=r"gone\.mp4"):
        write_report(tmp_path / "other.html", ReportContent("a", preview=missing))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"words": [{"text": "a", "status": "aligned", "start_seconds": None, "end_seconds": 1}]},
        {"words": [{"text": "a", "status": "aligned", "start_seconds": 2, "end_seconds": 1}]},
        {"words": [{"text": "a", "status": "lost"}]},
        {"frame_edges": [0.0, 0.0]},
        {"frame_edges": [0.0, np.nan]},
        {"waveform": Track(np.zeros(3), Grid(10))},
        {"curves": [Track(np.zeros((3, 2)), Grid(10))]},
    ],
)
def test_wrong_content_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        ReportContent("a", **wrong)


# ---------------------------------------------------------------- arrays


def test_edges_of_a_constant_rate_are_a_line_and_others_are_kept() -> None:
    rate = frame_rows(Grid("30000/1001", "1/3").edges(100_000))
    assert (rate.data, rate.facts["kind"], rate.facts["count"]) == (b"", "uniform", 100_000)
    variable = np.array([0.0, 0.04, 0.09, 0.1])
    rows = frame_rows(variable)
    assert np.array_equal(np.frombuffer(rows.data, "<f8"), variable)


@given(st.integers(1, 400), st.integers(1, 60), st.integers(0, 10**6))
def test_rows_lie_where_the_track_does(length: int, most: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=length)
    track = Track(values, Grid("100", "-1/200"))
    rows = curve_rows(track, most)
    levels = np.frombuffer(rows.data, np.uint8).astype(float)
    group = -(-length // most)
    tops = np.array([values[k : k + group].max() for k in range(0, length, group)])
    assert len(levels) == len(tops) <= most
    assert rows.facts["start"] == -0.005
    assert rows.facts["period"] == pytest.approx(group / 100)
    spread = max(values.max() - values.min(), 1e-12)
    assert np.abs((levels - 1) / 254 * spread + values.min() - tops).max() <= spread / 254 * 0.51


def test_what_is_not_valid_is_level_zero() -> None:
    track = Track(np.array([1.0, np.nan, 3.0, 4.0]), Grid(10), np.array([True, True, True, False]))
    assert np.frombuffer(curve_rows(track).data, np.uint8).tolist() == [1, 0, 255, 0]
    bands = Track(np.array([[0.0, 1.0], [2.0, 3.0]]), Grid(10), np.array([True, False]))
    assert np.frombuffer(spectrogram_rows(bands).data, np.uint8)[2:].tolist() == [0, 0]
    wave = waveform_rows(Track(np.ones((2, 2)), Grid(10), np.array([True, False])))
    assert np.frombuffer(wave.data, np.int8).tolist() == [127, 127, 0, 0]


def test_values_on_a_variable_rate_are_shown_near_their_cells() -> None:
    ticks = Ticks([0, 40, 80, 200], "1/1000", 40)
    rows = curve_rows(Track(np.array([0.0, 1.0, 2.0, 3.0]), ticks))
    assert rows.facts["start"] == 0
    assert rows.facts["period"] == pytest.approx(0.06)
    assert [round((x - 1) / 254 * 3) for x in np.frombuffer(rows.data, np.uint8)] == [0, 1, 2, 3]


@pytest.mark.slow
def test_an_hour_fits_into_ten_megabytes(tmp_path: Path) -> None:
    count = 360_000
    rng = np.random.default_rng(0)
    content = ReportContent(
        "an hour",
        frame_edges=np.cumsum(np.full(90_001, 0.04)) - 0.04,
        waveform=Track(rng.uniform(-1, 1, (720_000, 2)).astype(np.float32), Grid(200)),
        spectrogram=Track(rng.normal(size=(count, 80)).astype(np.float32), Grid(100), unit="dB"),
        curves=[Track(rng.normal(size=count), Grid(100), name=name) for name in ("energy", "onset")],
        words=[word(f"word{k}", k * 0.4, k * 0.4 + 0.3) for k in range(9000)],
    )
    assert write_report(tmp_path / "hour.html", content).size_bytes < 10_000_000


@given(
    st.integers(1, 300), st.integers(1, 8), st.lists(st.integers(0, 40), max_size=12), st.integers(0, 10**6)
)
def test_the_envelope_is_that_of_the_samples(length: int, half: int, cuts: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32)
    envelope = Envelope(8000, "1/7", max_bins=2 * half)
    start = 0
    for cut in cuts:
        envelope.push(samples[start : start + cut])
        start += cut
    envelope.push(samples[min(start, length) :])
    track = envelope.finish()
    size = 8000 / track.grid.rate
    assert size.denominator == 1
    step = int(size)
    groups = [samples[k : k + step] for k in range(0, length, step)]
    assert len(track) == len(groups) <= 2 * half
    assert np.array_equal(track.values, np.array([[g.min(), g.max()] for g in groups], np.float32))
    # The first cell's samples are 0...step-1: its centre is theirs.
    assert track.grid.center(0) == Fraction(1, 7) + Fraction(step - 1, 16000)


# ---------------------------------------------------------------- facts


def test_facts_say_the_rate_exactly_and_the_sync_in_words() -> None:
    media = {
        "sound_minus_picture_start_seconds": -0.0213,
        "streams": [
            {
                "kind": "video",
                "rate": "30000/1001",
                "frames": 60,
                "width": 320,
                "height": 180,
                "codec": "h264",
                "start": "1/30",
            },
            {"kind": "audio", "rate": "44100", "layout": "stereo", "codec": "aac", "start": "0"},
        ],
    }
    facts = {fact["label"]: fact for fact in facts_of(ReportContent("a", media=media))}
    assert facts["Picture"]["value"] == "29.97 frames/s"
    assert "exactly 30000/1001" in facts["Picture"]["sub"]
    assert facts["Sound"]["value"] == "44.1 kHz stereo"
    assert facts["Streams start"]["value"] == "picture 21.3 ms later"
    assert (facts["In step"]["value"], facts["In step"]["sub"]) == ("unknown", "not measured")
    assert streams_of(media)["rows"][0][3:5] == ["30000/1001 /s", "0.033333 s (1/30)"]
    within, sentence = [0.1, 0.14], "sound 120 ms early (100-140): viewers notice"
    sync = {"offset_seconds": 0.12, "interval_seconds": within, "probability": 0.97, "sentence": sentence}
    early = facts_of(ReportContent("a", sync=sync))[0]
    assert (early["value"], early["mark"], early["sub"]) == (
        "sound 120 ms early",
        "bad",
        "90 %: 100-140 · 97 % sure to within 40 ms",
    )
    sharp = facts_of(
        ReportContent("a", sync={"offset_seconds": -0.1473, "interval_seconds": [-0.148, -0.147]})
    )
    assert sharp[0]["value"] == "sound 147.3 ms late"
    late = facts_of(ReportContent("a", sync={"offset_seconds": -0.05}))[0]
    assert (late["value"], late["mark"]) == ("sound 50 ms late", "good")


def test_timecode_counts_from_its_label() -> None:
    media = {"streams": [{"kind": "video", "rate": "30000/1001", "timecode": "01:00:00;00"}]}
    assert timecode_of(media) == {"frame": 107892, "nominal": 30, "drop": True}
    assert timecode_of({"streams": [{"kind": "video", "rate": "25", "timecode": "99"}]}) is None
    assert timecode_of({}) is None
