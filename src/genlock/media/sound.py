"""From decoded frames of sound to contiguous samples on exact positions, and from those to any rate.

Samples are *counted* from the first one; time stamps only check the count. A stamp that is rounded
(Matroska's milliseconds) or that the next one contradicts moves nothing. A stamp that differs by more than 1
ms plus a tick, and that the next one confirms, is a gap, filled with zeros and reported, or an overlap,
trimmed and reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.optional import optional_module
from genlock.core.spans import Span
from genlock.core.time import round_fraction
from genlock.media.consumers import AudioBlock, AudioForm
from genlock.media.mixing import Mixer, mix
from genlock.media.notes import NoteCounter

if TYPE_CHECKING:
    import soxr
else:  # whoever only looks what is in a file does not wait for it
    soxr = optional_module("soxr")

__all__ = ["SoundTimeline", "floats_of"]

Samples = npt.NDArray[np.float32]

_TOLERANCE = Fraction(1, 1000)  # seconds, besides one tick
_LONE_JUMP = 1  # seconds: how far the very last stamp is followed, which no other one confirms
_BACKWARD_JUMP = 10  # seconds: from here on it is a clock that starts again, not an overlap
_BLOCK = 16384  # samples handed on at once, so that a block costs more than its handling
# Input samples that soxr's HQ filter looks at on each side, when it does not decimate; measured: beyond 140
# nothing changes above 1e-7. Decimation widens it by the ratio.
_FILTER_REACH = 256


def floats_of(frame: Any) -> Samples:
    """The samples of a decoded frame, float32 [n, channels]; integers are scaled to -1...1."""
    array = frame.to_ndarray()
    channels = len(frame.layout.channels)
    samples = array.T if frame.format.is_planar else array.reshape(-1, channels)
    kind = samples.dtype.kind
    if kind == "u":
        half = 2 ** (8 * samples.dtype.itemsize - 1)
        return np.asarray((samples.astype(np.float32) - half) / half, dtype=np.float32)
    if kind == "i":
        scale = np.float32(1 / 2 ** (8 * samples.dtype.itemsize - 1))
        return np.asarray(samples.astype(np.float32) * scale, dtype=np.float32)
    return np.asarray(np.nan_to_num(samples.astype(np.float32), copy=False), dtype=np.float32)


class _Tap:
    """One form: mixes, resamples and cuts, and hands blocks to the consumers that asked for it.

    Output sample k lies at ``origin + k/rate`` whatever the cut is: the resampler is started at an input
    sample that coincides with an output sample, far enough before the cut that its filter has settled.
    """

    def __init__(
        self, form: AudioForm, clock: str, cut: tuple[Fraction | None, Fraction | None], noted: NoteCounter
    ) -> None:
        self.form, self.clock, self.noted = form, clock, noted
        self.start, self.end = cut
        self.sinks: list[Callable[[AudioBlock], None]] = []
        self.gaps: list[Span] = []
        self.done = False
        self.ended = False

    def begin(self, origin: Fraction, native: int, names: tuple[str, ...]) -> None:
        """Takes the place of the stream's sample 0, before the first samples."""
        self.origin, self.native, self.names = origin, native, names
        self.mixer = Mixer(names, self.form.channels, self.noted)
        self.rate = self.form.rate or native
        self.first = 0 if self.start is None else max(0, math.ceil((self.start - origin) * self.rate))
        self.stop = None if self.end is None else max(self.first, math.ceil((self.end - origin) * self.rate))
        common = math.gcd(native, self.rate)
        step = native // common
        reach = _FILTER_REACH * max(1, math.ceil(native / self.rate))
        # The last input sample on an output sample that lies a filter's reach before the first one wanted.
        needed = self.first * native // self.rate - reach
        self.feed_from = max(0, needed // step * step) if self.rate != native else self.first
        self.next_out = self.feed_from * self.rate // native
        self.resampler: soxr.ResampleStream | None = None
        self.fed = 0
        self.done = self.stop is not None and self.stop <= self.first

    def push(self, samples: Samples, position: int) -> None:
        """Take samples from ``position`` on, counted at the stream's own rate from its origin."""
        if self.done:
            return
        skip = max(0, self.feed_from - position)
        if skip >= len(samples):
            return
        mixed = self.mixer.mix(samples[skip:])
        self.fed = position + len(samples)
        if self.rate == self.native:
            self._deliver(mixed)
        else:
            self._deliver(self._resample(mixed, last=False))

    def finish(self, total: int) -> None:
        """Give what the filter still holds; ``total`` samples went in, at the stream's own rate."""
        if self.done or self.rate == self.native or self.resampler is None:
            return
        # As many output samples as lie before the end of the input; the filter is filled up with silence.
        last = math.ceil(Fraction(total * self.rate, self.native))
        self.stop = last if self.stop is None else min(self.stop, last)
        channels = self.form.channels or len(self.names)
        silence = np.zeros((2 * math.ceil(self.native / self.rate) + 1, channels), np.float32)
        self._deliver(self._resample(silence, last=True))

    def _resample(self, samples: Samples, last: bool) -> Samples:
        if self.resampler is None:
            try:
                self.resampler = soxr.ResampleStream(
                    self.native, self.rate, samples.shape[1], dtype="float32"
                )
            except (ValueError, RuntimeError) as error:
                raise OptionError(
                    f"sound of {self.native} samples per second cannot be resampled to {self.rate} "
                    f"({error}); "
                    "ask for a rate nearer to its own"
                ) from error
        out: Samples = self.resampler.resample_chunk(np.ascontiguousarray(samples), last)
        return out

    def _deliver(self, out: Samples) -> None:
        low = max(0, self.first - self.next_out)
        high = len(out) if self.stop is None else max(0, min(len(out), self.stop - self.next_out))
        if low < high:
            part = np.ascontiguousarray(out[low:high])
            part.setflags(write=False)
            start = self.origin + Fraction(self.next_out + low, self.rate)
            block = AudioBlock(part, self.rate, start, self.clock, tuple(self.gaps))
            for sink in self.sinks:
                sink(block)
        self.next_out += len(out)
        self.done = self.stop is not None and self.next_out >= self.stop


class SoundTimeline:
    """Takes decoded frames; gives every tap the same contiguous samples."""

    def __init__(
        self,
        clock: str,
        cut: tuple[Fraction | None, Fraction | None],
        max_gap: Fraction,
        noted: NoteCounter,
        only: int | None = None,
    ) -> None:
        self.clock, self.cut, self.max_gap, self.noted = clock, cut, max_gap, noted
        self.only = only  # the channel that is heard alone
        self.taps: dict[AudioForm, _Tap] = {}
        self.gaps: list[Span] = []
        self.origin: Fraction | None = None
        self.count = 0  # samples placed so far, from the origin on
        self.decoded = 0
        self._bias = Fraction(0)  # seconds by which the stamps are off since a jump that was not followed
        self._filled = Fraction(0)  # seconds of silence so far
        self._pending: tuple[Samples, Fraction | None] | None = None
        self._gathered: list[Samples] = []
        self._gathered_count = 0
        self._other: tuple[int, soxr.ResampleStream] | None = None

    def attach(self, form: AudioForm, sink: Callable[[AudioBlock], None]) -> None:
        """Add a consumer; equal forms share their arrays."""
        if form not in self.taps:
            self.taps[form] = _Tap(form, self.clock, self.cut, self.noted)
            self.taps[form].gaps = self.gaps
        self.taps[form].sinks.append(sink)

    @property
    def done(self) -> bool:
        """True once no consumer needs another sample."""
        return bool(self.taps) and self.origin is not None and all(tap.done for tap in self.taps.values())

    @property
    def position(self) -> Fraction | None:
        """Instant up to which samples are placed, for progress."""
        return None if self.origin is None else self.origin + Fraction(self.count, self.rate)

    @property
    def needed_from(self) -> Fraction:
        """Instant from which on samples are needed for the cut, once :meth:`begin` was called."""
        assert self.origin is not None
        return self.origin + Fraction(min(tap.feed_from for tap in self.taps.values()), self.rate)

    def begin(self, origin: Fraction, rate: int, names: tuple[str, ...], tick: Fraction) -> None:
        """Fix the instant of the stream's first sample, its rate, its channels and the unit of its stamps."""
        self.origin, self.rate, self.names = origin, rate, names
        self.tolerance = (_TOLERANCE + tick) * rate
        for tap in self.taps.values():
            tap.begin(origin, rate, names)

    def resume(self, stamp: Fraction) -> None:
        """Go on from a stamp in the middle of the stream, after a seek, to the nearest sample."""
        assert self.origin is not None
        self.count = round_fraction((stamp - self.origin) * self.rate, "nearest")

    def feed(self, frame: Any, stamp: Fraction | None) -> None:
        """Take the next decoded frame and the instant of its first sample."""
        samples = self._like_first(self._heard(frame), frame)
        if not len(samples):
            return
        self.decoded += len(samples)
        if self._pending is not None:
            self._place(*self._pending, stamp)
        self._pending = (samples, stamp)

    def finish(self) -> None:
        """Place the last frame and flush every tap."""
        if self._pending is not None:
            self._place(*self._pending, None)
            self._pending = None
        self._release()
        for tap in self.taps.values():
            tap.finish(self.count)

    # ------------------------------------------------------------ placing

    def _place(self, samples: Samples, stamp: Fraction | None, next_stamp: Fraction | None) -> None:
        """Put a frame where the count says, unless its stamp and the next one agree on another place."""
        off = self._deviation(stamp, self.count)
        if off is not None and abs(off) > self.tolerance:
            ahead = self._deviation(next_stamp, self.count + len(samples))
            if ahead is None:
                follow = abs(off) <= _LONE_JUMP * self.rate
            else:
                follow = abs(ahead - off) <= self.tolerance
            if follow:
                samples = self._jump(samples, off)
            else:
                self.noted.count(
                    "jitter", "time stamps of sound that their neighbours contradict were passed over"
                )
        self._append(samples)

    def _deviation(self, stamp: Fraction | None, position: int) -> Fraction | None:
        if stamp is None:
            return None
        assert self.origin is not None
        return (stamp - self._bias - self.origin) * self.rate - position

    def _jump(self, samples: Samples, off: Fraction) -> Samples:
        seconds = off / self.rate
        at = self.position
        if seconds + self._filled > self.max_gap or seconds < -_BACKWARD_JUMP:
            self._bias += seconds
            self.noted.count(
                "restart",
                f"time stamps of sound jumped by {float(seconds):.3f} s; the jump was not followed",
                at,
            )
            return samples
        by = round_fraction(off, "nearest")
        if by > 0:
            self._filled += seconds
            self._fill(by)
            return samples
        self.noted.count("overlap", "sound that overlaps what came before it was left out", at)
        return samples[-by:]

    def _fill(self, missing: int) -> None:
        start = self.position
        self.noted.count("gap", "gaps in the sound were filled with silence", start)
        assert start is not None
        # Told before the silence is handed on: whoever takes it is to know that it is none of the source.
        self.gaps.append(Span(start, start + Fraction(missing, self.rate), "gap"))
        while missing:
            part = min(missing, _BLOCK)
            self._append(np.zeros((part, len(self.names)), np.float32))
            missing -= part

    def _append(self, samples: Samples) -> None:
        self.count += len(samples)
        self._gathered.append(samples)
        self._gathered_count += len(samples)
        if self._gathered_count >= _BLOCK:
            self._release()

    def _release(self) -> None:
        if not self._gathered_count:
            return
        block = self._gathered[0] if len(self._gathered) == 1 else np.concatenate(self._gathered)
        position = self.count - self._gathered_count
        self._gathered, self._gathered_count = [], 0
        for tap in self.taps.values():
            tap.push(block, position)

    # ------------------------------------------------------------ a stream that changes its form

    def _heard(self, frame: Any) -> Samples:
        """The channels that are heard; of a frame that lacks the one that is wanted, all."""
        samples = floats_of(frame)
        if self.only is None or self.only >= samples.shape[1]:
            return samples
        return samples[:, self.only : self.only + 1]

    def _like_first(self, samples: Samples, frame: Any) -> Samples:
        """A frame of another rate or number of channels, brought to those of the first."""
        if self.origin is None:
            return samples
        if samples.shape[1] != len(self.names):
            self.noted.count(
                "channels", "the number of channels changed; all was mixed to that of the beginning"
            )
            names = tuple(channel.name for channel in frame.layout.channels)
            samples = np.repeat(mix(samples, names, 1), len(self.names), axis=1)
        if frame.sample_rate != self.rate:
            self.noted.count("rate", "the sample rate changed; all was resampled to that of the beginning")
            if self._other is None or self._other[0] != frame.sample_rate:
                stream = soxr.ResampleStream(frame.sample_rate, self.rate, len(self.names), dtype="float32")
                self._other = (frame.sample_rate, stream)
            samples = self._other[1].resample_chunk(np.ascontiguousarray(samples))
        return samples
