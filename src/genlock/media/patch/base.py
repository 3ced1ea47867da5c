"""What the editors of one kind of file share: the bytes of a copy, which are changed where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from genlock.core.time import round_fraction

__all__ = ["Buffer", "CannotPatch", "Move", "Patched", "ticks_of"]


class CannotPatch(Exception):
    """This file cannot be edited where it lies; the message says why, for the one who reads the report."""


class Buffer(Protocol):
    """A writable array of bytes: a ``bytearray`` or a ``mmap``."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...
    def __setitem__(self, index: Any, value: Any, /) -> None: ...
    def find(self, sub: bytes, start: int = ..., end: int = ...) -> int: ...


@dataclass(frozen=True)
class Move:
    """One stream of sound and by how much it is moved.

    >>> Move(number=0, ident=257, by=Fraction(1, 8)).ident
    257
    """

    number: int
    """Number among the streams of sound, from 0."""
    ident: int
    """FFmpeg's id of the stream: track ID of MP4, PID of a transport stream, stream id of a program stream."""
    by: Fraction
    """Seconds; positive: it plays later."""


@dataclass
class Patched:
    """What an editor did."""

    made: dict[int, Fraction] = field(default_factory=dict)
    """By how much each stream was moved in fact, in the container's ticks: number of the sound to seconds."""
    left_out: list[str] = field(default_factory=list)
    """Parts of the original that are not in the copy."""
    notes: list[str] = field(default_factory=list)
    """What else the one who reads the report should know."""


def ticks_of(by: Fraction, tick: Fraction) -> int:
    """A length in whole ticks, the nearest number of them.

    >>> ticks_of(Fraction(1, 3), Fraction(1, 1000))
    333
    """
    return round_fraction(by / tick, "nearest")
