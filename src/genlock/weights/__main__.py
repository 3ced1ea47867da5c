"""Fetch the default models with a progress bar: ``python -m genlock.weights``, part of ``make``'s set-up."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from genlock.core.errors import GenlockError
from genlock.weights.registry import default_registry
from genlock.weights.sources import FetchProgress


def main() -> int:
    """Fetch what is missing of the defaults; the exit status is 1 if one could not be had."""
    registry = default_registry()
    wanted = [status.model for status in registry.list_models() if status.model.default and not status.path]
    console = Console(stderr=True)
    failed = False
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        for model in wanted:
            task = bars.add_task(model.name, total=model.size_bytes)

            def show(state: FetchProgress, task: TaskID = task) -> None:
                bars.update(task, completed=state.done_bytes, total=state.total_bytes)

            try:
                result = registry.fetch(model.name, progress=show)
            except GenlockError as error:
                failed = True
                bars.stop_task(task)
                console.print(str(error), markup=False, highlight=False)
            else:
                bars.update(task, completed=1, total=1, visible=False)
                console.print(f"{model.name}: from {result.source}", markup=False, highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
