"""Sounds of a film laid anew by a Warp: they wait, leave something out and run at another speed, to the sample."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from genlock.core.errors import NoStream
from genlock.core.files import atomic_path
from genlock.core.one_line import one_line
from genlock.core.time import round_fraction
from genlock.core.warp import Piece, Warp
from genlock.media.consumers import AudioBlock, AudioForm
from genlock.media.encode import SoundEncoder, open_output
from genlock.media.fades import FadedWriter
from genlock.media.opening import Source, locate
from genlock.media.probe import probe
from genlock.media.read import ReadOptions, read
from genlock.media.recoded import layout_of, sound_codec
from genlock.media.remux import Copy, Job, WriteReport
from genlock.media.retime import CARRY_STARTS, check_retime_target
from genlock.media.streams import sounds

__all__ = ["Laid", "lay_sounds", "write_laid"]

_CHUNK = 1 << 16
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Laid:
    """What became of a film whose sounds were laid anew."""

    written: WriteReport
    """How it was written."""
    silence_seconds: Fraction
    """Silence put in where the sound had to wait."""
    dropped_seconds: Fraction
    """Sound left out where it had to come earlier."""

    __repr__ = one_line


def lay_sounds(
    source: Source, target: str | os.PathLike[str], warp: Warp, *, only: Collection[int] | None = None
) -> Laid:
    """Copy a film with its sounds where a Warp puts them; they are encoded again, all else is copied.

    Where the sound waits there is silence, where it comes earlier a piece is left out; either side of such a place is
    faded for 5 ms. Another speed is made by resampling, so that its pitch goes with it. Sound that would come before
    the film begins is left out.

    Parameters
    ----------
    source : a file or URL with picture and sound
    target : the file to write; its ending names the container, and the codec of the sound with it
    warp : from the sound's instants to those of the picture
    only : numbers of the sounds that are laid, counted from 0; None: all of them

    Raises
    ------
    NoStream
        If there is no picture, or not this sound.
    OutputError
        If the container takes no picture or not these streams, or cannot be written; nothing is left half-written.
    """
    check_retime_target(target)
    with atomic_path(target) as temporary:
        return write_laid(source, temporary, target, warp, only)


def write_laid(
    source: Source,
    temporary: Path,
    target: str | os.PathLike[str],
    warp: Warp,
    only: Collection[int] | None = None,
) -> Laid:
    """What :func:`lay_sounds` does, into a file that will be renamed to the target by whoever made it."""
    info = probe(source, whole=False)
    if not info.video or not info.audio:
        missing = "picture" if not info.video else "sound"
        raise NoStream(f"{locate(source).given!r} has no {missing}: nothing can be put in step")
    zero = info.video[0].start or Fraction(0)
    silence = dropped = Fraction(0)
    with Job(temporary, target) as job:
        container = job.open(source)
        starts = job.container in CARRY_STARTS
        job.take_all(source, {}, move=Fraction(0) if starts else -zero)
        for number, stream in enumerate(sounds(container)):
            if only is not None and number not in only:
                continue
            own = info.audio[number].start or Fraction(0)
            begin = max(warp(own), min(own, zero)) if starts else zero
            made, sound = job.keep.enter_context(
                _laid_file(source, temporary, job.container, warp, begin, number)
            )
            job.replace(stream, Copy(made, "audio", shift=begin if starts else Fraction(0)))
            silence, dropped = max(silence, sound.silence), max(dropped, sound.dropped)
        left_out = job.write()
        notes, gone = tuple(job.notes), tuple(left_out)
    written = WriteReport(os.fspath(target), "copied", "encoded", Fraction(0), notes=notes, left_out=gone)
    return Laid(written, silence, dropped)


@contextmanager
def _laid_file(
    source: Source, beside: Path, container: str, warp: Warp, begin: Fraction, number: int
) -> Iterator[tuple[Path, _LaidSound]]:
    """The sound in a file of its own, whose first sample is heard at ``begin``; it goes away with the block."""
    codec, ending = sound_codec(container)
    with tempfile.TemporaryDirectory(prefix=".genlock-", dir=beside.parent) as folder:
        path = Path(folder) / f"sound{ending}"
        sound = _LaidSound(path, codec, warp, begin)
        try:
            read(source, [sound], ReadOptions(audio_stream=number))
        finally:
            sound.close()
        yield path, sound


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a Warp, neighbours on one line as one: a resampler does not begin again at a knot."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.end == piece.start
            and (last.slope, last.shift) == (piece.slope, piece.shift)
        ):
            joined[-1] = replace(last, end=piece.end, closed=piece.closed)
        else:
            joined.append(piece)
    return joined


class _LaidSound:
    """A consumer that writes sound to a file as it comes, where a Warp puts it."""

    def __init__(self, path: Path, codec: str, warp: Warp, begin: Fraction) -> None:
        self._path, self._codec, self._begin = path, codec, begin
        self.form = AudioForm(48000 if codec == "libopus" else None, None)
        self._pieces = [_Laying(piece) for piece in _joined(warp.pieces())]
        self._output: Any = None
        self._writer: FadedWriter
        self._last: _Laying | None = None
        self._rate, self._origin, self._read = 0, Fraction(0), 0
        self._silent = self._lost = 0

    @property
    def silence(self) -> Fraction:
        """Seconds of silence between what was heard."""
        return Fraction(self._silent, self._rate or 1)

    @property
    def dropped(self) -> Fraction:
        """Seconds of sound that were left out."""
        return Fraction(self._lost, self._rate or 1)

    def push(self, block: AudioBlock) -> None:
        """Lay a block."""
        samples = np.ascontiguousarray(block.samples, np.float32)
        if self._output is None:
            self._open(block.rate, block.start, samples.shape[1])
        first = round_fraction((block.start - self._origin) * self._rate, "nearest")
        while self._read < first:  # a gap in the film's own sound
            self._lay(np.zeros((min(_CHUNK, first - self._read), samples.shape[1]), np.float32))
        self._lay(samples[max(0, self._read - first) :])

    def finish(self) -> None:
        """Write what resampler and encoder still hold."""
        for piece in self._pieces:
            self._write(piece.rest())
        if self._output is not None:
            self._writer.finish()
            self.close()

    def close(self) -> None:
        """Close the file, also after a failure."""
        if self._output is not None:
            self._output.close()
            self._output = None

    def _open(self, rate: int, start: Fraction, channels: int) -> None:
        self._rate, self._origin = rate, start
        for piece in self._pieces:
            piece.begin(start, rate, channels)
        self._output = open_output(self._path)
        encoder = SoundEncoder(self._output, self._codec, rate, layout_of(channels))
        self._writer = FadedWriter(encoder, rate, channels)

    def _lay(self, samples: Samples) -> None:
        """The next samples of the sound, each piece's share of them."""
        low, high = self._read, self._read + len(samples)
        self._read, kept = high, 0
        for piece in self._pieces:
            first, last = max(low, piece.first), min(high, piece.last)
            if first < last:
                kept += last - first
                self._start(piece, first)
                self._write(piece.laid(samples[first - low : last - low]))
            if piece.last <= high:
                self._write(piece.rest())
        self._lost += len(samples) - kept

    def _start(self, piece: _Laying, first: int) -> None:
        if piece.started:
            return
        at = self._origin + Fraction(first, self._rate)
        place = round_fraction((piece.slope * at + piece.shift - self._begin) * self._rate, "nearest")
        before, last = self._writer.position, self._last
        if last is None:
            self._writer.start(place)
        elif abs(place - before) > 1 or last.last != first:
            self._writer.cut(place)
            self._silent += self._writer.position - before
        elif place > before:  # a knot between two samples
            self._writer.hold_one()
        skipped = max(0, before - place)
        self._lost += skipped
        piece.start(skipped)
        self._last = piece

    def _write(self, samples: Samples | None) -> None:
        if samples is not None and len(samples):
            self._writer.write(samples)


