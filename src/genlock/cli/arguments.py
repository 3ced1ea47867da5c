"""How arguments are typed, and one call of tyro with the settings that every command shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, make_dataclass
from typing import Annotated, Any

import tyro

from genlock.cli.help import asks_for_help, help_text
from genlock.core.time import Exact

__all__ = ["Files", "Force", "Json", "List", "Output", "read_words", "run_command"]

Files = tyro.conf.Positional[tuple[str, ...]]
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
_REGISTRY = tyro.constructors.ConstructorRegistry()


@_REGISTRY.primitive_rule
def _text_options(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """Exact numbers and texts that may be left out are typed as they are: the option's class reads them."""
    metavar = {Exact | None: "NUMBER", Exact: "NUMBER", str | None: "TEXT", int | None: "INT"}.get(info.type)
    if metavar is None:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: int(words[0]) if metavar == "INT" else words[0],
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


def run_command(command: Callable[..., None], prog: str, words: Sequence[str]) -> None:
    """Read the words of a command line, and call the command with what they say; ``--help`` says what it takes."""
    if asks_for_help(words):
        print(help_text(command, prog, None, registry=_REGISTRY, config=_CONFIG))
        raise SystemExit(0)
    tyro.cli(command, prog=prog, args=list(words), registry=_REGISTRY, config=_CONFIG)


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
    return tyro.cli(asked, prog=prog, description=title, args=list(words), registry=_REGISTRY, config=_CONFIG)
