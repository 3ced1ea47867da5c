"""A talker that is all numbers: lips and sound driven by one hidden motion, so that every truth is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.lipsync.evidence.base import Evidence, FaceEvidence

SOUND = Grid(100, Fraction(1, 400))
_MAPS = np.random.default_rng(99)
_LIPS = _MAPS.standard_normal((3, 40, 2)) * 0.02
_LIPS = _LIPS + _LIPS[:, [(10 - k) % 20 for k in range(20)] + [20 + (10 - k) % 20 for k in range(20)]] * [
    -1,
    1,
]
_BANDS = _MAPS.standard_normal((3, 40))


def hidden(seconds: np.ndarray, seed: int) -> np.ndarray:
    """Three smooth random motions of 1 to 6 Hz, [T, 3]."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(1, 6, (24, 3))
    phases = rng.uniform(0, 2 * np.pi, (24, 3))
    return np.sin(2 * np.pi * rates[None] * seconds[:, None, None] + phases[None]).mean(axis=1) * 3


def talker(
    duration: int | Fraction = 3,
    seed: int = 0,
    frames: Cells | None = None,
    noise: float = 0.3,
    clock: str = "media",
) -> Evidence:
    """A clip in step: what moves the lips at an instant colours the sound at that instant."""
    length = Fraction(duration)
    rng = np.random.default_rng(seed + 1000)
    if frames is None:
        count = Grid(25).index(length, "nearest")
        frames = Ticks(np.arange(count) * 3600, Fraction(1, 90000), 3600, clock)
    count = frames.length or 0
    lips = np.einsum("tk,kpc->tpc", hidden(frames.centers(count), seed), _LIPS)
    lips += 0.002 * rng.standard_normal(lips.shape)
    grid = Grid(SOUND.rate, SOUND.start, clock)
    cells = grid.index(length, "nearest")
    mel = 10 + hidden(grid.centers(cells), seed) @ _BANDS + noise * rng.standard_normal((cells, 40))
    flat = Track(np.zeros(count, np.float32), frames)
    return Evidence(
        clock=clock,
        start=Fraction(0),
        end=length,
        frames=frames,
        mel=Track(mel.astype(np.float32), grid, name="mel"),
        loudness=Track(np.full(cells, -20.0, np.float32), grid),
        faces=(FaceEvidence(0, Track(lips.astype(np.float32), frames), flat, flat, flat, 60.0),),
        luma=None,
        motion=None,
        flashes=Spans([], clock, "flashes"),
        beeps=Spans([], clock, "beeps"),
        cuts=(),
    )
