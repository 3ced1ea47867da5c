"""A worker: a process that does one job after the other, as the studio tells it on its standard input.

The studio writes the number of a job as a line; the worker writes it back when the job has ended. If the studio goes
away, however it goes, its end of the pipe is closed: the worker then ends its job as if it had been interrupted,
so that nothing half-written stays.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO

from genlock.core.errors import GenlockError
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.every_kind import KINDS
from genlock.studio.jobs.queue import Job, JobQueue

__all__ = ["main"]

_QUIET_SECONDS = 0.2  # progress is written at most so often


class _Teller:
    """Writes a job's progress into the queue, not too often, and each new stage into its log."""

    def __init__(self, jobs: JobQueue, job: Job) -> None:
        self._jobs, self._job = jobs, job
        self._stage, self._told = "", 0.0

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._told < _QUIET_SECONDS:
            return
        if stage != self._stage:
            self._jobs.say(self._job.id, stage)
        self._stage, self._told = stage, now
        self._jobs.progress(self._job, stage, float(done), None if total is None else float(total))


def work(folder: StudioFolder, jobs: JobQueue, job: Job) -> None:
    """Do a job, and note what became of it. Its own folder is empty before and gone after it."""
    room = folder.own / "work" / f"{job.id}-{job.attempt}"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    try:
        done = KINDS[job.kind].run(folder, job.file, job.options, room, _Teller(jobs, job))
        for line in done.lines:
            jobs.say(job.id, line)
        jobs.finish(job, "done", done.sentence, done.result)
    except GenlockError as error:
        jobs.say(job.id, str(error))
        jobs.finish(job, "failed", str(error))
    except Exception as error:  # noqa: BLE001 - the worker goes on with the next job; the log has it all
        for line in traceback.format_exc().splitlines():
            jobs.say(job.id, line)
        jobs.finish(job, "failed", f"an error of the studio's own: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        # Asked to stop, it was cancelled; else the studio is going down, and the job is begun again after its start.
        if jobs.wants_stop(job.id):
            jobs.say(job.id, "cancelled")
            jobs.finish(job, "cancelled", "cancelled")
        raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def main(root: str, *also: str) -> int:
    """Work until the standard input ends."""
    answers = _own_output()
    folder = StudioFolder(root, also)
    jobs = JobQueue(folder.own / "jobs.sqlite")
    asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_listen, args=(sys.stdin, asked.put), daemon=True).start()
    try:
        while True:
            number = asked.get()
            if number is None:
                return 0
            work(folder, jobs, jobs.job(number))
            answers.write(f"{number}\n")
            answers.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def _listen(source: IO[str], tell: Callable[[int | None], None]) -> None:
    for line in source:
        tell(int(line))
    tell(None)
    os.kill(os.getpid(), signal.SIGTERM)  # in the middle of a job, it ends here


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _own_output() -> IO[str]:
    """Our standard output, which nobody else then writes to: what a library prints goes to the log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
