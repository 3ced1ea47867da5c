"""The studio under load: clients that upload and read at once, and a long queue that drains in its order.

``--clients`` threads talk to one studio in a process of its own: each uploads a film, then reads the library, pictures,
frames, tiles, pieces of sound and byte ranges of the playable copy, as pages do. Printed are, for each kind of
request, how many there were, how many failed, and their latency. Then ``--queue`` films wait to be opened.

    python benchmarks/studio_load.py [--clients 50] [--rounds 10] [--queue 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.files import write_text
from genlock.media import Picture, Sound, encode

RATE, SIDE = 16000, 64


def film(path: Path, seconds: float) -> None:
    """A small film with sound."""
    draw = np.random.default_rng(0)
    frames = draw.integers(0, 255, (round(25 * seconds), SIDE, SIDE, 3)).astype(np.uint8)
    sound = 0.1 * np.sin(np.arange(round(RATE * seconds)) / 9)
    encode(path, Picture(frames, 25), Sound(sound, RATE))


class Client:
    """One page: its own connection, and the time that each answer took."""

    def __init__(self, port: int, rows: dict[str, list[tuple[float, int]]]) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._rows = rows

    def ask(
        self, kind: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> bytes:
        """The answer's bytes; its kind, latency and status are noted."""
        begin = time.perf_counter()
        self._line.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = self._line.getresponse()
        data = answer.read()
        self._rows[kind].append((time.perf_counter() - begin, answer.status))
        return data

    def json(self, kind: str, path: str, method: str = "GET", told: Any = None) -> Any:
        """The answer, read."""
        body = None if told is None else json.dumps(told).encode()
        return json.loads(self.ask(kind, path, method, body, content_type="application/json"))


def page(
    port: int, number: int, data: bytes, opened: str, rounds: int, rows: dict[str, list[tuple[float, int]]]
) -> None:
    """What one client does."""
    client, draw = Client(port, rows), random.Random(number)
    client.ask("upload", f"/api/uploads/client-{number}.mp4", "PUT", data)
    place = f"/api/clips/{opened}"
    clip = client.json("clip", place)
    for _ in range(rounds):
        files = client.json("library", "/api/library")["files"]
        client.ask("thumbnail", f"/api/files/{draw.choice(files)['id']}/thumbnail")
        client.ask("frame", f"{place}/frames/{draw.randrange(clip['frames']['count'])}?side=320")
        client.ask("tile", f"{place}/tiles/waveform/0/0")
        client.ask("sound", f"{place}/sound/0")
        client.ask("range", f"{place}/preview", range="bytes=0-65535")
        client.ask("jobs", "/api/jobs?since=0")


@contextmanager
def studio(folder: Path) -> Iterator[int]:
    """A studio in a process of its own; its port."""
    command = [sys.executable, "-m", "genlock.cli", "studio", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        yield int(process.stderr.readline().rsplit(":", 1)[1].strip("/\n "))
    finally:
        process.terminate()
        process.wait()


def opened(client: Client, idents: list[str]) -> list[dict[str, Any]]:
    """Films opened by the queue, as its jobs told at their end."""
    numbers = client.json("ask", "/api/jobs", "POST", {"kind": "open", "files": idents})["jobs"]
    known: dict[int, dict[str, Any]] = {}
    since = 0
    while not all(known.get(n, {}).get("state") in ("done", "failed", "cancelled") for n in numbers):
        for job in client.json("jobs", f"/api/jobs?since={since}")["jobs"]:
            known[job["id"]] = job
            since = max(since, job["change"])
        time.sleep(0.2)
    return [known[n] for n in numbers]


def under_load(folder: Path, clients: int, rounds: int) -> dict[str, list[tuple[float, int]]]:
    """All clients at once."""
    source = folder / "film.mp4"
    film(source, 8)
    data, rows = source.read_bytes(), defaultdict[str, list[tuple[float, int]]](list)
    with studio(folder) as port:
        first = Client(port, defaultdict(list))
        ident = first.json("library", "/api/library")["files"][0]["id"]
        opened(first, [ident])
        threads = [
            threading.Thread(target=page, args=(port, number, data, ident, rounds, rows))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = Client(port, defaultdict(list))  # a line that was idle for long has been closed
        arrived = len(last.json("library", "/api/library")["files"])
    assert arrived == clients + 1, f"{arrived - 1} of {clients} uploads arrived"
    return rows


def drained(folder: Path, count: int) -> tuple[list[dict[str, Any]], float]:
    """A queue of films, opened; its jobs in the order in which they were asked for, and how long it took."""
    film(folder / "film-0.mp4", 0.4)
    for number in range(1, count):
        shutil.copyfile(folder / "film-0.mp4", folder / f"film-{number}.mp4")
    with studio(folder) as port:
        client = Client(port, defaultdict(list))
        idents = [file["id"] for file in client.json("library", "/api/library")["files"]]
        begin = time.perf_counter()
        return opened(client, idents), time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--queue", type=int, default=200)
    parser.add_argument("--json")
    asked = parser.parse_args()
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        rows = under_load(Path(place), asked.clients, asked.rounds)
    print(f"{asked.clients} clients, each an upload and {asked.rounds} rounds of reading")
    for kind, answers in sorted(rows.items()):
        times = np.array([1000 * seconds for seconds, _ in answers])
        failed = sum(status not in (200, 206) for _, status in answers)
        half, most = np.quantile(times, [0.5, 0.95])
        told[kind] = {
            "count": len(answers),
            "failed": failed,
            "median_ms": half,
            "p95_ms": most,
            "max_ms": times.max(),
        }
        print(
            f"{kind:>10}: {len(answers):5d} requests, {failed} failed, {half:6.0f} ms median, {most:6.0f} ms 95 %"
        )
    with tempfile.TemporaryDirectory() as place:
        jobs, seconds = drained(Path(place), asked.queue)
    order = [job["id"] for job in sorted(jobs, key=lambda job: job["started"])]
    done = sum(job["state"] == "done" for job in jobs)
    told["queue"] = {"done": done, "of": len(jobs), "in_order": order == sorted(order), "seconds": seconds}
    print(f"queue: {done} of {len(jobs)} done in {seconds:.0f} s, in order: {order == sorted(order)}")
    if asked.json:
        write_text(Path(asked.json), json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
