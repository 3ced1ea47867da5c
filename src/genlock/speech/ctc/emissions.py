"""What a CTC model hears, frame by frame, for sound of any length: computed in pieces, kept in a file, read
in any order.

Not the texts of pieces are joined but their frames: every frame is computed once with real sound on both
sides, and the kept frames lie side by side on one grid. No word is cut at a border, because for whoever reads
the emissions there is none.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from genlock.core import Grid
from genlock.core.errors import InputError, OutputError
from genlock.core.progress import Progress, silent
from genlock.extractors.sound.framing import Framing, conv_stack
from genlock.media.sound_source import SoundSource
from genlock.models.speech.chunks import Chunk, Chunking, SampleReader, equal_lengths
from genlock.speech.sound import level_db

if TYPE_CHECKING:
    from genlock.models.speech.encoder import SpeechEncoder

__all__ = ["DEFAULT_CHUNKING", "EmissionFile", "listen"]

#: 20 s of sound at a time, 4 s more on both sides: docs/speech-features.md shows what shorter contexts cost.
DEFAULT_CHUNKING = Chunking(20, 4, 4)
#: A piece below this level is not shown to the model: nothing can be heard in it.
SILENT_DB = -75.0

_HEADER_BYTES = 4096
_CONVOLVED_FRAMES = 250
_SURE, _NEVER = np.float32(0.0), np.float32(-50.0)

Rows = npt.NDArray[np.float32]


@dataclass(eq=False)
class EmissionFile:
    """Log-probabilities [frames, symbols] in a file; an ``Emissions`` source for the aligner. Close it after
    use."""

    file: BinaryIO
    """Header of 4096 bytes, then float32 rows."""
    frames: int
    """Number of frames, T."""
    symbols: int
    """Number of symbols, V."""
    grid: Grid
    """Frame k is cell k."""
    heard: bool = True
    """False if all of the sound is silent."""

    def read(self, start: int, stop: int) -> Rows:
        """Rows ``start ... stop - 1``, float32 [stop - start, V]."""
        row = 4 * self.symbols
        self.file.seek(_HEADER_BYTES + start * row)
        return np.frombuffer(self.file.read((stop - start) * row), np.float32).reshape(-1, self.symbols)

    def blocks(self, frames: int = 4096) -> Iterator[tuple[int, Rows]]:
        """All rows in order, some at a time, each with the number of its first frame."""
        for first in range(0, self.frames, frames):
            yield first, self.read(first, min(first + frames, self.frames))

    def close(self) -> None:
        """Drop the file (one that was named stays)."""
        self.file.close()

    def __enter__(self) -> EmissionFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def listen(
    encoder: SpeechEncoder,
    sound: SoundSource,
    *,
    chunking: Chunking = DEFAULT_CHUNKING,
    batch: int = 1,
    keep: str | Path | None = None,
    progress: Progress = silent,
) -> EmissionFile:
    """Run a CTC model over a sound of any length.

    Parameters
    ----------
    encoder : a checkpoint with a CTC head
    sound : mono, at the model's rate
    chunking : what the model sees at once; normalisation is over the whole sound all the same
    batch : chunks of equal length that are computed together
    keep : a file to keep the emissions in. If an earlier run of the same model, sound and chunking left one,
        also one
        that was interrupted, what it has is not computed again. None: a temporary file.

    Raises
    ------
    InputError
        If the sound holds a sample that is not finite (the message names its instant), or has another rate.
    OutputError
        If the emissions cannot be kept.
    """
    if sound.rate != encoder.sample_rate:
        raise InputError(f"{encoder.source!r} takes sound of {encoder.sample_rate} Hz, not {sound.rate} Hz")
    framing = conv_stack(encoder.kernels, encoder.strides)
    frames = framing.count(sound.count)
    plan = chunking.plan(frames, framing.hop, sound.rate)
    symbols = int(encoder.model.config.vocab_size)
    file, done = _opened(keep, _identity(encoder, sound, chunking), symbols)
    grid = framing.grid(sound.rate, sound.origin, sound.clock)
    try:
        rest = [chunk for chunk in plan if chunk.keep.stop > done]
        heard = _fill(file, encoder, sound, framing, rest, batch, progress)
    except OSError as error:
        file.close()
        raise OutputError(
            f"the emissions cannot be kept ({error.strerror}); free some space, or set TMPDIR"
        ) from error
    except BaseException:
        file.close()
        raise
    return EmissionFile(file, frames, symbols, grid, heard or done > 0)


def _fill(
    file: BinaryIO,
    encoder: SpeechEncoder,
    sound: SoundSource,
    framing: Framing,
    chunks: list[Chunk],
    batch: int,
    progress: Progress,
) -> bool:
    """Append the frames of the chunks; says whether any of them was not silent."""
    total = sound.count / sound.rate

    def read(first: int, stop: int) -> Rows:
        return _finite(sound, first, stop)

    def in_blocks(first: int) -> Rows:
        return read(first, first + 30 * sound.rate)

    if not chunks:
        return False
    # A pass before the first: what is not finite is told before anything is computed.
    loudest = max((level_db(in_blocks(k)) for k in range(0, sound.count, 30 * sound.rate)), default=-200.0)
    if loudest < SILENT_DB:
        for chunk in chunks:
            file.write(_blank(encoder, len(chunk.keep)).tobytes())
        return False
    mean, deviation = encoder.clip_statistics(read, sound.count)
    with ExitStack() as stack:
        stack.enter_context(encoder.with_clip_norm(read, sound.count, mean, deviation))
        convolved = _Convolved(encoder, read, framing, mean, deviation)
        for group in equal_lengths(chunks, batch):
            values = encoder.log_probabilities_of_convolved(np.stack([convolved.take(c.see) for c in group]))
            for chunk, rows in zip(group, values, strict=True):
                first = chunk.keep.start - chunk.see.start
                file.write(np.ascontiguousarray(rows[first : first + len(chunk.keep)], np.float32).tobytes())
            file.flush()
            progress("recognise", float(Fraction(group[-1].keep.stop * framing.hop, sound.rate)), total)
    progress("recognise", total, total)
    return True


class _Convolved:
    """The convolutions' output for frames that are asked for in order; each frame is computed once."""

    def __init__(
        self, encoder: SpeechEncoder, read: SampleReader, framing: Framing, mean: float, deviation: float
    ) -> None:
        self._encoder, self._read, self._framing = encoder, read, framing
        self._statistics = mean, deviation
        self._first = self._stop = 0
        self._kept: list[Rows] = []

    def take(self, frames: range) -> Rows:
        """Output of the frames, [len(frames), channels]; frames before them are forgotten."""
        if self._stop <= frames.start:
            self._first = self._stop = frames.start
            self._kept = []
        hop, window = self._framing.hop, self._framing.window
        while self._stop < frames.stop:
            # The first convolutions have 3200 rows a second: some seconds at a time need little memory.
            stop = min(self._stop + _CONVOLVED_FRAMES, frames.stop)
            samples = self._encoder.prepared(
                self._read(self._stop * hop, (stop - 1) * hop + window), *self._statistics
            )
            self._kept.append(self._encoder.convolved(samples[None])[0])
            self._stop = stop
        kept = np.concatenate(self._kept)[frames.start - self._first :]
        self._first, self._kept = frames.start, [kept]
        return kept[: len(frames)]


