"""Why a source is in quarantine: a message about it, and the kind that the message shares with others."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["kind_of_reason", "reason_about"]


def reason_about(message: str, names: Iterable[str]) -> str:
    """A message in one line, with ``the file`` for each name of the file: that stands beside the reason anyway.

    >>> reason_about("'/films/a.mp4' is empty (zero bytes)", ["/films/a.mp4", "a.mp4"])
    'the file is empty (zero bytes)'
    """
    lines = message.strip().splitlines()
    text = lines[0] if lines else ""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(repr(name), "the file").replace(name, "the file")
    return text


def kind_of_reason(reason: str) -> str:
    """What a reason has in common with those of other files: without advice, names in quotes, and numbers.

    >>> kind_of_reason("the file is empty (zero bytes); copy or record it again")
    'is empty (zero bytes)'
    >>> kind_of_reason("line 7 of 'a.txt' is 'x', not 'word start end'"), kind_of_reason("took longer than 600 s")
    ('line N of ... is ..., not ...', 'took longer than 600 s')
    """
    text = reason.split("; ")[0].removeprefix("the file: ").removeprefix("the file ")
    if text.startswith(("took longer", "crashed")):
        return text  # a limit and a signal are the kind
    text = re.sub(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", "...", text)
    return re.sub(r"-?\d+(?:[./]\d+)*", "N", text) or "no reason was given"
