"""One process at a time at a folder: a lock that goes with its process, however that ends; on every system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any

__all__ = ["only_process"]


def _module(name: str) -> Any:
    """A module that not every system has; None where it is not there."""
    try:
        return import_module(name)
    except ImportError:
        return None


_POSIX, _WINDOWS = _module("fcntl"), _module("msvcrt")


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
    if _POSIX is not None:
        _POSIX.flock(file, _POSIX.LOCK_EX | _POSIX.LOCK_NB)
    elif _WINDOWS is not None:
        _WINDOWS.locking(file.fileno(), _WINDOWS.LK_NBLCK, 1)