def _blank(encoder: SpeechEncoder, frames: int) -> Rows:
    rows = np.full((frames, int(encoder.model.config.vocab_size)), _NEVER, np.float32)
    rows[:, encoder.blank] = _SURE
    return rows


def _finite(sound: SoundSource, first: int, stop: int) -> Rows:
    samples = sound.samples(first, stop)
    bad = np.flatnonzero(~np.isfinite(samples))
    if len(bad):
        number = max(first, 0) + int(bad[0])
        at = sound.origin + Fraction(number, sound.rate)
        raise InputError(
            f"the sound has the sample {samples[bad[0]]} at {float(at):.6f} s (sample {number}); "
            "repair or cut the sound there"
        )
    return samples


def _identity(encoder: SpeechEncoder, sound: SoundSource, chunking: Chunking) -> str:
    """What must be equal for kept emissions to be the same."""
    weights = hashlib.sha256()
    for name, tensor in sorted(encoder.model.state_dict().items()):
        # The head and the norms tell checkpoints apart; hashing hundreds of megabytes would take longer than it saves.
        if tensor.ndim == 1 or "lm_head" in name:
            weights.update(tensor.float().cpu().numpy().tobytes())
    step = max(1, sound.count // 8)
    heard = hashlib.sha256(
        b"".join(sound.samples(k, k + 4096).tobytes() for k in range(0, sound.count, step))
    )
    return json.dumps(
        {
            "genlock_emissions": 1,
            "model": weights.hexdigest(),
            "sound": heard.hexdigest(),
            "samples": sound.count,
            "chunking": [str(chunking.seconds), str(chunking.left_seconds), str(chunking.right_seconds)],
        }
    )


def _opened(keep: str | Path | None, identity: str, symbols: int) -> tuple[BinaryIO, int]:
    """The file, positioned after its last whole row, and how many rows it has."""
    header = identity.encode().ljust(_HEADER_BYTES)
    try:
        if keep is None:
            file: BinaryIO = tempfile.TemporaryFile(prefix="genlock-emissions-")  # noqa: SIM115
        elif Path(keep).is_file() and _starts_with(Path(keep), header):
            file = Path(keep).open("r+b")  # noqa: SIM115 - EmissionFile closes it
            rows = (file.seek(0, 2) - _HEADER_BYTES) // (4 * symbols)
            file.truncate(_HEADER_BYTES + rows * 4 * symbols)
            file.seek(0, 2)
            return file, rows
        elif Path(keep).is_file() and not _starts_with(Path(keep), b'{"genlock_emissions"'):
            raise OutputError(
                f"{str(keep)!r} is a file of another kind; name a new file to keep emissions in"
            )
        else:
            file = Path(keep).open("w+b")  # noqa: SIM115 - EmissionFile closes it
        file.write(header)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"emissions cannot be kept in {str(keep)!r}: {error.strerror}") from error
    return file, 0


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start
