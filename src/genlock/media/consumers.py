"""What a consumer may ask of a file, and what it is then given.

A consumer is any object with a ``form``, ``push(item)`` and ``finish()``. All consumers of one
:func:`genlock.media.read` are fed from one pass over the file; those that ask for the same form share one
resampler or one scaler, and the same read-only arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.spans import Span
from genlock.core.time import Exact, exact_rate

__all__ = [
    "LARGEST_SIDE",
    "AudioBlock",
    "AudioForm",
    "Consumer",
    "Form",
    "FrameTimes",
    "PacketForm",
    "Tap",
    "VideoCell",
    "VideoForm",
]

_HIGHEST_SAMPLE_RATE = 10_000_000
#: Pixels of the longest side that a picture may have.
LARGEST_SIDE = 32768


@dataclass(frozen=True)
class AudioForm:
    """Sound at one rate, with one number of channels; delivered as :class:`AudioBlock`.

    >>> AudioForm(16000)
    AudioForm(rate=16000, channels=1)
    """

    rate: int | None = None
    """Samples per second, 1...10,000,000; None: the stream's own."""
    channels: int | None = 1
    """1, 2, or None for the stream's own. One channel is the mean of two; of surround sound the mean of the
    front channels at weight 1 and the others at 1/2, without the low-frequency one."""

    def __post_init__(self) -> None:
        if self.rate is not None and not 1 <= self.rate <= _HIGHEST_SAMPLE_RATE:
            raise OptionError(f"a sample rate of {self.rate} is outside 1...{_HIGHEST_SAMPLE_RATE}")
        if self.channels not in (None, 1, 2):
            raise OptionError(
                f"{self.channels} channels cannot be asked for: use 1, 2 or None (the stream's own)"
            )


@dataclass(frozen=True)
class VideoForm:
    """Frames of one size and pixel form, at the stream's own times or at a rate; as :class:`VideoCell`.

    >>> VideoForm(size=(96, 96), pixels="gray", rate=25).rate
    Fraction(25, 1)
    """

    size: tuple[int, int] | None = None
    """Width and height of what is delivered, in pixels, 1...32768; None: the stream's own."""
    pixels: Literal["rgb24", "bgr24", "gray", "yuv420p"] = "rgb24"
    """``rgb24`` and ``bgr24`` give [H, W, 3], ``gray`` [H, W] (full range luma), uint8; ``yuv420p`` gives the planes of
    most video as they are, one after the other, [3 H/2, W], for encoding again: an odd side loses its last pixel."""
    rate: Exact | None = None
    """None: each frame once, with its own cell. Else frames per second: cell k of a Grid of that rate that
    starts with the picture holds the frame that is on show at the cell's middle."""
    longest_side: int | None = None
    """Pictures with a longer side, in pixels, are scaled down to it, their shape kept; 1...32768; None: none is."""
    shortest_side: int | None = None
    """Every picture is scaled until its shorter side has so many pixels, its shape kept (the longer side loses its
    fraction); 1...32768; None: none is."""
    as_seen: bool = False
    """Whether pixels that are not square are made so, by making the picture wider or higher: a face then has the shape
    that it has on a screen. It does nothing where a ``size`` is given."""

    def __post_init__(self) -> None:
        if self.longest_side is not None and not 1 <= self.longest_side <= LARGEST_SIDE:
            raise OptionError(f"a longest side of {self.longest_side} pixels is outside 1...{LARGEST_SIDE}")
        if self.longest_side is not None and self.size is not None:
            raise OptionError(f"size={self.size} and longest_side={self.longest_side} exclude each other")
        if self.shortest_side is not None and not 1 <= self.shortest_side <= LARGEST_SIDE:
            raise OptionError(f"a shortest side of {self.shortest_side} pixels is outside 1...{LARGEST_SIDE}")
        if self.shortest_side is not None and (self.size is not None or self.longest_side is not None):
            raise OptionError(
                f"shortest_side={self.shortest_side} excludes a size and a longest_side; give one of them"
            )
        if self.size is not None:
            size = (int(self.size[0]), int(self.size[1]))
            if not all(1 <= side <= LARGEST_SIDE for side in size):
                raise OptionError(f"a picture of {self.size} pixels is outside 1...{LARGEST_SIDE} a side")
            object.__setattr__(self, "size", size)
        if self.pixels not in ("rgb24", "bgr24", "gray", "yuv420p"):
            raise OptionError(
                f"the pixel form {self.pixels!r} is unknown; use 'rgb24', 'bgr24', 'gray' or 'yuv420p'"
            )
        if self.rate is not None:
            object.__setattr__(self, "rate", exact_rate(self.rate))