@dataclass
class _Laying:
    """One straight piece of the Warp, and the sound that goes through it."""

    piece: Piece
    first: int = 0
    """Number of its first sample."""
    last: int = 0
    """Number of the first sample after it."""
    started: bool = False
    _stream: Any = None
    _skip: int = 0
    _taken: int = 0
    _made: int = 0
    _channels: int = 1
    _over: bool = field(default=False)

    @property
    def slope(self) -> Fraction:
        """Picture's seconds for each of the sound's."""
        return self.piece.slope

    @property
    def shift(self) -> Fraction:
        """Where the sound's instant 0 would lie, in seconds."""
        return self.piece.shift

    def begin(self, origin: Fraction, rate: int, channels: int) -> None:
        """Say which samples it holds."""

        def number(instant: Fraction) -> int:
            return round_fraction((instant - origin) * rate, "nearest")

        start, end = self.piece.start, self.piece.end
        self.first = 0 if start is None else max(0, number(start))
        self.last = np.iinfo(np.int64).max if end is None else number(end)
        self._channels = channels
        if self.slope != 1:
            self._stream = soxr.ResampleStream(rate, float(rate * self.slope), channels, dtype="float32")

    def start(self, skip: int) -> None:
        """Leave out so many samples of what is made, for they would be heard before their predecessors end."""
        self.started, self._skip = True, skip

    def laid(self, samples: Samples) -> Samples:
        """What can be heard of the piece by now."""
        self._taken += len(samples)
        if self._stream is None:
            return self._after_skip(samples)
        return self._after_skip(self._stream.resample_chunk(np.ascontiguousarray(samples)))

    def rest(self) -> Samples | None:
        """What the resampler still holds; None: nothing."""
        if self._stream is None or not self.started or self._over:
            return None
        self._over = True
        made = self._stream.resample_chunk(np.zeros((0, self._channels), np.float32), last=True)
        wanted = round_fraction(self._taken * self.slope, "nearest")
        return self._after_skip(made[: max(0, wanted - self._made)])

    def _after_skip(self, samples: Samples) -> Samples:
        self._made += len(samples)
        left = samples[self._skip :]
        self._skip = max(0, self._skip - len(samples))
        return left
