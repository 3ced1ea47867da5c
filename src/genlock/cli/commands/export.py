"""``genlock export``: a prepared dataset for other tools."""

from __future__ import annotations

import tyro

from genlock.cli.arguments import Json, Output
from genlock.cli.running import Bar, show
from genlock.tasks.files import folder_beside
from genlock.tasks.prepare_dataset import ExportOptions, export_dataset

__all__ = ["export"]

_EXPORT = ExportOptions()


def export(
    dataset: tyro.conf.Positional[str],
    /,
    options: ExportOptions = _EXPORT,
    output: Output = None,
    json: Json = False,
) -> None:
    """A prepared dataset for other tools: genlock export DATASET --to webdataset -o FOLDER.

    Args:
        dataset: Folder that genlock prepare made.
        output: Folder of the export (default: DATASET.FORM beside it).
        json: Print one JSON object instead of text.
    """
    with Bar("") as bar:
        result = export_dataset(dataset, output or folder_beside(dataset, options.to), options, bar)
    show(result, json)
