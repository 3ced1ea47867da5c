"""Datasets and training runs that lie in the studio's folder, or in those that were named beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from genlock.core.errors import FormatError
from genlock.core.json_forms import read_json_file
from genlock.core.one_line import one_line
from genlock.data.corpora.listing import printable
from genlock.studio.folder import NotThere, StudioFolder, ident_of

__all__ = ["Run", "Shelf", "Shelved"]

Kind = TypeVar("Kind", bound="Shelved")
_DEEPEST = 4
_LEDGER = (".genlock", "ledger.sqlite")
_RUN = "run.json"


@dataclass(frozen=True)
class Shelved:
    """A dataset, prepared or in preparation."""

    ident: str
    """What requests call it."""
    name: str
    """Its place, for people."""
    path: Path
    """Its folder."""

    __repr__ = one_line


@dataclass(frozen=True)
class Run(Shelved):
    """A training run."""

    recipe: str
    """What is trained."""
    model: Path | None
    """The model that it has made; None: not yet."""


class Shelf:
    """What lies in the folders of a studio. Looked for anew each time, four folders deep, links not followed."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder

    def datasets(self) -> list[Shelved]:
        """Datasets, by name."""
        return [
            Shelved(ident_of(str(path)), name, path)
            for name, path, files, folders in self._walk()
            if _is_dataset(path, files, folders)
        ]

    def runs(self) -> list[Run]:
        """Runs, by name."""
        found = []
        for name, path, files, folders in self._walk():
            if _RUN not in files:
                continue
            try:
                recipe = str(read_json_file(path / _RUN).get("recipe", ""))
            except FormatError:
                continue  # of somebody else's, or half-copied: no run that could be shown
            model = path / "model" if "model" in folders else None
            found.append(Run(ident_of(str(path)), name, path, recipe, model))
        return found

    def dataset(self, ident: str) -> Shelved:
        """A dataset by its number. Raises NotThere."""
        return _one(ident, self.datasets(), "dataset")

    def run(self, ident: str) -> Run:
        """A run by its number. Raises NotThere."""
        return _one(ident, self.runs(), "training run")

    def _walk(self) -> Iterator[tuple[str, Path, set[str], set[str]]]:
        for root in (self._folder.root, *self._folder.also):
            for place, folders, files in os.walk(root):
                path = Path(place)
                depth = len(path.relative_to(root).parts)
                names = set(folders)
                folders[:] = sorted(
                    each
                    for each in folders
                    if depth < _DEEPEST and not each.startswith(".") and each != "checkpoints"
                )
                short = path.relative_to(root).as_posix()
                yield printable(root.name if short == "." else short), path, set(files), names
                if _is_dataset(path, set(files), names):
                    folders[:] = []  # a million clips are not walked through


def _is_dataset(path: Path, files: set[str], folders: set[str]) -> bool:
    return "dataset.json" in files or (_LEDGER[0] in folders and path.joinpath(*_LEDGER).is_file())


def _one(ident: str, there: list[Kind], what: str) -> Kind:
    for each in there:
        if each.ident == ident:
            return each
    raise NotThere(f"there is no {what} {ident!r} here (any more)")
