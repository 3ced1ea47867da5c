"""Fetch files from the Hugging Face hub: ``python -m genlock.weights.hub REPOSITORY REVISION FOLDER FILE...``

A program of its own, so that the caller can end one that hangs. Says what is wrong on standard error, exit 1.
``--snapshot REPOSITORY`` fetches what runs a model into the hub's own cache instead, and prints its folder; of weights
that lie there in several forms only one is fetched.
"""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from genlock.core.optional import optional_module

_HUB = optional_module("huggingface_hub")

_CONNECT_SECONDS = 5.0


def main(repository: str, revision: str, folder: str, *names: str) -> int:
    """Fetch ``names`` into ``folder``; the exit status."""
    try:
        _knock(_HUB.hf_hub_url(repository, names[0], revision=revision))
        for name in names:
            _HUB.hf_hub_download(
                repository, name, revision=revision, local_dir=folder, etag_timeout=_CONNECT_SECONDS
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it and tries the next source
        print(f"ERROR: {error.__cause__ or error}".splitlines()[0], file=sys.stderr)
        return 1
    # The library's own record of what it fetched.
    shutil.rmtree(Path(folder) / ".cache", ignore_errors=True)
    return 0


def snapshot(repository: str) -> int:
    """Fetch a repository into the hub's cache and print its folder, or what is wrong; the exit status."""
    try:
        _knock(_HUB.hf_hub_url(repository, "config.json"))
        names = _HUB.HfApi().list_repo_files(repository)
        folder = _HUB.snapshot_download(
            repository, allow_patterns=wanted_files(names), etag_timeout=_CONNECT_SECONDS
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it
        print(f"ERROR: {error.__cause__ or error}".splitlines()[0])
        return 1
    print(folder)
    return 0


def wanted_files(names: Sequence[str]) -> list[str]:
    """The files of a repository that run its model: settings and vocabularies, and the weights in one form.

    >>> wanted_files(["config.json", "model.safetensors", "pytorch_model.bin", "optimizer.pt", "sub/a.json"])
    ['config.json', 'model.safetensors']
    >>> wanted_files(["config.json", "model.bin", "vocabulary.txt", "README.md"])
    ['config.json', 'model.bin', 'vocabulary.txt']
    """
    top = [name for name in names if "/" not in name]
    settings = [name for name in top if name.endswith((".json", ".txt", ".model"))]
    for form in ("model.bin", "model.safetensors", "pytorch_model.bin"):
        stem, _, ending = form.rpartition(".")
        weights = [
            name for name in top if name == form or (name.startswith(stem + "-") and name.endswith(ending))
        ]
        if weights:
            return sorted({*settings, *weights})
    return sorted(settings)


def _knock(address: str) -> None:
    """Fail at once where the hub cannot be reached: the library itself would try again for half a minute."""
    parts = urlsplit(address)
    if parts.hostname is None or getproxies():
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise ConnectionError(f"the hub cannot be reached ({error})") from error


if __name__ == "__main__":
    sys.exit(snapshot(sys.argv[2]) if sys.argv[1] == "--snapshot" else main(*sys.argv[1:]))
