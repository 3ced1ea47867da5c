"""The drawing of an offset: on its own as SVG and PNG, and in the report."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.verdicts import judge, sentence_of
from genlock.report import ReportContent, sync_svg, write_report, write_sync_plot

OFFSET, INTERVAL = 0.118, (0.104, 0.132)
LAGS = np.arange(-80, 81) / 100


def measured(pieces: int = 0) -> SyncMeasurement:
    values = np.exp(-(((LAGS - OFFSET) / 0.05) ** 2))
    values[:4] = np.nan
    curve = LagCurve(LAGS, values, np.full(len(LAGS), 5.0))
    spans = tuple(
        Segment(Fraction(60 * k), Fraction(60 * k + 60), OFFSET, INTERVAL, 0.9) for k in range(pieces)
    )
    return SyncMeasurement(Estimate(OFFSET, INTERVAL, 0.97, "linear", curve=curve), Fraction(4), pieces=spans)


def drawn(path: Path) -> ET.Element:
    return ET.fromstring(path.read_text(encoding="utf-8"))


def test_the_line_stands_at_the_peak(tmp_path: Path) -> None:
    write_sync_plot(tmp_path / "a.svg", measured(), "a & <b>")
    root = drawn(tmp_path / "a.svg")
    space = "{http://www.w3.org/2000/svg}"
    assert "a & <b>" in [text.text for text in root.iter(f"{space}text")]
    paths = [
        (p.get("stroke"), [float(n) for n in re.findall(r"[\d.]+", p.get("d") or "")])
        for p in root.iter(f"{space}path")
    ]
    curve = max((d for _, d in paths), key=len)
    xs, ys = curve[::2], curve[1::2]
    line = next(d for colour, d in paths if colour == "#c01c28")
    # y grows downwards; between two lags lies at most their distance.
    assert line[0] == pytest.approx(xs[int(np.argmin(ys))], abs=xs[1] - xs[0])
    assert len(xs) == len(LAGS) - 4


def test_an_offset_over_time_is_drawn_where_there_are_pieces(tmp_path: Path) -> None:
    write_sync_plot(tmp_path / "one.svg", measured())
    write_sync_plot(tmp_path / "many.svg", measured(5000))
    assert "over time" not in (tmp_path / "one.svg").read_text()
    assert "over time" in (tmp_path / "many.svg").read_text()
    assert (tmp_path / "many.svg").stat().st_size < 400_000


def test_png(tmp_path: Path) -> None:
    write_sync_plot(tmp_path / "a.png", measured(3), "наше видео")
    image = cv2.imread(str(tmp_path / "a.png"))
    assert image is not None
    assert image.shape[1] == 1440
    assert image.std() > 5


@pytest.mark.parametrize(
    "found",
    [
        SyncMeasurement(Estimate(None, None, None, "none", "no face was seen"), Fraction(0)),
        SyncMeasurement(Estimate(3.0, (2.9, 3.1), 0.9, "flash-beep"), Fraction(0)),
        SyncMeasurement(
            Estimate(0.1, (0, 0.2), 0.5, "x", curve=LagCurve(LAGS, LAGS * np.nan, LAGS * 0)), Fraction(0)
        ),
    ],
)
def test_what_there_is_no_curve_of(tmp_path: Path, found: SyncMeasurement) -> None:
    for ending in (".svg", ".png"):
        write_sync_plot(tmp_path / f"a{ending}", found)
        assert (tmp_path / f"a{ending}").stat().st_size > 500


def texts(path: Path) -> dict[str, tuple[float, float]]:
    """Every text of a drawing and where it stands."""
    elements = drawn(path).iter("{http://www.w3.org/2000/svg}text")
    return {e.text or "": (float(e.get("x") or 0), float(e.get("y") or 0)) for e in elements}


def test_axes_are_named_and_no_label_stands_where_the_curve_runs(tmp_path: Path) -> None:
    write_sync_plot(tmp_path / "a.svg", measured(), "talk.mp4")
    said = texts(tmp_path / "a.svg")
    assert {"similarity", "offset of the sound against the picture, ms", "118 ms early"} <= set(said)
    assert any("EBU R37" in text for text in said)
    left, right = said["sound late"][0], said["sound early"][0]
    top, bottom = said["118 ms early"][1] + 8, said["0.00"][1]
    assert bottom > top + 100
    inside = [text for text, (x, y) in said.items() if left < x < right and top < y < bottom]
    assert inside == []


@pytest.mark.parametrize(
    ("offset", "probability", "wanted"),
    [
        (0.118, 0.97, "to repair it: genlock sync 'my talk.mkv' --fix 'my talk.repaired.mkv'"),
        (0.002, 0.97, "nothing to repair"),
        (0.118, 0.3, "too unsure to repair"),
        (None, None, "nothing to repair: look whether"),
    ],
)
def test_a_picture_says_what_to_do(
    offset: float | None, probability: float | None, wanted: str, tmp_path: Path
) -> None:
    within = None if offset is None else (offset - 0.01, offset + 0.01)
    found = SyncMeasurement(Estimate(offset, within, probability, "x", "no face was seen"), Fraction(0))
    write_sync_plot(tmp_path / "a.svg", found, "my talk.mkv")
    assert any(text.startswith(wanted) for text in texts(tmp_path / "a.svg"))


def test_what_is_unsure_is_grey_and_called_a_guess(tmp_path: Path) -> None:
    found = SyncMeasurement(
        Estimate(0.118, INTERVAL, 0.3, "motion", curve=measured().estimate.curve), Fraction(0)
    )
    write_sync_plot(tmp_path / "a.svg", found, "canary.mp4")
    assert "#c01c28" not in (tmp_path / "a.svg").read_text()
    assert "best guess: 118 ms early" in texts(tmp_path / "a.svg")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"\.svg or a \.png"):
        write_sync_plot(tmp_path / "a.pdf", measured())
    assert not list(tmp_path.iterdir())


def test_the_report_shows_sentence_verdicts_and_curve(tmp_path: Path) -> None:
    sync = {
        "offset_seconds": OFFSET,
        "interval_seconds": list(INTERVAL),
        "reason": "",
        "sentence": sentence_of(OFFSET, INTERVAL),
        "verdicts": {verdict.limit.key: verdict.to_dict() for verdict in judge(INTERVAL)},
    }
    write_report(tmp_path / "r.html", ReportContent("talk.mp4", sync=sync, measurement=measured()))
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["sync"]["sentence"].startswith("sound 118 ms early")
    assert ["EBU R37 at emission", "+40 / −60 ms", "fails"] in data["sync"]["verdicts"]
    # The table has the standards: the sentence says the rest.
    assert data["sync"]["sentence"] == "sound 118 ms early (104-132): more than viewers tolerate"
    assert sorted(data["sync"]["svg"]) == ["narrow", "wide"]
    for svg in data["sync"]["svg"].values():
        assert ET.fromstring(svg).tag.endswith("svg")
        assert "#" not in svg  # the page's own colours: none is set in the drawing


@pytest.mark.parametrize("pieces", [0, 3])
@pytest.mark.parametrize("wide", [350, 600, 720])
def test_all_that_a_drawing_says_has_room(wide: int, pieces: int) -> None:
    """A letter is some 0.55 of its height wide, on average."""
    root = ET.fromstring(sync_svg(measured(pieces), wide))
    width, height = (float(root.get("viewBox", "").split()[k]) for k in (2, 3))
    assert width == wide
    boxes = []
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        said, tall = text.text or "", float(text.get("font-size") or 0)
        long, at = 0.55 * tall * len(said), float(text.get("x") or 0)
        left = at - {"middle": long / 2, "end": long}.get(text.get("text-anchor") or "", 0)
        boxes.append((said, left, left + long, float(text.get("y") or 0)))
    assert [said for said, left, right, y in boxes if left < 0 or right > width or y > height] == []
    pairs = [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if abs(a[3] - b[3]) < 8]
    assert [(a[0], b[0]) for a, b in pairs if a[1] < b[2] and b[1] < a[2]] == []


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_where_there_is_nothing_to_compare_nothing_is_drawn_or_advised(kind: str, tmp_path: Path) -> None:
    nothing = SyncMeasurement(Estimate(None, None, None, "none", f"the file has only {kind}"), at=Fraction(0))
    content = ReportContent(
        "a", media={"streams": [{"kind": kind}]}, measurement=nothing, sync={"reason": "one stream"}
    )
    write_report(tmp_path / "r.html", content)
    assert '"sync":null' in (tmp_path / "r.html").read_text(encoding="utf-8").replace(" ", "")


def test_a_report_without_a_measurement_has_no_card(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", ReportContent("talk.mp4"))
    assert '"sync":null' in (tmp_path / "r.html").read_text(encoding="utf-8").replace(" ", "")
