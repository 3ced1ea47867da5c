"""Options of ``genlock studio``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from genlock.core.errors import OptionError

__all__ = ["StudioOptions", "is_loopback"]


@dataclass(frozen=True)
class StudioOptions:
    """Options of ``genlock studio``.

    >>> StudioOptions(port=0).host
    '127.0.0.1'

    Raises
    ------
    OptionError
        If a number lies outside its range.
    """

    port: int = 8750
    """Port to listen on, 0...65535; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen on. On any other than this machine's own a token is asked for."""
    token: str | None = None
    """Word that every request must bring. None: a random one where other machines reach the address, else nothing."""
    allow_host: str | None = None
    """Names by which browsers may reach the studio besides the address, separated by commas."""
    also: str | None = None
    """Folders of datasets and training runs to show besides those in the folder, separated by commas."""
    workers: int = 1
    """Jobs that run at the same time, 1...16."""
    largest_upload: int = 100_000_000_000
    """Most bytes of one upload."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"port={self.port} lies outside 0...65535")
        if not 1 <= self.workers <= 16:
            raise OptionError(f"workers={self.workers} lies outside 1...16")
        if self.largest_upload < 1:
            raise OptionError(f"largest_upload={self.largest_upload} bytes is less than one")
        if self.token is not None and len(self.token) < 8:
            raise OptionError("a token of fewer than 8 letters can be guessed; give a longer one, or none")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, so that no other machine reaches it.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "studio.example")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
