"""What was made of a file and not kept yet: faces that talk with it, sounds for it, each a folder of its own.

A take holds the file that was made, what a timeline needs of it, and what is to be known of it. It appears whole. Kept,
the file gets a name beside the film; nothing is ever overwritten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, OutputError
from genlock.core.files import atomic_folder, make_folders
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.kinds import free_name
from genlock.tasks.prepare_timeline import prepare_timeline

__all__ = ["KEPT_AS", "Take", "Takes"]

_MARKER = "take.json"
#: What stands in the name of a kept file, by the kind of the job that made it.
KEPT_AS = {"animate": "animated", "sound": "sound"}


@dataclass(frozen=True)
class Take:
    """One thing that was made of a file."""

    ident: str
    """What requests call it, of its own file only."""
    folder: Path
    """Where it lies."""
    told: Mapping[str, Any]
    """``kind``, ``sentence``, ``result``, ``options``, ``created``, ``version`` of the file, ``output``."""

    __repr__ = one_line

    @property
    def output(self) -> Path:
        """The file that was made."""
        return self.folder / Path(str(self.told["output"])).name

    @property
    def clip(self) -> Path | None:
        """What a timeline needs of it; None where it is no film and no sound."""
        return self.folder / "clip" if (self.folder / "clip").is_dir() else None

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return {**self.told, "id": self.ident, "playable": self.clip is not None}


class Takes:
    """The takes of all files of a folder."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder

    def of(self, file: MediaFile) -> list[Take]:
        """The takes of a file, the oldest first; what is damaged is not one."""
        found = []
        for path in self._place(file).glob(f"[0-9]*/{_MARKER}"):
            try:
                found.append(Take(path.parent.name, path.parent, read_json_file(path)))
            except FormatError:
                continue  # the disk has lost it
        return sorted(found, key=lambda take: (float(take.told.get("created", 0)), take.ident))

    def take(self, file: MediaFile, ident: str) -> Take:
        """A take by its number. Raises NotThere."""
        for take in self.of(file):
            if take.ident == ident:
                return take
        raise NotThere(f"there is no take {ident!r} of {file.name!r} (any more)")

    def add(
        self,
        file: MediaFile,
        ident: str,
        made: Path,
        told: Mapping[str, Any],
        progress: Progress,
        *,
        film: bool,
    ) -> None:
        """Move a file that was made into a take; prepare what a timeline needs of it if it is a film or a sound."""
        make_folders(self._place(file))
        with atomic_folder(self._place(file) / ident, marker=_MARKER) as fresh:
            if film:
                prepare_timeline(made, fresh / "clip", progress)
            shutil.move(made, fresh / made.name)
            write_json(fresh / _MARKER, {**told, "output": made.name, "version": file.version})

    def keep(self, file: MediaFile, ident: str) -> str:
        """Give a take a name beside its file; that name.

        Raises OutputError if it cannot be written.
        """
        take = self.take(file, ident)
        what = KEPT_AS.get(str(take.told.get("kind")), "made")
        target = free_name(file.path, what, take.output.suffix)
        try:
            os.link(take.output, target, follow_symlinks=False)  # unlike a rename, it never overwrites
        except OSError as error:
            raise OutputError(f"cannot write {target.name!r}: {error.strerror}") from error
        return target.name

    def remove(self, file: MediaFile, ident: str) -> None:
        """Throw a take away."""
        shutil.rmtree(self.take(file, ident).folder)

    def _place(self, file: MediaFile) -> Path:
        return self._folder.own / "takes" / file.ident
