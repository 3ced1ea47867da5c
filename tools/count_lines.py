"""Lines of code of each room of the package at two revisions, side by side.

    python tools/count_lines.py BEFORE [AFTER]      (AFTER: HEAD)

Logical lines are counted, so that a formatter that folds them otherwise changes nothing; comments, empty lines and
documentation strings do not count. The lines of the files as they are stand in brackets.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections import Counter
from pathlib import PurePosixPath

ROOT = "src/genlock"


def main(before: str, after: str = "HEAD") -> None:
    """Print the table."""
    old, new = (counted(revision) for revision in (before, after))
    print(f"{'room':12} {before[:10]:>16} {after[:10]:>16}   difference")
    for room in sorted({*old[0], *new[0]}):
        row(room, *(side[kind][room] for side in (old, new) for kind in (0, 1)))
    row("all", *(sum(side[kind].values()) for side in (old, new) for kind in (0, 1)))


def row(name: str, old: int, old_lines: int, new: int, new_lines: int) -> None:
    """Print one row."""
    print(f"{name:12} {old:6,} ({old_lines:6,}) {new:6,} ({new_lines:6,})   {new - old:+6,}")


def counted(revision: str) -> tuple[Counter[str], Counter[str]]:
    """Logical and physical lines of each room."""
    archive = subprocess.run(["git", "archive", revision, ROOT], capture_output=True, check=True).stdout
    logical: Counter[str] = Counter()
    physical: Counter[str] = Counter()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            path = PurePosixPath(member.name)
            stream = files.extractfile(member)
            if path.suffix != ".py" or stream is None:
                continue
            text = stream.read().decode()
            room = path.relative_to(ROOT).parts[0].removesuffix(".py")
            logical[room] += logical_lines(text)
            physical[room] += len(text.splitlines())
    return logical, physical


def logical_lines(text: str) -> int:
    """Statements' lines, however they are folded; documentation strings left out.

    >>> logical_lines('"About."\\nx = f(1,\\n      2)  # two\\n')
    1
    """
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    ends = sum(token.type == tokenize.NEWLINE for token in tokens)
    strings = sum(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for node in ast.walk(ast.parse(text))
    )
    return ends - strings


if __name__ == "__main__":
    main(*sys.argv[1:])
