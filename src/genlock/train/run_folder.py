"""The folder of a run: whose it is, and whether a run may go on in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import make_folders
from genlock.core.json_forms import read_json_file, write_json
from genlock.train.options import LoopOptions

__all__ = ["RUN", "claim_folder", "defaults_of"]

RUN = "run.json"
#: What may lie in the folder before a run begins: the dataset that was prepared for it, and
#: links to what it was prepared from.
_BESIDE = frozenset({"dataset", "sources"})
#: Options in which a run may differ from the one that it continues, without a word: they change no result.
_FREE = frozenset({"save_every", "keep", "evaluate_every", "log_every", "workers"})
#: Options in which it may differ, and is told what that means.
_NOTED = ("steps", "threads")
#: Characters of an option's value in a message.
_LONGEST = 80


def claim_folder(
    folder: Path,
    recipe: str,
    settings: Mapping[str, Any],
    loop: LoopOptions,
    defaults: Mapping[str, Any],
    done: int,
) -> tuple[str, ...]:
    """Write the record of a run into its folder, which is new, empty, or holds the same run.

    Parameters
    ----------
    settings, loop : the recipe's options and the loop's
    defaults : those of options that a record may lack because they came to be after it
    done : updates that the run in the folder has done

    Returns
    -------
    What changes because options differ that may, one sentence each; ``changes`` of the record keeps them.

    Raises OptionError if the folder holds another run or something else, OutputError if it cannot be written.
    """
    ours = json.loads(
        json.dumps({"kind": "run", "recipe": recipe, "settings": dict(settings), "loop": asdict(loop)})
    )
    path, notes = folder / RUN, []
    if path.is_file():
        theirs = read_json_file(path)
        wrong = _differences(theirs, ours, defaults)
        if wrong:
            raise OptionError(
                f"{str(folder)!r} holds another run ({'; '.join(wrong[:4])}): continue it with its own settings "
                f"({', '.join([*_NOTED, *sorted(_FREE)])} may differ), or choose another folder with -o"
            )
        notes = _changes(theirs["loop"], ours["loop"], loop, done)
        changes = [*theirs.get("changes", []), *({"step": done, "what": note} for note in notes)]
        ours |= {"changes": changes} if changes else {}
    elif folder.is_dir() and any(p.name not in _BESIDE for p in folder.iterdir()):
        raise OptionError(f"{str(folder)!r} exists and holds no run; choose another folder with -o")
    write_json(path, ours)
    try:
        make_folders(folder / "checkpoints")
    except OSError as error:
        raise OutputError(f"cannot write the run folder {str(folder)!r}: {error.strerror}") from error
    for leftover in (folder / "checkpoints").glob(".genlock-*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    return tuple(notes)


def _changes(theirs: Mapping[str, Any], ours: dict[str, Any], loop: LoopOptions, done: int) -> list[str]:
    """What the options that may differ change; ``ours`` keeps the steps of a run that has done more already."""
    notes = []
    before = int(theirs.get("steps", loop.steps))
    if loop.steps < done:
        notes.append(f"the run has done {done} steps already, more than {loop.steps}: nothing was trained")
        ours["steps"] = before
    elif loop.steps != before and done:
        old, new = replace(loop, steps=before).rate(done), loop.rate(done)
        notes.append(
            f"the run was to have {before} steps and has {loop.steps} now, {done} of which are done: what is planned "
            f"in shares of the steps follows the new number from here on (learning rate {new:.3g}, not {old:.3g})"
        )
    threads = theirs.get("threads", 0)
    if threads != loop.threads and loop.steps > done > 0:
        notes.append(
            f"threads {threads} before, {loop.threads} now: from step {done + 1} on the last bits may differ from "
            "those of an undisturbed run"
        )
    return notes


def defaults_of(*options: Any) -> dict[str, Any]:
    """The defaults of dataclasses of options as JSON has them, by name, options within options too; of None, none.

    >>> defaults_of(None, LoopOptions(steps=7))["steps"]
    1000
    """
    found: dict[str, Any] = {}
    for o in options:
        for f in fields(o) if is_dataclass(o) else ():
            if is_dataclass(inner := getattr(o, f.name)):
                found[f.name] = defaults_of(inner)
            elif f.default is not MISSING:
                found[f.name] = f.default
            elif f.default_factory is not MISSING:
                found[f.name] = f.default_factory()
    return found


def _differences(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[str]:
    if theirs.get("recipe") != ours["recipe"]:
        return [f"recipe {theirs.get('recipe')}, not {ours['recipe']}"]
    return [
        difference
        for section in ("settings", "loop")
        for difference in _of_options(theirs.get(section) or {}, ours[section], defaults)
    ]


def _of_options(old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """What differs, in words; an option that one record lacks came to be later, or is gone, and has its default."""
    found = []
    for name in sorted({*old, *new} - _FREE - {*_NOTED}):
        usual = defaults.get(name)
        before, now = (each.get(name, _as_json(usual)) for each in (old, new))
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += _of_options(before, now, usual if isinstance(usual, Mapping) else {})
        elif before != now:
            found.append(f"{name} {_short(before)}, not {_short(now)}")
    return found


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    """As it is, or where that is long (the names of all clips), how it begins."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
