"""How long several files will still take, by the size of what is done and of what is not."""

from __future__ import annotations

import os
from collections.abc import Sequence

from genlock.core.progress import in_words

__all__ = ["TimeLeft"]


class TimeLeft:
    """The time left for a job of several files.

    >>> left = TimeLeft(["a.mp4", "b.mp4", "c.mp4"], sizes=[10, 10, 30])
    >>> left.text()
    ''
    >>> left.done(60.0)
    >>> left.text()
    ', about 4 min left'
    >>> left.passed_over()
    >>> left.text()
    ', about 3 min left'
    """

    def __init__(self, files: Sequence[str], sizes: Sequence[int] | None = None) -> None:
        """``sizes``: bytes of each file; None: as they are on the disk, 1 for what is not there."""
        self._sizes = [_size(file) for file in files] if sizes is None else list(sizes)
        self._at, self._worked, self._seconds = 0, 0, 0.0

    def done(self, seconds: float) -> None:
        """The next file took so long."""
        self._worked += self._sizes[self._at]
        self._seconds += seconds
        self._at += 1

    def passed_over(self) -> None:
        """The next file took no work, which says nothing of the others."""
        self._at += 1

    def text(self) -> str:
        """What to say of the time left, in words; empty where nothing is known."""
        if not self._worked:
            return ""
        return f", about {in_words(self._seconds * sum(self._sizes[self._at :]) / self._worked)} left"


def _size(file: str) -> int:
    try:
        return max(os.path.getsize(file), 1)
    except OSError:
        return 1
