"""Options of a task out of keywords of a function: one place for each option, the class that its command reads."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from fractions import Fraction
from typing import Any, TypeVar

from genlock.core.errors import OptionError
from genlock.core.plugins import did_you_mean
from genlock.media import ReadOptions
from genlock.models.foley.sampling import Sampling

__all__ = ["keyword_fields", "options_of", "takes"]

Options = TypeVar("Options")
Function = TypeVar("Function", bound=Callable[..., Any])
# Options that are a class of their own, whose fields are keywords like the others.
_PARTS: dict[str, type[Any]] = {"reading": ReadOptions, "sampling": Sampling}


def takes(kind: type[Any]) -> Callable[[Function], Function]:
    """Show the fields of an option class as keywords of a function, for ``help()`` and for notebooks."""

    def shown(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        keywords = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=field.type
            )
            for name, (_, field) in keyword_fields(kind).items()
            if name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=[*own, *keywords])  # type: ignore[attr-defined]
        return function

    return shown


def options_of(
    kind: type[Options],
    what: str,
    given: Mapping[str, Any],
    *,
    named: Sequence[str] = (),
    without: Sequence[str] = (),
    **own: Any,
) -> Options:
    """The options of a task out of keywords, those of its parts (which stream, how to draw) gathered into them.

    Parameters
    ----------
    what : the function's name in ``genlock``, for messages
    own : what the function names itself, as the class has it
    named : what it calls otherwise than the class does, for the message
    without : options of the class that it does not take

    Raises OptionError for a name that is none, with the nearest.

    >>> from genlock.tasks.sync_video import SyncOptions
    >>> options_of(SyncOptions, "sync", {"start": 2, "thorough": True}).reading.start
    Fraction(2, 1)
    """
    there = keyword_fields(kind)
    taken = sorted(there.keys() - own.keys())
    # What the function itself names is known too, and options of the class that it does not take are not.
    known = [name for name in [*named, *taken] if name not in without]
    parts: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if name not in taken or name in without:
            near = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise OptionError(f"genlock.{what} has no option {name!r}{near}")
        part, field = there[name]
        parts.setdefault(part, {})[name] = _plain(value, field)
    plain = parts.pop("", {})
    return kind(**own, **plain, **{part: _PARTS[part](**values) for part, values in parts.items()})


def keyword_fields(kind: type[Any]) -> dict[str, tuple[str, Field[Any]]]:
    """Every option by name: the part that it belongs to, empty for the class itself, and its field."""
    if kind in _PARTS.values():
        return {field.name: ("", field) for field in fields(kind)}
    found: dict[str, tuple[str, Field[Any]]] = {}
    for field in fields(kind):
        inner = fields(_PARTS[field.name]) if field.name in _PARTS else (field,)
        found |= {one.name: (field.name if field.name in _PARTS else "", one) for one in inner}
    return found


def _default(field: Field[Any]) -> Any:
    return field.default if field.default is not MISSING else inspect.Parameter.empty


def _plain(value: Any, field: Field[Any]) -> Any:
    """A value as the command line would give it: a path as text, and a number where text is read."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    reads_text = str(field.type) in ("str", "str | None")
    return str(value) if reads_text and isinstance(value, (int, float, Fraction)) else value
