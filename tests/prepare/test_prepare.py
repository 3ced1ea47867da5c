"""``prepare`` on real files: the same bytes however it went, nothing lost, everything said."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.prepare.sources import film, fingerprint

pq = pytest.importorskip("pyarrow.parquet")

from genlock.core.errors import InputError, MissingModel, OptionError, OutputError  # noqa: E402
from genlock.core.track_file import load_track  # noqa: E402
from genlock.data.index import read_index  # noqa: E402
from genlock.data.prepare import PrepareOptions, dataset_progress, prepare  # noqa: E402

OUTPUTS = "sound@16000,mel:specvqgan,onset,frames@21.5/32x24,video@29.97/32x24,flow@25/32x24"
OPTIONS = PrepareOptions("folder", outputs=OUTPUTS, clip_seconds="1")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for k in range(5):
        film(folder / f"class{k % 2}/film{k}.mkv", events=(0.5,), seed=k)
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("undisturbed") / "dataset"
    result = prepare(corpus, target, PrepareOptions("folder", outputs=OUTPUTS, clip_seconds="1", workers=1))
    assert result.clips == 15
    assert result.quarantined == ()
    return target


def run(corpus: Path, target: Path, more: str = "") -> subprocess.Popen[bytes]:
    code = (
        "from genlock.data.prepare import *; "
        f"prepare({str(corpus)!r}, {str(target)!r}, "
        f"PrepareOptions('folder', outputs={OUTPUTS!r}, clip_seconds='1', workers=2{more}))"
    )
    # Ray gives way to everything else by itself: on a busy machine its workers would not come to their turn.
    return subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, env={**os.environ, "RAY_worker_niceness": "0"}
    )


def kill_at_random(corpus: Path, target: Path, kills: int, seed: int) -> int:
    """Run with SIGKILL at random moments until a run ends by itself; says how many were killed."""
    moments, killed = random.Random(seed), 0
    while killed < kills:
        process = run(corpus, target)
        try:
            process.wait(timeout=moments.uniform(0.3, 6.0))
            killed = killed if process.returncode else kills
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
        if not killed % 4:  # a file that a power cut left short
            for path in sorted(target.rglob("*.npz"))[:1]:
                path.write_bytes(path.read_bytes()[:100])
    process = run(corpus, target)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return killed


def test_three_workers_give_the_same_bytes(corpus: Path, undisturbed: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "d", PrepareOptions("folder", outputs=OUTPUTS, clip_seconds="1", workers=3))
    assert fingerprint(tmp_path / "d") == fingerprint(undisturbed)


def test_kills_leave_the_same_bytes(corpus: Path, undisturbed: Path, tmp_path: Path) -> None:
    kill_at_random(corpus, tmp_path / "d", 3, seed=1)
    assert fingerprint(tmp_path / "d") == fingerprint(undisturbed)
    assert not any((tmp_path / "d/.genlock/staging").iterdir())


@pytest.mark.slow
def test_25_kills_leave_the_same_bytes(corpus: Path, undisturbed: Path, tmp_path: Path) -> None:
    kill_at_random(corpus, tmp_path / "d", 25, seed=2)
    assert fingerprint(tmp_path / "d") == fingerprint(undisturbed)


@pytest.mark.slow
def test_ray_gives_the_same_bytes_with_a_worker_killed(
    corpus: Path, undisturbed: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    process = run(corpus, tmp_path / "d", ", engine='ray'")
    deadline, killed = time.monotonic() + 120, 0
    while process.poll() is None and not killed and time.monotonic() < deadline:
        found = subprocess.run(
            ["pgrep", "-f", "ray::do"], capture_output=True, text=True, check=False
        ).stdout.split()
        for number in found[:1]:
            os.kill(int(number), signal.SIGKILL)
            killed += 1
        time.sleep(0.05)
    try:
        _, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, errors.decode()
    assert killed == 1
    assert fingerprint(tmp_path / "d") == fingerprint(undisturbed)


def test_clips_split_and_index_tell_everything(undisturbed: Path) -> None:
    rows = read_index(undisturbed / "index.parquet").to_pylist()
    assert len(rows) == 15
    assert len({row["clip"] for row in rows}) == 15
    assert {row["label"] for row in rows} == {"class0", "class1"}
    for source in {row["source"] for row in rows}:
        mine = sorted((row for row in rows if row["source"] == source), key=lambda row: row["number"])
        assert len({row["split"] for row in mine}) == 1
        assert [row["start"] for row in mine] == ["0", "1", "2"]
        for row in mine:
            made = {output["kind"]: output for output in row["outputs"]}
            assert made["sound_16000"]["length"] == 16000
            # 21.5 frames a second: 21 and 22 frames a clip, in all 64.5 of which 64 have their middle in the film.
            assert made["frames_21.5fps_32x24"]["length"] in (21, 22)
            for output in made.values():
                assert (undisturbed / output["path"]).stat().st_size == output["bytes"]


def test_nothing_is_done_twice_and_what_is_cut_short_is_done_again(
    corpus: Path, undisturbed: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "d"
    shutil.copytree(undisturbed, copy)
    before = {path: path.stat().st_mtime_ns for path in copy.glob("*/??/*")}
    prepare(corpus, copy, OPTIONS)
    assert {path: path.stat().st_mtime_ns for path in copy.glob("*/??/*")} == before
    cut = sorted(copy.glob("mel-specvqgan/??/film2*"))[1]
    cut.write_bytes(cut.read_bytes()[:-10])
    prepare(corpus, copy, OPTIONS)
    changed = {path for path in copy.glob("*/??/*") if path.stat().st_mtime_ns != before[path]}
    assert changed
    assert all(path.name.startswith("film2") for path in changed)
    assert fingerprint(copy) == fingerprint(undisturbed)


def test_clicks_and_flashes_stay_at_their_instants_in_every_clip(tmp_path: Path) -> None:
    events = (0.5204, 1.7212, 2.3608)
    film(tmp_path / "s/a.mkv", seconds=3, events=events, start="0.24")
    prepare(tmp_path / "s", tmp_path / "d", OPTIONS)
    rows = read_index(tmp_path / "d/index.parquet").to_pylist()
    truth = [event + 0.24 for event in events]
    assert len(rows) == 3
    for row, instant in zip(rows, truth, strict=True):
        made = {output["kind"]: tmp_path / "d" / output["path"] for output in row["outputs"]}
        onset = load_track(made["onset"])
        assert onset.clock == row["clock"]
        weights = onset.values * (onset.values > 0.5 * onset.values.max())
        assert abs((onset.centers * weights).sum() / weights.sum() - instant) < 1e-3
        mel = load_track(made["mel-specvqgan"])
        loud = mel.values.sum(axis=1)
        loud = np.maximum(loud - 1.02 * np.median(loud), 0)
        assert abs((mel.centers * loud).sum() / loud.sum() - instant) < 6e-3
        flow = load_track(made["flow_25fps_32x24"])
        change = np.abs(flow.values.astype(float) - 128).mean(axis=(1, 2, 3))
        assert len(flow) == 25
        assert change.shape == (25,)


def test_two_files_of_one_stem_do_not_meet(tmp_path: Path) -> None:
    film(tmp_path / "s/x/a.mkv", seconds=1, seed=1)
    film(tmp_path / "s/y/a.mkv", seconds=1, seed=2)
    result = prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs="sound@16000"))
    assert result.clips == 2
    assert len(list((tmp_path / "d/sound_16000").rglob("*.wav"))) == 2


def test_the_torture_folder(tmp_path: Path) -> None:
    """Each file ends as done or in quarantine with its reason, and nothing else suffers."""
    source = tmp_path / "s"
    film(source / "good.mkv", seconds=2, events=(0.5,))
    film(source / "silent.mp4", seconds=2, sound=False)
    film(source / "blind.mp4", seconds=2, picture=False)
    film(source / "odd.mkv", seconds=2, size=(66, 50))
    film(source / "late.mp4", seconds=2, start="1.5")
    whole = (source / "good.mkv").read_bytes()
    (source / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (source / "empty.mp4").write_bytes(b"")
    (source / "text.mp4").write_text("this is no film")
    result = prepare(source, tmp_path / "d", OPTIONS)
    done = {
        row["source"]: row
        for row in read_index(tmp_path / "d/index.parquet").to_pylist()
        if row["status"] == "done"
    }
    assert {"good.mkv", "silent.mp4", "blind.mp4", "odd.mkv", "late.mp4", "cut.mkv"} == set(done)
    assert {name for name, _ in result.quarantined} == {"empty.mp4", "text.mp4"}
    assert all(reason for _, reason in result.quarantined)
    assert {output["kind"] for output in done["silent.mp4"]["outputs"]} & {"sound_16000"} == set()
    assert done["late.mp4"]["start"] == "3/2" or float(Fraction(done["late.mp4"]["start"])) >= 1.5
    told = json.loads((tmp_path / "d/dataset.json").read_text())
    assert [entry["source"] for entry in told["quarantined"]] == ["empty.mp4", "text.mp4"]


def test_a_source_that_changes_or_goes_is_followed(tmp_path: Path) -> None:
    film(tmp_path / "s/a.mkv", seconds=1, seed=1)
    film(tmp_path / "s/b.mkv", seconds=1, seed=2)
    options = PrepareOptions(outputs="sound@16000")
    prepare(tmp_path / "s", tmp_path / "d", options)
    before = fingerprint(tmp_path / "d")
    film(tmp_path / "s/a.mkv", seconds=1, seed=3)
    prepare(tmp_path / "s", tmp_path / "d", options)
    after = fingerprint(tmp_path / "d")
    assert {path for path in before if before[path] != after[path]} - {"index.parquet", "dataset.json"} == {
        path for path in before if "/a-" in path
    }
    (tmp_path / "s/a.mkv").unlink()
    prepare(tmp_path / "s", tmp_path / "d", options)
    assert not [path for path in fingerprint(tmp_path / "d") if "/a-" in path]


def test_what_cannot_be_is_said(tmp_path: Path, corpus: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        prepare(tmp_path / "nothing", tmp_path / "d")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no file below"):
        prepare(tmp_path / "empty", tmp_path / "d")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="not a dataset"):
        prepare(corpus, tmp_path / "mine")
    with pytest.raises(OptionError, match="no recipe"):
        prepare(corpus, tmp_path / "d", PrepareOptions("imagenet"))
    with pytest.raises(OptionError, match="no output"):
        prepare(corpus, tmp_path / "d", PrepareOptions(outputs="melody"))
    for outputs, error, said in (
        ("rgb:nomodule:net@25/64x64", OptionError, "cannot be imported"),
        ("rgb:none.pth", MissingModel, "none.pth"),
        ("sound@16000,ssl:nowhere#2", MissingModel, "nowhere"),
    ):
        with pytest.raises(
            error, match=said
        ):  # once, before a source is touched: each source went into quarantine
            prepare(corpus, tmp_path / "d", PrepareOptions(outputs=outputs))
    assert not (tmp_path / "d").exists()
    with pytest.raises(InputError, match="not a dataset"):
        dataset_progress(tmp_path / "mine")
    with pytest.raises(OptionError, match="add up to 1"):
        prepare(corpus, tmp_path / "d", PrepareOptions(split="0.5/0.1/0.1"))
