"""Onsets of a sound of any length, listened to as it is read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.extractors.sound.onset import Onset
from genlock.media import AudioBlock, AudioForm

__all__ = ["OnsetListener"]

_RATE = 16000
_PIECE = 30 * _RATE
_OVERLAP = _RATE // 2
_LEAST_DB = 7.0  # mean rise over bands
_AROUND = 40  # milliseconds within which there is one onset
# The window of 4 ms touches an attack before its middle reaches it: measured on clicks, modes and noise.
_LATER = Fraction(12, 10_000)


class OnsetListener:
    """A consumer of sound that knows its onsets when it is finished; memory for half a minute.

    >>> listener = OnsetListener()
    >>> click = np.zeros((16000, 1), np.float32); click[8000:8400, 0] = np.exp(-np.arange(400) / 80)
    >>> listener.push(AudioBlock(click, 16000, Fraction(0), "media")); listener.finish()
    >>> [round(float(t), 3) for t in listener.instants]
    [0.5]
    """

    form = AudioForm(_RATE, 1)

    def __init__(self) -> None:
        self.instants: list[Fraction] = []
        """When sounds set in, in exact seconds on the sound's clock."""
        self.strengths: list[float] = []
        """By how much they stand out, in dB."""
        self._extract = Onset()
        self._waiting: list[npt.NDArray[np.float32]] = []
        self._count = 0
        self._start: Fraction | None = None

    def push(self, block: AudioBlock) -> None:
        """Take the next block."""
        self._start = block.start if self._start is None else self._start
        self._waiting.append(block.samples[:, 0])
        self._count += len(block.samples)
        if self._count >= _PIECE + _OVERLAP:
            self._listen(last=False)

    def finish(self) -> None:
        """Listen to the rest."""
        if self._count:
            self._listen(last=True)

    def _listen(self, last: bool) -> None:
        assert self._start is not None
        sound = np.concatenate(self._waiting)
        # A quarter of a second of silence before the first sample: a sound that begins at once is an onset too.
        head = np.zeros(_RATE // 4, np.float32)
        track = self._extract(np.concatenate([head, sound]))
        strength = track.values
        limit = Fraction(len(sound) - (0 if last else _OVERLAP // 2), _RATE)
        for peak in _peaks(strength):
            height = float(strength[peak])
            first = peak
            while first > 0 and strength[first - 1] >= 0.5 * height:
                first -= 1
            at = track.grid.center(first) - Fraction(len(head), _RATE) + _LATER
            instant = self._start + max(at, Fraction(0))
            if at < limit and (not self.instants or instant - self.instants[-1] > Fraction(_AROUND, 1000)):
                self.instants.append(instant)
                self.strengths.append(height)
        keep = 0 if last else _OVERLAP
        self._start += Fraction(len(sound) - keep, _RATE)
        self._waiting, self._count = ([sound[-keep:]], keep) if keep else ([], 0)


def _peaks(strength: npt.NDArray[np.float32]) -> list[int]:
    """Frames that are the highest within 40 ms and high enough."""
    found: list[int] = []
    for k in np.flatnonzero(strength >= _LEAST_DB).tolist():
        around = strength[max(0, k - _AROUND) : k + _AROUND + 1]
        if strength[k] >= around.max() and (not found or k - found[-1] > _AROUND):
            found.append(k)
    return found
