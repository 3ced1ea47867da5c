"""A film's sound laid anew by a Warp that somebody has seen and corrected: splices closed, drift taken out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from genlock.core.errors import FormatError, MediaError, NoStream, OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import exact, round_fraction
from genlock.core.warp import Piece, Warp
from genlock.media import AudioBlock, AudioForm, probe, read
from genlock.media.add_sound import add_sound
from genlock.media.remux import WriteReport
from genlock.tasks.sync_video import SyncOptions, SyncResult, sync_video

__all__ = ["MendOptions", "Mended", "mend_sound", "warp_of"]

_CHUNK = 1 << 18
_MOST_STRETCHES = 1000
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MendOptions:
    """How the sound is laid anew."""

    stretches: str = "0:0"
    """Offsets in milliseconds from an instant on, ``SECONDS:MILLISECONDS`` with commas: ``0:80,61.2:-40`` makes the
    sound wait 80 ms, and from second 61.2 of it come 40 ms earlier than it does. Before the first instant the first
    offset holds."""
    drift_ppm: Fraction = Fraction(0)
    """How much later the sound has to come with every second, in millionths, -100,000...100,000."""
    drift_at: Fraction = Fraction(0)
    """The instant at which drift begins to be counted, in seconds."""

    def __post_init__(self) -> None:
        for name in ("drift_ppm", "drift_at"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        if abs(self.drift_ppm) > 100_000:
            raise OptionError(f"a drift of {self.drift_ppm} ppm lies outside -100,000...100,000")
        warp_of(self)


@dataclass(frozen=True)
class Mended:
    """What was written, and what is measured in it."""

    path: Path
    """The file."""
    warp: Warp
    """From the film's sound to its picture."""
    silence_seconds: float
    """Silence that was put where the sound had to wait."""
    dropped_seconds: float
    """Sound that was left out where it had to come earlier."""
    written: WriteReport
    """How it was written."""
    after: SyncResult
    """The offset, measured again."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``warp``, ``silence_seconds``, ``dropped_seconds``, ``after`` (as ``genlock sync`` tells it)."""
        return {
            "path": str(self.path),
            "warp": self.warp.to_dict(),
            "silence_seconds": self.silence_seconds,
            "dropped_seconds": self.dropped_seconds,
            "after": self.after.to_dict(),
        }

    def __str__(self) -> str:
        laid = (
            f"{self.silence_seconds:.3f} s of silence put in, {self.dropped_seconds:.3f} s of sound left out"
        )
        return f"wrote {self.path.name}: {laid}; measured again: {self.after.sentence}"


def warp_of(options: MendOptions) -> Warp:
    """The Warp from sound to picture that the options say.

    >>> warp = warp_of(MendOptions("0:100,10:-50"))
    >>> float(warp(5)), float(warp(20))
    (5.1, 19.95)

    Raises OptionError if an instant or an offset cannot be read, or they are not in order.
    """
    parts = [part for part in options.stretches.split(",") if part.strip()]
    try:
        said = [tuple(exact(value.strip()) for value in part.split(":")) for part in parts]
    except (FormatError, ValueError, OptionError) as error:
        raise OptionError(f"stretches={options.stretches!r} cannot be read: {error}") from error
    if not said or len(said) > _MOST_STRETCHES or any(len(pair) != 2 for pair in said):
        raise OptionError(
            f"stretches={options.stretches!r}: say SECONDS:MILLISECONDS, with commas between them"
        )
    if any(after[0] <= before[0] for before, after in pairwise(said)):
        raise OptionError(f"stretches={options.stretches!r} are not in order")
    slope = 1 + options.drift_ppm / 1_000_000

    def laid(instant: Fraction, offset: Fraction) -> Fraction:
        return instant + offset / 1000 + options.drift_ppm / 1_000_000 * (instant - options.drift_at)

    knots = [(said[0][0], laid(*said[0]))]
    for (_, before), (start, offset) in pairwise(said):
        knots.append((start, laid(start, before)))
        if offset >= before:
            knots.append((start, laid(start, offset)))  # the sound waits
        else:
            # What would be heard before its predecessor has ended is left out.
            knots.append((start + (before - offset) / 1000 / slope, laid(start, before)))
    return Warp(knots, before=slope, after=slope)


