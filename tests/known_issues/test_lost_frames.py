"""Frames of which nothing came counted as seen: the one before them was held over the gap, and all was valid."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import genlock
from genlock.data.index import read_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.extractors import make_extractor
from genlock.extractors.base import PictureFeature
from genlock.media import Picture, Sound, VideoCell, VideoForm, encode
from genlock.media.read import ReadReport, read

FRAMES = 150
_COLUMNS = 8


def _numbered(count: int = FRAMES) -> list[np.ndarray]:
    """Frames whose number can be read back: eight bits as black or white columns, over noise that fills packets."""
    random = np.random.default_rng(3)
    frames = []
    for k in range(count):
        frame = random.integers(60, 190, (96, 128), np.uint8)
        frame[:48] = np.repeat([235 if k >> bit & 1 else 16 for bit in range(_COLUMNS)], 128 // _COLUMNS)
        frames.append(frame)
    return frames


def _number(pixels: np.ndarray) -> int:
    columns = pixels[8:40].reshape(32, _COLUMNS, -1).mean(axis=(0, 2))
    return sum(int(column > 125) << bit for bit, column in enumerate(columns))


class _Cells:
    def __init__(self, rate: int | None) -> None:
        self.form = VideoForm(pixels="gray", rate=rate)
        self.items: list[VideoCell] = []

    def push(self, cell: VideoCell) -> None:
        self.items.append(cell)

    def finish(self) -> None:
        """Nothing to do."""


def _read(path: Path, rate: int | None = 25) -> tuple[list[VideoCell], ReadReport]:
    cells = _Cells(rate)
    report = read(path, [cells])
    return cells.items, report


def _film(path: Path, codec: str, **timing: object) -> Path:
    settings = {"libx264": {"g": "25", "bf": "2"}, "mpeg4": {"g": "25", "qmin": "2", "qmax": "3"}}
    settings["mpeg2video"] = {"g": "12", "qmin": "2", "qmax": "3"}
    sound = Sound(
        np.random.default_rng(5).normal(0, 0.1, FRAMES // 25 * 48000).astype(np.float32),
        48000,
        codec="mp2" if path.suffix in (".ts", ".mpg") else "aac",
    )
    encode(
        path, Picture(_numbered(), codec=codec, options=settings[codec], **(timing or {"rate": 25})), sound
    )
    return path


def _with_a_hole(path: Path) -> Path:
    """The same file with the middle tenth of its bytes zeroed; of a transport stream, left out."""
    data = bytearray(path.read_bytes())
    low, high = len(data) * 45 // 100, len(data) * 55 // 100
    if path.suffix == ".ts":
        del data[low // 188 * 188 : high // 188 * 188]
    else:
        data[low:high] = bytes(high - low)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mpeg4"),
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.ts", "mpeg2video"),
        ("a.mpg", "mpeg2video"),
        ("a.flv", "libx264"),
    ],
)
def test_what_stands_in_for_lost_frames_is_marked(tmp_path: Path, name: str, codec: str) -> None:
    cells, report = _read(_with_a_hole(_film(tmp_path / name, codec)))
    lost = np.array([cell.lost for cell in cells])
    true = np.array([_number(cell.pixels) == k for k, cell in enumerate(cells)])
    assert len(cells) == FRAMES
    assert 5 < lost.sum() < 40
    assert not true[lost].any()
    assert (~true & ~lost).sum() <= 12  # up to the next key frame pictures are made from what is not there
    assert sum(float(span.end - span.start) for span in report.lost) == pytest.approx(
        lost.sum() / 25, abs=0.08
    )
    assert any(note.kind == "lost" for note in report.notes)


def test_a_film_of_variable_rate_has_lost_nothing(tmp_path: Path) -> None:
    """A screen recording holds a frame for seconds; nothing of it is damaged."""
    steps = np.random.default_rng(1).choice([1, 1, 1, 1, 1, 1, 2, 5, 40], FRAMES)
    pts = np.concatenate([[0], np.cumsum(steps)[:-1]]).tolist()
    film = _film(tmp_path / "a.mkv", "libx264", rate=25, pts=pts, time_base="1/25")
    for rate in (None, 25):
        cells, report = _read(film, rate)
        assert not any(cell.lost for cell in cells)
        assert len(report.lost) == 0


def test_a_frame_held_over_a_gap_is_not_valid_at_its_middle(tmp_path: Path) -> None:
    """On the frames' own times the value of a cell is that of its middle, and nothing was seen there."""
    cells, report = _read(_with_a_hole(_film(tmp_path / "a.mp4", "libx264")), None)
    (held,) = [cell for cell in cells if cell.lost]
    (lost,) = report.lost
    assert held.start < lost.start <= held.center < held.end == lost.end


def test_features_and_datasets_count_them(tmp_path: Path) -> None:
    """``frames`` were valid 150 of 150 though a tenth of them was lost."""
    (tmp_path / "s").mkdir()
    film = _with_a_hole(_film(tmp_path / "s" / "film.mp4", "libx264"))
    cells, _ = _read(film)
    lost = np.array([cell.lost for cell in cells])
    track = genlock.features(film, "frames@25/32")["frames@25/32"]
    assert np.array_equal(track.valid, ~lost)
    options = PrepareOptions("folder", outputs="frames@25/32x32,video@25/32x32,sound@16000", workers=1)
    prepare(tmp_path / "s", tmp_path / "d", options)
    (row,) = read_index(tmp_path / "d" / "index.parquet").to_pylist()
    made = {output["kind"].split("_")[0]: output for output in row["outputs"]}
    for kind in ("frames", "video"):
        assert (made[kind]["length"], made[kind]["valid"]) == (FRAMES, int((~lost).sum()))
    assert made["sound"]["valid"] < made["sound"]["length"]
    assert "of its picture are lost" in row["reason"]
    assert {part["stream"] for part in row["damage"]} == {"sound", "picture"}


def test_a_row_that_stands_in_is_not_valid() -> None:
    feature = make_extractor("frames@25/32")
    assert isinstance(feature, PictureFeature)
    stream = feature.open()
    for k in range(4):
        at = Fraction(k, 25)
        stream.push(
            VideoCell(np.zeros((32, 32, 3), np.uint8), k, at, at + Fraction(1, 25), "media", lost=k == 2)
        )
    track = stream.take()
    assert track is not None
    assert track.valid.tolist() == [True, True, False, True]


def test_a_stream_that_appears_late_ends_no_read(tmp_path: Path) -> None:
    """Damage made FLV announce a stream in its middle, and PyAV raised IndexError."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg makes the joined file")
    film, late = _film(tmp_path / "a.flv", "libx264"), tmp_path / "late.flv"
    mute = tmp_path / "mute.flv"
    subprocess.run(["ffmpeg", "-v", "error", "-i", film, "-an", "-c", "copy", mute], check=True)
    header = 13  # of an FLV file, before its first tag
    late.write_bytes(mute.read_bytes() + film.read_bytes()[header:])
    _, report = _read(late)
    assert report.frames >= FRAMES
