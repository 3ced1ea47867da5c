"""One process at a time at a folder: a lock that goes with its process, however that ends; on every system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # everywhere else
    msvcrt = None  # type: ignore[assignment]

__all__ = ["only_process"]


@contextmanager
def only_process(path: str | os.PathLike[str]) -> Iterator[bool]:
    """Hold the lock of a file, which is made if it is not there; False if another process holds it.

    Where a system has no locks of files, nobody is kept out.

    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/lock"
    >>> with only_process(path) as first, only_process(path) as second:
    ...     first, second
    (True, False)

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with Path(path).open("w") as file:
        try:
            _take(file)
        except OSError:
            yield False
        else:
            yield True


def _take(file: IO[str]) -> None:
    """Raises OSError where another holds it. Closing the file gives it back."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    elif msvcrt is not None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
