"""``genlock probe``: what is in a file, exactly."""

from __future__ import annotations

import os

from genlock.media import MediaInfo, probe

__all__ = ["probe_file"]


def probe_file(file: str | os.PathLike[str]) -> MediaInfo:
    """What is in a file: every stream's exact rate, start, duration and more.

    Raises
    ------
    MediaError
        If the file cannot be read.
    """
    return probe(file)
