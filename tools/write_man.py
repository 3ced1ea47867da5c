"""Writes docs/genlock.1, the manual page: what `--help` of every command says, which reads its own options.

    python tools/write_man.py; man ./docs/genlock.1

``tests/cli/test_man_page.py`` fails where it is old.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

from genlock import __version__
from genlock.cli import main as genlock
from genlock.cli.table import COMMANDS

TARGET = Path(__file__).resolve().parent.parent / "docs" / "genlock.1"
# The table of the documents, which has statuses and what they mean.
_STATUSES = TARGET.with_name("many-files.md")


def man_page() -> str:
    """The page, in the language of man(7)."""
    parts = [
        f'.TH GENLOCK 1 "" "Genlock {__version__}" "User Commands"',
        ".SH NAME",
        r"genlock \- sound and picture of a video on one exact clock",
        ".SH SYNOPSIS",
        r".B genlock",
        r"COMMAND [FILE...] [options]",
        ".SH DESCRIPTION",
        "Genlock measures whether sound and picture are in step, puts words and features on the frames of a video, and "
        "repairs what is not in step. All work is done on this machine; only",
        ".B genlock models fetch",
        "and addresses that are given as files touch the network.",
    ]
    for name in COMMANDS:
        parts += [f".SH GENLOCK {name.upper()}", ".nf", *map(_plain, _help_of(name).splitlines()), ".fi"]
    parts += [".SH EXIT STATUS"]
    rows = (
        _STATUSES.read_text(encoding="utf-8")
        .partition("| status | meaning |\n|---|---|\n")[2]
        .split("\n\n")[0]
    )
    for row in rows.splitlines():
        status, _, what = row.strip("| ").replace("`", "").partition(" | ")
        parts += [".TP", f".B {status}", _plain(what.replace("\\|", "|"))]
    parts += [".SH ENVIRONMENT", ".TP", ".B GENLOCK_CACHE", "Folder of the model files that were fetched."]
    return "\n".join(parts) + "\n"


def _help_of(name: str) -> str:
    said = io.StringIO()
    with redirect_stdout(said), _as_if_alone(), suppress(SystemExit):
        genlock([*name.split(), "--help"])
    return said.getvalue().strip()


@contextmanager
def _as_if_alone() -> Iterator[None]:
    """In 80 columns and without colours, whoever asks."""
    before = dict(os.environ)
    os.environ.update(COLUMNS="80", NO_COLOR="1", TERM="dumb")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _plain(line: str) -> str:
    """A line that says itself: no character of it is an order, and a dash is the one that is typed."""
    escaped = line.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    escaped = escaped.replace("^", r"\(ha").replace("~", r"\(ti")
    return rf"\&{escaped}" if escaped.startswith((".", " ")) or not escaped else escaped


if __name__ == "__main__":
    TARGET.write_text(man_page(), encoding="utf-8")
    print(TARGET)
