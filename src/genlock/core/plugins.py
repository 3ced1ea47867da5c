"""Plugins by package entry points; the built-in ones register in the same way. Standard library only.

A plugin is looked up by group and name, and imported only when it is asked for. A plugin that was asked for
and cannot be imported is an error that says where it comes from: it is never skipped silently.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from genlock.core.errors import OptionError, PluginError

__all__ = ["load_plugin", "plugin_names", "plugin_origin"]


def plugin_names(group: str) -> list[str]:
    """The names that are registered in an entry-point group, sorted; nothing is imported.

    >>> plugin_names("genlock.no_such_group")
    []
    """
    return sorted({point.name for point in _points(group)})


def load_plugin(group: str, name: str) -> Any:
    """Import the object that an installed package registers as ``name`` in ``group``.

    Raises
    ------
    OptionError
        If no package registers that name; the message lists the names that exist.
    PluginError
        If the object cannot be imported, or two packages register different objects under one name.
        The message says which package and module it comes from.
    """
    points = _distinct(_points(group).select(name=name))
    if not points:
        known = ", ".join(plugin_names(group)) or "nothing: is genlock installed? run `pip install -e .`"
        raise OptionError(f"{name!r} is not registered in {group}; what is: {known}")
    if len(points) > 1:
        origins = " and ".join(plugin_origin(point) for point in points)
        raise PluginError(f"{name!r} of {group} is registered twice, by {origins}; uninstall one of them")
    point = points[0]
    try:
        return point.load()
    # Third-party code runs on import and may raise anything; it is told again with its origin.
    except Exception as error:
        raise PluginError(
            f"{name!r} of {group} cannot be loaded from {plugin_origin(point)}: "
            f"{type(error).__name__}: {error}; repair or uninstall that package"
        ) from error


def plugin_origin(point: EntryPoint) -> str:
    """Where an entry point comes from, in words: its distribution with version, and its module.

    >>> plugin_origin(EntryPoint("tempo", "some_package.tempo:Tempo", "genlock.extractors"))
    'an unknown distribution (some_package.tempo:Tempo)'
    """
    if point.dist is None:
        return f"an unknown distribution ({point.value})"
    return f"{point.dist.name} {point.dist.version} ({point.value})"


def _points(group: str) -> EntryPoints:
    return _registered(tuple((place, _changed(place)) for place in sys.path), group)


@lru_cache(maxsize=32)
def _registered(places: tuple[tuple[str, int | None], ...], group: str) -> EntryPoints:
    """What is registered in a group. Every installed package is looked at, which takes 25 ms: once for each state
    of the search path, where a package that comes or goes changes the folder that it lies in."""
    return entry_points(group=group)


def _changed(place: str) -> int | None:
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return None


def _distinct(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """One entry point for each object: one distribution may be found twice on the path."""
    return list({point.value: point for point in points}.values())
