"""``genlock sync --live`` through real pipes, a file that grows and a server, with planted offsets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from genlock.core.errors import MediaError, OptionError
from genlock.media import ReadOptions
from genlock.media.live_source import LiveSource
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_live import LiveLine, LiveOptions, sync_live

# Between the change of an offset and the line that tells it: half a window until the new one has two flashes, ...
CHANGE_SECONDS = 4 + 2  # ... and a hop until the next line

FLASHES = {"estimators": "flash-beep"}


def stream_of(folder: Path, offsets: list[str], seconds: int = 14) -> Path:
    """Flash-beep films of these offsets one after the other, as a transport stream."""
    films = []
    for number, offset in enumerate(offsets):
        film = folder / f"part{number}.mkv"
        make_signal(film, SignalOptions(duration_seconds=seconds, width=64, height=48, offset_seconds=offset))
        films.append(f"file {film}")
    (folder / "list.txt").write_text("\n".join(films))
    made = folder / "joined.ts"
    joined = ["-f", "concat", "-safe", "0", "-i", str(folder / "list.txt")]
    subprocess.run(
        ["ffmpeg", "-v", "error", *joined, "-c:v", "copy", "-c:a", "mp2", "-f", "mpegts", str(made)],
        check=True,
    )
    return made


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds in step, then fourteen with the sound 200 ms early."""
    return stream_of(tmp_path_factory.mktemp("changing"), ["0", "0.2"])


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stream_of(tmp_path_factory.mktemp("in_step"), ["0"])


def command(*words: str, **how: Any) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "genlock.cli", "sync", "--live", *words, "--estimators", "flash-beep"]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)


def test_a_change_in_a_pipe_is_told_and_is_an_alarm(changing: Path) -> None:
    with changing.open("rb") as pipe:
        running = command("-", "--alarm", "100", stdin=pipe)
        out, said = running.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert running.returncode == 1, said
    start = lines[0]["start_seconds"]
    change = start + 14
    for line in lines:
        if line["end_seconds"] < change:
            assert line["offset_seconds"] == pytest.approx(0, abs=0.002)
            assert line["in_step"]
            assert not line["alarm"]
    told = next(line["end_seconds"] for line in lines if abs(line["offset_seconds"] - 0.2) < 0.002)
    assert told - change <= CHANGE_SECONDS
    alarm = next(line["end_seconds"] for line in lines if line["alarm"])
    assert alarm - told == pytest.approx(2)
    assert lines[-1]["offset_seconds"] == pytest.approx(0.2, abs=0.002)
    steps = [b["end_seconds"] - a["end_seconds"] for a, b in pairwise(lines[:-1])]
    assert steps == pytest.approx([2] * len(steps))


