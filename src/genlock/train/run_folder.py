"""The folder of a run: whose it is, and whether a run may go on in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import make_folders
from genlock.core.json_forms import read_json_file, write_json

__all__ = ["RUN", "claim_folder", "defaults_of"]

RUN = "run.json"
#: Settings in which a run may differ from the one that it continues.
_FREE = frozenset({"save_every", "keep", "evaluate_every", "log_every"})


def claim_folder(
    folder: Path,
    recipe: str,
    settings: Mapping[str, Any],
    loop: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> None:
    """Write the record of a run into its folder, which is new, empty, or holds the same run.

    ``defaults`` are those of options that a record may lack because they came to be after it.

    Raises OptionError if the folder holds another run or something else, OutputError if it cannot be written.
    """
    ours = json.loads(
        json.dumps({"kind": "run", "recipe": recipe, "settings": dict(settings), "loop": dict(loop)})
    )
    path = folder / RUN
    if path.is_file():
        wrong = _differences(read_json_file(path), ours, defaults)
        if wrong:
            raise OptionError(
                f"{str(folder)!r} holds another run ({'; '.join(wrong[:4])}): continue it with its own settings, or "
                "choose another folder with -o"
            )
    elif folder.is_dir() and any(p.name != "sounds" for p in folder.iterdir()):
        raise OptionError(f"{str(folder)!r} exists and holds no run; choose another folder with -o")
    write_json(path, ours)
    try:
        make_folders(folder / "checkpoints")
    except OSError as error:
        raise OutputError(f"cannot write the run folder {str(folder)!r}: {error.strerror}") from error
    for leftover in (folder / "checkpoints").glob(".genlock-*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)


def defaults_of(*options: Any) -> dict[str, Any]:
    """The defaults of dataclasses of options, by name; of what is None, none.

    >>> from genlock.train.options import LoopOptions
    >>> defaults_of(None, LoopOptions(steps=7))["steps"]
    1000
    """
    return {
        f.name: f.default for o in options if is_dataclass(o) for f in fields(o) if f.default is not MISSING
    }


def _differences(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[str]:
    if theirs.get("recipe") != ours["recipe"]:
        return [f"recipe {theirs.get('recipe')}, not {ours['recipe']}"]
    found = []
    for section in ("settings", "loop"):
        old, new = theirs.get(section) or {}, ours[section]
        for name in sorted({*old, *new} - _FREE):
            before = old.get(name, defaults.get(name))
            if before != new.get(name):
                found.append(f"{name} {before!r}, not {new.get(name)!r}")
    return found
