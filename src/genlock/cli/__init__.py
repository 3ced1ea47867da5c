"""The command line: ``genlock COMMAND``. It reads options, shows progress and prints; it knows no algorithm.

What is asked most often, the help and the version, is told without importing anything that takes time.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from textwrap import wrap

from genlock import __version__
from genlock.cli.table import COMMANDS

__all__ = ["main"]

_WIDTH = 80
_BEFORE = """usage: genlock COMMAND ...

Sound and picture of a video on one exact clock.
"""
_AFTER = """
To begin with:

  genlock align talk.mp4                words, features and offset, and a report
  genlock sync talk.mp4                 is the sound in step with the picture?
  genlock words talk.mp4 -o talk.srt    subtitles

genlock COMMAND --help says what a command takes; genlock --version which
Genlock, Python and system this is.

Exit status: 0 all is done, 1 a check says no, 2 something could not be done
(the line on standard error says what), 3 it cannot be told, or the text is not
what is said; 130, 143 interrupted, 141 whoever read the output has gone."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 2 for bad input, 130 interrupted, 143 terminated."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            return _run(given)
        finally:
            # Here, and not when Python ends: only here it can be told that nobody reads any more.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`: nothing to tell anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # What a shell says of a program that a closed pipe ended, for not all was told; whoever watches a live source
        # ends it so.
        return 0 if "--live" in given else 128 + 13


def _run(given: list[str]) -> int:
    if given in (["--version"], ["-V"]):
        print(f"genlock {__version__}, Python {platform.python_version()}, {platform.platform()}")
        return 0
    if given in ([], ["--help"], ["-h"]):
        print(_help())
        return 0
    return int(import_module("genlock.cli.dispatch").run(given))


def _help() -> str:
    width = max(map(len, COMMANDS)) + 4
    rows = []
    for name, command in COMMANDS.items():
        first, *more = wrap(command.title, _WIDTH - width)
        rows += [f"  {name:<{width - 2}}{first}", *(" " * width + line for line in more)]
    return "\n".join([_BEFORE, *rows, _AFTER])
