"""Networks for frames that do what hostile files make decoders do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def means() -> Callable[[np.ndarray], np.ndarray]:
    """A well-behaved one: the mean colour."""
    return lambda frames: frames.mean(axis=(1, 2)).astype(np.float32)


def hang() -> Callable[[np.ndarray], np.ndarray]:
    """Never comes back where a frame is bright."""

    def look(frames: np.ndarray) -> np.ndarray:
        while frames.mean() > 150:
            time.sleep(1)
        return means()(frames)

    return look


def crash() -> Callable[[np.ndarray], np.ndarray]:
    """Takes its process along where a frame is bright."""

    def look(frames: np.ndarray) -> np.ndarray:
        if frames.mean() > 150:
            os.abort()
        return means()(frames)

    return look


def crash_once() -> Callable[[np.ndarray], np.ndarray]:
    """Takes its process along the first time."""
    mark = Path(os.environ["GENLOCK_TEST_MARK"])

    def look(frames: np.ndarray) -> np.ndarray:
        if not mark.exists():
            mark.touch()
            os.abort()
        return means()(frames)

    return look


def fill_memory() -> Callable[[np.ndarray], np.ndarray]:
    """Is told that there is no memory."""

    def look(frames: np.ndarray) -> np.ndarray:
        raise MemoryError

    return look


def slow() -> Callable[[np.ndarray], np.ndarray]:
    """Takes a while, so that something can happen meanwhile."""

    def look(frames: np.ndarray) -> np.ndarray:
        time.sleep(0.5)
        return means()(frames)

    return look
