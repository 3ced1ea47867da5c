"""Programs that speak beside us: run one, wait for it, and say what went wrong if it did.

Engines whose licence or whose faults must stay out of this process are run so. A child gets a request on its
standard input and answers with a line of JSON and then bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genlock.core.errors import GenlockError, OptionError
from genlock.weights import registry

__all__ = ["EngineFailed", "engine_folder", "run_child"]

_SECONDS = 120.0


class EngineFailed(GenlockError):
    """An engine in a process of its own crashed or hung; its message says with what."""

    exit_status = 1


def run_child(
    engine: str, program: str, arguments: Sequence[str], request: str, *, seconds: float = _SECONDS
) -> tuple[dict[str, Any], bytes]:
    """What a child answers: the JSON of its first line, and the bytes after it.

    Parameters
    ----------
    engine : its name, for messages
    program : the file of the child's Python program; it runs without site packages of the user and without our path
    arguments : of its command line
    request : what it reads from its standard input
    seconds : after so many it is ended

    Raises
    ------
    OptionError
        If the child says that it cannot do what was asked.
    EngineFailed
        If it crashed (a segmentation fault, say) or did not answer in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", program, *arguments],
            input=request.encode("utf-8"),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineFailed(
            f"{engine} did not answer within {seconds:g} s and was ended; it was asked for {request[:200]}"
        ) from error
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode < 0:
        raise EngineFailed(
            f"{engine} crashed (signal {-done.returncode}) when it was asked for {request[:200]}; "
            "ask for something else, or install another version of it"
        )
    if done.returncode == 1 and said and not said[0].startswith("Traceback"):
        raise OptionError(f"{engine}: {said[-1]}")
    head, _, body = done.stdout.partition(b"\n")
    try:
        answer = json.loads(head)
    except ValueError:
        answer = None
    if done.returncode or not isinstance(answer, dict):
        last = said[-1] if said else "nothing"
        raise EngineFailed(f"{engine} ended with status {done.returncode} and said: {last}")
    return answer, body


def engine_folder(name: str) -> Path:
    """Where an engine that was fetched for us lies, whether it is there or not.

    >>> engine_folder("vtl").name
    'vtl'
    """
    return registry.default_registry().cache.parent / "engines" / name
