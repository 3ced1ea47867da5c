"""How arguments are typed, and one call of tyro with the settings that every command shares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import field, make_dataclass
from functools import wraps
from io import StringIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from genlock.cli.help import asks_for_help, help_text
from genlock.core.errors import GenlockError
from genlock.core.time import Exact

__all__ = ["FileNames", "Files", "Force", "Json", "List", "Output", "read_words", "run_command"]


class FileNames(tuple[str, ...]):
    """Names of files. A class of its own, for tyro asks typeguard about tuples, which takes a fifth of a second."""


if TYPE_CHECKING:
    Files = tyro.conf.Positional[tuple[str, ...]]
else:
    Files = tyro.conf.Positional[FileNames]
Json = Annotated[
    bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="Print one JSON object instead of text.")
]
Output = Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="PATH")]
List = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="list", help="List what there is.")]
Force = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.arg(help="Replace a file that Genlock did not write, or that was changed since."),
]

_CONFIG = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType({"INT": int, "FLOAT": float})
_REGISTRY = tyro.constructors.ConstructorRegistry()


@_REGISTRY.primitive_rule
def _text_options(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """Exact numbers and texts that may be left out are typed as they are: the option's class reads them."""
    metavar = {
        Exact | None: "NUMBER",
        Exact: "NUMBER",
        str | None: "TEXT",
        int | None: "INT",
        float | None: "FLOAT",
    }.get(info.type)
    if metavar is None:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: _READ.get(metavar, str)(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


@_REGISTRY.primitive_rule
def _file_names(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """Any number of names, none too."""
    if info.type is not FileNames:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs="*",
        metavar="FILE",
        instance_from_str=FileNames,
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=list,
    )


def run_command(command: Callable[..., None], prog: str, words: Sequence[str]) -> None:
    """Read the words of a command line, and call the command with what they say; ``--help`` says what it takes."""
    if asks_for_help(words):
        print(help_text(command, prog, None, registry=_REGISTRY, config=_CONFIG))
        raise SystemExit(0)

    @wraps(command)
    def keep(*given: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return given, named

    given, named = _read(keep, prog, words)
    command(*given, **named)


def _read(asked: Any, prog: str, words: Sequence[str], description: str | None = None) -> Any:
    """What tyro makes of the words. What an options' class says of a value is told as any other error is, and not in
    a frame, by the name of a field."""
    told = StringIO()
    try:
        with redirect_stderr(told):
            return tyro.cli(
                asked,
                prog=prog,
                description=description,
                args=list(words),
                registry=_REGISTRY,
                config=_CONFIG,
            )
    except SystemExit as stop:
        ours = _ours(stop)
        if ours is not None:
            raise ours from None
        sys.stderr.write(told.getvalue())
        raise


def _ours(error: BaseException | None) -> GenlockError | None:
    """The error of ours that led to another one."""
    while error is not None and not isinstance(error, GenlockError):
        error = error.__cause__ or error.__context__
    return error


def read_words(
    prog: str, title: str, words: Sequence[str], needed: Mapping[str, Any], **optional: tuple[Any, Any]
) -> Any:
    """Read the words of a command whose options are known only now.

    Parameters
    ----------
    needed : the type of each argument that has no default, by name
    optional : type and default of each of the others

    Returns
    -------
    An object with an attribute for each.
    """
    kinds: list[Any] = list(needed.items())
    kinds += [(name, kind, field(default=default)) for name, (kind, default) in optional.items()]
    asked: Any = make_dataclass("Words", kinds, frozen=True)
    if asks_for_help(words):
        print(help_text(asked, prog, title, registry=_REGISTRY, config=_CONFIG))
        raise SystemExit(0)
    return _read(asked, prog, words, title)
