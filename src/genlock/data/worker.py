"""One source file at a time, in a process of its own: a file that hangs or crashes its reader takes nothing else along.

``python -m genlock.data.worker`` reads one JSON object a line from standard input and answers with one a line. Its
own messages go to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from genlock.core.errors import GenlockError, InputError, OutputError
from genlock.core.json_forms import dump_json
from genlock.data.ledger import Item
from genlock.data.one_source import Plan, make_clips
from genlock.data.quarantine_reasons import reason_about

__all__ = ["answer", "request_of", "serve"]


def request_of(item: Item, outputs: Sequence[str], source: Path, dataset: Path, plan: Plan) -> dict[str, Any]:
    """What a worker is told: an item, which outputs of the plan to make of it, and where things lie."""
    wanted = replace(plan, outputs=",".join(outputs))
    # What the corpus says of it stays here, for it may be long; the worker needs only where it is to be cut.
    bare = asdict(replace(item, facts={key: item.facts[key] for key in ("cuts",) if item.facts.get(key)}))
    return {"item": bare, "source": str(source), "dataset": str(dataset), "plan": asdict(wanted)}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Do one item.

    ``status`` is ``done``, ``quarantined`` (with ``reason``: this file cannot be used) or ``stop`` (with ``reason``: no
    file can, because the dataset cannot be written or something is missing here).
    """
    item, plan = Item(**request["item"]), Plan(**request["plan"])
    names = (str(Path(request["source"]) / item.path), item.path)
    began = time.monotonic()
    body: dict[str, Any]
    try:
        made = make_clips(item, Path(request["source"]), Path(request["dataset"]), plan)
    except OutputError as error:
        body = {"status": "stop", "reason": str(error)}
    except InputError as error:
        body = {"status": "quarantined", "reason": _one_line(error, names)}
    except GenlockError as error:
        body = {"status": "stop", "reason": str(error)}
    except MemoryError:
        body = {"status": "quarantined", "reason": "too large: the memory was not enough"}
    except Exception as error:  # noqa: BLE001 - whatever a hostile file provokes is about this file
        body = {"status": "quarantined", "reason": f"{type(error).__name__}: {_one_line(error, names)}"}
    else:
        body = {
            "status": "done",
            "content": made.content,
            "clips": made.clips,
            "media_seconds": made.media_seconds,
            "outputs": [asdict(output) for output in made.outputs],
            "notes": list(made.notes),
        }
    return {"name": item.name, "work_seconds": time.monotonic() - began, **body}


def _one_line(error: BaseException, names: Sequence[str]) -> str:
    return reason_about(str(error), names) or type(error).__name__


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        answers.write(dump_json(answer(json.loads(line))) + "\n")
        answers.flush()


def _leave_with_parent() -> None:
    """End when whoever started us is gone, also if that was killed: its ledger would not hear of our work."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    # Libraries that print must not get in between the answers.
    own = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    _leave_with_parent()
    serve(sys.stdin, own)
