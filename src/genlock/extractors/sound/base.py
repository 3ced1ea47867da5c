"""What every sound feature is: an :class:`AudioExtractor` with an exact grid, and streams that give the same
bits.

A stream works in blocks of frames that are counted from the start of the sound. Whatever the pieces in which
the sound is pushed, the same arrays pass through the same operations, so the values are equal bit for bit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core import Grid, Track
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import DEFAULT_CLOCK, Ticks
from genlock.core.time import Exact, exact
from genlock.extractors.base import Feature
from genlock.extractors.sound.framing import Framing
from genlock.media import AudioForm

__all__ = [
    "AudioExtractor",
    "AudioStream",
    "FrameKernel",
    "FramedExtractor",
    "FramedStream",
    "Values",
    "checked_samples",
]

Samples: TypeAlias = npt.NDArray[np.float32]
Values: TypeAlias = npt.NDArray[np.float32]
#: Turns frames, float32 [m, lookback + window], into values, float32 [m, ...]. Called on consecutive blocks.
FrameKernel: TypeAlias = Callable[[Samples], Values]

# Sound is within -1...1. Far outside it, powers overflow float32 and values would silently be infinite.
_LARGEST_SAMPLE = 1e9
# A block's frames together are about this many samples: they stay in the processor's cache.
_BLOCK_SAMPLES = 32768


class AudioStream(Protocol):
    """The extraction of one sound, piece by piece."""

    def push(self, samples: npt.ArrayLike) -> None:
        """Take the next samples, [n] within -1...1, at the extractor's rate."""

    def finish(self) -> Track:
        """The values of everything that was pushed. The stream is then closed."""


