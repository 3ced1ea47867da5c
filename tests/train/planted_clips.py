"""Clips of sound and lips without a dataset: for tests that need no file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genlock.train.avhubert.clips import AVClip


def spoken_clip(name: str, words: Sequence[str], side: int = 35) -> AVClip:
    """Words of .3 s with .1 s before, between and after them; noise stands for sound and lips."""
    random = np.random.default_rng(len(name))
    length = int(25 * (0.1 + 0.4 * len(words)))
    times = tuple((word, 0.1 + 0.4 * k, 0.4 + 0.4 * k) for k, word in enumerate(words))
    return AVClip(
        name,
        "s0",
        random.normal(0, 0.1, 640 * length + 240).astype(np.float32),
        random.integers(0, 255, (length, side, side)).astype(np.uint8),
        np.ones(length, bool),
        " ".join(words),
        times,
    )
