"""Running a command on one file or many: a progress bar, results as text or JSON, failures at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from genlock.cli.time_left import TimeLeft
from genlock.core.errors import GenlockError, InputError, OptionError
from genlock.core.json_forms import dump_json
from genlock.core.optional import optional_module, with_this_pip
from genlock.core.progress import told_progress
from genlock.tasks.files import expand_files, result_folders
from genlock.tasks.result import Result
from genlock.tasks.written import note_written, require_free

__all__ = ["Bar", "each", "hint", "quietly", "say", "show", "unless_there"]


# Whoever shows no bar does not wait for what draws it.
_RICH, _CONSOLE = optional_module("rich.progress"), optional_module("rich.console")
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)


def each(
    files: Sequence[str],
    output: str | None,
    as_json: bool,
    work: Callable[[str, str | None, Bar], Result],
    *,
    expand: bool = True,
    numbered: bool = True,
    one_file: Sequence[str] = (),
    beforehand: str | None = None,
    head: str | None = None,
    failed: Callable[[str, str], None] | None = None,
) -> None:
    """One file: its result. Several, or a folder: all results, failures listed at the end with status 2.

    ``failed`` is told of each file that could not be done. Of several files, ``beforehand`` is a hint to give, and
    ``head`` stands over the results. ``one_file``: endings by which ``output`` means one file,
    which cannot hold the results of several.
    """
    if not files:
        raise InputError("which file? Name at least one video, sound or folder; --help shows how")
    found, many = expand_files(files) if expand else (list(files), False)
    if many and output is not None and Path(output).suffix.lower() in (e.lower() for e in one_file):
        raise OptionError(f"-o {output!r} is one file, and {len(found)} files are to be done; name a folder")
    folders = result_folders(found, output) if many else [output]
    if many:
        hint(f"{len(found)} file{'' if len(found) == 1 else 's'} to do")
        if beforehand is not None:
            hint(beforehand)
        if head is not None and not as_json:
            print(head)
    results: list[dict[str, Any]] = []
    failures: list[str] = []
    left, pace = TimeLeft(found), Pace()
    for number, (file, folder) in enumerate(zip(found, folders, strict=True), 1):
        prefix = f"[{number}/{len(found)}] " if many else ""
        began = time.monotonic()
        try:
            with Bar(f"[{number}/{len(found)}{left.text()}] " if many else "", pace) as bar:
                result = work(file, folder, bar)
        except GenlockError as error:
            if not many:
                raise
            failures.append(f"{file}: {error}")
            if failed is not None:
                failed(file, str(error))
            results.append({"file": file, "error": str(error)})
            say(f"{prefix}{error}")
            left.passed_over()
            continue
        told = result.to_dict()
        if told.get("passed_over"):
            left.passed_over()
        else:
            left.done(time.monotonic() - began)
        results.append({"file": file, **told} if many else told)
        if not as_json:
            # Whoever watches a file that grows, or reads only its beginning, does not wait for the last of them.
            print(f"{prefix if numbered else ''}{result}", flush=True)
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


def unless_there(
    target: str | None, one_file: Sequence[str], force: bool, work: Callable[[], Result]
) -> Result:
    """Do the work, unless it would replace a file that somebody else made.

    Raises OutputError if it would; ``force`` says that it may.
    """
    written = [target] if target is not None and Path(target).suffix.lower() in one_file else []
    require_free(written, force)
    result = work()
    note_written(written)
    return result


class Bar:
    """A progress bar with an ETA on standard error; where that is no terminal, a line every ten seconds; with
    ``--quiet`` nothing."""

    def __init__(self, prefix: str, pace: Pace | None = None) -> None:
        self._prefix, self._quiet = prefix, _QUIET.get()
        self._lines = None if sys.stderr.isatty() else _Lines(prefix, pace or Pace())
        self._progress: Any = None
        self._stages: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        if self._quiet:
            return
        if self._lines is not None:
            self._lines(stage, done, total)
            return
        if self._progress is None:
            self._progress = _bars()
            self._progress.start()
        if stage not in self._stages:
            self._stages[stage] = self._progress.add_task(self._prefix + stage, total=total)
        self._progress.update(self._stages[stage], completed=done, total=total)


def _bars() -> Any:
    """Bars on a terminal, one below the other."""
    return _RICH.Progress(
        _RICH.SpinnerColumn(),
        _RICH.TextColumn("{task.description}"),
        _RICH.BarColumn(),
        _RICH.TextColumn("{task.percentage:>3.0f} %"),
        _RICH.TimeElapsedColumn(),
        _RICH.TextColumn("ETA"),
        _RICH.TimeRemainingColumn(),
        console=_CONSOLE.Console(stderr=True),
        transient=True,
    )


class Pace:
    """When a log was told something: one for all files of a command, of which each may be done before a line is due."""

    def __init__(self) -> None:
        self.said = time.monotonic()


class _Lines:
    """Progress for a log: at most a line every ten seconds, none for what is done sooner."""

    EVERY_SECONDS = 10.0

    def __init__(self, prefix: str, pace: Pace) -> None:
        self._prefix, self._pace = prefix, pace
        self._heard = time.monotonic()
        self._begun: dict[str, float] = {}

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        now = time.monotonic()
        # What tells late that it has begun has worked since something was told before it.
        begun = self._begun.setdefault(stage, self._heard)
        self._heard = now
        # That a stage is over says what follows it.
        if now - self._pace.said < self.EVERY_SECONDS or (total is not None and done >= total):
            return
        self._pace.said = now
        say(f"{self._prefix}{stage}: {told_progress(done, total, now - begun)}")


def say(text: str) -> None:
    """Tell a person, on standard error; what they shall install goes into this Python."""
    print(with_this_pip(text), file=sys.stderr)


def hint(text: str) -> None:
    """Tell a person what they need not know, on standard error, unless they asked for quiet."""
    if not _QUIET.get():
        say(text)


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """No progress and no hints meanwhile, if that is asked for."""
    before = _QUIET.set(quiet)
    try:
        yield
    finally:
        _QUIET.reset(before)


def show(result: Result, as_json: bool) -> None:
    """Print one result."""
    print(dump_json({"genlock_schema": 1, **result.to_dict()}) if as_json else result)
