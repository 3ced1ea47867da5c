"""A text that is not said, or of which no word was placed, ends a command with status 3, once all files are done."""

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
    elif len(words) and all(word.start is None for word in words):
        why = words.reason or next((word.reason for word in words if word.reason), "nothing could be aligned")
        other.append(f"{file}: no word has a time: {why}")


def require_said(other: Sequence[str]) -> None:
    """End with status 3 if a text was not what is said, or no word of one has a time."""
    if other:
        raise _OtherText("\n".join(other))
