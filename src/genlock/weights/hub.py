"""Fetch files from the Hugging Face hub: ``python -m genlock.weights.hub REPOSITORY REVISION FOLDER FILE...``

A program of its own, so that the caller can end one that hangs. Says what is wrong on standard error, exit 1.
"""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import hf_hub_download, hf_hub_url

_CONNECT_SECONDS = 5.0


def main(repository: str, revision: str, folder: str, *names: str) -> int:
    """Fetch ``names`` into ``folder``; the exit status."""
    try:
        _knock(hf_hub_url(repository, names[0], revision=revision))
        for name in names:
            hf_hub_download(
                repository, name, revision=revision, local_dir=folder, etag_timeout=_CONNECT_SECONDS
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it and tries the next source
        print(f"ERROR: {error.__cause__ or error}".splitlines()[0], file=sys.stderr)
        return 1
    # The library's own record of what it fetched.
    shutil.rmtree(Path(folder) / ".cache", ignore_errors=True)
    return 0


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
    sys.exit(main(*sys.argv[1:]))
