"""Edges of words beside pauses, by the level of the sound.

An acoustic model hears the last of a fading vowel as silence. So a word's edge that a pause follows is moved
into the pause while the sound still stands out of it: as long as its level stays 6 dB above the pause's own,
by 50 ms at most.

What a model hears late by the same time everywhere is taken off all edges at last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.speech.sound import SAMPLE_RATE

__all__ = ["LEVEL_STEP", "Lateness", "in_time", "into_pauses", "levels"]

#: Samples from one level to the next (2.5 ms).
LEVEL_STEP = SAMPLE_RATE // 400
#: Samples in the window that the level is taken over (10 ms).
_WINDOW, _STEP = SAMPLE_RATE // 100, LEVEL_STEP
#: Steps: how far an edge is moved at most (50 ms), the shortest pause (120 ms), and what is left out of a
#: pause at either end before its level is taken (80 and 20 ms), and how much of it counts (500 ms).
_REACH, _SHORTEST, _NEAR, _FAR, _COUNTED = 20, 48, 32, 8, 200
_OVER_DB = 6.0
# Samples: words that are nearer to each other touch (5 ms), and what a word keeps at least (10 ms).
_TOUCHING, _LEAST = SAMPLE_RATE // 200, SAMPLE_RATE // 100


def into_pauses(
    samples: npt.NDArray[np.floating], bounds: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """Move the edges of words that lie beside pauses.

    Parameters
    ----------
    samples : float [n], 16 kHz
    bounds : first sample and sample after the last of each word, in order of time

    Returns
    -------
    dict
        The same words; no edge passes another.

    >>> voice = np.r_[np.zeros(8000), np.tile([0.1, -0.1], 2000), np.zeros(8000)]
    >>> into_pauses(voice, {0: (8400, 11600)})
    {0: (7920, 12120)}
    """
    heard = levels(samples)
    words = list(bounds)
    moved: dict[int, tuple[int, int]] = {}
    for place, word in enumerate(words):
        start, end = bounds[word]
        low = bounds[words[place - 1]][1] if place else 0
        high = bounds[words[place + 1]][0] if place + 1 < len(words) else len(samples)
        # Each side may take at most half of the pause, so that two words never meet beyond each other.
        moved[word] = (
            max(_moved(heard, start, low, -1), (low + start + 1) // 2),
            min(_moved(heard, end, high, 1), (end + high) // 2),
        )
    return moved


@dataclass(frozen=True)
class Lateness:
    """By how much too late a model places edges, in samples of 16 kHz."""

    after_pause: int
    """The start of a word that a pause comes before: what is heard of it first is not what it begins with."""
    between: int
    """An edge between two words."""


def in_time(bounds: Mapping[int, tuple[int, int]], late: Lateness) -> dict[int, tuple[int, int]]:
    """Move the edges of words by what they are late; ends before pauses stay, and no edge passes another.

    Parameters
    ----------
    bounds : first sample and sample after the last of each word, in order of time

    >>> in_time({0: (8000, 9000), 1: (9000, 9500), 2: (12000, 13000)}, Lateness(320, 112))
    {0: (7680, 8888), 1: (8888, 9500), 2: (11680, 13000)}
    """
    words = list(bounds)
    moved: dict[int, tuple[int, int]] = {}
    reached = 0
    for place, word in enumerate(words):
        start, end = bounds[word]
        before = bounds[words[place - 1]][1] if place else None
        touches = before is not None and start - before <= _TOUCHING
        start = max(start - (late.between if touches else late.after_pause), reached)
        if place + 1 < len(words) and bounds[words[place + 1]][0] - end <= _TOUCHING:
            end = max(end - late.between, start + min(_LEAST, end - start))
        moved[word] = (start, max(end, start))
        reached = moved[word][1]
    return moved


def levels(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Level of the differenced sound in dB, in windows of 10 ms centred on every 40th sample.

    >>> levels(np.zeros(100)).tolist()
    [-100.0, -100.0, -100.0]
    """
    clean = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    power = np.diff(clean, prepend=clean[:1]) ** 2
    total = np.concatenate([[0.0], np.cumsum(np.pad(power, (_WINDOW // 2, _WINDOW)))])
    firsts = np.arange(len(clean) // _STEP + 1) * _STEP
    mean = np.maximum(total[firsts + _WINDOW] - total[firsts], 0.0) / _WINDOW
    found: npt.NDArray[np.float64] = 10 * np.log10(mean + 1e-10)
    return found


def _moved(heard: npt.NDArray[np.float64], edge: int, other: int, direction: int) -> int:
    """An edge moved towards ``other``, the far end of the pause beside it."""
    here, there = (edge + _STEP // 2) // _STEP, (other + _STEP // 2) // _STEP
    if abs(there - here) < _SHORTEST:
        return edge
    if direction > 0:
        pause = heard[here + _NEAR : min(there - _FAR, here + _COUNTED)]
    else:
        pause = heard[max(there + _FAR, here - _COUNTED) : here - _NEAR]
    if len(pause) == 0:
        return edge
    least = float(np.percentile(pause, 60)) + _OVER_DB
    at = here
    while abs(at - here) < _REACH and 0 < at < len(heard) - 1 and heard[at] > least:
        at += direction
    return edge if at == here else at * _STEP
