"""A studio that really serves a folder, in a thread of the tests, and requests as anybody might send them."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'studio' is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the extra 'studio' is not installed")

from tests.report.clips import planted  # noqa: E402

from genlock.studio import StudioOptions  # noqa: E402
from genlock.studio.app import Studio, make_app  # noqa: E402
from genlock.studio.folder import StudioFolder  # noqa: E402
from genlock.studio.guard import Guard, allowed_names  # noqa: E402
from genlock.studio.launch import also_of, listen  # noqa: E402
from genlock.studio.options import is_loopback  # noqa: E402


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A studio that runs, and how to talk to it."""

    studio: Studio
    port: int

    @property
    def root(self) -> Path:
        return self.studio.folder.root

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        told: Any = None,
    ) -> Answer:
        """A request exactly as it is said here; ``told`` is sent as JSON."""
        sent = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
        if told is not None:
            body, sent["Content-Type"] = json.dumps(told).encode(), "application/json"
        if body is not None and "Content-Length" not in sent and "Transfer-Encoding" not in sent:
            sent["Content-Length"] = str(len(body))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def ident(self, name: str) -> str:
        """The number of a file by its name."""
        files = self.get("/api/library").json()["files"]
        return next(file["id"] for file in files if file["name"] == name)

    def finished(self, number: int, seconds: float = 600) -> dict[str, Any]:
        """A job, once it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.get(f"/api/jobs/{number}").json()
            if job["state"] in ("done", "failed", "cancelled"):
                return dict(job)
            time.sleep(0.1)
        raise AssertionError(f"job {number} has not ended: {job}")


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., Served]]:
    """Serves folders until the tests of a file have ended; ``jobs=False`` leaves jobs waiting."""
    stops: list[Callable[[], None]] = []

    def start(root: Path, *, jobs: bool = True, **options: Any) -> Served:
        chosen = StudioOptions(**{"port": 0, **options})
        studio = Studio(StudioFolder(root, also_of(chosen)), chosen)
        if not jobs:
            studio.runner.start = studio.runner.close = lambda: None  # type: ignore[method-assign]
        guarded = Guard(
            make_app(studio), allowed_names(chosen), chosen.token, any_address=not is_loopback(chosen.host)
        )
        door = listen(chosen)
        socket = door.__enter__()
        server = uvicorn.Server(
            uvicorn.Config(guarded, log_level="warning", server_header=False, timeout_graceful_shutdown=3)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)

        def stop() -> None:
            server.should_exit = True
            thread.join(120)
            if thread.is_alive():
                raise AssertionError(f"the studio of {root} does not end: {_stack_of(thread)}")
            door.__exit__(None, None, None)

        stops.append(stop)
        return Served(studio, socket.getsockname()[1])

    yield start
    for stop in stops:
        stop()


def _stack_of(thread: threading.Thread) -> str:
    """Where a thread is."""
    frame = sys._current_frames().get(thread.ident or 0)
    return "it has just ended" if frame is None else "".join(traceback.format_stack(frame))


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A studio on a folder with one short film; jobs wait."""
    root = tmp_path_factory.mktemp("films")
    planted(root / "film.mp4", count=30)
    return serve(root, jobs=False)
