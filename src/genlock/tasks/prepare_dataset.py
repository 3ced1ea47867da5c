"""``genlock prepare``: a folder of videos to a dataset."""

from __future__ import annotations

import os

from genlock.core.progress import Progress, silent
from genlock.data.options import PrepareOptions
from genlock.tasks.result import Result

__all__ = ["PrepareOptions", "prepare_dataset"]


def prepare_dataset(
    source: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    options: PrepareOptions | None = None,
    progress: Progress = silent,
) -> Result:
    """Make a dataset out of a corpus, or go on with one; see :func:`genlock.data.prepare.prepare`.

    Raises
    ------
    MissingDependency
        If pyarrow is not installed; the message says how to get it.
    """
    # pyarrow is an optional package: only who prepares data waits for it.
    from genlock.data.prepare import prepare

    return prepare(os.fspath(source), os.fspath(dataset), options, progress)
