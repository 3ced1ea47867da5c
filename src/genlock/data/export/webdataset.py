"""WebDataset: tar shards of samples in an order drawn once, readable by the ``webdataset`` package and by ours.

A sample's members are ``KEY.json`` (its row of the index, with the exact grid and SHA-256 of each output) and
``KEY.KIND.ENDING`` for each output, as the dataset has it. Members carry no date and no owner.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError
from genlock.core.files import atomic_path, sha256_of
from genlock.core.json_forms import write_json
from genlock.data.export.base import Job, Row, in_groups
from genlock.data.index import write_index
from genlock.data.shards import SHARDS, in_shard, members_of

__all__ = ["export_webdataset", "facts_of_sample", "member_of"]

_BLOCK = 512  # of a tar file


def export_webdataset(job: Job) -> None:
    """Write ``SPLIT-000000.tar`` and so on; ``shards.json``: samples, bytes and SHA-256 of each; and ``index.parquet``,
    the rows of the dataset with the place of each output in its shard, so that a reader looks nowhere else."""
    job.note_what_is_lacking()
    listed: dict[str, list[dict[str, Any]]] = {}
    placed: list[dict[str, Any]] = []
    for split, rows in job.splits():
        listed[split] = []
        drawn = sorted(rows, key=lambda row: _draw(job.options.seed, str(row["clip"])))
        for number, shard in enumerate(in_groups(drawn, job.options.shard_megabytes * 10**6, 2 * _BLOCK)):
            name = f"{split}-{number:06d}.tar"
            path = job.put(name, lambda path, shard=shard: _write(job, shard, path))  # type: ignore[misc]
            listed[split].append(
                {"name": name, "samples": len(shard), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
            )
            members = members_of(path)
            for row in shard:
                placed.append(_placed(row, name, members))
                job.tick()
    placed.sort(key=lambda row: str(row["clip"]))
    job.put("index.parquet", lambda path: write_index(placed, path, {}))
    job.put(SHARDS, lambda path: write_json(path, {"kind": "shards", "kinds": job.kinds, "splits": listed}))


def _draw(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _write(job: Job, rows: Sequence[Row], path: Path) -> None:
    with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as archive:
        for row in rows:
            key = _plain(str(row["clip"]))
            _add(archive, f"{key}.json", _facts(row))
            for made in row["outputs"]:
                _add(archive, f"{key}.{member_of(made)}", job.bytes_of(made))


def _placed(row: Row, shard: str, members: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """A row whose outputs lie in a shard."""
    outputs = []
    for made in row["outputs"]:
        member = f"{_plain(str(row['clip']))}.{member_of(made)}"
        outputs.append(in_shard(made, shard, member, members[member][0]))
    return {**row, "outputs": outputs}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # no date, no owner: the same bytes everywhere
    member.size, member.mode = len(data), 0o644
    archive.addfile(member, io.BytesIO(data))


def _plain(name: str) -> str:
    """A point ends the key of a sample."""
    return name.replace(".", "_")


def member_of(made: Mapping[str, Any]) -> str:
    """The ending of an output's member: ``frames_21_5fps.zip``."""
    return _plain(made["kind"]) + Path(made["path"]).suffix


def _facts(row: Row) -> bytes:
    facts = {key: value for key, value in row.items() if key not in ("status", "reason")}
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    return json.dumps({**facts, "check": hashlib.sha256(text.encode()).hexdigest()}, sort_keys=True).encode()


def facts_of_sample(data: bytes, origin: str) -> dict[str, Any]:
    """What ``KEY.json`` tells, checked.

    Raises FormatError if it is damaged or not ours.
    """
    try:
        facts = json.loads(data)
        check = facts.pop("check")
        text = json.dumps(facts, sort_keys=True, allow_nan=False)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{origin} is no sample of genlock export ({error}); export again") from error
    if hashlib.sha256(text.encode()).hexdigest() != check:
        raise FormatError(f"{origin} is damaged: its facts are not those that were written; export again")
    return dict(facts)