def test_a_file_that_grows_is_waited_for(in_step: Path, tmp_path: Path) -> None:
    growing, whole = tmp_path / "growing.ts", in_step.read_bytes()
    growing.write_bytes(whole[: len(whole) // 3])
    told: list[LiveLine] = []
    grown = threading.Event()

    def tell(line: LiveLine) -> None:
        told.append(line)
        grown.set()

    def write() -> None:
        with growing.open("ab", buffering=0) as file:
            for k in range(3, 9):
                time.sleep(0.05)
                file.write(whole[len(whole) * k // 9 : len(whole) * (k + 1) // 9])

    writer = threading.Thread(target=write)
    writer.start()
    with LiveSource(str(growing), idle_seconds=1.5) as source:
        result = sync_live(source, tell, LiveOptions(window=6, hop=3), **FLASHES)
    writer.join()
    assert result.in_step
    assert told[-1].window.end - told[0].window.start == pytest.approx(14, abs=0.3)
    assert all(
        line.window.measurement.estimate.offset_seconds == pytest.approx(0, abs=0.002) for line in told
    )


def test_a_url_is_read_as_it_comes(in_step: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing to do."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(in_step.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told: list[LiveLine] = []
        with LiveSource(f"http://127.0.0.1:{server.server_port}/{in_step.name}") as source:
            result = sync_live(source, told.append, **FLASHES)
        server.shutdown()
    assert result.in_step
    assert len(told) >= 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(in_step: Path, number: signal.Signals) -> None:
    running = command("-", "--check", stdin=subprocess.PIPE)
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(in_step.read_bytes())
    running.stdin.flush()  # and nobody closes it: the source has not ended
    assert b'"offset_seconds"' in running.stdout.readline()
    running.send_signal(number)
    rest = running.stdout.read().splitlines()
    assert running.wait() == 0
    assert all(json.loads(line)["in_step"] for line in rest)


def test_a_reader_that_has_gone_ends_it_in_order(changing: Path) -> None:
    with changing.open("rb") as pipe:
        running = command("-", stdin=pipe)
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()
    assert running.wait() == 0


def test_what_cannot_be_told_has_status_3(tmp_path: Path) -> None:
    silent = tmp_path / "silent.ts"
    inputs = ["-f", "lavfi", "-i", "color=black:s=64x48:d=4", "-f", "lavfi", "-i", "anullsrc=d=4"]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-c:a", "mp2", str(silent)], check=True)
    with silent.open("rb") as pipe:
        running = command("-", "--check", stdin=pipe)
        out, _ = running.communicate()
    (line,) = map(json.loads, out.splitlines())
    assert running.returncode == 3
    assert line["offset_seconds"] is None
    assert line["reason"]


def test_sound_that_stops_does_not_stop_the_windows(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mkv", tmp_path / "cut.ts"
    make_signal(film, SignalOptions(duration_seconds=24, width=64, height=48))
    shorter = ["-filter_complex", "[0:a]atrim=end=6[a]", "-map", "0:v", "-map", "[a]", "-c:v", "copy"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), *shorter, "-c:a", "mp2", str(cut)], check=True)
    told: list[LiveLine] = []
    with LiveSource(str(cut), idle_seconds=0.3) as source:
        sync_live(source, told.append, **FLASHES)
    # Ten seconds after the sound has gone, windows go on; before the source ends, not only then.
    assert [line.behind_seconds < 13 for line in told] == [True] * len(told)
    assert told[-1].window.measurement.estimate.offset_seconds is None


def test_bad_input_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is a folder"):
        LiveSource(str(tmp_path))
    with pytest.raises(MediaError, match="cannot be read"):
        LiveSource(str(tmp_path / "missing.ts"))
    (tmp_path / "noise.ts").write_bytes(b"no film" * 100)
    with (
        LiveSource(str(tmp_path / "noise.ts"), idle_seconds=0.1) as source,
        pytest.raises(MediaError, match="read as it comes"),
    ):
        sync_live(source, print, **FLASHES)
    with LiveSource(str(tmp_path / "noise.ts"), idle_seconds=0.1) as source, pytest.raises(OptionError):
        sync_live(source, print, reading=ReadOptions(start=2))
    with pytest.raises(OptionError, match="above 0"):
        LiveOptions(alarm=0)
    running = command("-", "--fix", str(tmp_path / "x.mkv"), stdin=subprocess.DEVNULL)
    _, said = running.communicate()
    assert running.returncode == 2
    assert b"only measures" in said


def held_over(part: Path, loops: int, *words: str) -> list[tuple[float, int]]:
    """A stream over and over through a pipe: the end of each window in seconds, and the memory held then in bytes."""
    loop = ["-stream_loop", str(loops), "-i", str(part), "-c", "copy", "-f", "mpegts", "-"]
    sender = subprocess.Popen(["ffmpeg", "-v", "error", *loop], stdout=subprocess.PIPE)
    call = [sys.executable, "-m", "genlock.cli", "sync", "--live", "-", "--hop", "8", *words]
    running = subprocess.Popen(call, stdin=sender.stdout, stdout=subprocess.PIPE)
    assert running.stdout is not None
    held = []
    for line in running.stdout:
        with open(f"/proc/{running.pid}/statm") as statm:
            memory = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        held.append((json.loads(line)["end_seconds"], memory))
    assert running.wait() == 0
    sender.wait()
    return held


@pytest.mark.slow
def test_memory_does_not_grow(tmp_path: Path) -> None:
    stream_of(tmp_path, ["0"], seconds=60)
    held = held_over(tmp_path / "joined.ts", 19, "--estimators", "flash-beep")
    later = [size for end, size in held if end > 200]
    assert len(later) > 100
    assert later[-1] - later[0] < 8e6  # of a quarter of an hour


@pytest.mark.slow
def test_memory_does_not_grow_with_a_face(shared_data: Path, tmp_path: Path) -> None:
    clip, part = sorted((shared_data / "grid_s1" / "video").iterdir())[5], tmp_path / "minute.ts"
    taken = ["-stream_loop", "-1", "-i", str(clip), "-t", "60", "-r", "10"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", "-f", "mpegts"]
    subprocess.run(["ffmpeg", "-v", "error", *taken, *coded, str(part)], check=True)
    held = held_over(part, 9)
    later = [size for end, size in held if end - held[0][0] > 120]
    assert len(later) > 50
    assert max(later) - later[0] < 8e6  # of eight minutes
