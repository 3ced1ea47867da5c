"""Files of other programs, read back by readers that know nothing of ours."""

from __future__ import annotations

import csv
import json
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.animation.arkit import ARKIT, live_link_timecode
from genlock.animation.visemes import PRESTON_BLAIR, viseme_spans, write_visemes
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track_file import load_track
from genlock.tasks.animate_sound import AnimateOptions, animate_sound

#: Rhubarb's documented names.
SHAPES = set("ABCDEFGHX")


def rhubarb_tsv(path: Path) -> list[tuple[float, str]]:
    """The form of Rhubarb's manual: seconds, a tab, the shape; the first at 0.00, the last is the end, shut."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert all(len(row) == 2 and re.fullmatch(r"\d+\.\d\d", row[0]) for row in rows)
    found = [(float(seconds), shape) for seconds, shape in rows]
    assert found[0][0] == 0
    assert found[-1][1] in "AX"
    assert [t for t, _ in found] == sorted(t for t, _ in found)
    assert {shape for _, shape in found} <= SHAPES
    return found


def rhubarb_json(path: Path) -> list[tuple[float, float, str]]:
    """The JSON form: metadata and mouthCues that follow each other without gaps."""
    data = json.loads(path.read_text())
    assert set(data) == {"metadata", "mouthCues"}
    assert set(data["metadata"]) == {"soundFile", "duration"}
    cues = [(cue["start"], cue["end"], cue["value"]) for cue in data["mouthCues"]]
    assert all(a[1] == b[0] for a, b in pairwise(cues))
    assert cues[-1][1] == data["metadata"]["duration"]
    return cues


def moho_dat(path: Path) -> list[tuple[int, str]]:
    """Switch data of Moho: a head, then frames from 1 on that rise."""
    head, *rows = path.read_text().splitlines()
    assert head == "MohoSwitch1"
    found = [(int(frame), shape) for frame, shape in (row.split(" ") for row in rows)]
    assert found[0][0] == 1
    assert [f for f, _ in found] == sorted({f for f, _ in found})
    return found


def spans_of_planted_mouth() -> Any:
    """Shut for half a second, wide open, shut for 80 ms, rounded, shut to the end."""
    apertures = np.concatenate([np.zeros(12), np.full(10, 0.12), np.zeros(2), np.full(8, 0.06), np.zeros(18)])
    widths = np.concatenate([np.full(24, 0.6), np.full(8, 0.57), np.full(18, 0.6)])
    return viseme_spans(apertures, widths, Grid(25), 0.6, Fraction(2))


def test_planted_shapes_are_read_off() -> None:
    spans = spans_of_planted_mouth()
    assert [span.label for span in spans] == ["X", "D", "A", "E", "X"]
    assert [float(span.start) for span in spans] == pytest.approx([0, 0.48, 0.88, 0.96, 1.28])
    assert spans[-1].end == 2


def test_rhubarbs_forms(tmp_path: Path) -> None:
    spans = spans_of_planted_mouth()
    for ending in (".tsv", ".json", ".dat"):
        write_visemes(tmp_path / f"m{ending}", spans, "voice.wav")
    rows = rhubarb_tsv(tmp_path / "m.tsv")
    assert rows == [(0, "X"), (0.48, "D"), (0.88, "A"), (0.96, "E"), (1.28, "X"), (2.0, "X")]
    cues = rhubarb_json(tmp_path / "m.json")
    assert [(start, shape) for start, _, shape in cues] == rows[:-1]
    switches = moho_dat(tmp_path / "m.dat")
    assert switches == [(1, "rest"), (12, "AI"), (22, "MBP"), (24, "O"), (31, "rest"), (49, "rest")]
    assert {shape for _, shape in switches} <= set(PRESTON_BLAIR.values())
    with pytest.raises(OptionError, match=".tsv"):
        write_visemes(tmp_path / "m.xml", spans, "voice.wav")


def test_a_shape_too_short_to_be_seen_goes_to_the_one_before() -> None:
    apertures = np.concatenate([np.full(10, 0.06), [0.1], np.full(10, 0.06)])
    spans = viseme_spans(apertures, np.full(21, 0.6), Grid(25), 0.6, Fraction(21, 25))
    assert [span.label for span in spans] == ["C"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, talker_file: str, voice_file: str) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for name, form in (
        ("a.json", None), ("a.csv", None), ("a.npz", None), ("k.csv", "arkit"), ("k.json", "arkit"), ("v.tsv", None),
        ("v.json", "visemes"),
    ):  # fmt: skip
        options = AnimateOptions(model=talker_file, format=form, rate="30000/1001")  # type: ignore[arg-type]
        result = animate_sound(voice_file, options, folder / name)
        assert result.written == (folder / name,)
    return folder


def test_json_csv_and_npz_say_the_same(made: Path) -> None:
    data = json.loads((made / "a.json").read_text())
    with open(made / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    track = load_track(made / "a.npz")
    assert data["frame_count"] == len(data["frames"]) == len(rows) == len(track)
    assert Fraction(data["cells"]["rate"]) == Fraction(30000, 1001) == track.grid.rate  # type: ignore[union-attr]
    for k in (0, 17, len(rows) - 1):
        frame, row = data["frames"][k], rows[k]
        assert float(row["start"]) == frame["start"] == pytest.approx(k * 1001 / 30000)
        assert float(row["aperture"]) == frame["aperture"]
        assert [float(row["x0"]), float(row["y0"])] == frame["points"][0]
        # Point 9 of the 68 is the chin, 152 in the mesh.
        assert frame["points"][8] == pytest.approx(track.values[k, 152, :2].tolist(), abs=1e-4)
    with np.load(made / "a.npz") as arrays:
        assert arrays["neutral"].shape == (468, 3)
    assert not set(data["absent_shapes"]) & set(data["frames"][0]["shapes"])
    assert set(data["absent_shapes"]) | set(data["frames"][0]["shapes"]) == set(ARKIT)


def test_arkit_as_live_link_face_writes_it(made: Path) -> None:
    with open(made / "k.csv", newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head[:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert len(head) == 2 + 61
    assert head[-9:-6] == ["HeadYaw", "HeadPitch", "HeadRoll"]
    assert all(len(row) == 63 and row[1] == "61" for row in rows)
    assert rows[0][0] == "00:00:00:00.000"
    assert rows[31][0] == "00:00:01:01.030", "31 frames of 30000/1001 are 1.034 s"
    values = np.array([[float(x) for x in row[2:54]] for row in rows])
    assert ((values >= 0) & (values <= 1)).all()
    jaw = values[:, head.index("JawOpen") - 2]
    assert jaw.max() > 0.1
    data = json.loads((made / "k.json").read_text())
    assert set(data["names"]) | set(data["absent"]) == set(ARKIT)
    column = data["names"].index("jawOpen")
    assert [frame["weights"][column] for frame in data["frames"]] == pytest.approx(jaw.tolist(), abs=1e-5)
    for name in data["absent"]:
        assert not values[:, head.index(name[0].upper() + name[1:]) - 2].any()


def test_mouth_shapes_of_a_voice(made: Path) -> None:
    rows, cues = rhubarb_tsv(made / "v.tsv"), rhubarb_json(made / "v.json")
    assert [(start, shape) for start, _, shape in cues] == rows[:-1]
    assert len({shape for _, shape in rows}) >= 4


def test_timecodes() -> None:
    assert live_link_timecode(Fraction(0), Fraction(25)) == "00:00:00:00.000"
    assert live_link_timecode(Fraction(3661) + Fraction(1, 50), Fraction(25)) == "01:01:01:00.500"


@pytest.mark.parametrize(
    ("form", "name", "word"),
    [
        ("npz", "a.csv", ".npz"),
        ("visemes", "a.csv", ".tsv"),
        (None, "a.xyz", "ending"),
        ("film", "a.json", ".mp4"),
    ],
)
def test_endings_that_do_not_fit_are_refused(
    tmp_path: Path, talker_file: str, voice_file: str, form: Any, name: str, word: str
) -> None:
    with pytest.raises(InputError, match=word):
        animate_sound(voice_file, AnimateOptions(model=talker_file, format=form), tmp_path / name)
    assert not list(tmp_path.iterdir())
