"""Changes to the frames of training sound that leave what is said as it is: level, voice, speed, noise, echo."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.speech.phones.hearing import FLOOR
from genlock.train.speech.phone_options import PhonesTraining

__all__ = ["changed_stretch"]

Array: TypeAlias = npt.NDArray[np.float32]
Targets: TypeAlias = npt.NDArray[np.int64]

# Noise: its level against the floor, its fluctuation and its slope over all bands, in logarithms of power.
_NOISE_LEVEL, _NOISE_MOVES, _NOISE_SLOPE = (0.0, 10.0), 0.7, 3.0
# Echo: what is left of it after a frame, and its share of the power.
_ECHO_STAYS, _ECHO_SHARE = (0.7, 0.93), (0.02, 0.25)
_BEFORE = 40
_MASKED_BANDS = 10


def changed_stretch(
    mel: Array, targets: Targets, frames: int, how: PhonesTraining, random: np.random.Generator
) -> tuple[Array, Targets]:
    """A changed stretch of a clip; what lies before and behind the clip is silence.

    Parameters
    ----------
    mel : float32 [T, bands]
    targets : class of each frame, [T]
    frames : length of the stretch

    Returns
    -------
    float32 [frames, bands] and the classes [frames]

    >>> how = PhonesTraining(gain=0, tilt=0, tract=0, speed=0, noise=0, echo=0, masks=0)
    >>> mel, targets = np.ones((100, 80), np.float32), np.ones(100, np.int64)
    >>> rows, classes = changed_stretch(mel, targets, 50, how, np.random.default_rng(0))
    >>> rows.shape, bool(((rows[:, 0] == 1) == (classes == 1)).all())
    ((50, 80), True)
    """
    rows, classes = _taken(mel, targets, frames, random.uniform(-how.speed, how.speed), random)
    bands = np.arange(rows.shape[1], dtype=np.float64)
    if how.tract:
        rows = _moved_bands(rows, np.asarray(bands * (1 + random.uniform(-how.tract, how.tract)), np.float64))
    if random.random() < how.echo:
        rows = _echoed(rows, random)
    slope = np.linspace(-0.5, 0.5, len(bands), dtype=np.float32)
    rows += np.float32(random.uniform(-how.gain, how.gain)) + slope * np.float32(
        random.uniform(-how.tilt, how.tilt)
    )
    if random.random() < how.noise:
        level = FLOOR + random.uniform(*_NOISE_LEVEL) + slope * random.uniform(-_NOISE_SLOPE, _NOISE_SLOPE)
        moves = _NOISE_MOVES * random.standard_normal(rows.shape, np.float32)
        rows = np.logaddexp(rows, (level + moves).astype(np.float32))
    rows = np.maximum(rows, np.float32(FLOOR))
    for _ in range(how.masks):
        width = int(random.integers(0, _MASKED_BANDS + 1))
        first = int(random.integers(0, len(bands) - width + 1))
        rows[:, first : first + width] = rows.mean()
    return rows, classes


def _taken(
    mel: Array, targets: Targets, frames: int, speed: float, random: np.random.Generator
) -> tuple[Array, Targets]:
    """A stretch at another speed, frames between two others drawn straight between them."""
    length = int(len(mel) / (1 + speed))
    most = max(length - frames + _BEFORE, 1 - _BEFORE)
    first = int(random.integers(-_BEFORE, most))
    places = (first + np.arange(frames) + 0.5) * (1 + speed) - 0.5
    near = np.rint(places).astype(np.int64)
    inside = (near >= 0) & (near < len(mel))
    rows = np.full((frames, mel.shape[1]), FLOOR, np.float32)
    classes = np.zeros(frames, np.int64)
    at = np.clip(places[inside], 0, len(mel) - 1)
    low = at.astype(np.int64)
    share = (at - low).astype(np.float32)[:, None]
    rows[inside] = mel[low] * (1 - share) + mel[np.minimum(low + 1, len(mel) - 1)] * share
    classes[inside] = targets[near[inside]]
    return rows, classes


def _moved_bands(rows: Array, places: npt.NDArray[np.float64]) -> Array:
    at = np.clip(places, 0, rows.shape[1] - 1)
    low = at.astype(np.int64)
    share = (at - low).astype(np.float32)
    return rows[:, low] * (1 - share) + rows[:, np.minimum(low + 1, rows.shape[1] - 1)] * share


def _echoed(rows: Array, random: np.random.Generator) -> Array:
    stays, share = np.float32(random.uniform(*_ECHO_STAYS)), np.float32(random.uniform(*_ECHO_SHARE))
    power = np.exp(rows)
    tail = np.zeros(rows.shape[1], np.float32)
    found = np.empty_like(rows)
    for frame, row in enumerate(power):
        found[frame] = row + tail
        tail = stays * (tail + share * row)
    return np.log(found)
