"""Tar shards that ``genlock export --to webdataset`` wrote: where each member lies, and its bytes.

An output in a shard has the path ``SHARD#MEMBER`` and says at which byte it begins, so that any clip is read without
the others, by any number of threads.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import IO, Any

from genlock.core.errors import FormatError
from genlock.core.json_forms import read_json_file

__all__ = ["SHARDS", "ShardFiles", "in_shard", "members_of", "rows_of_shards", "shard_of"]

#: File that lists the shards.
SHARDS = "shards.json"
# How many shards a process keeps open.
_OPEN = 16


def members_of(path: Path) -> dict[str, tuple[int, int]]:
    """The members of a shard in order: at which byte each begins, and its length.

    Raises FormatError if it cannot be read.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            return {member.name: (member.offset_data, member.size) for member in archive}
    except (OSError, tarfile.TarError) as error:
        raise FormatError(f"the shard {str(path)!r} cannot be read ({error}); export again") from error


def in_shard(made: Mapping[str, Any], shard: str, member: str, offset: int) -> dict[str, Any]:
    """The entry of an output in the index, for the same output in a shard."""
    more = {**json.loads(made.get("more") or "{}"), "offset": offset}
    return {**made, "path": f"{shard}#{member}", "more": json.dumps(more, sort_keys=True)}


def shard_of(made: Mapping[str, Any]) -> str | None:
    """The shard that an output lies in; None if it has a file of its own."""
    shard, mark, _ = str(made["path"]).partition("#")
    return shard if mark else None


def rows_of_shards(folder: Path, facts: Any, ending: Any) -> Iterator[dict[str, Any]]:
    """The rows of the index of shards that were exported without one, read out of every shard.

    Parameters
    ----------
    facts : reads a sample's own row out of its bytes
    ending : the ending of an output's member

    Raises FormatError if a shard is not what ``shards.json`` says.
    """
    listed = read_json_file(folder / SHARDS)
    files = ShardFiles(folder)
    for shards in listed["splits"].values():
        for shard in shards:
            name = str(shard["name"])
            members = members_of(folder / name)
            keys = list(dict.fromkeys(member.partition(".")[0] for member in members))
            if len(keys) != int(shard["samples"]):
                raise FormatError(
                    f"the shard {str(folder / name)!r} has {len(keys)} samples, not {shard['samples']}; export again"
                )
            for key in keys:
                origin = f"{key}.json in {str(folder / name)!r}"
                if f"{key}.json" not in members:
                    raise FormatError(f"{origin} is missing; export again")
                row = facts(files.read(name, *members[f"{key}.json"], origin), origin)
                outputs = []
                for made in row["outputs"]:
                    member = f"{key}.{ending(made)}"
                    if member not in members:
                        raise FormatError(f"{member} in {str(folder / name)!r} is missing; export again")
                    outputs.append(in_shard(made, name, member, members[member][0]))
                yield {**row, "outputs": outputs, "status": "done", "reason": ""}
    files.close()


class ShardFiles:
    """Shards that are open: the least recently used is closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: OrderedDict[str, IO[bytes]] = OrderedDict()
        self._lock = Lock()

    def read(self, shard: str, offset: int, size: int, origin: str) -> bytes:
        """Bytes of a shard.

        Raises FormatError if they are not there.
        """
        try:
            with self._lock:
                if shard not in self._opened:
                    self._opened[shard] = open(self.folder / shard, "rb")  # noqa: SIM115 - closed below
                    if len(self._opened) > _OPEN:
                        self._opened.popitem(last=False)[1].close()
                self._opened.move_to_end(shard)
                data = os.pread(self._opened[shard].fileno(), size, offset)
        except OSError as error:
            raise FormatError(f"{origin} cannot be read ({error.strerror}); export again") from error
        if len(data) != size:
            raise FormatError(f"{origin} is missing or cut short; export again")
        return data

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            while self._opened:
                self._opened.popitem()[1].close()

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc] # another process opens its own
