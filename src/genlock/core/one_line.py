"""A short form of results: one line, whatever they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from os import PathLike, fspath
from typing import Any

import numpy as np

__all__ = ["LONGEST", "one_line", "shortened"]

#: Characters of the longest line.
LONGEST = 200
_VALUE = 48  # characters of one value
_PLAIN = (bool, int, float, str, Fraction, type(None))


def one_line(result: Any) -> str:
    """``Name(field=value, ...)`` in at most :data:`LONGEST` characters; set it as a dataclass' ``__repr__``.

    Arrays are told by type and shape, collections by what is in them if that is short, else by how much it is. Fields
    that are as by default are left out.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Heard:
    ...     samples: np.ndarray
    ...     words: tuple[str, ...]
    ...     reason: str = ""
    ...     __repr__ = one_line
    >>> Heard(np.zeros((9, 2)), ("one",)), Heard(np.zeros(0, "f4"), ("word",) * 99, "none")
    (Heard(samples=float64[9, 2], words=('one')), Heard(samples=float32[0], words=<99 str>, reason='none'))
    >>> Heard(np.zeros(1), (np.zeros(1), {}))
    Heard(samples=float64[1], words=<2 items>)
    """
    parts: list[str] = []
    name = type(result).__name__
    room = LONGEST - len(name) - len("(, ...)")
    for field in fields(result):
        value = getattr(result, field.name)
        if not field.repr or _is_default(value, field.default):
            continue
        part = f"{field.name}={_short(value)}"
        if sum(map(len, parts)) + 2 * len(parts) + len(part) > room:
            return f"{name}({', '.join(parts)}, ...)"
        parts.append(part)
    return f"{name}({', '.join(parts)})"


def shortened(text: str, room: int = LONGEST) -> str:
    """A text in at most ``room`` characters and one line, with an ellipsis where some are left out.

    >>> shortened("a long story", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= room else f"{line[: max(room - 1, 0)]}…"


def _is_default(value: Any, default: Any) -> bool:
    if default is MISSING or type(value) is not type(default):
        return False
    return value is default or (isinstance(value, (*_PLAIN, tuple)) and bool(value == default))


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, PathLike):
        value = fspath(value)
    if isinstance(value, str):
        return repr(value if len(value) <= _VALUE else f"{value[: _VALUE - 1]}…")
    if isinstance(value, Mapping):
        return _joined("{}", list(value), len(value), "entries")
    if isinstance(value, Collection) and not is_dataclass(value):
        items = list(value)[: _VALUE + 1]
        kinds = {type(item).__name__ for item in items}
        kind = kinds.pop() if len(kinds) == 1 else "items"
        return _joined("()", items, len(value), kind)
    return _fitting(repr(value), f"{type(value).__name__}(...)")


def _joined(brackets: str, items: list[Any], count: int, kind: str) -> str:
    counted = f"<{count} {kind}>"
    if not all(isinstance(item, _PLAIN) for item in items[:_VALUE]):
        return counted if items else brackets
    return _fitting(f"{brackets[0]}{', '.join(map(_short, items[:_VALUE]))}{brackets[1]}", counted)


def _fitting(text: str, otherwise: str) -> str:
    return text if len(text) <= _VALUE and "\n" not in text else otherwise
