"""Each file of a torture folder ends as done or in quarantine with its reason, and nothing else suffers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.prepare.sources import film, fingerprint

pytest.importorskip("pyarrow")

from genlock.core.errors import FormatError
from genlock.core.track_file import load_track
from genlock.data.index import read_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import ClipSet
from genlock.media import Picture, Sound, VideoForm, encode, probe, read_frames

OUTPUTS = "sound@16000,mel:specvqgan,frames/64x48,video,flow@25/64x48"
OPTIONS = PrepareOptions(outputs=OUTPUTS, clip_seconds="1")


def done(dataset: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of what is done, by source."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read_index(dataset / "index.parquet").to_pylist():
        if row["status"] == "done":
            found.setdefault(row["source"], []).append(row)
    return found


def made(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Outputs of a row by the first part of their kind."""
    return {output["kind"].split("_")[0]: output for output in row["outputs"]}


def test_pictures_of_odd_sizes_turned_and_of_variable_rate(tmp_path: Path) -> None:
    source, dataset = tmp_path / "s", tmp_path / "d"
    source.mkdir()
    odd = [np.full((51, 67, 3), 90, np.uint8)] * 30
    encode(source / "odd.mkv", Picture(odd, codec="ffv1", pixels="yuv444p"))
    tiny = [np.full((1, 1, 3), 90, np.uint8)] * 30
    encode(source / "tiny.mkv", Picture(tiny, codec="ffv1", pixels="yuv444p"))
    corner = np.full((48, 64, 3), 20, np.uint8)
    corner[:24, :32] = (200, 60, 60)  # the stored top left corner, reddish
    for degrees in (90, 180, 270):
        picture = Picture([corner] * 30, codec="libx264", rotation=degrees, options={"crf": "5"})
        encode(source / f"turned{degrees}.mp4", picture)
    pts = np.cumsum([0, *([20, 60, 40] * 10)])[:30].tolist()
    encode(source / "variable.mkv", Picture([corner] * 30, pts=pts, time_base="1/1000", codec="libx264"))
    result = prepare(source, dataset, PrepareOptions(outputs="video,frames,flow", clip_seconds="1"))
    assert result.quarantined == ()
    found = done(dataset)
    assert set(found) == {path.name for path in source.iterdir()}
    # H.264 has even sides: an odd picture loses a pixel, which JPEG keeps.
    for name, size, film_size in (("odd.mkv", (51, 67), (50, 66)), ("tiny.mkv", (1, 1), (2, 2))):
        outputs = made(found[name][0])
        assert next(read_frames(dataset / outputs["video"]["path"])).pixels.shape == (*film_size, 3)
        assert first_picture(dataset / outputs["frames"]["path"]).shape == (*size, 3)
    for degrees in (90, 180, 270):
        outputs = made(found[f"turned{degrees}.mp4"][0])
        upright = np.rot90(corner, degrees // 90)
        shown = next(read_frames(dataset / outputs["video"]["path"], VideoForm())).pixels
        assert shown.shape == upright.shape
        assert np.abs(shown.astype(int) - upright).mean() < 6  # colours too
        assert np.abs(first_picture(dataset / outputs["frames"]["path"]).astype(int) - upright).mean() < 6
        assert probe(dataset / outputs["video"]["path"]).video[0].rotation_degrees == 0
    rows = found["variable.mkv"]
    assert sum(made(row)["frames"]["length"] for row in rows) == 30
    assert all(made(row)["frames"]["rate"] is None for row in rows)


def first_picture(path: Path) -> np.ndarray:
    """Red, green, blue of the first JPEG of a ZIP."""
    with zipfile.ZipFile(path) as archive:
        data = np.frombuffer(archive.read("000000.jpg"), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture[..., ::-1])


def damaged(data: bytes) -> bytes:
    """A hundred bytes in the middle are others."""
    middle = len(data) // 2
    return data[:middle] + bytes(100) + data[middle + 100 :]


def test_outputs_that_are_not_whole_are_made_again(tmp_path: Path) -> None:
    """Half of a file, all but its last byte, nothing in it, no file."""
    film(tmp_path / "s/a.mkv", seconds=2, seed=1)
    film(tmp_path / "s/b.mkv", seconds=1, seed=2)
    film(tmp_path / "s/c.mkv", seconds=1, seed=3)
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    before = fingerprint(tmp_path / "d")
    outputs = {path.suffix: path for path in sorted((tmp_path / "d").glob("*/??/a-*"))}
    assert set(outputs) == {".wav", ".npz", ".zip", ".mp4"}
    outputs[".wav"].write_bytes(outputs[".wav"].read_bytes()[: outputs[".wav"].stat().st_size // 2])
    outputs[".npz"].write_bytes(outputs[".npz"].read_bytes()[:-1])
    outputs[".zip"].write_bytes(b"")
    (gone,) = (tmp_path / "d").glob("video/??/c-*")
    gone.unlink()
    untouched = {path: path.stat().st_mtime_ns for path in (tmp_path / "d").glob("*/??/b-*")}
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    assert fingerprint(tmp_path / "d") == before
    assert {path: path.stat().st_mtime_ns for path in untouched} == untouched


def test_outputs_of_the_right_length_with_wrong_bytes_are_told_on_reading(tmp_path: Path) -> None:
    """The ledger knows lengths; whoever reads a clip checks its SHA-256."""
    film(tmp_path / "s/a.mkv", seconds=1)
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    (path,) = (tmp_path / "d").glob("mel-specvqgan/??/a-*")
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(FormatError, match="is not what the index says it is"):
        ClipSet(tmp_path / "d", ["mel-specvqgan"])[0]
    path.unlink()  # as that message says
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    assert len(ClipSet(tmp_path / "d", ["mel-specvqgan"])[0].tracks) == 1


def test_what_lies_at_the_end_of_a_clip_is_kept_and_marked(tmp_path: Path) -> None:
    """Sound that is shorter than the picture, and longer: samples that the source does not have are invalid."""
    (tmp_path / "s").mkdir()
    frames = [np.full((48, 64, 3), 40, np.uint8)] * 60
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * 16000).astype(np.float32)
    for name, seconds in (("short", Fraction(3, 2)), ("long", Fraction(3))):
        sound = Sound(noise[: int(seconds * 16000)], 16000, codec="flac")
        encode(tmp_path / f"s/{name}.mkv", Picture(frames, codec="libx264"), sound)
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    found = done(tmp_path / "d")
    for name, valid in (("short.mkv", [16000, 8000, 0]), ("long.mkv", [16000, 16000, 6400])):
        rows = sorted(found[name], key=lambda row: row["number"])
        assert [row["tail"] for row in rows] == [False, False, True]
        assert [made(row)["sound"]["valid"] for row in rows] == valid
        assert [made(row)["sound"]["length"] for row in rows] == [16000, 16000, 6400]
        for row in rows:
            track = load_track(tmp_path / "d" / made(row)["mel-specvqgan"]["path"])
            assert track.valid.sum() == made(row)["mel-specvqgan"]["valid"]


def slow_source(folder: Path) -> None:
    """Two films, of which the second takes long enough to be met while it is read."""
    film(folder / "a.mkv", seconds=1, seed=1)
    film(folder / "z.mkv", seconds=2, seed=2)


MEETING = """
import glob, os, sys, threading, time
from genlock.data.prepare import *
source, dataset, what, when = sys.argv[1:]
def meddle():
    # Once the worker is at it: its folder of outputs exists, or the first output lies in it.
    staging = os.path.join(dataset, ".genlock", "staging")
    wanted = {"early": "z-*", "late": "z-*/*/*/*"}[when]
    while not glob.glob(os.path.join(staging, wanted)):
        time.sleep(0.005)
    if what == "removed":
        os.unlink(os.path.join(source, "z.mkv"))
    else:
        with open(os.path.join(source, "z.mkv"), "ab") as file:
            file.write(b"more")
threading.Thread(target=meddle, daemon=True).start()
result = prepare(source, dataset, PrepareOptions(
    outputs="sound@16000,rgb:tests.prepare.hostile:slow@25/32x24", clip_seconds="1", workers=1))
print(result.clips, result.quarantined)
"""


@pytest.mark.parametrize(("what", "when"), [("removed", "early"), ("removed", "late"), ("changed", "late")])
def test_a_source_that_goes_or_changes_while_it_is_read(tmp_path: Path, what: str, when: str) -> None:
    slow_source(tmp_path / "s")
    command = [sys.executable, "-c", MEETING, str(tmp_path / "s"), str(tmp_path / "d"), what, when]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert f"{what} while it was read" in told.stdout
    assert told.stdout.startswith("1 ")  # the other one is done
    assert not list((tmp_path / "d").rglob("*/??/z-*"))
    assert not os.listdir(tmp_path / "d/.genlock/staging")
    # When it is there again, or nobody writes it any more, the same command makes it.
    film(tmp_path / "s/z.mkv", seconds=2, seed=3)
    options = PrepareOptions(
        outputs="sound@16000,rgb:tests.prepare.hostile:slow@25/32x24", clip_seconds="1", workers=1
    )
    assert prepare(tmp_path / "s", tmp_path / "d", options).clips == 3


def test_a_source_that_goes_between_listing_and_reading(tmp_path: Path) -> None:
    film(tmp_path / "s/a.mkv", seconds=1, seed=1)
    film(tmp_path / "s/b.mkv", seconds=1, seed=2)
    (tmp_path / "s/gone.mkv").symlink_to(tmp_path / "nowhere.mkv")
    result = prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs="sound@16000"))
    assert result.clips == 2


