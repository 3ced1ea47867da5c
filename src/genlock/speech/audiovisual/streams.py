"""Rows of the picture moved against those of the sound: real neighbours where the film has them, held ends elsewhere.

Nothing is ever rolled round: a roll leaves a seam that a model can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.speech.audiovisual.model import AudioVisualModel, Encoded, Rows, ShiftEstimate

__all__ = [
    "LEAST_PROBABILITY",
    "Fused",
    "Picture",
    "doubted",
    "fuse",
    "hear",
    "look",
    "silenced",
    "trusted_shift",
]

#: Below this probability a model's own shift is not used: the streams stay as the film has them.
LEAST_PROBABILITY = 0.5
# Frames that are held at each end before the front end runs, so that what is held beyond is a mouth that rests and not
# the edge of a convolution.
_HELD = 3


@dataclass(frozen=True, eq=False)
class Picture:
    """Rows of the picture's front end around a stretch of the film."""

    rows: Rows
    """Float32 [M, C]; where nobody was seen, zeros."""
    seen: npt.NDArray[np.bool_]
    """Whether the face was seen, [M]."""
    first: int
    """The row that belongs to the first frame of the stretch."""

    __repr__ = one_line

    def moved(self, frames: int) -> Picture:
        """The picture put off by so many frames, so that the sound is early by them.

        >>> rows = np.arange(5, dtype=np.float32)[:, None]
        >>> Picture(rows, np.ones(5, bool), 0).moved(2).part(5)[:, 0].tolist()
        [0.0, 0.0, 0.0, 1.0, 2.0]
        """
        return replace(self, first=self.first - frames)

    def part(self, count: int) -> Rows:
        """Rows of the first ``count`` frames of the stretch; beyond what is known, the first or the last row."""
        return np.asarray(self.rows[self._places(count)], np.float32)

    def part_seen(self, count: int) -> npt.NDArray[np.bool_]:
        """Whether the face was seen in them, [count]."""
        return np.asarray(self.seen[self._places(count)], np.bool_)

    def _places(self, count: int) -> npt.NDArray[np.int64]:
        if not len(self.rows):
            raise OptionError("a picture without a frame cannot be laid beside a sound")
        return np.clip(np.arange(count) + self.first, 0, len(self.rows) - 1)


def hear(model: AudioVisualModel, sounds: Sequence[Rows]) -> list[Rows]:
    """Run the sound's front end over features [T, 104] each; frames of zeros, where there is no sound, stay zeros."""
    return [silenced(rows, sound.any(axis=1)) for rows, sound in zip(model.hear(sounds), sounds, strict=True)]


def look(
    model: AudioVisualModel,
    mouths: Sequence[npt.NDArray[np.uint8]],
    seen: Sequence[npt.ArrayLike],
    first: Sequence[int] | None = None,
) -> list[Picture]:
    """Run the picture's front end over grey mouths, uint8 [M, side, side] each.

    Parameters
    ----------
    seen : whether the face was seen in each frame, [M] each
    first : the frame of each at which its stretch begins; frames before and after it are real neighbours. None: 0
    """
    held = [np.pad(each, ((_HELD, _HELD), (0, 0), (0, 0)), mode="edge") for each in mouths]
    known = [np.pad(np.asarray(each, bool), _HELD, mode="edge") for each in seen]
    begins = [_HELD + (0 if first is None else first[number]) for number in range(len(held))]
    return [
        Picture(silenced(rows, there), there, begin)
        for rows, there, begin in zip(model.see(held, known), known, begins, strict=True)
    ]


def silenced(rows: Rows, known: npt.ArrayLike) -> Rows:
    """Rows with zeros where a stream was not there: what the model takes for a stream that is missing.

    >>> silenced(np.ones((2, 1), np.float32), [True, False])[:, 0].tolist()
    [1.0, 0.0]
    """
    return np.where(np.asarray(known, bool)[:, None], rows, np.float32(0))


@dataclass(frozen=True, eq=False)
class Fused:
    """Clips with both streams laid beside each other."""

    encoded: list[Encoded]
    """What the encoder makes of them: of both streams, or of the sound alone where the picture does not help."""
    shifts: list[ShiftEstimate | None]
    """The model's own estimate of each; None where it was not asked."""
    used: list[int]
    """By how many frames the picture of each was moved."""
    looked: list[bool]
    """Whether the picture of each was taken to help."""


def fuse(
    model: AudioVisualModel,
    heard: Sequence[Rows],
    pictures: Sequence[Picture],
    *,
    align: bool = True,
    gate: bool = True,
    alone: Sequence[Encoded] | None = None,
) -> Fused:
    """Encode sound and picture together.

    Parameters
    ----------
    align : whether they are moved onto each other first, by the model's own estimate
    gate : whether the model may leave out a picture that does not help; one whose shift it looked for and doubts is
        left out then
    alone : the sounds encoded without a picture, where that is done already
    """
    counts = [len(rows) for rows in heard]
    laid = [picture.part(count) for picture, count in zip(pictures, counts, strict=True)]
    found: list[ShiftEstimate | None] = [None] * len(laid)
    used = [0] * len(laid)
    lips: list[Encoded] = []
    if align or gate:
        alone = model.encode(heard, None) if alone is None else alone
        lips = model.encode(None, laid)
    if align and alone is not None:
        found = list(model.shifts(alone, lips))
        used = [0 if one is None else trusted_shift(one) for one in found]
        moved = [number for number, shift in enumerate(used) if shift]
        for number in moved:
            laid[number] = pictures[number].moved(-used[number]).part(counts[number])
        if moved and gate:
            for number, one in zip(moved, model.encode(None, [laid[n] for n in moved]), strict=True):
                lips[number] = one
    both = model.encode(heard, laid)
    looked = [True] * len(both)
    if gate and alone is not None:
        looked = [
            not doubted(shift) and model.helps(heard_alone, seen_alone, one, shift)
            for heard_alone, seen_alone, one, shift in zip(alone, lips, both, found, strict=True)
        ]
        both = [one if helps else sound for one, sound, helps in zip(both, alone, looked, strict=True)]
    return Fused(both, found, used, looked)


def doubted(found: ShiftEstimate | None) -> bool:
    """Whether the model looked for the shift and does not trust what it found: a picture that may lie a second beside
    its sound misleads, however sure of itself its reading is. Where nothing could be looked for, because there is no
    sound or the model was not taught to, nothing is doubted.

    >>> shifts, curve = np.arange(-1, 2), np.zeros(3)
    >>> [doubted(ShiftEstimate(shifts, curve, 0.0, sure)) for sure in (0.4, 0.6, None)]
    [True, False, False]
    >>> doubted(ShiftEstimate(shifts, curve * np.nan, None, None)), doubted(None)
    (False, False)
    """
    if found is None or not np.isfinite(found.curve).any():
        return False
    return found.frames is None or (found.probability is not None and found.probability < LEAST_PROBABILITY)


def trusted_shift(found: ShiftEstimate) -> int:
    """The shift that is taken off: whole frames, and none if the model abstains or doubts."""
    if found.frames is None or doubted(found):
        return 0
    return int(np.floor(found.frames + 0.5))
