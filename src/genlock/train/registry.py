"""What ``genlock train NAME`` runs: recipes by name, each with its options. torch is loaded only by one that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genlock.core.plugins import find_plugin
from genlock.train.options import LoopOptions

__all__ = ["GROUP", "RecipeCommand", "find_recipe"]

#: The entry-point group of recipes.
GROUP = "genlock.recipes"


@dataclass(frozen=True)
class RecipeCommand:
    """One command of ``genlock train``; registered under ``genlock.recipes``."""

    name: str
    """As on the command line."""
    title: str
    """One line for ``genlock train --list``."""
    training: type[Any]
    """The recipe's own options: a frozen dataclass with defaults; its fields are flags and names in YAML files."""
    run: Callable[..., Any]
    """Called as ``run(sources, folder, training, loop, progress)`` (without ``loop`` where there is none), and answers
    with a result that has ``to_dict()`` and ``str()``. Optional packages such as torch are imported inside."""
    loop: LoopOptions | None = field(default_factory=LoopOptions)
    """Defaults of the loop; None: the recipe does not go through the loop."""
    sources: str = "Folders of sounds or videos, or a prepared dataset."
    """What it learns from, one sentence for ``--help``."""
    folder: str = ""
    """The run folder by default; empty: ``NAME-run``."""
    models: Mapping[str, RecipeCommand] = field(default_factory=dict)
    """Kinds of model among which ``--model`` chooses, each with options of its own; this one is among them."""

    @property
    def output(self) -> str:
        """The run folder, if none is named."""
        return self.folder or f"{self.name}-run"


def find_recipe(name: str) -> RecipeCommand:
    """The recipe of a name; other packages register theirs by entry points of :data:`GROUP`.

    >>> find_recipe("ctc").training.__name__
    'CtcTraining'

    Raises OptionError for an unknown name, PluginError for a broken one.
    """
    return find_plugin(GROUP, name, RecipeCommand)