def test_files_that_nobody_may_read_and_folders_named_like_films(tmp_path: Path) -> None:
    film(tmp_path / "s/a.mkv", seconds=1, seed=1)
    (tmp_path / "s/folder.mkv").mkdir()
    if os.geteuid() != 0:  # root may read everything
        film(tmp_path / "s/secret.mkv", seconds=1, seed=1)
        (tmp_path / "s/secret.mkv").chmod(0)
    result = prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs="sound@16000"))
    assert result.clips == 1
    assert [name for name, _ in result.quarantined] == (["secret.mkv"] if os.geteuid() else [])


def test_every_output_and_the_index_are_synced_before_they_get_their_names(tmp_path: Path) -> None:
    """A power cut must not leave a name without its bytes: seen by the calls that a worker and its parent make."""
    film(tmp_path / "s/a.mkv", seconds=1)
    code = """
import json, os, sys
synced, named = set(), []
fsync, replace = os.fsync, os.replace
def watched_fsync(file):
    synced.add(os.fstat(file).st_ino); fsync(file)
def watched_replace(source, target, **more):
    named.append((str(target), os.stat(source).st_ino)); replace(source, target, **more)
os.fsync, os.replace = watched_fsync, watched_replace
from pathlib import Path
from genlock.data.index import write_index
from genlock.data.ledger import Item
from genlock.data.one_source import Plan, make_clips
source, dataset = Path(sys.argv[1]), Path(sys.argv[2])
state = (source / "a.mkv").stat()
made = make_clips(Item("a-1", "a.mkv", state.st_size, state.st_mtime_ns), source, dataset, Plan(sys.argv[3], "1"))
write_index([], dataset / "index.parquet", {})
# An encoder's own file is read, and written again as the output.
late = [name for name, number in named if number not in synced and Path(name).parent.parent.name != "staging"]
assert len(made.outputs) >= 5 and any(name.endswith("index.parquet") for name, _ in named)
print(json.dumps(late))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "s"), str(tmp_path / "d"), OUTPUTS]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == []
