"""A source cut into clips while it is read: each sample and each frame goes to the clip that it belongs to.

Clip k of length L is ``[origin + k L, origin + (k + 1) L)``, exactly, on the media clock of its source; or clips lie
between cuts that the corpus names. A sample
belongs to the clip that contains its instant, a frame to the clip that contains its centre; nothing is moved, lost
or counted twice. What is left at the end is a clip too, marked as a tail.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Span
from genlock.core.time import Exact, exact, round_fraction
from genlock.media import AudioBlock, AudioForm, VideoCell, VideoForm

__all__ = [
    "ClipLayout",
    "ClipSamples",
    "ClipSpan",
    "FrameTaker",
    "PictureCutter",
    "SampleTaker",
    "SoundCutter",
]


@dataclass(frozen=True)
class ClipSpan:
    """One clip of a source."""

    number: int
    """From 0."""
    start: Fraction
    """Where it begins, in exact seconds on the media clock of its source."""
    end: Fraction
    """Where it ends."""
    tail: bool = False
    """Whether it is shorter than the others, because the source ends."""

    @property
    def seconds(self) -> Fraction:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True)
class ClipLayout:
    """How a source is cut.

    >>> layout = ClipLayout(Fraction(1, 25), Fraction(10), Fraction(23))
    >>> [(float(c.start), float(c.end), c.tail) for c in layout.clips()]
    [(0.04, 10.04, False), (10.04, 20.04, False), (20.04, 23.0, True)]
    >>> ClipLayout(Fraction(0), None, Fraction(9), (Fraction(4), Fraction(12))).clips()[1].start
    Fraction(4, 1)
    """

    origin: Fraction
    """Where the first clip begins, in exact seconds."""
    length: Fraction | None
    """Seconds of a clip; None: the whole source is one clip, or is cut at ``cuts``."""
    end: Fraction
    """Where the source ends."""
    cuts: tuple[Fraction, ...] = ()
    """Instants at which it is cut where no length is given; those outside the source are none."""

    def __post_init__(self) -> None:
        inside = sorted({cut for cut in self.cuts if self.origin < cut < self.end})
        object.__setattr__(self, "cuts", () if self.length is not None else tuple(inside))
        if self.length is not None and self.length <= 0:
            raise OptionError(f"clips of {self.length} s are not possible; give a length above zero")
        if self.end <= self.origin:
            raise OptionError(f"a source from {self.origin} s to {self.end} s is empty")

    @property
    def count(self) -> int:
        """How many clips there are."""
        if self.length is None:
            return 1 + len(self.cuts)
        return round_fraction((self.end - self.origin) / self.length, "ceil")

    def clip(self, number: int) -> ClipSpan:
        """One of them."""
        if self.length is None:
            edges = (self.origin, *self.cuts, self.end)
            return ClipSpan(number, edges[number], edges[number + 1])
        start = self.origin + number * self.length
        return ClipSpan(number, start, min(start + self.length, self.end), start + self.length > self.end)

    def clips(self) -> list[ClipSpan]:
        """All of them."""
        return [self.clip(k) for k in range(self.count)]

    def holding(self, instant: Exact) -> int | None:
        """The number of the clip that contains an instant; None outside the source."""
        at = exact(instant)
        if not self.origin <= at < self.end:
            return None
        if self.length is None:
            return bisect_right(self.cuts, at)
        return round_fraction((at - self.origin) / self.length, "floor")


@dataclass(frozen=True, eq=False)
class ClipSamples:
    """The sound of one clip."""

    clip: ClipSpan
    samples: npt.NDArray[np.float32]
    """float32 [n]: every sample instant in the clip; zero where the source has no sound."""
    grid: Grid
    """Sample n is ``grid.center(n)``."""
    real: range
    """From the first to the last of the samples that the source has."""
    heard: npt.NDArray[np.bool_]
    """bool [n]: which samples the source has; in ``real`` all but those that stand for lost sound."""


class SampleTaker(Protocol):
    """Takes the sound of clips, in order."""

    def __call__(self, sound: ClipSamples, /) -> None: ...


class FrameTaker(Protocol):
    """Takes the frames of clips, in order; ``begin`` and ``end`` are called for every clip, empty ones too."""

    def begin(self, clip: ClipSpan) -> None: ...
    def frame(self, cell: VideoCell) -> None: ...
    def end(self, clip: ClipSpan) -> None: ...


class SoundCutter:
    """Cuts mono sound of one rate into clips; a consumer of :func:`genlock.media.read`. Holds one clip at a time."""

    def __init__(self, layout: ClipLayout, rate: int, take: SampleTaker) -> None:
        self.form = AudioForm(rate, 1)
        self.layout, self.rate, self._take = layout, rate, take
        self._grid: Grid | None = None
        self._next = 0
        self._number = 0
        self._held: list[npt.NDArray[np.float32]] = []
        self._held_first = 0
        self._gaps: tuple[Span, ...] = ()

    def push(self, block: AudioBlock) -> None:
        """Take the next samples."""
        if self._grid is None:
            self._grid = Grid.of_samples(block.rate, block.start, block.clock)
        self._held.append(block.samples[:, 0].copy())
        self._next += len(block.samples)
        self._gaps = block.gaps
        while self._number < self.layout.count and self._cells(self._number).stop <= self._next:
            self._close()

    def finish(self) -> None:
        """Hand over the clips that are left; those after the end of the sound are silent, with no real sample."""
        if self._grid is None:
            self._grid = Grid.of_samples(self.rate, self.layout.origin)
        while self._number < self.layout.count:
            self._close()
        self._held = []

    def _cells(self, number: int) -> range:
        assert self._grid is not None
        clip = self.layout.clip(number)
        return self._grid.cells(clip.start, clip.end, "centers")

    def _close(self) -> None:
        assert self._grid is not None
        cells = self._cells(self._number)
        held = np.concatenate([*self._held, np.zeros(0, np.float32)])
        first = max(cells.start, self._held_first)
        stop = max(first, min(cells.stop, self._next))
        samples = np.zeros(len(cells), np.float32)
        samples[first - cells.start : stop - cells.start] = held[
            first - self._held_first : stop - self._held_first
        ]
        rest = max(0, min(len(held), cells.stop - self._held_first))
        self._held, self._held_first = [held[rest:]], self._held_first + rest
        own = self._grid.part(cells)
        real = range(first - cells.start, stop - cells.start)
        heard = np.zeros(len(cells), bool)
        heard[real.start : real.stop] = True
        for gap in self._gaps:
            lost = own.cells(gap.start, gap.end, "centers")
            heard[max(0, lost.start) : max(0, lost.stop)] = False
        self._take(ClipSamples(self.layout.clip(self._number), samples, own, real, heard))
        self._number += 1


class PictureCutter:
    """Hands frames to takers, clip by clip; a consumer of :func:`genlock.media.read`. Holds no frame."""

    def __init__(self, layout: ClipLayout, form: VideoForm, takers: list[FrameTaker]) -> None:
        self.form, self.layout, self._takers = form, layout, takers
        self._number = -1

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        number = self.layout.holding(cell.center)
        if number is None:
            return
        self._advance(number)
        for taker in self._takers:
            taker.frame(cell)

    def finish(self) -> None:
        """Close what is open, and the clips that have no frame."""
        self._advance(self.layout.count)

    def _advance(self, number: int) -> None:
        while self._number < number:
            if self._number >= 0:
                for taker in self._takers:
                    taker.end(self.layout.clip(self._number))
            self._number += 1
            if self._number < self.layout.count:
                for taker in self._takers:
                    taker.begin(self.layout.clip(self._number))
