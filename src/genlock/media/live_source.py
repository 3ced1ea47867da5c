"""Sources that are read once, while they come, and without seeking: a pipe, a file that still grows, a URL."""

from __future__ import annotations

import hashlib
import os
import select
import stat
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from genlock.core.errors import MediaError, OptionError
from genlock.media.opening import Address, is_url, locate

__all__ = ["STANDARD_INPUT", "LiveSource"]

#: The name of standard input.
STANDARD_INPUT = "-"
# How often a wait looks whether it is to end. Signals interrupt no wait by themselves, since Python begins it again.
_LOOK_SECONDS = 0.2
# Windows waits for sockets only: a pipe there is read until something comes, and only then ends on demand.
_WAITS_FOR_PIPES = os.name == "posix"


class LiveSource:
    """A source whose end is not there yet; :func:`genlock.media.read` takes its address. Close it, or use ``with``.

    Parameters
    ----------
    name : ``-`` (standard input), a named pipe, a file that may still grow, or a URL
    idle_seconds : a file that has not grown for so long has ended; above 0

    Raises
    ------
    MediaError
        If there is no such file, or it cannot be read.
    OptionError
        If ``idle_seconds`` is not above 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".ts") as file:
    ...     with LiveSource(file.name, idle_seconds=0.01) as source:
    ...         source.address.live, source.address.stream.read(100)
    (True, b'')
    """

    def __init__(self, name: str, idle_seconds: float = 10.0) -> None:
        if not idle_seconds > 0:
            raise OptionError(f"idle_seconds={idle_seconds} must lie above 0")
        self._stopped = threading.Event()
        self._handle: int | None = None
        if is_url(name):
            found = locate(name)
            self.address = Address(found.given, found.url, found.name, found.clock, None, live=True)
            return
        waits = self._open(name, idle_seconds)
        shown = "stdin" if name == STANDARD_INPUT else Path(name).name
        # No file's name, so that nobody looks for more of it on the disk.
        url = f"pipe://{shown}"
        digest = hashlib.sha1(url.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()[:8]
        clock = f"media:{shown.encode(errors='replace').decode()}#{digest}"
        self.address = Address(
            name, url, shown, clock, None, stream=cast(Any, _Stream(url, waits)), live=True
        )

    def _open(self, name: str, idle_seconds: float) -> _Waits:
        if name == STANDARD_INPUT:
            return _Waits(sys.stdin.fileno(), self._stopped, None)
        try:
            kind = os.stat(name).st_mode
            if stat.S_ISDIR(kind):
                raise MediaError(f"{name!r} is a folder; give a file that grows, a pipe or a URL")
            self._handle = os.open(name, os.O_RDONLY)
        except OSError as error:
            raise MediaError(f"{name!r} cannot be read ({error.strerror}); check the name") from None
        return _Waits(self._handle, self._stopped, idle_seconds if stat.S_ISREG(kind) else None)

    def __enter__(self) -> LiveSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<LiveSource: {self.address.given!r}{', stopped' if self.stopped else ''}>"

    @property
    def stopped(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the source where it stands, from any thread or a handler of signals; of a URL, whoever reads has to look
        at :attr:`stopped`."""
        self._stopped.set()

    def close(self) -> None:
        """Close what was opened."""
        self.stop()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class _Waits:
    """Reads of a descriptor that wait until something is there, the source has ended, or somebody asks for the end."""

    def __init__(self, handle: int, stopped: threading.Event, idle_seconds: float | None) -> None:
        self._handle, self._stopped, self._idle = handle, stopped, idle_seconds

    def read(self, size: int) -> bytes:
        return self._from_pipe(size) if self._idle is None else self._from_file(size, self._idle)

    def _from_pipe(self, size: int) -> bytes:
        while not self._stopped.is_set():
            if not _WAITS_FOR_PIPES or select.select([self._handle], [], [], _LOOK_SECONDS)[0]:
                return os.read(self._handle, size)
        return b""

    def _from_file(self, size: int, idle_seconds: float) -> bytes:
        last = time.monotonic() + idle_seconds
        while not self._stopped.is_set():
            data = os.read(self._handle, size)
            if data:
                return data
            left = last - time.monotonic()
            if left <= 0:
                break
            self._stopped.wait(min(left, _LOOK_SECONDS))
        return b""


class _Stream:
    """What PyAV takes for a file that cannot be sought in."""

    def __init__(self, name: str, waits: _Waits) -> None:
        self.name, self._waits = name, waits

    def read(self, size: int) -> bytes:
        return self._waits.read(size)
