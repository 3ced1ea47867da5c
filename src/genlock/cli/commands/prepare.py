"""``genlock prepare``: from a folder of videos to training data."""

from __future__ import annotations

import tyro

from genlock.cli.arguments import Json, Output
from genlock.cli.running import Bar, show
from genlock.tasks.files import folder_beside
from genlock.tasks.prepare_dataset import PrepareOptions, prepare_dataset, require_clips

__all__ = ["prepare"]

_PREPARE = PrepareOptions()


def prepare(
    source: tyro.conf.Positional[str],
    /,
    options: PrepareOptions = _PREPARE,
    output: Output = None,
    json: Json = False,
) -> None:
    """From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.

    Args:
        source: The folder of the corpus (with --status: of the dataset).
        output: Folder of the dataset (default: SOURCE.dataset beside it).
        json: Print one JSON object instead of text.
    """
    dataset = output or (source if options.status else folder_beside(source, "dataset"))
    with Bar("") as bar:
        result = prepare_dataset(source, dataset, options, bar)
    show(result, json)
    if not options.status:
        require_clips(result)
