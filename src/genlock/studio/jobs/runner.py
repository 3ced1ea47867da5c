"""Hands waiting jobs to workers, ends those that are to be cancelled, and says what happened to a worker that died."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.queue import Job, JobQueue

__all__ = ["JobRunner"]

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 20.0  # to put things away after a cancel, before the worker is killed
_IDLE_SECONDS = 120.0  # after which a worker without work is let go, with its memory


class JobRunner:
    """Runs the jobs of a queue in ``workers`` processes until it is closed.

    Parameters
    ----------
    folder : the studio's folder; nobody else may run its jobs
    """

    def __init__(self, folder: StudioFolder, jobs: JobQueue, workers: int = 1) -> None:
        self._folder, self._jobs = folder, jobs
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, name=f"studio-jobs-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Take up what an earlier studio left, and begin."""
        self._jobs.recover()
        shutil.rmtree(self._folder.own / "work", ignore_errors=True)  # what killed workers left half-written
        (self._folder.own / "work").mkdir()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the workers; a job that runs is begun again at the next start."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        worker: _Worker | None = None
        idle_since = time.monotonic()
        while not self._closing.is_set():
            job = self._jobs.begin()
            if job is None:
                if worker is not None and time.monotonic() - idle_since > _IDLE_SECONDS:
                    worker.end()
                    worker = None
                self._closing.wait(_LOOK_SECONDS)
                continue
            if worker is None or not worker.alive:
                worker = _Worker(self._folder)
            if not self._see_through(worker, job):
                worker = None
            idle_since = time.monotonic()
        if worker is not None:
            worker.end()

    def _see_through(self, worker: _Worker, job: Job) -> bool:
        """Wait until a job has ended; False if the worker has ended with it."""
        worker.ask(job.id)
        asked_to_stop: float | None = None
        while not worker.answered.wait(_LOOK_SECONDS):
            if not worker.alive:
                break
            if asked_to_stop is None and (self._closing.is_set() or self._jobs.wants_stop(job.id)):
                worker.interrupt()
                asked_to_stop = time.monotonic()
            if asked_to_stop is not None and time.monotonic() - asked_to_stop > _GRACE_SECONDS:
                worker.kill()
        if worker.answered.is_set():
            return True
        worker.wait()
        if self._closing.is_set() and not self._jobs.wants_stop(job.id):
            return False  # it runs still, says the queue: the next start begins it again
        shutil.rmtree(self._folder.own / "work" / f"{job.id}-{job.attempt}", ignore_errors=True)
        if self._jobs.wants_stop(job.id):
            self._jobs.finish(job, "cancelled", "cancelled")
        elif self._jobs.job(job.id).state == "running":
            why = f"the worker was ended by {_ending(worker.returncode)}; nothing was left half-written"
            self._jobs.say(job.id, why)
            self._jobs.finish(job, "failed", why)
        return False


class _Worker:
    """One process that does jobs, and the thread that hears its answers."""

    def __init__(self, folder: StudioFolder) -> None:
        self.answered = threading.Event()
        with open(folder.own / "worker.log", "ab") as log:
            self._process = subprocess.Popen(
                # -P: a film folder may hold a file called numpy.py, which is nobody's module
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "genlock.studio.jobs.worker",
                    str(folder.root),
                    *map(str, folder.also),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([_package_root(), *_python_path()])},
                start_new_session=True,  # Ctrl-C is for the studio, which then tells its workers
            )
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for _ in self._process.stdout:
            self.answered.set()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def ask(self, number: int) -> None:
        self.answered.clear()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{number}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait()  # it has ended: whoever waits for the answer sees that

    def interrupt(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> None:
        self._process.wait()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return name + (" (the memory may have run out)" if name == "SIGKILL" else "")
    return f"exit status {code}"


def _package_root() -> str:
    return str(Path(__file__).parents[3])


def _python_path() -> list[str]:
    given = os.environ.get("PYTHONPATH")
    return given.split(os.pathsep) if given else []
