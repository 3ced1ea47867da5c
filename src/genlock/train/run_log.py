"""The log of a run: one JSON line an update, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from genlock.core.errors import OutputError
from genlock.core.files import write_bytes

__all__ = ["LOG", "RunLog", "read_log"]

LOG = "log.jsonl"


def read_log(folder: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The whole lines of a run's log, as they are and as what they say; the last of a killed run may be half a line."""
    path = folder / LOG
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield line, row


class RunLog:
    """``log.jsonl``, and TensorBoard where it is installed. Lines after the checkpoint are dropped."""

    def __init__(self, folder: Path, step: int) -> None:
        path = folder / LOG
        write_bytes(path, b"".join(line + b"\n" for line, row in read_log(folder) if row["step"] <= step))
        self._path = path
        self._file = path.open("a", encoding="utf-8")
        self._board = _tensorboard(folder, step)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """A line; what is not finite becomes null. Raises OutputError if it cannot be written."""
        clean = {k: v if math.isfinite(v) else None for k, v in figures.items()}
        try:
            self._file.write(json.dumps({"step": step, **clean}) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"cannot write {str(self._path)!r}: {error.strerror}; the last checkpoint stays, run again to go on"
            ) from error
        if self._board is not None:
            for name, value in clean.items():
                if value is not None:
                    self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """End of the run."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _tensorboard(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
