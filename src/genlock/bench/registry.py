"""What ``genlock bench NAME`` runs: benchmarks by name, each with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genlock.core.plugins import find_plugin

__all__ = ["GROUP", "Bench", "find_bench"]

#: The entry-point group of benchmarks.
GROUP = "genlock.benches"


@dataclass(frozen=True)
class Bench:
    """One command of ``genlock bench``; registered under ``genlock.benches``."""

    name: str
    """As on the command line."""
    title: str
    """One line for ``genlock bench --list``."""
    options: type[Any]
    """A frozen dataclass with defaults; its fields are the flags."""
    run: Callable[..., Any]
    """Called as ``run(dataset, options, output, progress)``; ``output`` is a JSON file that keeps the run, or None. It
    answers with a result that has ``to_dict()`` (with ``table[]``, one row a system or control) and ``str()``."""
    dataset: str = "Folder of clips."
    """What it is measured on, one sentence for ``--help``."""


def find_bench(name: str) -> Bench:
    """The benchmark of a name; other packages register theirs by entry points of :data:`GROUP`.

    >>> find_bench("sync").options.__name__
    'SyncBenchOptions'

    Raises OptionError for an unknown name, PluginError for a broken one.
    """
    return find_plugin(GROUP, name, Bench)
