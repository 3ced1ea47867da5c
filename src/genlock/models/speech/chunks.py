"""Long sound through a model in pieces, each with real sound on both sides; what it gives is one row of
frames.

Pieces are counted in frames of the model, not in seconds: the frames that are kept lie side by side, none is
lost or counted twice, whatever the lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact, round_fraction

__all__ = ["Chunk", "Chunking", "SampleReader", "equal_lengths", "plan_chunks", "run_chunks"]

Samples: TypeAlias = npt.NDArray[np.float32]
#: Gives samples ``first ... stop - 1``, float32 [n], the same each time it is asked.
SampleReader: TypeAlias = Callable[[int, int], Samples]


@dataclass(frozen=True)
class Chunk:
    """Frames to keep, and the frames that the model computes around them. All counted from the clip's
    first."""

    keep: range
    """Frames whose values are kept."""
    see: range
    """Frames that are computed; ``keep`` and its context, inside the clip."""


@dataclass(frozen=True)
class Chunking:
    """How long sound is cut, in seconds.

    >>> Chunking(2, 1, 1).plan(300, hop=320, rate=16000)[1]
    Chunk(keep=range(100, 200), see=range(50, 250))

    Raises
    ------
    OptionError
        If a length is out of range.
    """

    seconds: Exact
    """Length of a chunk without its context; above 0."""
    left_seconds: Exact
    """Sound before a chunk that the model also sees; at least 0."""
    right_seconds: Exact
    """Sound after a chunk that the model also sees; at least 0."""

    def __post_init__(self) -> None:
        if not exact(self.seconds) > 0:
            raise OptionError(f"a chunk of {self.seconds} s is not above zero; give a length such as 20")
        if not (exact(self.left_seconds) >= 0 and exact(self.right_seconds) >= 0):
            raise OptionError(
                f"a context of {self.left_seconds} and {self.right_seconds} s: neither is below zero"
            )

    def plan(self, frames: int, hop: int, rate: int) -> list[Chunk]:
        """The chunks of so many frames of ``hop`` samples; the context is rounded up to whole frames."""
        period = Fraction(hop, rate)
        length = max(1, round_fraction(exact(self.seconds) / period, "nearest"))
        left, right = (
            round_fraction(exact(s) / period, "ceil") for s in (self.left_seconds, self.right_seconds)
        )
        return plan_chunks(frames, length, left, right)


def plan_chunks(frames: int, length: int, left: int, right: int) -> list[Chunk]:
    """Cut ``frames`` into chunks of ``length`` with context, all in frames.

    Chunks that see equally many frames can be computed together; the context is cut at the clip's ends, never
    padded.

    >>> [(c.keep, c.see) for c in plan_chunks(10, 4, 1, 2)]
    [(range(0, 4), range(0, 6)), (range(4, 8), range(3, 10)), (range(8, 10), range(7, 10))]
    """
    return [
        Chunk(range(k, min(k + length, frames)), range(max(0, k - left), min(k + length + right, frames)))
        for k in range(0, frames, length)
    ]


def equal_lengths(chunks: Sequence[Chunk], most: int) -> Iterator[list[Chunk]]:
    """Runs of at most ``most`` chunks that see equally many frames.

    >>> [len(group) for group in equal_lengths(plan_chunks(50, 10, 5, 5), 2)]
    [1, 2, 1, 1]
    """
    group: list[Chunk] = []
    for chunk in chunks:
        if group and (len(group) == most or len(chunk.see) != len(group[0].see)):
            yield group
            group = []
        group.append(chunk)
    if group:
        yield group


def run_chunks(
    chunks: Sequence[Chunk],
    read: SampleReader,
    compute: Callable[[Samples], npt.NDArray[np.float32]],
    *,
    window: int,
    hop: int,
    prepare: Callable[[Samples], Samples] = lambda samples: samples,
    batch: int = 1,
) -> Iterator[tuple[range, npt.NDArray[np.float32]]]:
    """The kept frames of each chunk and their values, in order.

    Parameters
    ----------
    chunks : what is kept and what is seen, in frames
    read : gives samples of the clip
    compute : values [batch, T, ...] of samples [batch, n]; T frames of ``window`` samples, ``hop`` apart
    prepare : what is done to the samples of one chunk first
    batch : how many chunks of equal length are computed together; nothing is ever padded

    Yields
    ------
    (frames, values [len(frames), ...])
    """
    for group in equal_lengths(chunks, batch):
        pieces = []
        for chunk in group:
            first = chunk.see.start * hop
            pieces.append(prepare(read(first, first + (len(chunk.see) - 1) * hop + window)))
        for chunk, values in zip(group, compute(np.stack(pieces)), strict=True):
            skip = chunk.keep.start - chunk.see.start
            yield chunk.keep, values[skip : skip + len(chunk.keep)]
