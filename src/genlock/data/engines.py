"""Engines do the work: processes of this machine, or a Ray cluster. Both do the same items with the same worker.

An engine is given items and yields answers as they come, in any order. An item whose worker takes too long is
killed with it; one whose worker dies is tried once more in a new one, and then given up, with the reason.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from typing import IO, Any, Protocol, TypeAlias

from genlock.core.errors import MissingDependency, OptionError
from genlock.core.json_forms import dump_json

__all__ = ["Engine", "LocalEngine", "RayEngine"]

Request = dict[str, Any]
Answer = dict[str, Any]
# Numbers of workers with lines that they wrote.
_Heard: TypeAlias = "queue.SimpleQueue[tuple[int, bytes]]"

# Times that an item is tried whose worker dies.
_ATTEMPTS = 2


class Engine(Protocol):
    """Does items."""

    def run(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answers, one for each request, as they come. Closing the iterator ends the work."""
        ...


class _Waiting:
    """Requests that nobody does yet. They are made when they are needed: a million would fill the memory."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._rest = iter(requests)
        self._again: list[Request] = []

    def __bool__(self) -> bool:
        if not self._again:
            self._again += islice(self._rest, 1)
        return bool(self._again)

    def pop(self) -> Request:
        return self._again.pop() if self else next(self._rest)

    def again(self, request: Request) -> None:
        """It is to be done once more."""
        self._again.append(request)


@dataclass
class _Worker:
    """One worker process and what it is doing."""

    number: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    request: Request | None = None
    began: float = 0.0

    @classmethod
    def start(cls, number: int, heard: _Heard) -> _Worker:
        """A new one, whose lines come with its number; an empty one is its end."""
        errors = tempfile.TemporaryFile(prefix="genlock-worker-")  # noqa: SIM115 - closed with the worker
        # One thread each: the workers are what runs in parallel, and sums in a fixed order give the same bits.
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "genlock.data.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **threads},
            start_new_session=True,
        )
        # A thread reads: not every system can wait for several pipes at once.
        threading.Thread(target=_hear, args=(number, process, heard), daemon=True).start()
        return cls(number, process, errors)

    def give(self, request: Request) -> None:
        self.request, self.began = request, time.monotonic()
        assert self.process.stdin is not None
        # A worker that died in the meantime is told by the end of its output.
        with suppress(BrokenPipeError):
            # JSON reads the escape of half a surrogate pair, from a name that is not UTF-8, back as it was.
            self.process.stdin.write(dump_json(request).encode("utf-8", "backslashreplace") + b"\n")
            self.process.stdin.flush()

    def end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:  # Windows has no groups of processes
                self.process.kill()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.errors.close()

    def last_words(self) -> str:
        """The last line that it wrote to standard error."""
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


def _hear(number: int, process: subprocess.Popen[bytes], heard: _Heard) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            heard.put((number, line))
    heard.put((number, b""))


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine."""

    workers: int = 2
    """How many, at least 1."""
    limit_seconds: float = 600.0
    """Longest time for one source, above zero; what takes longer is given up."""

    def __post_init__(self) -> None:
        if self.workers < 1 or not self.limit_seconds > 0:
            raise OptionError(
                f"workers={self.workers}, limit_seconds={self.limit_seconds}: at least one worker, a limit above zero"
            )

    def run(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answers as they come."""
        return _Pool(self, _Waiting(requests)).answers()


class _Pool:
    """The workers of one run."""

    def __init__(self, engine: LocalEngine, waiting: _Waiting) -> None:
        self.engine, self.waiting = engine, waiting
        self.tries: dict[str, int] = {}
        self.workers: dict[int, _Worker] = {}
        self.heard: _Heard = queue.SimpleQueue()
        self.numbers = count()

    def answers(self) -> Iterator[Answer]:
        try:
            while self.waiting or self.workers:
                while self.waiting and len(self.workers) < self.engine.workers:
                    self._start()
                yield from self._wait()
        finally:
            for worker in self.workers.values():
                worker.end()

    def _start(self) -> None:
        worker = _Worker.start(next(self.numbers), self.heard)
        self.workers[worker.number] = worker
        worker.give(self.waiting.pop())

    def _wait(self) -> Iterator[Answer]:
        now = time.monotonic()
        left = min((w.began + self.engine.limit_seconds - now for w in self.workers.values()), default=0.0)
        with suppress(queue.Empty):
            number, line = self.heard.get(timeout=max(0.0, min(left, 1.0)))
            if number in self.workers:  # else the last words of one that was ended
                yield from self._hear(number, line)
        for number, worker in list(self.workers.items()):
            if time.monotonic() - worker.began > self.engine.limit_seconds:
                yield self._given_up(worker, f"took longer than {self.engine.limit_seconds:g} s")
                self._drop(number)

    def _hear(self, number: int, line: bytes) -> Iterator[Answer]:
        if not line.endswith(b"\n"):
            yield from self._died(number)
            return
        answer = json.loads(line)
        if self.waiting:
            self.workers[number].give(self.waiting.pop())
        else:
            self._drop(number)
        yield answer

    def _died(self, number: int) -> Iterator[Answer]:
        worker = self.workers[number]
        code = worker.process.wait()
        request, words = worker.request, worker.last_words()
        self._drop(number)
        assert request is not None
        name = request["item"]["name"]
        self.tries[name] = self.tries.get(name, 0) + 1
        if self.tries[name] < _ATTEMPTS:
            self.waiting.again(request)
            return
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"status {code}, {words}"
        yield self._given_up(worker, f"crashed its reader: {how}")

    def _given_up(self, worker: _Worker, reason: str) -> Answer:
        assert worker.request is not None
        return {
            "name": worker.request["item"]["name"],
            "status": "quarantined",
            "reason": reason,
            "work_seconds": time.monotonic() - worker.began,
        }

    def _drop(self, number: int) -> None:
        self.workers.pop(number).end()


@dataclass(frozen=True)
class RayEngine:
    """A Ray cluster. Source and dataset lie on a file system that all its machines see."""

    address: str | None = None
    """The cluster's address; None starts Ray on this machine."""
    workers: int | None = None
    """Items at a time; None: as many as the cluster has processors."""
    limit_seconds: float = 600.0
    """Longest time for one source, above zero."""

    def run(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answers as they come. A task whose machine or process is lost is done again by Ray elsewhere."""
        try:
            import ray
        except ImportError as error:
            raise MissingDependency(
                f"the engine 'ray' needs Ray ({error}); install it: pip install 'genlock[cluster]'"
            ) from error
        own = not ray.is_initialized()
        if own:
            ray.init(
                address=self.address,
                num_cpus=None if self.address else self.workers,
                include_dashboard=None if self.address else False,
                log_to_driver=False,
                logging_level="warning",
            )
        # Each task runs the item in a local engine of one worker: time limit, crash and answer are the same as here.
        limit = self.limit_seconds

        def do(request: Request) -> Answer:
            return next(iter(LocalEngine(1, limit).run([request])))

        task = ray.remote(num_cpus=1, max_retries=5, retry_exceptions=False)(do)
        most = self.workers or int(ray.cluster_resources().get("CPU", 1))
        waiting, running = _Waiting(requests), list[Any]()
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    running.append(task.remote(waiting.pop()))
                ready, running = ray.wait(running, num_returns=1)
                yield from ray.get(ready)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            if own:
                ray.shutdown()


def make_engine(name: str, workers: int, limit_seconds: float, address: str | None = None) -> Engine:
    """The engine of a name, ``local`` or ``ray``.

    Raises OptionError for another name, or an address that goes with nothing.
    """
    if name == "local":
        if address is not None:
            raise OptionError(f"--address {address!r} goes with --engine ray")
        return LocalEngine(workers, limit_seconds)
    if name == "ray":
        return RayEngine(address, workers, limit_seconds)
    raise OptionError(f"the engine {name!r} is unknown; use 'local' or 'ray'")
