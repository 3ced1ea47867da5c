"""Faces and sounds that are made of a file: a take is whole, heard on its own clock, kept under a free name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.foley.strikes import contacts, matched, stick_film

from genlock.media import read_audio
from genlock.report.pyramid import read_tile
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.every_kind import KINDS
from genlock.studio.jobs.queue import JobQueue
from genlock.studio.jobs.runner import JobRunner
from genlock.studio.takes import Takes

from .conftest import Served
from .test_jobs import RUN

HITS = contacts(4, 0)


def run(root: Path, kind: str, name: str, options: dict[str, Any], number: str = "1-1") -> None:
    """Do a job here, as a worker would."""
    folder = StudioFolder(root)
    file = next(file for file in folder.files()[0] if file.name == name)
    room = folder.own / "work" / number
    room.mkdir()
    KINDS[kind].run(folder, file.ident, options, room, lambda *_: None)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent film of a stick that strikes, with two takes of events placed by hand."""
    folder = tmp_path_factory.mktemp("takes")
    stick_film(folder / "stick.mp4", 25, HITS, seed=4)
    events = [{"time": "1001/1000", "material": "wood", "x": 0.2}, {"time": "2", "impulse": 0.5}]
    run(folder, "sound", "stick.mp4", {"takes": 2, "model": "modal", "events": events})
    return folder


def test_takes_sound_the_events_that_were_sent_and_lie_beside_each_other(
    serve: Callable[..., Served], root: Path
) -> None:
    served = serve(root, jobs=False)
    ident = served.ident("stick.mp4")
    place = f"/api/files/{ident}/takes"
    takes = served.get(place).json()["takes"]
    assert [(take["id"], take["kind"], take["stale"]) for take in takes] == [
        ("1-0", "sound", False),
        ("1-1", "sound", False),
    ]
    assert [take["result"]["seed"] for take in takes] == [0, 1]
    for take in takes:
        assert [event["time"] for event in take["result"]["events"]] == ["1001/1000", "2"]
        assert take["options"]["model"] == "modal"
        assert str(root) not in str(take)  # where it lies is not told
        sound = take["clip"]["sound"]
        grid, first, values = read_tile(served.get(f"{place}/{take['id']}/sound/0").body)
        heard = np.abs(values[:, 0].astype(float))
        before = grid.index(Fraction(1001, 1000)) - first
        assert heard[before - 1200 : before - 100].max() < 0.2 * heard[before : before + 400].max()
        assert sound["rate"] == 48000
        assert served.get(f"{place}/{take['id']}/tiles/waveform/0/0").status == 200
        assert served.get(f"{place}/{take['id']}/preview").headers["content-type"].startswith("video/")
    # Kept, it has a free name beside the film, and nothing is ever written over.
    names = [served.ask("POST", f"{place}/1-1/keep").json()["name"] for _ in range(2)]
    assert names == ["stick.sound.mp4", "stick.sound-2.mp4"]
    assert np.abs(read_audio(root / names[0], rate=None, channels=1).values).max() > 0.01
    assert (
        served.get(f"{place}/1-0/file").headers["content-disposition"] == 'attachment; filename="stick.mp4"'
    )
    assert served.ask("DELETE", f"{place}/1-0").status == 200
    assert [take["id"] for take in served.get(place).json()["takes"]] == ["1-1"]
    for wrong in ("1-0", "9", "..", "%2e%2e", "1-1%2f..", "1-1/../1-1"):
        assert served.get(f"{place}/{wrong}/file").status in (404, 422), wrong


def test_events_that_are_none_are_refused(served: Served) -> None:
    ident = served.ident("film.mp4")
    for events in (
        "x",
        [1],
        [{"time": 1.0}],
        [{"time": "soon"}],
        [{"time": "1", "x": 7}],
        [{"time": "1", "x": "0"}],
    ):
        asked = {"kind": "sound", "files": [ident], "options": {"events": events}}
        assert served.ask("POST", "/api/jobs", told=asked).status == 422, events
    asked = {"kind": "animate", "files": [ident], "options": {"events": []}}
    assert served.ask("POST", "/api/jobs", told=asked).status == 422


@pytest.mark.slow
def test_events_are_found_and_a_face_is_made(tmp_path: Path) -> None:
    """Found events are those of the picture; a face talks for as long as the voice."""
    stick_film(tmp_path / "stick.mp4", 25, HITS, seed=4)
    run(tmp_path, "sound", "stick.mp4", {"model": "modal", "finder": "motion"})
    folder = StudioFolder(tmp_path)
    file = folder.files()[0][0]
    (take,) = Takes(folder).of(file)
    found = [float(Fraction(event["time"])) for event in take.told["result"]["events"]]
    assert matched(np.array(found), HITS, 0.05)[0] >= 3
    assert take.told["result"]["finder"] == "motion"
    kept = Takes(folder).keep(file, take.ident)
    run(tmp_path, "animate", kept, {"face": "ink", "side": 128}, "2-1")
    sounded = next(each for each in folder.files()[0] if each.name == kept)
    (made,) = Takes(folder).of(sounded)
    assert made.told["options"] == {"face": "ink", "side": "128"}
    assert made.output.suffix == ".mp4"
    assert made.clip is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [("sound", {"model": "modal", "takes": 3, "finder": "motion"}), ("animate", {"side": 256})],
)
def test_a_job_that_makes_something_survives_the_kill_of_its_studio(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    hits = contacts(12, 1)
    stick_film(tmp_path / "stick.mp4", 25, hits, seed=4)
    if kind == "animate":
        run(tmp_path, "sound", "stick.mp4", {"model": "modal"})
        folder = StudioFolder(tmp_path)
        Takes(folder).keep(folder.files()[0][0], "1-0")
    folder = StudioFolder(tmp_path)
    file = folder.files()[0][-1]
    queue = JobQueue(folder.own / "jobs.sqlite")
    number = queue.add(kind, file.ident, file.name, options)
    studio = subprocess.Popen([sys.executable, "-P", "-c", RUN, str(tmp_path)])
    try:
        _until(lambda: bool(queue.job(number).stage) and queue.job(number).done > 0)
    finally:
        os.kill(studio.pid, signal.SIGKILL)
        studio.wait()
    takes = Takes(folder)
    assert all(take.output.is_file() for take in takes.of(file))  # what there is, is whole
    runner = JobRunner(folder, queue)
    runner.start()
    try:
        _until(lambda: queue.job(number).state in ("done", "failed"))
    finally:
        runner.close()
    job = queue.job(number)
    assert (job.state, job.attempt) == ("done", 2), job.message
    wanted = options.get("takes", 1)
    assert len([take for take in takes.of(file) if take.ident.startswith(str(number))]) == wanted
    assert [
        path.name for path in (folder.own / "takes" / file.ident).iterdir() if path.name.startswith(".")
    ] == []
    assert list((folder.own / "work").iterdir()) == []


def _until(true: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
