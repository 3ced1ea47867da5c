"""Plugins by package entry points; the built-in ones register in the same way. Standard library only.

A plugin is looked up by group and name, and imported only when it is asked for. A plugin that was asked for
and cannot be imported is an error that says where it comes from: it is never skipped silently.

===========================  =========================================================  ============================
group                        what is registered                                         one is chosen by
===========================  =========================================================  ============================
``genlock.aligners``         a class, :class:`genlock.speech.find.Aligner`              ``words --aligner``
``genlock.benches``          a :class:`genlock.bench.registry.Bench`                    ``bench NAME``
``genlock.corpora``          a :class:`genlock.data.corpora.base.Corpus`                ``prepare --recipe``
``genlock.estimators``       makes a :class:`genlock.lipsync.estimators.base.Estimator`  ``sync --estimators``
``genlock.exporters``        a function, :data:`genlock.data.export.base.Exporter`      ``export --to``
``genlock.faces``            makes a :class:`genlock.animation.faces.base.DrawnFace`      ``animate --face``
``genlock.features``         a class, :class:`genlock.extractors.base.Feature`            ``features --feature``
``genlock.finders``          a class, :class:`genlock.foley.finding.Finder`            ``sound --finder``
``genlock.recipes``          a :class:`genlock.train.registry.RecipeCommand`            ``train NAME``
``genlock.recognizers``      a class, :class:`genlock.speech.recognize.Recognizer`      ``words --recognizer``
``genlock.sounders``         makes a :class:`genlock.foley.sounding.Sounder`            ``sound --model``
``genlock.worlds``           a :class:`genlock.synth.worlds.World`                      ``synth NAME``
===========================  =========================================================  ============================
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar

from genlock.core.errors import MissingDependency, OptionError, PluginError
from genlock.core.optional import missing_package, optional_module

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

__all__ = [
    "check_plugin",
    "did_you_mean",
    "find_plugin",
    "list_plugins",
    "load_plugin",
    "plugin_class",
    "plugin_names",
    "plugin_origin",
]

# What reads packages' metadata parses mail: whoever looks nothing up does not wait for it.
_METADATA = optional_module("importlib.metadata")
_DIFFLIB = optional_module("difflib")

Kind = TypeVar("Kind")
_WIDTH = 80  # columns of a terminal


def plugin_names(group: str) -> list[str]:
    """The names that are registered in an entry-point group, sorted; nothing is imported.

    >>> plugin_names("genlock.no_such_group")
    []
    """
    return sorted({point.name for point in _points(group)})


def find_plugin(group: str, name: str, kind: type[Kind]) -> Kind:
    """The object registered as ``name`` in ``group``, which is a ``kind``.

    Raises
    ------
    OptionError
        If no package registers that name; the message lists the names that exist, and the one that was meant.
    PluginError
        If it cannot be imported or is no ``kind``. The message says which package it comes from.
    """
    found = load_plugin(group, name)
    if not isinstance(found, kind):
        wanted = f"a {kind.__module__}.{kind.__qualname__}"
        raise _no_such_kind(group, name, f"is a {type(found).__name__}, not {wanted}")
    return found


def plugin_class(group: str, name: str, *attributes: str) -> Any:
    """The class, or whatever makes an object, that is registered as ``name`` in ``group``.

    Raises
    ------
    OptionError
        If no package registers that name.
    PluginError
        If it cannot be imported, cannot be called, or lacks one of the attributes that its protocol asks for.
    """
    found = load_plugin(group, name)
    if not callable(found):
        raise _no_such_kind(group, name, f"is {found!r}, which makes nothing when it is called")
    check_plugin(group, name, found, *attributes)
    return found


def check_plugin(group: str, name: str, found: object, *attributes: str) -> None:
    """Raise PluginError, with its origin, if a plugin lacks one of the attributes that its protocol asks for."""
    missing = [attribute for attribute in attributes if not hasattr(found, attribute)]
    if missing:
        raise _no_such_kind(group, name, f"has no {' and no '.join(repr(one) for one in missing)}")


def _no_such_kind(group: str, name: str, wrong: str) -> PluginError:
    (point,) = _distinct(_points(group).select(name=name))
    return PluginError(
        f"{name!r} of {group} {wrong}; it comes from {plugin_origin(point)}: repair or uninstall that package"
    )


def list_plugins(group: str) -> str:
    """A line for each name of a group, with the ``title`` of the object; a broken one says so, with its origin."""
    lines = []
    for name in plugin_names(group):
        try:
            title = load_plugin(group, name).title
        except MissingDependency as error:
            title = f"not here: {error}"
        except PluginError as error:
            title = f"broken: {error}"
        lines += wrap(f"{name:<12}{title}", _WIDTH, subsequent_indent=" " * 12, break_on_hyphens=False)
    return "\n".join(lines)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A question to go at the end of a message about an unknown name; empty where none is near.

    >>> did_you_mean("wave2vec", ["ctc", "wav2vec2"])
    "; did you mean 'wav2vec2'?"
    """
    near = _DIFFLIB.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def load_plugin(group: str, name: str) -> Any:
    """Import the object that an installed package registers as ``name`` in ``group``.

    Raises
    ------
    OptionError
        If no package registers that name; the message lists the names that exist.
    MissingDependency
        If it needs a package that an extra of ours installs; the message says which.
    PluginError
        If the object cannot be imported, or two packages register different objects under one name.
        The message says which package and module it comes from.
    """
    points = _distinct(_points(group).select(name=name))
    if not points:
        names = plugin_names(group)
        known = ", ".join(names) or "nothing: is genlock installed? run `pip install -e .`"
        raise OptionError(
            f"there is no {name!r} among the {_plural(group)}; there are: {known}{did_you_mean(name, names)}"
        )
    if len(points) > 1:
        origins = " and ".join(plugin_origin(point) for point in points)
        raise PluginError(f"{name!r} of {group} is registered twice, by {origins}; uninstall one of them")
    point = points[0]
    try:
        return point.load()
    except MissingDependency:
        raise
    # Third-party code runs on import and may raise anything; it is told again with its origin.
    except Exception as error:
        missing = missing_package(error, repr(name)) if isinstance(error, ImportError) else None
        if missing is not None:
            raise missing from error
        raise PluginError(
            f"{name!r} of {group} cannot be loaded from {plugin_origin(point)}: "
            f"{type(error).__name__}: {error}; repair or uninstall that package"
        ) from error


def _plural(group: str) -> str:
    """What the names of a group are, in words."""
    return group.rpartition(".")[2].replace("_", " ")


def plugin_origin(point: EntryPoint) -> str:
    """Where an entry point comes from, in words: its distribution with version, and its module.

    >>> from importlib.metadata import EntryPoint
    >>> plugin_origin(EntryPoint("tempo", "some_package.tempo:Tempo", "genlock.features"))
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
    found: EntryPoints = _METADATA.entry_points(group=group)
    return found


def _changed(place: str) -> int | None:
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return None


def _distinct(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """One entry point for each object: one distribution may be found twice on the path."""
    return list({point.value: point for point in points}.values())
