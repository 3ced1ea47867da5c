"""Running a command on one file or many: a progress bar, results as text or JSON, failures at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from genlock.core.errors import GenlockError, InputError, OptionError
from genlock.core.json_forms import dump_json
from genlock.tasks.files import expand_files, result_folders
from genlock.tasks.result import Result

__all__ = ["Bar", "each", "say", "show"]


def each(
    files: Sequence[str],
    output: str | None,
    as_json: bool,
    work: Callable[[str, str | None, Bar], Result],
    *,
    expand: bool = True,
    numbered: bool = True,
    one_file: Sequence[str] = (),
) -> None:
    """One file: its result. Several, or a folder: all results, failures listed at the end with status 2.

    ``one_file``: endings by which ``output`` means one file, which cannot hold the results of several.
    """
    if not files:
        raise InputError("which file? Name at least one video, sound or folder; --help shows how")
    found, many = expand_files(files) if expand else (list(files), False)
    if many and output is not None and Path(output).suffix.lower() in (e.lower() for e in one_file):
        raise OptionError(f"-o {output!r} is one file, and {len(found)} files are to be done; name a folder")
    folders = result_folders(found, output) if many else [output]
    results: list[dict[str, Any]] = []
    failures: list[str] = []
    for number, (file, folder) in enumerate(zip(found, folders, strict=True), 1):
        prefix = f"[{number}/{len(found)}] " if many else ""
        try:
            with Bar(prefix) as bar:
                result = work(file, folder, bar)
        except GenlockError as error:
            if not many:
                raise
            failures.append(f"{file}: {error}")
            results.append({"file": file, "error": str(error)})
            say(f"{prefix}{error}")
            continue
        results.append({"file": file, **result.to_dict()} if many else result.to_dict())
        if not as_json:
            print(f"{prefix if numbered else ''}{result}")
    if as_json:
        print(
            dump_json(
                {"genlock_schema": 1, "results": results} if many else {"genlock_schema": 1, **results[0]}
            )
        )
    if failures:
        raise InputError(
            f"{len(failures)} of {len(found)} files could not be done:\n  " + "\n  ".join(failures)
        )


class Bar:
    """A progress bar with an ETA on standard error; silent where that is no terminal."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._stages: dict[str, TaskID] = {}

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        if stage not in self._stages:
            self._stages[stage] = self._progress.add_task(self._prefix + stage, total=total)
        self._progress.update(self._stages[stage], completed=done, total=total)


def say(text: str) -> None:
    """Tell a person, on standard error."""
    print(text, file=sys.stderr)


def show(result: Result, as_json: bool) -> None:
    """Print one result."""
    print(dump_json({"genlock_schema": 1, **result.to_dict()}) if as_json else result)
