"""``genlock probe``: what is in a file, exactly."""

from __future__ import annotations

from genlock.cli.arguments import Files, Json
from genlock.cli.running import each
from genlock.tasks.probe_file import probe_file

__all__ = ["probe"]


def probe(files: Files, /, json: Json = False) -> None:
    """What is in a file, exactly: rates, starts, durations, timecode, how far sound and picture start apart.

    Args:
        files: Videos, sounds or folders of them.
        json: Print one JSON object instead of text.
    """
    each(files, None, json, lambda file, where, bar: probe_file(file))
