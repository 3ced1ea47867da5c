"""A small real video for examples, so that they run anywhere."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from genlock.media import Picture, Sound, encode

__all__ = ["example_video"]


@cache
def example_video() -> Path:
    """Two seconds of grey frames at 25 a second with a tone of 440 Hz; removed when Python ends.

    >>> example_video().name
    'example.mp4'
    """
    folder = tempfile.mkdtemp(prefix="genlock-example-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "example.mp4"
    frames = (np.full((96, 128, 3), 4 * k, np.uint8) for k in range(50))
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * 48000) / 48000)
    encode(path, Picture(frames, rate=25), Sound(tone, 48000))
    return path
