"""``genlock prepare``: a folder of videos to a dataset; ``genlock export``: a dataset for other tools."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.options import ExportOptions, PrepareOptions
from genlock.tasks.result import Result

if TYPE_CHECKING:
    from genlock.data.prepare_report import Prepared

__all__ = ["ExportOptions", "PrepareOptions", "export_dataset", "prepare_dataset", "require_clips"]


def prepare_dataset(
    source: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    options: PrepareOptions | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Make a dataset out of a corpus, or go on with one; see :func:`genlock.data.prepare.prepare`.

    Raises
    ------
    MissingDependency
        If pyarrow is not installed; the message says how to get it.
    """
    # pyarrow is an optional package: only who prepares data waits for it.
    from genlock.data.prepare import prepare

    return prepare(os.fspath(source), os.fspath(dataset), options, progress)


def require_clips(prepared: Prepared) -> None:
    """Raise InputError if a dataset has no clip at all, though it was prepared: something is wrong with all of it."""
    if not prepared.clips:
        reasons = "; ".join(f"{count} x {kind}" for kind, count in prepared.progress.reasons.items())
        raise InputError(
            f"no clip of {str(prepared.dataset)!r} could be made: {reasons or 'no source is done'}"
        )


def export_dataset(
    dataset: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: ExportOptions | None = None,
    progress: Progress = silent,
) -> Result:
    """Write a prepared dataset in the form of another tool; see :func:`genlock.data.export.export_dataset`.

    Raises
    ------
    MissingDependency
        If pyarrow is not installed; the message says how to get it.
    """
    from genlock.data.export import export_dataset

    return export_dataset(os.fspath(dataset), os.fspath(target), options, progress)
