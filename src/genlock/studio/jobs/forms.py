"""Forms out of option dataclasses: a field for each option, its words from the docstring under it, its type kept."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line

__all__ = ["FormField", "form_of", "options_from"]

FieldKind = Literal["text", "texts", "integer", "number", "exact", "switch", "choice"]
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class FormField:
    """One option, as a form shows it."""

    name: str
    """Its name; of an option inside another dataclass with that one's name and a point before it."""
    kind: FieldKind
    """``exact`` is a number that is kept as it is typed, ``1.5`` or ``30000/1001``; ``texts`` are several."""
    default: Any
    """What holds if nothing is said; None: the option may be left empty."""
    choices: tuple[str, ...]
    """What may be chosen; empty unless it is a ``choice``."""
    optional: bool
    """Whether it may be left empty."""
    help: str
    """What it means, from the docstring under it."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return {**dataclasses.asdict(self), "choices": list(self.choices)}


def form_of(
    options: type, hidden: Collection[str] = (), named: Mapping[str, Collection[str]] | None = None
) -> tuple[FormField, ...]:
    """The fields of an option dataclass, those of dataclasses inside it with their prefix.

    Parameters
    ----------
    hidden : options that no form shows
    named : options that are chosen by name, and the names that there are now

    >>> from genlock.tasks.sync_video import SyncOptions
    >>> [field.name for field in form_of(SyncOptions, hidden=("fix", "by", "plot", "markers", "against", "reading"))]
    ['all_sound', 'each_sound', 'least_probability', 'estimators', 'thorough']
    """
    fields = _fields(options, frozenset(hidden), "")
    return tuple(_by_name(field, (named or {}).get(field.name)) for field in fields)


def _by_name(field: FormField, names: Collection[str] | None) -> FormField:
    """A field for one of several names, where there are such names."""
    if names is None:
        return field
    return dataclasses.replace(field, kind="choice", choices=tuple(names))


def _fields(options: type, hidden: frozenset[str], prefix: str) -> list[FormField]:
    hints, helps, found = get_type_hints(options), _docstrings(options), []
    for field in dataclasses.fields(options):
        name = prefix + field.name
        if name in hidden or not field.init:
            continue
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found += _fields(hint, hidden, f"{name}.")
            continue
        kind, choices, optional = _kind_of(hint)
        default = None if field.default is dataclasses.MISSING else field.default
        default = str(default) if isinstance(default, Fraction) else default
        default = list(default) if isinstance(default, tuple) else default
        found.append(FormField(name, kind, default, choices, optional, helps.get(field.name, "")))
    return found


def _kind_of(hint: Any) -> tuple[FieldKind, tuple[str, ...], bool]:
    """The kind, the choices, and whether it may be left empty."""
    parts = set(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else {hint}
    optional = types.NoneType in parts
    parts.discard(types.NoneType)
    if parts == {tuple[str, ...]}:
        return "texts", (), optional
    if len(parts) == 1 and get_origin(only := next(iter(parts))) is Literal:
        return "choice", tuple(str(choice) for choice in get_args(only)), optional
    if Fraction in parts:
        return "exact", (), optional
    kinds: dict[Any, FieldKind] = {bool: "switch", int: "integer", float: "number", str: "text"}
    if len(parts) == 1 and only in kinds:
        return kinds[only], (), optional
    raise TypeError(f"no form has a field for {hint}")


@cache
def _docstrings(options: type) -> Mapping[str, str]:
    """What stands under each field, in this class and those above it."""
    found: dict[str, str] = {}
    for each in reversed(options.__mro__):
        if not dataclasses.is_dataclass(each):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found[field.target.id] = " ".join(text.value.replace("``", "").split())
    return found


def options_from(
    options: type,
    hidden: Collection[str],
    given: Mapping[str, Any],
    named: Mapping[str, Mapping[str, str]] | None = None,
) -> Any:
    """The options that a form sent, checked.

    Parameters
    ----------
    named : options that are chosen by name: what each name stands for

    >>> from genlock.tasks.sync_video import SyncOptions
    >>> options_from(SyncOptions, ("fix",), {"least_probability": 0.8, "reading.start": "1/2"}).reading.start
    Fraction(1, 2)

    Raises
    ------
    OptionError
        If an option is not one of the form's, is of another type, leads to a file, or is refused by its class.
    """
    named = named or {}
    fields = {field.name: field for field in form_of(options, hidden, named)}
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise OptionError(f"there is no option {unknown[0]!r} here; there are: {', '.join(fields)}")
    values = {name: _checked(fields[name], value) for name, value in given.items()}
    values |= {name: named[name][value] for name, value in values.items() if name in named and value}
    return _built(options, values)


def _checked(field: FormField, value: Any) -> Any:
    def refuse(why: str) -> OptionError:
        return OptionError(f"{field.name}={value!r} {why}")

    if value is None or (value == "" and field.optional):
        if not field.optional:
            raise refuse("is empty; give a value")
        return None
    if field.kind == "texts":
        return _checked_texts(value, refuse)
    if field.kind == "switch":
        if not isinstance(value, bool):
            raise refuse("is neither true nor false")
        return value
    if field.kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise refuse("is no number")
        if field.kind == "integer" and (isinstance(value, float) and not value.is_integer()):
            raise refuse("is no whole number")
        return int(value) if field.kind == "integer" else float(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse("is no text")
    text = str(value)
    if field.kind == "choice" and text not in field.choices:
        raise refuse(f"is none of {', '.join(field.choices)}")
    if field.kind == "text" and (len(text) > _LONGEST_TEXT or _leads_to_a_file(text)):
        raise refuse("leads to a file; the studio takes names only")
    return text


def _checked_texts(value: Any, refuse: Callable[[str], OptionError]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise refuse("is no list of texts")
    if any(len(text) > _LONGEST_TEXT or _leads_to_a_file(text) for text in value):
        raise refuse("leads to a file; the studio takes names only")
    return tuple(value)


def _leads_to_a_file(text: str) -> bool:
    """Whether a text names a place on this machine: names of features may hold a slash, but begin with none."""
    parts = re.split(r"[,:#@=\s]", text)
    return any(re.match(r"[/\\~.]", part) or ".." in part or "\\" in part or "\0" in part for part in parts)


def _built(options: type, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(options)
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        head, point, rest = name.partition(".")
        if point:
            inner.setdefault(head, {})[rest] = value
        else:
            own[head] = value
    for head, more in inner.items():
        own[head] = _built(hints[head], more)
    try:
        return options(**own)
    except ValueError as error:  # a number that cannot be read
        raise OptionError(str(error)) from error
