"""Damaged files: never a crash, never a hang, only errors of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genlock.media import Picture, Sound, encode

WORKER = Path(__file__).with_name("fuzz_worker.py")
SECONDS_A_FILE = 30  # a hang, not a benchmark: a file takes some hundredths of a second

CONTAINERS = [
    ("mp4", "libx264", "aac"),
    ("mkv", "libx264", "libopus"),
    ("webm", "libvpx", "libopus"),
    ("mpg", "mpeg1video", "mp2"),
    ("ts", "mpeg2video", "mp2"),
    ("avi", "mpeg4", "libmp3lame"),
    ("mov", "mjpeg", "pcm_s16le"),
    ("flv", "libx264", "aac"),
    ("mp3", None, "libmp3lame"),
    ("wav", None, "pcm_s16le"),
    ("flac", None, "flac"),
    ("ogg", None, "libopus"),
    ("m4a", None, "aac"),
    ("mkv", "ffv1", "flac"),
]


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(7)
    made = []
    for number, (ending, video, codec) in enumerate(CONTAINERS):
        path = folder / f"{number}.{ending}"
        rate = 48000 if codec == "libopus" else 44100
        frames = [rng.integers(16, 235, (4, 6)).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(20)]
        pixels = "yuvj420p" if video == "mjpeg" else "yuv420p"
        picture = Picture(frames, codec=video, pixels=pixels, options={"g": "8"}) if video else None
        sound = Sound(np.sin(np.arange(rate) / 9).astype(np.float32) * 0.3, rate, codec=codec)
        encode(path, picture, sound, options={"movflags": "faststart"} if ending in ("mp4", "m4a") else None)
        made.append(path)
    return made


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One of the ways in which files get damaged."""
    out = bytearray(data)
    kind = rng.integers(0, 6)
    if kind == 0:  # cut short
        return bytes(out[: rng.integers(1, len(out))])
    if kind in (1, 2):  # bits turned over; often in the headers
        reach = len(out) if kind == 1 else min(len(out), 600)
        for _ in range(int(rng.integers(1, 40))):
            out[rng.integers(0, reach)] ^= 1 << int(rng.integers(0, 8))
    elif kind == 3:  # blocks of zeros
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, len(out)))
            size = int(rng.integers(1, 2000))
            out[at : at + size] = bytes(min(size, len(out) - at))
    elif kind == 4:  # a block is missing
        at = int(rng.integers(0, len(out)))
        del out[at : at + int(rng.integers(1, 3000))]
    else:  # fields that hold the extreme numbers
        for _ in range(int(rng.integers(1, 8))):
            at = int(rng.integers(0, max(1, min(len(out), 4000) - 8)))
            out[at : at + 4] = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0"][
                int(rng.integers(0, 4))
            ]
    return bytes(out)


def examine(paths: list[Path]) -> dict[str, str]:
    """What the worker says of each file. A worker that dies or hangs fails the test and names the file."""
    done = subprocess.Popen(
        [sys.executable, str(WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = done.communicate(
            "".join(f"{path}\n" for path in paths), timeout=SECONDS_A_FILE + 2 * len(paths)
        )
    except subprocess.TimeoutExpired:
        done.kill()
        out, err = done.communicate()
        pytest.fail(f"hang at {paths[out.count(chr(10))]}")
    said = {line.split("\t")[0]: line.split("\t")[1] for line in out.splitlines()}
    if done.returncode != 0 or len(said) < len(paths):
        pytest.fail(f"status {done.returncode} at {paths[len(said)]}: {err[-2000:]}")
    return said


def mutants(originals: list[Path], folder: Path, count: int, seed: int) -> list[Path]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        source = originals[number % len(originals)]
        path = folder / f"{seed}-{number}{source.suffix}"
        path.write_bytes(mutate(source.read_bytes(), rng))
        made.append(path)
    return made


def test_undamaged_files_read_well(originals):
    for path, said in examine(originals).items():
        silent_or_blind = Path(path).suffix in (".mp3", ".wav", ".flac", ".ogg", ".m4a")
        assert said.split(",")[0] == "ok", path
        assert said.split(",")[1] == ("NoStream" if silent_or_blind else "ok"), path


def test_some_damaged_files(originals, tmp_path):
    said = examine(mutants(originals, tmp_path, 56, seed=1))
    assert any("ok" in each for each in said.values())
    assert any("MediaError" in each for each in said.values())


@pytest.mark.slow
def test_three_hundred_damaged_files(originals, tmp_path):
    for seed in range(2, 8):
        examine(mutants(originals, tmp_path, 50, seed))
