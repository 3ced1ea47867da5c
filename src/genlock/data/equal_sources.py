"""Which sources hold the same: equal files under any names, and equal sound in another wrapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["contents_of", "copies_of"]


def contents_of(content: str, clips: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Hashes of what a source holds: of its file, and of a source without picture also of its sound as decoded.

    Sound is compared where a dataset has it: that of the first clip, with the length of the whole source. Silence is
    nobody's copy.

    Parameters
    ----------
    content : SHA-256 of the file
    clips : its clips, by number, as the ledger has them
    """
    found = [content] if content else []
    if clips and clips[0].get("frames") is None:
        span = f"{clips[0]['start']}:{clips[-1]['end']}"
        for made in clips[0]["outputs"]:
            if made["kind"].startswith("sound_") and made["valid"] and not made.get("silent"):
                found.append(f"{made['kind']}:{span}:{made['sha256']}")
    return tuple(found)


def copies_of(contents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The first source that holds the same, for each of those that come after it.

    >>> copies_of({"a": ["x"], "b": ["y"], "c": ["x", "z"], "d": ["z"]})
    {'c': 'a', 'd': 'a'}

    Parameters
    ----------
    contents : what each source holds, in the order of the sources
    """
    first: dict[str, str] = {}
    found = {}
    for name, held in contents.items():
        known = next((first[content] for content in held if content in first), None)
        if known is not None:
            found[name] = known
        for content in held:
            first.setdefault(content, name if known is None else known)
    return found
