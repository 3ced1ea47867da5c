"""What decides about a dataset, part by part: how sources are cut, and what each output is made with.

An output is made again if what decides about *it* has changed; asking for one more output leaves the others alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import InputError
from genlock.core.files import sha256_of

__all__ = ["DatasetPlan", "content_of_weights", "plan_of_schema_1"]


@dataclass(frozen=True)
class DatasetPlan:
    """How the sources of a dataset are cut, and its outputs."""

    cutting: str
    """JSON of what decides about the clips."""
    outputs: Mapping[str, str]
    """For each output, as ``--outputs`` says it, a hash of everything that decides about it."""

    @classmethod
    def of(
        cls,
        *,
        clip_seconds: str | None,
        keep_tails: bool,
        outputs: Iterable[str],
        versions: Mapping[str, Any],
        weights: Mapping[str, str],
    ) -> DatasetPlan:
        """Out of options.

        Parameters
        ----------
        clip_seconds : exact length of a clip, as text; None: each source is one clip
        outputs : their texts
        versions : what of ours decides about all outputs
        weights : of the outputs that a model makes, what its weights are: :func:`content_of_weights`
        """
        cutting = json.dumps({"clip_seconds": clip_seconds, "keep_tails": keep_tails}, sort_keys=True)
        return cls(cutting, {text: _digest(text, versions, weights.get(text)) for text in outputs})

    def missing(self, cutting: str, made: Mapping[str, str]) -> list[str]:
        """The outputs that something made under another plan lacks: all of them if it was cut otherwise."""
        if cutting != self.cutting:
            return list(self.outputs)
        return [text for text, digest in self.outputs.items() if made.get(text) != digest]


def _digest(text: str, versions: Mapping[str, Any], weights: str | None) -> str:
    body = json.dumps([text, dict(versions), weights], sort_keys=True)
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def plan_of_schema_1(text: str) -> DatasetPlan:
    """The plan that a ledger of schema 1 kept as one text. Outputs of a model are made again: of its weights only the
    path was kept."""
    body = json.loads(text)
    versions = {key: body[key] for key in ("data_version", "genlock")}
    # No SHA-256 is this.
    weights = dict.fromkeys(body["outputs"], "unknown")
    if not any(body.get(key) for key in ("weights", "flow_weights", "model")):
        weights = {}
    return DatasetPlan.of(
        clip_seconds=body["clip_seconds"],
        keep_tails=body["keep_tails"],
        outputs=body["outputs"],
        versions=versions,
        weights=weights,
    )


def content_of_weights(name: str) -> str:
    """What a file or folder of weights holds, as a SHA-256; a name that is neither (of a model in a cache) as it is.

    Raises InputError if it cannot be read.
    """
    path = Path(name)
    try:
        if path.is_file():
            return sha256_of(path)
        if path.is_dir():
            total = hashlib.sha256()
            for file in sorted(file for file in path.rglob("*") if file.is_file()):
                total.update(f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n".encode())
            return total.hexdigest()
    except OSError as error:
        raise InputError(f"the weights {name!r} cannot be read: {error.strerror or error}") from error
    return name