@dataclass(frozen=True)
class FrameTimes:
    """When each frame is shown, without its pixels: :class:`VideoCell` with ``pixels`` None."""


@dataclass(frozen=True)
class PacketForm:
    """The packets of a stream as they are stored, in the file's order: for whoever copies them.

    A consumer of packets also has ``begin(stream)``, which is told PyAV's stream before the first packet. Packets come
    from the beginning of the file on, whatever part of it is read; whoever else wants them decoded has been served,
    so that they may be stamped anew. They are no longer there after ``finish`` or when the read fails, so nobody may
    keep them for another thread.
    """

    kind: Literal["video", "audio"]
    """Which stream of the read."""


#: What a consumer may ask for.
Form: TypeAlias = AudioForm | VideoForm | FrameTimes | PacketForm


@dataclass(frozen=True, eq=False)
class AudioBlock:
    """A run of samples; the blocks of one read follow each other without gap or overlap.

    Sample n of the block lies at ``start + n/rate``, exactly.
    """

    samples: npt.NDArray[np.float32]
    """float32 [n, channels], nominally -1...1 (a lossy or float stream may exceed it); read-only."""
    rate: int
    """Samples per second."""
    start: Fraction
    """Instant of the first sample, in exact seconds on the media clock."""
    clock: str
    """Name of the time axis."""
    gaps: tuple[Span, ...] = ()
    """Where sound was missing and silence was put, in all of the read so far."""

    __repr__ = one_line

    @property
    def end(self) -> Fraction:
        """The instant after the last sample's period: where the next block starts."""
        return self.start + Fraction(len(self.samples), self.rate)


@dataclass(frozen=True, eq=False)
class VideoCell:
    """One frame and the half-open span ``[start, end)`` over which it is shown."""

    pixels: npt.NDArray[np.uint8]
    """uint8 [H, W, 3] or [H, W], read-only; None (and only then) if :class:`FrameTimes` was asked for."""
    index: int
    """Number of the cell within this read, from 0; with a ``rate``, within the Grid of that rate."""
    start: Fraction
    """When it begins to be shown, in exact seconds on the media clock."""
    end: Fraction
    """When the next one does; of the last one, by its stated duration, else by the median of all."""
    clock: str
    """Name of the time axis."""
    shown: tuple[Fraction, Fraction] | None = None
    """With a ``rate``: the span of the frame whose pixels these are."""
    lost: bool = False
    """True if packets were lost in the middle of this cell: the frame before them stands in for what was to be seen."""

    __repr__ = one_line

    @property
    def center(self) -> Fraction:
        """Middle of the cell, in exact seconds."""
        return (self.start + self.end) / 2


class Consumer(Protocol):
    """Takes one form of one stream, item by item, in order."""

    form: Any
    """An :class:`AudioForm`, :class:`VideoForm`, :class:`FrameTimes` or :class:`PacketForm`; read once, before the
    first push."""

    def push(self, item: Any) -> None:
        """Take the next :class:`AudioBlock`, :class:`VideoCell` or packet. Copy what shall be kept and changed."""

    def finish(self) -> None:
        """Called once, after the last item, if the read ended well."""


def _nothing() -> None:
    """What a :class:`Tap` does at the end if it is not told otherwise."""


class Tap:
    """A consumer made of two functions.

    Parameters
    ----------
    form : what it takes, as a :class:`Consumer` says
    push : called with each item
    finish : called once after the last item; by default nothing is done
    """

    def __init__(
        self, form: Form, push: Callable[[Any], None], finish: Callable[[], None] = _nothing
    ) -> None:
        self.form, self.push, self.finish = form, push, finish
