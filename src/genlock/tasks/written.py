"""Which files Genlock wrote: what somebody else wrote, or changed since, is not written over unasked.

A line for each file that was written lies in ``written.jsonl`` in the cache folder: its path, its size and when it was
changed last. A file that is not as it was then belongs to whoever changed it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from genlock.core.errors import OutputError
from genlock.core.files import write_text
from genlock.core.optional import optional_module

__all__ = ["is_ours", "note_written", "require_free"]

# Most commands write nothing that is to be noted.
_REGISTRY = optional_module("genlock.weights.registry")
# Older lines are forgotten when there are more: a file of which nothing is known counts as somebody else's.
_MOST_LINES = 20_000


def is_ours(file: str | os.PathLike[str]) -> bool:
    """Whether Genlock wrote a file, and nobody changed it since.

    >>> is_ours(os.devnull)
    False
    """
    seen = _state(file)
    return seen is not None and _lines().get(os.path.abspath(file)) == seen


def require_free(files: Iterable[str | os.PathLike[str]], force: bool = False) -> None:
    """Raise OutputError if one of the files is there and is not ours, unless ``force`` says that it may go.

    >>> require_free(["no-such-folder/new.srt"])
    """
    for file in files:
        if not force and os.path.isfile(file) and not is_ours(file):
            raise OutputError(
                f"{os.fspath(file)!r} is there already, and Genlock did not write it as it is now; "
                "name another file, or say --force to replace it"
            )


def note_written(files: Iterable[str | os.PathLike[str]]) -> None:
    """Note that files were written as they are now; where that cannot be noted, they count as somebody else's."""
    told = [[os.path.abspath(file), *state] for file in files if (state := _state(file)) is not None]
    if not told:
        return
    place = _place()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Appended in one write: several processes may do this at once.
        with open(place, "ab", buffering=0) as stream:
            stream.write("".join(json.dumps(line) + "\n" for line in told).encode())
    except OSError:
        return
    lines = _lines()
    if len(lines) > _MOST_LINES:
        newest = list(lines.items())[-_MOST_LINES // 2 :]
        write_text(place, "".join(json.dumps([path, *state]) + "\n" for path, state in newest))


def _place() -> Path:
    cache: Path = _REGISTRY.default_registry().cache
    return cache.parent / "written.jsonl"


def _state(file: str | os.PathLike[str]) -> list[int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _lines() -> dict[str, list[int]]:
    """Size and time by path; the newest line of a file counts. A line that was cut short counts for nothing."""
    known: dict[str, list[int]] = {}
    try:
        text = _place().read_text("utf-8", "replace")
    except OSError:
        return known
    for line in text.splitlines():
        try:
            path, *state = json.loads(line)
        except (ValueError, TypeError):
            continue
        known.pop(path, None)
        known[path] = state
    return known
