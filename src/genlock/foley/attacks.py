"""Where a recorded sound begins: the first sample of its attack, past the silence and the noise before it."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["find_attack", "loudness_after"]

Samples: TypeAlias = npt.NDArray[np.floating]

_BLOCKS_PER_SECOND = 1000
_NEAR_PEAK = 0.25  # the attack has come where the sound first reaches this share of its peak
_LEAST = 0.02  # and begins where it leaves this share, or the noise before it
_ABOVE_NOISE = 4.0
_PAUSE_BLOCKS = 2
_LOUD_SECONDS = 0.15
_QUIETEST = 1e-6


def find_attack(samples: Samples, rate: int) -> int | None:
    """Number of the first sample of the first strong sound; None if all is silent.

    Parameters
    ----------
    samples : [n] or [n, channels]
    rate : samples per second

    Examples
    --------
    >>> click = np.zeros(48000)
    >>> click[1234:] = np.exp(-np.arange(48000 - 1234) / 2000) * np.cos(np.arange(48000 - 1234))
    >>> find_attack(click, 48000)
    1234
    """
    if rate < 1:
        raise OptionError(f"rate={rate} samples a second is not above zero")
    wave = np.abs(samples - np.median(samples, axis=0))
    loud = wave if wave.ndim == 1 else wave.max(axis=1)
    step = max(1, rate // _BLOCKS_PER_SECOND)
    peak = float(loud.max(initial=0.0))
    if peak < _QUIETEST:
        return None
    starts = np.arange(0, len(loud), step)
    blocks = np.maximum.reduceat(loud, starts)
    strong = int(np.argmax(blocks >= _NEAR_PEAK * peak))
    before = blocks[:strong]
    noise = float(np.median(before)) if len(before) >= 5 else 0.0
    edge = min(max(_LEAST * peak, _ABOVE_NOISE * noise), _NEAR_PEAK * peak)
    first, quiet = strong, 0
    for block in range(strong - 1, -1, -1):
        quiet = quiet + 1 if blocks[block] < edge else 0
        if quiet > _PAUSE_BLOCKS:
            break
        first = first if quiet else block
    start = int(starts[first])
    return start + int(np.argmax(loud[start:] >= edge))


def loudness_after(samples: Samples, rate: int, attack: int) -> float:
    """Level of the 150 ms from the attack on, in dB of full scale.

    >>> round(loudness_after(np.full(48000, 0.1), 48000, 0), 2)
    -20.0
    """
    part = np.asarray(samples[attack : attack + max(1, round(_LOUD_SECONDS * rate))], np.float64)
    power = float(np.mean(part**2)) if part.size else 0.0
    return 10 * math.log10(max(power, 1e-12))