def mend_sound(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: MendOptions,
    progress: Progress = silent,
) -> Mended:
    """Write a film whose sound is laid anew, its picture copied; then measure it again.

    Where the sound waits there is silence, where it comes earlier a piece is left out, to the sample; a drift is taken
    out by resampling. The sound is encoded again.

    Raises
    ------
    NoStream
        If the film has no picture or no sound.
    OutputError
        If the target cannot be written; nothing is left half-written.
    """
    info, warp = probe(file), warp_of(options)
    if not info.audio or not info.video:
        raise NoStream(
            f"{os.fspath(file)!r} has no {'sound' if not info.audio else 'picture'} to be put in step"
        )
    with tempfile.TemporaryDirectory(prefix="genlock-mend-") as place:
        with open(Path(place) / "sound.f32", "w+b") as out:
            spool = _Spool(out)
            read(file, [spool])
            sound = spool.samples()
            progress("lay", 0, len(sound))
            laid = Path(place) / "laid.wav"
            start, gap, lost = _lay(sound, spool.rate, spool.origin, warp, laid, progress)
        written = add_sound(file, target, laid, start)
    after = sync_video(target, SyncOptions(), progress)
    return Mended(Path(target), warp, float(gap), float(lost), written, after)


class _Spool:
    """Keeps the sound, all its channels, in a file."""

    form = AudioForm(channels=None)

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.rate, self.origin, self._channels = out, 0, Fraction(0), 1

    def push(self, block: AudioBlock) -> None:
        if not self.rate:
            self.rate, self.origin, self._channels = block.rate, block.start, block.samples.shape[1]
        self._out.write(np.ascontiguousarray(block.samples, "<f4").tobytes())

    def finish(self) -> None:
        """Nothing to do."""

    def samples(self) -> Samples:
        """All of it, float32 [n, channels], on the disk."""
        self._out.flush()
        if not self.rate:
            raise MediaError("the sound holds no sample")
        return np.memmap(self._out, "<f4", "r").reshape(-1, self._channels)


def _lay(
    sound: Samples, rate: int, origin: Fraction, warp: Warp, target: Path, progress: Progress
) -> tuple[Fraction, Fraction, Fraction]:
    """Write the sound as the Warp lays it; its first instant, the silence in it, and what was left out, in seconds."""
    end = origin + Fraction(len(sound), rate)
    start = warp(origin)
    at = gap = lost = 0
    read_to = origin
    with soundfile.SoundFile(target, "w", rate, sound.shape[1], subtype="FLOAT") as out:
        for low, high, piece in _pieces(warp, origin, end):
            first, last = (
                min(len(sound), round_fraction((t - origin) * rate, "nearest")) for t in (low, high)
            )
            lost += max(0, first - round_fraction((read_to - origin) * rate, "nearest"))
            read_to = high
            place = round_fraction((piece.slope * low + piece.shift - start) * rate, "nearest")
            silence = max(0, place - at)
            out.write(np.zeros((silence, sound.shape[1]), np.float32))
            at, gap = at + silence, gap + silence
            for block in _stretched(sound[first:last], rate, piece.slope):
                out.write(block)
                at += len(block)
            progress("lay", last, len(sound))
    return start, Fraction(gap, rate), Fraction(lost, rate)


def _pieces(warp: Warp, origin: Fraction, end: Fraction) -> Iterator[tuple[Fraction, Fraction, Piece]]:
    """The pieces of the Warp that hold sound, and where in the sound they lie."""
    for piece in warp.pieces():
        low = origin if piece.start is None else max(piece.start, origin)
        high = end if piece.end is None else min(piece.end, end)
        if high > low:
            yield low, high, piece


def _stretched(samples: Samples, rate: int, slope: Fraction) -> Iterator[Samples]:
    """Blocks of the sound, ``slope`` times as long."""
    if slope == 1:
        for first in range(0, len(samples), _CHUNK):
            yield np.asarray(samples[first : first + _CHUNK])
        return
    stream = soxr.ResampleStream(rate, float(rate * slope), samples.shape[1], dtype="float32")
    wanted, made = round_fraction(len(samples) * slope, "nearest"), 0
    for first in range(0, len(samples), _CHUNK):
        block = stream.resample_chunk(
            np.asarray(samples[first : first + _CHUNK]), last=first + _CHUNK >= len(samples)
        )
        yield block[: wanted - made]
        made += len(block)
