"""The lanes of a file besides its words and its sound: every track and every row of spans that was found about it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, GenlockError
from genlock.core.json_forms import read_json_file
from genlock.core.one_line import one_line
from genlock.report.pyramid import Pyramid
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.kinds import found_folder
from genlock.tasks.timeline_lanes import write_lane

__all__ = ["FileLanes", "Lane", "lanes_folder"]


def lanes_folder(folder: StudioFolder, file: MediaFile) -> Path:
    """Where tracks and spans of a file lie that were looked for on the timeline; another place when it has changed."""
    return found_folder(folder, file) / f"lanes-{file.version}"


@dataclass(frozen=True)
class Lane:
    """One of them."""

    name: str
    """What it is called."""
    kind: str
    """``track`` or ``spans``."""
    path: Path
    """Where it lies."""

    __repr__ = one_line


class FileLanes:
    """Tracks and spans of the files of a folder. Tiles of a track are made when they are first asked for."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def of(self, file: MediaFile) -> dict[str, Lane]:
        """The lanes by ``KIND:NAME``: those that were looked for here go before those of ``genlock align``."""
        found = {}
        for folder in (file.results / "tracks", lanes_folder(self._folder, file)):
            for kind, ending in (("track", ".npz"), ("spans", ".spans.json")):
                for path in sorted(folder.glob(f"*{ending}")) if folder.is_dir() else ():
                    name = path.name.removesuffix(ending)
                    found[f"{kind}:{name}"] = Lane(name, kind, path)
        return found

    def listing(self, file: MediaFile) -> list[dict[str, Any]]:
        """``key``, ``name``, ``kind`` of each, for the menu: no track is read for it."""
        return [{"key": key, "name": lane.name, "kind": lane.kind} for key, lane in self.of(file).items()]

    def spans(self, file: MediaFile, name: str) -> dict[str, Any]:
        """The spans of a lane, exact. Raises NotThere."""
        lane = self.of(file).get(f"spans:{name}")
        if lane is None:
            raise NotThere(f"there are no spans {name!r}")
        return read_json_file(lane.path)

    def tiles(self, file: MediaFile, name: str) -> tuple[Pyramid, str]:
        """The levels of a track, and their version. Raises NotThere where there is nothing that a lane can show."""
        lane = self.of(file).get(f"track:{name}")
        if lane is None:
            raise NotThere(f"there is no track {name!r}")
        state = lane.path.stat()
        version = hashlib.sha256(f"{lane.path} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
        place = found_folder(self._folder, file) / "tiles" / version
        with self._lock:
            try:
                if not (place / "pyramid.json").is_file():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    return write_lane(lane.path, place), version
                return Pyramid(place), version
            except FormatError as error:
                raise NotThere(f"the track {name!r} cannot be read: {error}") from error
            except GenlockError as error:
                raise NotThere(str(error)) from error
