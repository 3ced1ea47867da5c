"""The queue keeps every job through kills, cancels and restarts, and nothing half-written stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from tests.report.clips import planted

from genlock.media.retime import retime
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.queue import MOST_ATTEMPTS, JobQueue
from genlock.studio.jobs.runner import JobRunner
from genlock.synth.signals.clips import SignalOptions, make_signal

from .conftest import Served


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(tmp_path / "jobs.sqlite")


def test_jobs_begin_in_the_order_in_which_they_were_asked_for(queue: JobQueue) -> None:
    numbers = [queue.add("align", f"{k:016x}", f"{k}.mp4", {"k": k}) for k in range(200)]
    begun = []
    while (job := queue.begin()) is not None:
        begun.append(job.id)
        queue.finish(job, "done", "")
    assert begun == numbers


def test_the_same_job_waits_once(queue: JobQueue) -> None:
    first = queue.add("align", "0", "a.mp4", {"language": "en"})
    assert queue.add("align", "0", "a.mp4", {"language": "en"}) == first
    assert queue.add("align", "0", "a.mp4", {"language": "de"}) != first
    assert queue.begin() is not None
    assert queue.add("align", "0", "a.mp4", {"language": "en"}) != first


def test_what_changed_is_told_once(queue: JobQueue) -> None:
    number = queue.add("align", "0", "a.mp4", {})
    (told,) = queue.changed_since(0)
    assert queue.changed_since(told.change) == []
    job = queue.begin()
    assert job is not None
    queue.progress(job, "read", 1.0, 2.0)
    (told,) = queue.changed_since(told.change)
    assert (told.id, told.state, told.stage, told.done, told.total) == (number, "running", "read", 1.0, 2.0)


def test_after_a_crash_a_job_is_begun_again_and_then_given_up(queue: JobQueue) -> None:
    number = queue.add("align", "0", "a.mp4", {})
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = queue.begin()
        assert job is not None
        assert job.attempt == attempt
        (after,) = queue.recover()
        assert after.state == ("waiting" if attempt < MOST_ATTEMPTS else "failed")
        assert "was ended" in after.message
    assert queue.begin() is None
    assert [text for _, text in queue.lines(number)][-1].startswith("the studio was ended 2 times")


def test_a_worker_of_an_attempt_before_changes_nothing(queue: JobQueue) -> None:
    number = queue.add("align", "0", "a.mp4", {})
    old = queue.begin()
    queue.recover()
    new = queue.begin()
    assert old is not None
    assert new is not None
    queue.progress(old, "late", 9, 9)
    queue.finish(old, "failed", "late")
    assert (queue.job(number).state, queue.job(number).stage) == ("running", "")
    queue.finish(new, "done", "good")
    assert queue.job(number).message == "good"


def test_a_waiting_job_is_cancelled_at_once(queue: JobQueue) -> None:
    number = queue.add("align", "0", "a.mp4", {})
    assert queue.stop(number).state == "cancelled"
    assert queue.begin() is None


@pytest.fixture(scope="module")
def working(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    root = tmp_path_factory.mktemp("working")
    planted(root / "film.mp4", count=25)
    (root / "broken.mp4").write_bytes(b"no film")
    # In a folder of films this is nobody's module.
    (root / "numpy.py").write_text("raise SystemExit('a file of the folder was run')")
    return serve(root)


def test_a_job_runs_and_says_what_came_of_it(working: Served) -> None:
    ident = working.ident("film.mp4")
    assert working.get(f"/api/clips/{ident}").json()["opened"] is False
    (number,) = working.ask("POST", "/api/jobs", told={"kind": "open", "files": [ident]}).json()["jobs"]
    job = working.finished(number)
    assert job["state"] == "done", job
    assert job["result"] == {"frames": 25}
    assert "read" in [line["text"] for line in job["lines"]]
    assert working.get(f"/api/clips/{ident}").json()["frames"]["count"] == 25
    assert list((working.root / ".genlock-studio" / "work").iterdir()) == []


def test_a_job_that_cannot_be_done_says_why(working: Served) -> None:
    (number,) = working.ask(
        "POST", "/api/jobs", told={"kind": "open", "files": [working.ident("broken.mp4")]}
    ).json()["jobs"]
    job = working.finished(number)
    assert job["state"] == "failed"
    assert "broken.mp4" in job["message"]


def test_jobs_of_no_kind_and_no_file_are_refused(working: Served) -> None:
    ident = working.ident("film.mp4")
    for told, status in (
        ({"kind": "rm", "files": [ident]}, 422),
        ({"kind": "open", "files": ["0" * 16]}, 404),
        ({"kind": "open", "files": []}, 404),
        ({"kind": "open", "files": ident}, 422),
        ({"kind": "open", "files": [ident], "options": []}, 422),
    ):
        assert working.ask("POST", "/api/jobs", told=told).status == status
    assert working.get("/api/jobs/99999").status == 404


@pytest.mark.slow
def test_the_offset_is_measured_and_the_repaired_file_measured_again(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Flashes with beeps, the sound 160 ms late: what the page's two buttons do."""
    true = tmp_path / "true.mp4"
    make_signal(
        true, SignalOptions(duration_seconds=10, width=64, height=48)
    )  # flashes that do not repeat evenly
    retime(true, tmp_path / "late.mp4", Fraction(160, 1000))
    served = serve(tmp_path)
    ident = served.ident("late.mp4")
    (number,) = served.ask("POST", "/api/jobs", told={"kind": "sync", "files": [ident]}).json()["jobs"]
    assert served.finished(number)["state"] == "done"
    sync = served.get(f"/api/files/{ident}/sync").json()
    assert sync["sync"]["offset_seconds"] == pytest.approx(-0.160, abs=0.01)
    assert sync["sync"]["mark"] == "warn"  # BT.1359 accepts it, R37 does not
    assert sync["picture"]
    picture = served.get(f"/api/files/{ident}/sync.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    before = (tmp_path / "late.mp4").read_bytes()
    (number,) = served.ask("POST", "/api/jobs", told={"kind": "repair", "files": [ident]}).json()["jobs"]
    job = served.finished(number)
    assert job["state"] == "done", job
    assert job["result"]["written"] == "late.repaired.mp4"
    assert abs(job["result"]["repair"]["offset_after_seconds"]) < 0.01
    assert (tmp_path / "late.mp4").read_bytes() == before
    assert (tmp_path / "late.repaired.mp4").is_file()
    # A second copy has a name of its own.
    (number,) = served.ask("POST", "/api/jobs", told={"kind": "repair", "files": [ident]}).json()["jobs"]
    assert served.finished(number)["result"]["written"] == "late.repaired-2.mp4"


RUN = """
import sys, time
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.queue import JobQueue
from genlock.studio.jobs.runner import JobRunner
folder = StudioFolder(sys.argv[1])
JobRunner(folder, JobQueue(folder.own / "jobs.sqlite")).start()
time.sleep(600)
"""


@pytest.mark.slow
def test_a_job_survives_the_kill_of_its_studio(tmp_path: Path) -> None:
    film = planted(tmp_path / "film.mp4", count=1500)
    folder = StudioFolder(tmp_path)
    queue = JobQueue(folder.own / "jobs.sqlite")
    (file,) = folder.files()[0]
    number = queue.add("open", file.ident, file.name, {})
    studio = subprocess.Popen([sys.executable, "-P", "-c", RUN, str(tmp_path)])
    try:
        _until(lambda: queue.job(number).stage == "read")
    finally:
        os.kill(studio.pid, signal.SIGKILL)
        studio.wait()
    assert queue.job(number).state == "running"
    assert list((folder.own / "clips").glob("*")) in ([], list((folder.own / "clips").glob(".genlock-*")))
    runner = JobRunner(folder, queue)
    runner.start()
    try:
        _until(lambda: queue.job(number).state in ("done", "failed"))
    finally:
        runner.close()
    job = queue.job(number)
    assert (job.state, job.attempt) == ("done", 2)
    assert job.result == {"frames": film.count}
    assert "the studio was ended while this ran: it is begun again" in [
        text for _, text in queue.lines(number)
    ]
    # Of the attempt that was killed nothing is left.
    assert [path.name for path in (folder.own / "clips").iterdir()] == [f"{file.ident}-{file.version}"]
    assert list((folder.own / "work").iterdir()) == []


def _until(true: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
