"""What a read had to repair or leave out, said once, with how often and where."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Note", "NoteCounter"]


@dataclass(frozen=True)
class Note:
    """One kind of irregularity.

    >>> print(Note("backward", "frames stamped before the one before them were left out", 2))
    frames stamped before the one before them were left out (2 times)
    """

    kind: str
    """A short name, for programs."""
    text: str
    """What was met and what was done about it, for people."""
    count: int
    """How often."""
    first: Fraction | None = None
    """Where it happened first, in exact seconds on the media clock, where that is known."""

    def __str__(self) -> str:
        where = "" if self.first is None else f", first at {float(self.first):.3f} s"
        return f"{self.text} ({self.count} time{'s' if self.count > 1 else ''}{where})"

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        first = None if self.first is None else float(self.first)
        return {"kind": self.kind, "text": self.text, "count": self.count, "first_seconds": first}


class NoteCounter:
    """Counts irregularities while a file is read."""

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}

    def count(self, kind: str, text: str, at: Fraction | None = None) -> None:
        """Note that something happened (once more)."""
        before = self._notes.get(kind)
        if before is None:
            self._notes[kind] = Note(kind, text, 1, at)
        else:
            self._notes[kind] = Note(kind, before.text, before.count + 1, before.first)

    def how_often(self, kind: str) -> int:
        """How often it happened."""
        return self._notes[kind].count if kind in self._notes else 0

    @property
    def notes(self) -> tuple[Note, ...]:
        """All of them, in the order in which they first happened."""
        return tuple(self._notes.values())
