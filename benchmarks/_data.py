"""Where the real recordings lie that benchmarks measure on, and what is said where there are none.

They are no part of the project: a folder with ``grid_s1`` (clips of one speaker of the GRID corpus in ``video``, their
word times in ``align``), ``talking`` and ``speech``. ``$GENLOCK_DATA`` names it; else ``../shared/data`` beside the
repository is looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("GENLOCK_DATA") or REPOSITORY.parent / "shared" / "data")
GRID = DATA / "grid_s1"
VIDEOS = GRID / "video"
TALKING = DATA / "talking"
#: Runs and other things that a benchmark keeps; the folder is not in git.
BUILD = REPOSITORY / "build"


def need(where: Path, what: str = "GRID clips") -> list[Path]:
    """The files of a folder by name, or the one file that ``where`` is.

    Where there is none the program ends: with the line ``skipped: ...`` and status 0 if it belongs to the recordings,
    which nobody need have; with status 1 else, for then somebody named it.
    """
    files = [where] if where.is_file() else []
    if where.is_dir():
        files = sorted(f for f in where.iterdir() if f.is_file() and not f.name.startswith("."))
    if not files and where.is_relative_to(DATA):
        print(f"skipped: no {what} in {where} (GENLOCK_DATA names another folder)")
        sys.exit(0)
    if not files:
        sys.exit(f"no {what} in {where}; name another")
    return files


def sounds_or_grid(named: Sequence[str] | None) -> list[str]:
    """The folders of sounds or datasets that were named, else that of GRID, with videos and word times."""
    if not named:
        need(VIDEOS)
    return list(named or [str(GRID)])


def speech_datasets(named: Sequence[str] | None, keep: Path) -> tuple[Path, ...]:
    """The datasets that were named; other folders, or GRID's, are prepared into ``keep`` first, once."""
    from genlock.data.options import PrepareOptions
    from genlock.train.datasets import open_datasets
    from genlock.train.speech.utterances import NEEDS

    return open_datasets(sounds_or_grid(named), keep, NEEDS, options=PrepareOptions(group="source")).datasets
