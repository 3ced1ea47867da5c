"""Clips with a planted truth, made with PyAV so that the tests run everywhere."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.media import Picture, Sound, encode

INSTANTS = (0.3137, 0.7771, 1.2487)
SECONDS = 1.5


def clicks(rate: int, instants: tuple[float, ...] = INSTANTS, seconds: float = SECONDS) -> np.ndarray:
    """Tone bursts of some 3 ms, centred on the instants, in the band of every codec."""
    times = np.arange(round(seconds * rate)) / rate
    sound = np.zeros(len(times))
    for instant in instants:
        away = times - instant
        sound += 0.8 * np.exp(-((away / 0.0015) ** 2)) * np.cos(2 * np.pi * min(1500, rate / 8) * away)
    return sound.astype(np.float32)


def lit_picture(
    frame_rate: str, start: Fraction, codec: str | None, instants: tuple[float, ...] = INSTANTS
) -> Picture:
    """White in exactly the frames whose cell holds a click (counted from the picture's start), else black."""
    if frame_rate == "variable":
        steps, pts = itertools.cycle((33, 41, 17, 60, 100, 20)), [0]
        while pts[-1] < 1700:
            pts.append(pts[-1] + next(steps))
        edges = [Fraction(p, 1000) for p in pts]
        timing: dict[str, Any] = {"pts": [p * 10 + round(start * 10000) for p in pts], "time_base": "1/10000"}
    else:
        rate = Fraction(frame_rate)
        edges = [k / rate for k in range(int(Fraction(17, 10) * rate))]
        timing = {"rate": rate, "start": start}
    frames = [
        np.full((48, 64), 235 if any(low <= Fraction(repr(i)) < high for i in instants) else 16, np.uint8)
        for low, high in itertools.pairwise([*edges, edges[-1] + 1])
    ]
    return Picture(frames, codec=codec, **timing)


def numbered(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Frames whose number can be read back: eight bits as eight black or white columns."""
    width, height = size
    frames = []
    for k in range(count):
        bits = [(k >> b) & 1 for b in range(8)]
        row = np.repeat(np.array(bits, np.uint8) * 219 + 16, -(-width // 8))[:width]
        frames.append(np.ascontiguousarray(np.broadcast_to(row, (height, width))))
    return frames


def number_of(pixels: np.ndarray) -> int:
    """The number that :func:`numbered` drew."""
    gray = pixels.mean(axis=2) if pixels.ndim == 3 else pixels
    width = gray.shape[1]
    step = -(-width // 8)
    return sum((gray[:, b * step : (b + 1) * step].mean() > 128) << b for b in range(8))


@pytest.fixture(scope="session")
def media_tools() -> Any:
    """The helpers above, for test modules (which cannot import each other)."""

    class Tools:
        INSTANTS = INSTANTS
        SECONDS = SECONDS
        clicks = staticmethod(clicks)
        lit_picture = staticmethod(lit_picture)
        numbered = staticmethod(numbered)
        number_of = staticmethod(number_of)

    return Tools


@pytest.fixture(scope="session")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds at 25 fps, H.264 with B-frames and AAC in MP4; frame k carries its number, sound is
    noise."""
    path = tmp_path_factory.mktemp("media") / "talking.mp4"
    noise = np.random.default_rng(5).normal(0, 0.1, 5 * 48000).astype(np.float32)
    encode(
        path,
        Picture(numbered(125), codec="libx264", options={"g": "12", "crf": "10"}),
        # Without perceptual noise substitution, whose noise is another one after every seek.
        Sound(noise, 48000, codec="aac", start=Fraction(1, 8), options={"aac_pns": "0"}, bit_rate=192000),
    )
    return path


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., bytes]:
    """Runs the ffmpeg or ffprobe program, an oracle of its own; a skip where they are not installed."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        pytest.skip("ffmpeg and ffprobe are not installed; they serve as an independent oracle here")

    def run(program: str, *arguments: str | Path) -> bytes:
        done = subprocess.run([program, "-v", "error", *map(str, arguments)], capture_output=True, check=True)
        return done.stdout

    return run
