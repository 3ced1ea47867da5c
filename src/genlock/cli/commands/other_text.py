"""A text that is not what is said ends a command with a status of its own, once all files are done."""

from __future__ import annotations

from collections.abc import Sequence

from genlock.core.errors import GenlockError
from genlock.speech import Words

__all__ = ["note_other_text", "require_said"]


class _OtherText(GenlockError):
    exit_status = 3


def note_other_text(other: list[str], file: str, words: Words) -> None:
    """Keep what is to be said at the end of a file whose text is not what is said."""
    if words.check is not None and not words.check.enough:
        other.append(f"{file}: {words.check}")


def require_said(other: Sequence[str]) -> None:
    """End with status 3 if a text was not what is said."""
    if other:
        raise _OtherText("\n".join(other))