class AudioExtractor(Feature):
    """Makes a Track of one kind of feature out of mono sound.

    A subclass says ``name``, ``sample_rate``, ``framing``, ``support`` and how a stream is opened. It
    registers by an entry point of the group ``genlock.features``; :func:`genlock.testing.check_feature` checks it.
    """

    takes = "sound"
    sample_rate: int
    """Samples per second of the sound that it takes, an integer."""
    framing: Framing
    """Which samples frame k looks at: window, hop, padding, count."""

    @property
    def form(self) -> AudioForm:
        """The sound that it takes."""
        return AudioForm(self.sample_rate, 1)

    def grid(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> Grid:
        """The grid of the values when sample 0 is at ``origin`` seconds."""
        return self.framing.grid(self.sample_rate, origin, clock)

    def count(self, samples: int) -> int:
        """Number of values of a sound of so many samples."""
        return self.framing.count(samples)

    @property
    def local(self) -> AudioExtractor:
        """The same values before anything that looks at the whole sound; itself if nothing does."""
        return self

    @abstractmethod
    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> AudioStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds on ``clock``."""

    def __call__(
        self, sound: Track | npt.ArrayLike, origin: Exact | None = None, clock: str | None = None
    ) -> Track:
        """The values of a whole sound.

        Parameters
        ----------
        sound : Track or array
            Samples [n] or [n, 1] within -1...1 at ``sample_rate``; a waveform Track brings origin and clock
            along.
        origin : seconds, optional
            Instant of sample 0; 0 by default. Not together with a Track.
        clock : str, optional
            Name of the time axis. Not together with a Track.

        Raises
        ------
        InputError
            If a sample is not finite; the message names its instant.
        OptionError
            If shape, type or rate do not fit.
        """
        if isinstance(sound, Track):
            if origin is not None or clock is not None:
                raise OptionError("a waveform Track has an origin and a clock of its own; give no others")
            samples, origin, clock = self._of_track(sound)
        else:
            samples = np.asarray(sound)
        stream = self.open(
            Fraction(0) if origin is None else origin, DEFAULT_CLOCK if clock is None else clock
        )
        stream.push(samples)
        track = stream.finish()
        return self.placed(track, Fraction(0) if origin is None else exact(origin))

    def _of_track(self, sound: Track) -> tuple[npt.NDArray[Any], Fraction, str]:
        if isinstance(sound.grid, Ticks) or sound.grid.rate != self.sample_rate:
            rate = "a variable rate" if isinstance(sound.grid, Ticks) else f"{sound.grid.rate} Hz"
            raise OptionError(
                f"{self.name!r} takes sound of {self.sample_rate} Hz; the track {sound.name!r} has {rate}: "
                f"read it with rate={self.sample_rate}"
            )
        if not sound.valid.all():
            first = int(np.argmin(sound.valid))
            raise InputError(
                f"the sound is not valid from {float(sound.grid.center(first)):.6f} s on; "
                "cut it with between() or fill the gap first"
            )
        return sound.values, sound.grid.center(0), sound.clock

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} at {self.sample_rate} Hz>"


class FramedExtractor(AudioExtractor):
    """An extractor whose value k is computed from the samples of frame k (and from earlier frames).

    A subclass sets the fields of :class:`AudioExtractor` and gives :meth:`kernel`.
    """

    lookback: int = 0
    """Samples before its window that a frame also needs; zeros before the sound."""
    padding: str = "zeros"
    """What stands before and after the sound where the framing needs it: ``zeros`` or ``reflect`` (the sound
    mirrored at its first and last sample)."""
    value_shape: tuple[int, ...] = ()
    """Shape of one value."""

    @abstractmethod
    def kernel(self) -> FrameKernel:
        """A fresh function from frames [m, lookback + window] to values [m, ...]; it may keep state."""

    def whole(self, values: Values) -> Values:
        """What is done once to all values, [T, ...]; by default nothing."""
        return values

    @property
    def block_frames(self) -> int:
        """How many frames the kernel is given at once, except at the end of a sound."""
        return max(8, _BLOCK_SAMPLES // (self.lookback + self.framing.window))

    def after_end(self, last: np.float32, count: int) -> Samples:
        """``count`` samples that stand in after the ``last`` one; by default zeros."""
        return np.zeros(count, np.float32)

    def valid(self, samples: int) -> npt.NDArray[np.bool_]:
        """True for the values whose window holds a sample, bool [count(samples)]."""
        first = np.arange(self.count(samples), dtype=np.int64) * self.framing.hop - self.framing.left
        holds = (first < samples) & (first + self.framing.window > 0)
        return np.asarray(holds & (samples > 0))

    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> FramedStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds on ``clock``."""
        return FramedStream(self, exact(origin), clock)


class FramedStream:
    """Cuts pushed samples into blocks of frames; holds one block of samples and the values."""

    def __init__(
        self, extractor: FramedExtractor, origin: Fraction, clock: str, block_frames: int | None = None
    ) -> None:
        framing = extractor.framing
        if framing.hop > framing.window:
            raise OptionError(f"{extractor.name!r}: a hop of {framing.hop} samples is longer than the window")
        self._extractor = extractor
        self._framing = framing
        self._origin, self._clock = origin, clock
        self._kernel = extractor.kernel()
        self._width = extractor.lookback + framing.window
        self._block = extractor.block_frames if block_frames is None else block_frames
        self._buffer = np.zeros((self._block - 1) * framing.hop + self._width, np.float32)
        self._filled = 0
        self._samples = 0
        self._frames = 0
        self._values: list[Values] = []
        self._taken = 0
        self._closed = False
        # To mirror the sound at its ends, the first and the last samples are kept until the mirror is made.
        self._mirrored = framing.left if extractor.padding == "reflect" else 0
        self._head: list[Samples] = []
        self._tail = np.zeros(0, np.float32)
        self._last = np.float32(0)
        if not self._mirrored:
            self._feed(np.zeros(extractor.lookback + framing.left, np.float32))

    def push(self, samples: npt.ArrayLike) -> None:
        """Take the next samples, [n] or [n, 1] within -1...1, at the extractor's rate.

        Raises InputError if a sample is not finite (the message names the instant of the first one),
        OptionError for another shape or for integers.
        """
        self._require_open()
        piece = checked_samples(samples, self._extractor, self._origin, self._samples)
        if self._extractor.padding == "reflect":
            keep = self._framing.window + 1
            self._tail = np.concatenate([self._tail, piece[-keep:]])[-keep:]
        self._samples += len(piece)
        self._last = piece[-1] if len(piece) else self._last
        if self._mirrored:
            self._head.append(np.array(piece))
            if self._samples > self._mirrored:
                self._begin_mirrored()
            return
        self._feed(piece)

    def take(self) -> Track:
        """The values that have become known since the last take, on cells of their own times; they are then forgotten.

        For an extractor that looks at the whole sound these are its ``local`` values.
        """
        values, first = self._since(), self._taken
        self._taken += len(values)
        cells = np.arange(first, self._taken, dtype=np.int64)
        there = cells * self._framing.hop - self._framing.left + self._framing.window > 0
        return self._track(values, there, first)

    def _since(self) -> Values:
        empty = np.zeros((0, *self._extractor.value_shape), np.float32)
        values = np.concatenate([empty, *self._values]) if self._values else empty
        self._values = []
        return values

    def _track(self, values: Values, valid: npt.NDArray[np.bool_], first: int) -> Track:
        extractor = self._extractor
        return Track(
            values,
            extractor.grid(self._origin, self._clock).part(range(first, first + len(values))),
            valid,
            name=extractor.name,
            unit=extractor.unit,
            support=extractor.support,
            context=extractor.context,
        )

    def finish(self) -> Track:
        """The Track of everything that was pushed and not taken; the stream is then closed."""
        self._require_open()
        self._closed = True
        extractor, framing = self._extractor, self._framing
        count = extractor.count(self._samples)
        if self._mirrored and self._samples:
            self._begin_mirrored()
        if count > self._frames:
            end = (count - 1) * framing.hop - framing.left + framing.window
            missing = max(0, end - self._samples)
            self._feed(self._after(missing))
            self._run(count - self._frames)
        values = extractor.whole(self._since())
        return self._track(values, extractor.valid(self._samples)[self._taken :], self._taken)

    def _require_open(self) -> None:
        if self._closed:
            raise OptionError(f"this stream of {self._extractor.name!r} is finished; open another one")

    def _begin_mirrored(self) -> None:
        head = np.concatenate(self._head)
        before = head[_mirror(np.arange(-self._mirrored, 0), len(head))]
        self._mirrored, self._head = 0, []
        self._feed(np.concatenate([np.zeros(self._extractor.lookback, np.float32), before, head]))

    def _after(self, missing: int) -> Samples:
        """What stands after the last sample."""
        if self._extractor.padding != "reflect" or not self._samples:
            return self._extractor.after_end(self._last, missing)
        # Mirrored in the tail alone, which holds the whole sound if that is short and enough of it otherwise.
        return self._tail[_mirror(np.arange(len(self._tail), len(self._tail) + missing), len(self._tail))]

    def _feed(self, samples: Samples) -> None:
        taken = 0
        while taken < len(samples):
            part = samples[taken : taken + len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            taken += len(part)
            if self._filled == len(self._buffer):
                self._run(self._block)
                kept = self._width - self._framing.hop
                self._buffer[:kept] = self._buffer[len(self._buffer) - kept :].copy()
                self._filled = kept

    def _run(self, frames: int) -> None:
        if frames == 0:
            return
        step = self._buffer.strides[0]
        view = np.lib.stride_tricks.as_strided(
            self._buffer, (frames, self._width), (self._framing.hop * step, step), writeable=False
        )
        self._values.append(self._kernel(view))
        self._frames += frames


def checked_samples(
    samples: npt.ArrayLike, extractor: AudioExtractor, origin: Fraction, taken: int
) -> Samples:
    """The next samples of a stream as float32 [n], if they are mono, float and finite.

    Parameters
    ----------
    samples : array [n] or [n, 1]
    extractor : whose stream it is
    origin : instant of the stream's first sample, in seconds
    taken : how many samples the stream has had before these

    Raises
    ------
    OptionError
        For another shape, or integers.
    InputError
        For a sample that is not finite or beyond 1e9; the message names its instant.
    """
    array = np.asarray(samples)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or (array.dtype.kind != "f" and array.size):
        raise OptionError(
            f"{extractor.name!r} takes mono float samples [n] within -1...1, not {array.dtype} of shape "
            f"{list(array.shape)}; mix channels to one, divide 16-bit integers by 32768"
        )
    # A NaN makes both comparisons false, so it is caught as well.
    in_range = array.size == 0 or (array.max() <= _LARGEST_SAMPLE and array.min() >= -_LARGEST_SAMPLE)
    if not in_range:
        bad = int(np.argmin(np.abs(array) <= _LARGEST_SAMPLE))
        instant = origin + Fraction(taken + bad, extractor.sample_rate)
        raise InputError(
            f"the sound has the sample {array[bad]} at {float(instant):.6f} s (sample {taken + bad}); "
            "samples are finite numbers, normally within -1...1: repair or cut the sound there"
        )
    return array.astype(np.float32, copy=False)


def _mirror(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Indices into a sound of ``length`` samples, mirrored at its first and its last one."""
    if length == 1:
        return np.zeros_like(places)
    period = 2 * (length - 1)
    folded = np.mod(places, period)
    return np.asarray(np.minimum(folded, period - folded))
