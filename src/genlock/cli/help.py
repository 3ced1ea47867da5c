"""The help of a command in 80 columns: what it is for, its options in groups, examples."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Callable, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import tyro

from genlock.cli.table import COMMANDS

__all__ = ["QUIET", "asks_for_help", "help_text"]

#: Taken by every command.
QUIET = "--quiet"
_WIDTH = 80
_COLUMN = 26
_GROUPS = MappingProxyType(
    {
        "options": "Files and output",
        "options options": "What to do",
        "options.reading options": "Streams and range",
        "training options": "What to train",
        "loop options": "How training runs",
        "watch options": "With --live",
    }
)
#: What a flag does that takes something away: what is written beside its field says what it takes away.
_WITHOUT = MappingProxyType(
    {
        "--no-beside": "Recognise what is said, whatever text lies beside a file.",
        "--no-sync": "Skip the offset of sound against picture.",
        "--no-tails": "Leave tails out.",
        "--no-upright": "Leave the films of phones as they are stored.",
        "--no-vad": "With Whisper: hear all of the sound, not only where a detector finds voices.",
    }
)
_FILES = frozenset(
    "against fix language_model library markers options plot resume retime sheet transcript".split()  # noqa: SIM905
)
# What says nothing to a person: no default, a flag that is off, an empty list.
_EMPTY_DEFAULT = re.compile(r"\s*\((default: (None|True|False|)|unset by default|optional)\)\s*$")


def help_text(command: Callable[..., Any], prog: str, description: str | None, **asked: Any) -> str:
    """The help of a command.

    Parameters
    ----------
    command : a function, or a class whose fields are the options
    prog : how the command is typed: ``genlock words``
    description : what it is for; None: the first paragraph of the docstring
    asked : ``registry`` and ``config`` of tyro
    """
    with warnings.catch_warnings():
        # tyro has no other public list of a command's arguments.
        warnings.simplefilter("ignore", DeprecationWarning)
        parser = tyro.extras.get_parser(command, prog=prog, description=description, **asked)
    positional, *groups = parser._action_groups
    names = [_place(action) for action in positional._group_actions]
    lines = [*_wrapped("usage: " + " ".join([prog, *names, "[options]"])), ""]
    lines += _wrapped((parser.description or "").replace("``", ""))
    for action in positional._group_actions:
        lines += ["", *_row(_place(action), _said(action))]
    # The main options come first, then where things go, then what all commands share.
    first = [group for group in groups if group.title == "options options"]
    for group in [*first, *(group for group in groups if group not in first)]:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if actions:
            title = str(group.title)
            lines += ["", f"{_GROUPS.get(title, _plain_title(title))}:"]
            lines += [line for action in actions for line in _row(_typed(action), _said(action))]
        if group.title == "options":
            lines += _row(QUIET, "Show no progress and no hints; only results and errors.")
    return "\n".join([*lines, *_examples(prog)])


def _examples(prog: str) -> list[str]:
    command = COMMANDS.get(prog.partition(" ")[2])
    if command is None or not command.examples:
        return []
    width = max(len(typed) for typed in command.examples)
    rows = [f"  {typed:<{width}}  {why}".rstrip() for typed, why in command.examples.items()]
    if max(map(len, rows)) > _WIDTH:
        rows = [line for typed, why in command.examples.items() for line in (f"  {typed}", f"      {why}")]
    return ["", "Examples:", *rows]


def _plain_title(title: str) -> str:
    words = title.removesuffix(" options").rpartition(".")[2].replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _place(action: argparse.Action) -> str:
    name = str(action.dest).rpartition(".")[2].upper().replace("-", "_")
    if action.nargs == "*":
        return f"{name.removesuffix('S')}..."
    return name if action.nargs != "?" else f"[{name}]"


def _typed(action: argparse.Action) -> str:
    names = ", ".join(sorted(action.option_strings, key=len))
    if action.nargs == 0:
        return names
    # Python's None is what there is without the option; nobody types it.
    shown = str(action.metavar or "VALUE").replace("{None,", "{").replace("{None}|", "")
    if str(action.dest).rpartition(".")[2] in _FILES:
        shown = "FILE"
    return f"{names} {'NAME' if shown == 'STR' else shown.replace(',', ', ')}"


def _said(action: argparse.Action) -> str:
    if action.dest == "help":
        return "Show this help."
    text = _EMPTY_DEFAULT.sub("", " ".join(str(action.help or "").split()))
    text = text.replace("``", "").replace("None: ", "Without it: ").replace("; Without it", "; without it")
    if action.nargs == 0 and (action.option_strings or [""])[-1].startswith("--no-"):
        flag = action.option_strings[-1]
        return _WITHOUT.get(flag, f"Not so: {text}")
    return text


def _row(left: str, text: str) -> list[str]:
    lines = wrap(text, _WIDTH - _COLUMN) or [""]
    pad = " " * _COLUMN
    if len(left) + 4 > _COLUMN:
        heads = wrap(left, _WIDTH - 2, subsequent_indent="      ", break_on_hyphens=False)
        return [f"  {line}" for line in heads] + [pad + line for line in lines]
    return [f"  {left:<{_COLUMN - 2}}{lines[0]}".rstrip(), *(pad + line for line in lines[1:])]


def _wrapped(text: str) -> list[str]:
    return [line for part in text.splitlines() for line in wrap(part, _WIDTH) or [""]]


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether a command line asks what a command takes.

    >>> asks_for_help(["talk.mp4", "--help"]), asks_for_help(["talk.mp4"])
    (True, False)
    """
    return any(word in ("-h", "--help") for word in words)
