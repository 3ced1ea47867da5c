"""Onsets of a sound of any length, listened to as it is read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.extractors.sound.onset import Onset, rises_of
from genlock.media import AudioBlock, AudioForm

__all__ = ["OnsetListener"]

_RATE = 16000
_PIECE = 30 * _RATE
_OVERLAP = _RATE // 2
_LEAST_DB = 7.0  # mean rise over bands
_TICK = 1_000_000  # instants are rounded to microseconds


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
        self._begin = Fraction(0)

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
        limit = Fraction(len(sound) - (0 if last else _OVERLAP // 2), _RATE)
        found = rises_of(self._extract(np.concatenate([head, sound])), _LEAST_DB)
        for seconds, height in zip(found.seconds.tolist(), found.decibels.tolist(), strict=True):
            at = max(Fraction(round(seconds * _TICK), _TICK) - Fraction(len(head), _RATE), Fraction(0))
            # What lies before was listened to with the piece before, and does not begin here out of silence.
            if self._begin <= at < limit:
                self.instants.append(self._start + at)
                self.strengths.append(height)
        keep = 0 if last else _OVERLAP
        self._start += Fraction(len(sound) - keep, _RATE)
        self._waiting, self._count = ([sound[-keep:]], keep) if keep else ([], 0)
        self._begin = limit - Fraction(len(sound) - keep, _RATE)
