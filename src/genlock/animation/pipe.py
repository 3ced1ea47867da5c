"""Sound from a pipe: WAV, or bare samples, as soon as they come."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MediaError, OptionError

__all__ = ["PipeSound", "open_pipe"]

Samples: TypeAlias = npt.NDArray[np.float32]

_BLOCK_BYTES = 1 << 15
_INTEGERS = {8: 1, 16: 2, 24: 3, 32: 4}
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True)
class PipeSound:
    """Sound that is on its way."""

    rate: int
    """Samples per second."""
    channels: int
    """Channels."""
    blocks: Iterator[Samples]
    """Samples as they come, float32 [n, channels], -1...1."""


def open_pipe(stream: BinaryIO, rate: int = 16000) -> PipeSound:
    """Begin to read sound from a stream that cannot be sought in.

    Parameters
    ----------
    stream : with ``read1`` (as standard input has) or ``read``
    rate : samples per second of bare samples: 16-bit integers, little end first, one channel. WAV says its own

    Raises
    ------
    MediaError
        If it is WAV of a kind that is not known, or nothing comes.

    Examples
    --------
    >>> import io
    >>> sound = open_pipe(io.BytesIO(struct.pack("<3h", 0, 16384, -32768)), rate=8000)
    >>> sound.rate, next(sound.blocks)[:, 0].tolist()
    (8000, [0.0, 0.5, -1.0])
    """
    if not 1000 <= rate <= 768000:
        raise OptionError(f"a rate of {rate} samples per second is outside 1000...768000")
    head = _read_exactly(stream, 4, "the sound")
    if head == b"RIFF":
        return _wav(stream)
    return PipeSound(rate, 1, _blocks(stream, head, 16, _PCM, 1, None))


def _wav(stream: BinaryIO) -> PipeSound:
    if _read_exactly(stream, 8, "a WAV file")[4:] != b"WAVE":
        raise MediaError("the pipe begins as RIFF but is no WAV; give WAV or bare 16-bit samples")
    form: tuple[int, int, int, int] | None = None
    while True:
        name, size = struct.unpack("<4sI", _read_exactly(stream, 8, "a WAV file"))
        if name == b"data":
            break
        body = _read_exactly(stream, size + size % 2, "a WAV file")
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            kind = struct.unpack("<H", body[24:26])[0] if kind == _EXTENSIBLE and len(body) >= 26 else kind
            form = kind, channels, rate, bits
    known = form is not None and (
        (form[0] == _PCM and form[3] in _INTEGERS) or (form[0] == _FLOAT and form[3] in (32, 64))
    )
    if form is None or not known or not form[1] or not form[2]:
        raise MediaError(f"the WAV in the pipe has the form {form}, which is not known; give PCM or floats")
    kind, channels, rate, bits = form
    # Programs that write into a pipe do not know the length, and say 0 or all ones.
    left = None if size in (0, 0xFFFFFFFF, 0x7FFFFFFF) else size
    return PipeSound(rate, channels, _blocks(stream, b"", bits, kind, channels, left))


def _blocks(
    stream: BinaryIO, head: bytes, bits: int, kind: int, channels: int, left: int | None
) -> Iterator[Samples]:
    step, rest = bits // 8 * channels, head
    read = getattr(stream, "read1", stream.read)
    while left is None or left > 0:
        piece = read(_BLOCK_BYTES if left is None else min(_BLOCK_BYTES, left))
        if not piece:
            break
        left = None if left is None else left - len(piece)
        data = rest + piece
        whole = len(data) // step * step
        rest = data[whole:]
        if whole:
            yield _floats(data[:whole], bits, kind).reshape(-1, channels)
    # What is left in a short stream of bare samples that came with its head.
    whole = len(rest) // step * step
    if whole:
        yield _floats(rest[:whole], bits, kind).reshape(-1, channels)


def _floats(data: bytes, bits: int, kind: int) -> Samples:
    if kind == _FLOAT:
        return np.asarray(np.nan_to_num(np.frombuffer(data, "<f4" if bits == 32 else "<f8")), np.float32)
    if bits == 8:
        return ((np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128).astype(np.float32)
    if bits == 24:
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = (parts[:, 0] << 8) | (parts[:, 1] << 16) | (parts[:, 2] << 24)
        return (whole / 2.0**31).astype(np.float32)
    return (np.frombuffer(data, f"<i{bits // 8}") / 2.0 ** (bits - 1)).astype(np.float32)


def _read_exactly(stream: BinaryIO, count: int, what: str) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            raise MediaError(
                f"the pipe ended after {len(data)} bytes of {what}; nothing came that could be heard"
            )
        data += piece
    return data
