"""Sound of any length that is read again, out of order: two channels, decoded once into a file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import NoStream
from genlock.media import AudioBlock, AudioForm, Consumer, ReadOptions, read

__all__ = ["SpooledSound"]

Samples: TypeAlias = npt.NDArray[np.float32]


class _Spool:
    """A consumer that writes blocks down as they come."""

    def __init__(self, out: IO[bytes], rate: int) -> None:
        self.form, self.out = AudioForm(rate, 2), out
        self.start: Fraction | None = None

    def push(self, block: AudioBlock) -> None:
        """Write the next block."""
        self.start = block.start if self.start is None else self.start
        self.out.write(np.ascontiguousarray(block.samples, np.float32).data)

    def finish(self) -> None:
        """All is written."""


class SpooledSound:
    """The sound of a file at one rate, on two channels; memory for what is asked for.

    Parameters
    ----------
    source : path or URL
    file : where the samples are written, 8 bytes for each instant
    rate : samples per second
    reading : which sound, and which part of it
    also : other consumers of the sound, fed in the same pass
    """

    def __init__(
        self,
        source: Any,
        file: Path,
        rate: int,
        reading: ReadOptions | None = None,
        also: tuple[Consumer, ...] = (),
    ) -> None:
        with open(file, "wb") as out:
            spool = _Spool(out, rate)
            read(source, [spool, *also], reading)
        if spool.start is None:
            raise NoStream(f"{str(source)!r} has no sample of sound")
        self.rate = rate
        self.start: Fraction = spool.start
        """Instant of sample 0, in exact seconds."""
        self.count = file.stat().st_size // 8
        """Number of samples."""
        self._samples = np.memmap(file, np.float32, "r", shape=(self.count, 2))

    def part(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, float32 [n, 2]; zero outside of the sound."""
        out = np.zeros((stop - first, 2), np.float32)
        low, high = max(first, 0), min(stop, self.count)
        if low < high:
            out[low - first : high - first] = self._samples[low:high]
        return out
