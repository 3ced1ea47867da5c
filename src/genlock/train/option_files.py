"""Options of training out of YAML files and of the records of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from genlock.core.errors import InputError, OptionError
from genlock.core.plugins import did_you_mean

__all__ = ["options_from", "read_options"]


def read_options(path: str | Path) -> dict[str, Any]:
    """Options from a YAML file of ``name: value`` lines, or from a run's ``run.json``.

    Raises InputError if it cannot be read or holds something else.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"the options {str(path)!r} cannot be read: {error}") from error
    if isinstance(data, dict) and data.get("kind") == "run":
        data = {**data["settings"], **data["loop"]}
        data = {name: value for name, value in data.items() if name not in RECORDED}
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise InputError(f"{str(path)!r} is no list of options; write one as 'steps: 2000' a line")
    return data


#: What a run's record says beside its options.
RECORDED = frozenset({"clips", "seconds", "characters"})


def options_from(data: Mapping[str, Any], *kinds: Any) -> list[Any]:
    """One object of each kind, from names and values that belong to any of them.

    A kind is a class of options, or an object of one that says where they begin.

    >>> from genlock.train.options import CtcTraining, LoopOptions
    >>> training, loop = options_from({"steps": 5, "shape": "micro"}, CtcTraining, LoopOptions)
    >>> training.shape, loop.steps
    ('micro', 5)

    Raises OptionError if a name belongs to none, or a value is of the wrong type.
    """
    begin = [kind() if isinstance(kind, type) else kind for kind in kinds]
    known = {field.name: type(getattr(base, field.name)) for base in begin for field in fields(base)}
    found = {}
    for name, value in data.items():
        if name not in known:
            raise OptionError(
                f"the option {name!r} is unknown; known are {', '.join(sorted(known))}{did_you_mean(name, list(known))}"
            )
        given = tuple(value) if known[name] is tuple and isinstance(value, list) else value
        fine = isinstance(given, (int, float)) if known[name] is float else type(given) is known[name]
        if not fine or (known[name] is float and isinstance(given, bool)):
            raise OptionError(f"{name}={value!r} is no {known[name].__name__}")
        found[name] = given
    return [
        replace(base, **{f.name: found[f.name] for f in fields(base) if f.name in found}) for base in begin
    ]
