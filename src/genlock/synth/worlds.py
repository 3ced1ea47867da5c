"""What ``genlock synth NAME`` makes: worlds by name, each with its options, its clips and their planted truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genlock.core.plugins import find_plugin

__all__ = ["GROUP", "World", "find_world"]

#: The entry-point group of worlds.
GROUP = "genlock.worlds"


@dataclass(frozen=True)
class World:
    """One command of ``genlock synth``; registered under ``genlock.worlds``."""

    name: str
    """As on the command line."""
    title: str
    """One line for ``genlock synth --list``."""
    options: type[Any]
    """A frozen dataclass with defaults; its fields are the flags. The same options give the same clips."""
    make: Callable[..., Any]
    """Called as ``make(folder, options, progress)``; writes clips, each with its truth beside it, and answers with a
    result that has ``to_dict()`` and ``str()``."""

    @property
    def output(self) -> str:
        """The folder, if none is named."""
        return f"genlock-{self.name}"


def find_world(name: str) -> World:
    """The world of a name; other packages register theirs by entry points of :data:`GROUP`.

    >>> find_world("signals").options.__name__
    'SetOptions'

    Raises OptionError for an unknown name, PluginError for a broken one.
    """
    return find_plugin(GROUP, name, World)
