"""Memory that is free but still held: the C library keeps it for the next allocation of the process."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["return_free_memory"]


def return_free_memory() -> bool:
    """Give back to the system what this process has freed; False where the C library cannot.

    glibc keeps what threads have freed, each for itself: after a speech model has run that is half of what the process
    holds. Worth its 20 ms at the end of a stage whose like does not follow.

    >>> return_free_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library
        return False
    trim(0)
    return True
